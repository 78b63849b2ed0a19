//! Tests of the engine through its public door.

mod eval;
mod explain;
mod explain_large;
mod limits;
mod syntax;
mod syntax_doubts;
mod syntax_names;
mod syntax_print;
mod syntax_refused;
mod textbook;
mod upkeep;

use super::{Engine, Functions, Limits, Program, Source, compile};

fn compiled(text: &str) -> Program {
    let sources = [Source { name: "test".into(), text: text.into() }];
    match compile(&sources, &Functions::new()) {
        Ok((program, _)) => program,
        Err(errors) => panic!("{text}: {}", errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

fn engine(text: &str) -> Engine {
    Engine::new(compiled(text), Limits::default()).unwrap()
}

/// The rows of a relation as a program writes them.
fn shown(engine: &mut Engine, relation: &str) -> Vec<String> {
    let pred = engine.program().find(relation).unwrap();
    let rows = engine.rows(pred).unwrap();
    rows.iter().map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")).collect()
}
