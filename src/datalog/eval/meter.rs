//! Counts what an evaluation costs, and ends it.

use core::cell::Cell as Counter;

use super::super::ir::Span;
use super::super::limits::{EvalError, Limits};

/// Why an evaluation stops; whoever started it knows what it was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Limit(&'static str, u64),
    Arithmetic(String, Span),
}

impl Stop {
    pub(crate) fn of(self, predicate: &str) -> EvalError {
        let predicate = predicate.to_owned();
        match self {
            Self::Limit(what, limit) => EvalError::Limit { what, limit, predicate },
            Self::Arithmetic(reason, span) => EvalError::Arithmetic { predicate, reason, span },
        }
    }
}

/// What is left of the limits.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    steps: Counter<u64>,
    rows: Counter<u64>,
    rounds: Counter<u64>,
    depth: Counter<u32>,
}

/// How deep steps may be nested: bodies within predicates within predicates. Bounds the stack.
const DEPTH_MAX: u32 = 1_200;

impl Meter {
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { steps, rows, rounds, .. } = limits;
        Self {
            limits,
            steps: Counter::new(steps),
            rows: Counter::new(rows),
            rounds: Counter::new(rounds),
            depth: Counter::new(0),
        }
    }

    fn take(counter: &Counter<u64>, many: u64, what: &'static str, limit: u64) -> Result<(), Stop> {
        match counter.get().checked_sub(many) {
            Some(left) => {
                counter.set(left);
                Ok(())
            }
            None => Err(Stop::Limit(what, limit)),
        }
    }

    /// One row looked at.
    #[inline]
    pub(crate) fn step(&self) -> Result<(), Stop> {
        Self::take(&self.steps, 1, "steps", self.limits.steps)
    }

    pub(crate) fn steps_left(&self) -> u64 {
        self.steps.get()
    }

    pub(crate) fn row(&self) -> Result<(), Stop> {
        Self::take(&self.rows, 1, "rows", self.limits.rows)
    }

    pub(crate) fn round(&self) -> Result<(), Stop> {
        Self::take(&self.rounds, 1, "rounds", self.limits.rounds)
    }

    pub(crate) fn bytes(&self, held: u64) -> Result<(), Stop> {
        if held > self.limits.bytes { Err(Stop::Limit("bytes", self.limits.bytes)) } else { Ok(()) }
    }

    #[inline]
    pub(crate) fn enter(&self) -> Result<(), Stop> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH_MAX {
            return Err(Stop::Limit("nested steps", u64::from(DEPTH_MAX)));
        }
        self.depth.set(depth);
        Ok(())
    }

    #[inline]
    pub(crate) fn leave(&self) {
        self.depth.set(self.depth.get().saturating_sub(1));
    }
}
