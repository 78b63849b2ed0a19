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

/// What is left of the limits. One for each evaluation, whatever parts it has.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: Limits,
    steps: Counter<u64>,
    rows: Counter<u64>,
    rounds: Counter<u64>,
    /// Bytes that are held now.
    held: Counter<u64>,
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
            held: Counter::new(0),
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
        self.steps(1)
    }

    pub(crate) fn steps_left(&self) -> u64 {
        self.steps.get()
    }

    /// Something that takes as long as so many rows looked at.
    #[inline]
    pub(crate) fn steps(&self, many: u64) -> Result<(), Stop> {
        Self::take(&self.steps, many, "steps", self.limits.steps)
    }

    /// One row derived and kept.
    #[inline]
    pub(crate) fn row(&self) -> Result<(), Stop> {
        self.rows(1)
    }

    pub(crate) fn rows(&self, many: usize) -> Result<(), Stop> {
        Self::take(&self.rows, wide(many), "rows", self.limits.rows)
    }

    /// How many rows could be kept besides those that are.
    pub(crate) fn rows_left(&self) -> usize {
        narrow(self.rows.get())
    }

    /// How many rows may be kept in all.
    pub(crate) fn rows_limit(&self) -> usize {
        narrow(self.limits.rows)
    }

    pub(crate) fn too_many_rows(&self) -> Stop {
        Stop::Limit("rows", self.limits.rows)
    }

    pub(crate) fn bytes_left(&self) -> usize {
        narrow(self.limits.bytes.saturating_sub(self.held.get()))
    }

    pub(crate) fn round(&self) -> Result<(), Stop> {
        Self::take(&self.rounds, 1, "rounds", self.limits.rounds)
    }

    /// Whether so many bytes fit in besides those that are held.
    pub(crate) fn bytes(&self, more: u64) -> Result<(), Stop> {
        let held = self.held.get().saturating_add(more);
        if held > self.limits.bytes { Err(Stop::Limit("bytes", self.limits.bytes)) } else { Ok(()) }
    }

    /// Counts bytes that are held as long as the evaluation lasts.
    pub(crate) fn keep(&self, more: u64) -> Result<(), Stop> {
        self.held.set(self.held.get().saturating_add(more));
        self.bytes(0)
    }

    /// Some of what was to be kept is not held any more.
    pub(crate) fn release(&self, bytes: u64) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }

    /// What was taken so far: of bytes what is held.
    pub(crate) fn spent(&self) -> Limits {
        let Limits { steps, rows, rounds, .. } = self.limits;
        Limits {
            steps: steps - self.steps.get(),
            rows: rows - self.rows.get(),
            rounds: rounds - self.rounds.get(),
            bytes: self.held.get(),
        }
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

/// Bytes that something holds that grows: counted until it is dropped.
#[derive(Debug)]
pub(crate) struct Held<'m> {
    meter: &'m Meter,
    bytes: u64,
}

impl<'m> Held<'m> {
    pub(crate) fn new(meter: &'m Meter) -> Self {
        Self { meter, bytes: 0 }
    }

    /// So many it is now.
    pub(crate) fn set(&mut self, bytes: u64) -> Result<(), Stop> {
        let others = self.meter.held.get().saturating_sub(self.bytes);
        self.meter.held.set(others.saturating_add(bytes));
        self.bytes = bytes;
        self.meter.bytes(0)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.meter.held.set(self.meter.held.get().saturating_sub(self.bytes));
    }
}

/// A count of things in memory.
pub(crate) fn wide(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

fn narrow(many: u64) -> usize {
    usize::try_from(many).unwrap_or(usize::MAX)
}
