//! A rule engine at run time: Datalog with negation, arithmetic and aggregates. It knows no calendar.

mod base;
mod check;
mod diagnostic;
mod engine;
mod eval;
mod explain;
mod functions;
mod ir;
mod known;
mod limits;
mod plan;
mod store;
mod syntax;
#[cfg(test)]
mod tests;
mod value;
mod written;

pub use check::compile;
pub use diagnostic::{Diagnostic, Severity};
pub use engine::{Change, Delta, Engine, Prepared};
pub use explain::{
    Attempt, Counted, Failure, Missing, Obstacle, Premise, Proof, Reason, Repair, RepairLimits, Repairs, RuleRef,
    WhyNot,
};
pub use functions::{Functions, HostFunction};
pub use ir::{Column, Fact, PredId, Predicate, Program, Query, Source, Span};
pub use limits::{EvalError, Limits};
pub use value::{Type, Value};
