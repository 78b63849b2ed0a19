//! How much an evaluation may cost, and what it ends with.

use super::ir::Span;

/// Bounds of one evaluation: of a query, a change, a proof, or of all relations together by
/// [`Engine::evaluate`](super::Engine::evaluate). What is beyond ends in [`EvalError`], and nothing was changed.
///
/// They hold while a single rule derives, too: rows and bytes may be exceeded by about half before it is noticed.
///
/// Counted, not timed, so that the same program over the same facts always ends the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows looked at and rows derived; a text that a function makes is 10, and one more for each 16 bytes. A step takes
    /// some ten nanoseconds; the default of 100,000,000 ends within seconds.
    pub steps: u64,
    /// Rows that are derived and kept, of all relations together. Default 10,000,000.
    pub rows: u64,
    /// Rounds of a recursion. Default 1,000,000.
    pub rounds: u64,
    /// Bytes of what is derived and kept, and of answers on their way, roughly. Default 1 GiB.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { steps: 100_000_000, rows: 10_000_000, rounds: 1_000_000, bytes: 1 << 30 }
    }
}

/// Why an evaluation ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// More than [`Limits`] allow.
    #[error("stopped after {limit} {what}: {predicate} takes more than the limit allows")]
    Limit {
        /// What ran out: `steps`, `rows`, `rounds` or `bytes`.
        what: &'static str,
        /// How many were allowed.
        limit: u64,
        /// What was being derived.
        predicate: String,
    },
    /// A number that does not fit into 64 bits, a division by zero, a text that is no number.
    #[error("{predicate}: {reason} (line {}, column {})", span.line, span.column)]
    Arithmetic {
        /// What was being derived.
        predicate: String,
        /// What could not be computed, with its values.
        reason: String,
        /// The literal or rule.
        span: Span,
    },
    /// A fact or a query that does not fit the program: no such predicate, another number of columns, another type, a column
    /// declared `+` without a value.
    #[error("{reason}")]
    Mismatch {
        /// What does not fit.
        reason: String,
    },
}
