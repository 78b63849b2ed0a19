//! A rule engine at run time: Datalog with negation, arithmetic and aggregates. It knows no calendar.

mod functions;
mod ir;
mod limits;
mod value;

pub use functions::{Functions, HostFunction};
pub use ir::{Column, Fact, PredId, Predicate, Program, Query, Source, Span};
pub use limits::{EvalError, Limits};
pub use value::{Type, Value};
