//! `boxoffice datalog`: evaluates a rule program over facts in files.

mod facts;
mod rows;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use boxoffice::datalog::{Diagnostic, Engine, EvalError, Fact, Functions, Limits, Program, Source, compile};

use self::rows::Rows;
use crate::args::DatalogArgs;
use crate::error::HostError;
use crate::output::{Output, complain_all};

pub(crate) fn run(args: &DatalogArgs) -> Result<bool, HostError> {
    let path = &args.program;
    let program = read(path)?;
    let changes = facts::read(&program, &args.facts)?;
    let rules = |error: EvalError| HostError::Rules { path: path.clone(), error };
    let standard = Limits::default();
    let limits = Limits {
        steps: args.limit_steps.unwrap_or(standard.steps),
        rows: args.limit_rows.unwrap_or(standard.rows),
        ..standard
    };
    let mut engine = Engine::new(program, limits).map_err(rules)?;
    engine.apply(&changes).map_err(rules)?;
    let mut rows = Rows::new(Output::new(), args.json);
    let shown = if let Some(text) = &args.query {
        let query = engine.program().query(text, &Functions::new()).map_err(|found| rejected("the query", &found))?;
        let answers = engine.ask(&query).map_err(rules)?;
        rows.table("query", query.columns(), &answers)
    } else if let Some(text) = &args.why {
        let fact = fact(engine.program(), text)?;
        let proof = engine.why(&fact).map_err(rules)?;
        rows.explanation("why", text, proof.is_some(), proof.as_ref())
    } else if let Some(text) = &args.why_not {
        let fact = fact(engine.program(), text)?;
        let holds = engine.why(&fact).map_err(rules)?.is_some();
        let reasons = if holds { None } else { Some(engine.why_not(&fact).map_err(rules)?) };
        rows.explanation("why_not", text, holds, reasons.as_ref())
    } else {
        engine.evaluate().map_err(rules)?;
        relations(&engine, &mut rows).map_err(rules)?
    };
    shown.and_then(|()| rows.flush()).map_err(|error| HostError::System { doing: "write the output", error })?;
    Ok(true)
}

/// The program, with its warnings on standard error.
fn read(path: &Path) -> Result<Program, HostError> {
    let text = fs::read_to_string(path).map_err(|error| HostError::Read { path: path.to_owned(), error })?;
    let name: Arc<str> = path.display().to_string().into();
    let source = Source { name: Arc::clone(&name), text: text.into() };
    let (program, warnings) = compile(&[source], &Functions::new()).map_err(|found| rejected(&name, &found))?;
    complain_all(&warnings);
    Ok(program)
}

fn fact(program: &Program, text: &str) -> Result<Fact, HostError> {
    program.fact(text).map_err(|found| rejected("the fact", &found))
}

/// Says each mistake on standard error.
fn rejected(what: &str, found: &[Diagnostic]) -> HostError {
    complain_all(found);
    let errors = if found.len() == 1 { "1 error".to_owned() } else { format!("{} errors", found.len()) };
    HostError::Usage(format!("{what} is rejected: {errors}"))
}

/// What is marked `.output` and `.printsize`, by name; where nothing is marked, all that is derived. The outer error is of
/// the engine, the inner one of the terminal.
fn relations(engine: &Engine, rows: &mut Rows<Output>) -> Result<std::io::Result<()>, EvalError> {
    let program = engine.program();
    let all = program.predicates();
    let marked = all.iter().any(|relation| relation.output || relation.printsize);
    let mut shown: Vec<_> = all
        .iter()
        .filter(|relation| if marked { relation.output || relation.printsize } else { relation.derived })
        .filter(|relation| !relation.is_parametric())
        .collect();
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    for relation in shown {
        let Some(pred) = program.find(&relation.name) else { continue };
        let found = engine.rows(pred)?;
        let mut written = Ok(());
        if relation.output || !marked {
            written = rows.table(&relation.name, &relation.columns, &found);
        }
        if relation.printsize {
            written = written.and_then(|()| rows.size(&relation.name, found.len()));
        }
        if written.is_err() {
            return Ok(written);
        }
    }
    Ok(Ok(()))
}
