//! A rule engine at run time: Datalog with negation, arithmetic and aggregates. It knows no calendar.

mod check;
mod diagnostic;
mod functions;
mod ir;
mod limits;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

pub use check::compile;
pub use diagnostic::{Diagnostic, Severity};
pub use functions::{Functions, HostFunction};
pub use ir::{Column, Fact, PredId, Predicate, Program, Query, Source, Span};
pub use limits::{EvalError, Limits};
pub use value::{Type, Value};
