//! `boxoffice datalog`: evaluates a rule program over facts in files.

mod facts;
mod rows;

use core::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::{fs, io};

use boxoffice::datalog::{
    Diagnostic, Engine, EvalError, Fact, Functions, Limits, PredId, Predicate, Program, Source, WhyNot, compile,
};

use self::rows::Rows;
use crate::args::DatalogArgs;
use crate::error::HostError;
use crate::output::{Output, complain_all};

pub(crate) fn run(args: &DatalogArgs) -> Result<ExitCode, HostError> {
    let limits = limits(args);
    let program = read(&args.program)?;
    let facts = facts::read(&program, &args.facts)?;
    let stopped = |error: EvalError| HostError::Rules { path: args.program.clone(), error: of_the_run(error, limits) };
    let mut engine = Engine::new(program, limits).map_err(stopped)?;
    engine.set_limits(left(limits, engine.spent()));
    engine.load(facts).map_err(stopped)?;
    engine.set_limits(left(limits, engine.spent()));
    let mut rows = Rows::new(Output::new(), args.json);
    let mut as_asked = true;
    let shown = if let Some(text) = &args.query {
        let query = engine.program().query(text, &Functions::new()).map_err(|found| rejected("--query", found))?;
        let answers = engine.ask(&query).map_err(stopped)?;
        rows.answers(query.columns(), &answers)
    } else if let Some(text) = &args.why {
        let proof = engine.why(&fact(engine.program(), "--why", text)?).map_err(stopped)?;
        as_asked = proof.is_some();
        rows.explanation("why", text, as_asked, proof.as_ref())
    } else if let Some(text) = &args.why_not {
        let reasons = engine.why_not(&fact(engine.program(), "--why-not", text)?).map_err(stopped)?;
        let holds = matches!(reasons, WhyNot::Holds(_));
        as_asked = !holds;
        rows.explanation("why_not", text, holds, (!holds).then_some(&reasons))
    } else {
        engine.evaluate().map_err(stopped)?;
        relations(&mut engine, limits, &mut rows).map_err(stopped)?
    };
    shown.and_then(|()| rows.flush()).map_err(|error| HostError::System { doing: "write the output", error })?;
    Ok(if as_asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn limits(args: &DatalogArgs) -> Limits {
    let standard = Limits::default();
    Limits {
        steps: args.limit_steps.unwrap_or(standard.steps),
        rows: args.limit_rows.unwrap_or(standard.rows),
        rounds: args.limit_rounds.unwrap_or(standard.rounds),
        bytes: args.limit_bytes.unwrap_or(standard.bytes),
    }
}

/// What is left of the limits of the run.
fn left(limits: Limits, spent: Limits) -> Limits {
    Limits {
        steps: limits.steps.saturating_sub(spent.steps),
        rows: limits.rows.saturating_sub(spent.rows),
        rounds: limits.rounds.saturating_sub(spent.rounds),
        bytes: limits.bytes.saturating_sub(spent.bytes),
    }
}

/// The error with the limit of the run, not with what was left of it.
fn of_the_run(error: EvalError, limits: Limits) -> EvalError {
    let EvalError::Limit { what, limit, predicate } = error else { return error };
    let limit = match what {
        "steps" => limits.steps,
        "rows" => limits.rows,
        "rounds" => limits.rounds,
        "bytes" => limits.bytes,
        _ => limit,
    };
    EvalError::Limit { what, limit, predicate }
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
    let (program, warnings) = compile(&[source], &Functions::new()).map_err(|found| rejected(&name, found))?;
    complain_all(&warnings);
    Ok(program)
}

fn fact(program: &Program, flag: &str, text: &str) -> Result<Fact, HostError> {
    program.fact(text).map_err(|found| rejected(flag, found))
}

/// Says each mistake on standard error. `what` is the file or the flag that the text is from.
fn rejected(what: &str, mut found: Vec<Diagnostic>) -> HostError {
    for diagnostic in &mut found {
        diagnostic.source = what.into();
    }
    complain_all(&found);
    let errors = if found.len() == 1 { "1 error".to_owned() } else { format!("{} errors", found.len()) };
    HostError::Usage(format!("{what} is rejected: {errors}"))
}

/// What is marked `.output` and `.printsize`, by name; where nothing is marked, all that is derived. The outer error is of
/// the engine, the inner one of the terminal.
fn relations(engine: &mut Engine, limits: Limits, rows: &mut Rows<Output>) -> Result<io::Result<()>, EvalError> {
    let all = engine.program().predicates();
    let marked = all.iter().any(|relation| relation.output || relation.printsize);
    let is_shown = |relation: &Predicate| {
        let wanted = if marked { relation.output || relation.printsize } else { relation.derived };
        wanted && !relation.is_parametric()
    };
    let named = engine.program().named().filter(|(_, relation)| is_shown(relation));
    let mut shown: Vec<(PredId, Predicate)> = named.map(|(pred, relation)| (pred, relation.clone())).collect();
    shown.sort_by(|(_, one), (_, other)| one.name.cmp(&other.name));
    for (pred, Predicate { name, columns, output, printsize, .. }) in shown {
        engine.set_limits(left(limits, engine.spent()));
        let mut written = Ok(());
        if output || !marked {
            written = rows.begin(&name, &columns);
            if written.is_ok() {
                engine.each_row(pred, |row| {
                    written = rows.row(&name, row);
                    if written.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
                })?;
            }
            written = written.and_then(|()| rows.end());
        }
        if printsize {
            let size = engine.count_rows(pred)?;
            written = written.and_then(|()| rows.size(&name, size));
        }
        if written.is_err() {
            return Ok(written);
        }
    }
    Ok(Ok(()))
}
