//! `boxoffice datalog`: evaluates a rule program over facts in files.

mod facts;
mod rows;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use boxoffice::datalog::{
    Diagnostic, Engine, EvalError, Fact, Functions, Limits, Predicate, Program, Source, WhyNot, compile,
};

use self::rows::Rows;
use crate::args::DatalogArgs;
use crate::error::HostError;
use crate::output::{Output, complain_all};

pub(crate) fn run(args: &DatalogArgs) -> Result<bool, HostError> {
    let path = &args.program;
    let program = read(path)?;
    let facts = facts::read(&program, &args.facts)?;
    let rules = |error: EvalError| HostError::Rules { path: path.clone(), error };
    let standard = Limits::default();
    let limits = Limits {
        steps: args.limit_steps.unwrap_or(standard.steps),
        rows: args.limit_rows.unwrap_or(standard.rows),
        ..standard
    };
    let mut engine = Engine::new(program, limits).map_err(rules)?;
    engine.load(facts).map_err(rules)?;
    let mut rows = Rows::new(Output::new(), args.json);
    let shown = if let Some(text) = &args.query {
        let query = engine.program().query(text, &Functions::new()).map_err(|found| rejected("the query", &found))?;
        let answers = engine.ask(&query).map_err(rules)?;
        rows.table("query", query.columns(), &answers)
    } else if let Some(text) = &args.why {
        let proof = engine.why(&fact(engine.program(), text)?).map_err(rules)?;
        rows.explanation("why", text, proof.is_some(), proof.as_ref())
    } else if let Some(text) = &args.why_not {
        let reasons = engine.why_not(&fact(engine.program(), text)?).map_err(rules)?;
        let holds = matches!(reasons, WhyNot::Holds(_));
        rows.explanation("why_not", text, holds, (!holds).then_some(&reasons))
    } else {
        engine.evaluate().map_err(rules)?;
        relations(&mut engine, &mut rows).map_err(rules)?
    };
    shown.and_then(|()| rows.flush()).map_err(|error| HostError::System { doing: "write the output", error })?;
    Ok(true)
}

/// The program, with its warnings on standard error.
fn read(path: &Path) -> Result<Program, HostError> {
    let bytes = fs::read(path).map_err(|error| HostError::Read { path: path.to_owned(), error })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(valid).filter(|byte| **byte == b'\n').count();
        HostError::Usage(format!("{}:{line}: no UTF-8 from byte {}", path.display(), valid + 1))
    })?;
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
fn relations(engine: &mut Engine, rows: &mut Rows<Output>) -> Result<std::io::Result<()>, EvalError> {
    let all = engine.program().predicates();
    let marked = all.iter().any(|relation| relation.output || relation.printsize);
    let mut shown: Vec<Predicate> = all
        .iter()
        .filter(|relation| if marked { relation.output || relation.printsize } else { relation.derived })
        .filter(|relation| !relation.is_parametric())
        .cloned()
        .collect();
    shown.sort_by(|one, other| one.name.cmp(&other.name));
    for Predicate { name, columns, output, printsize, .. } in shown {
        let Some(pred) = engine.program().find(&name) else { continue };
        let found = engine.rows(pred)?;
        let mut written = Ok(());
        if output || !marked {
            written = rows.table(&name, &columns, &found);
        }
        if printsize {
            written = written.and_then(|()| rows.size(&name, found.len()));
        }
        if written.is_err() {
            return Ok(written);
        }
    }
    Ok(Ok(()))
}
