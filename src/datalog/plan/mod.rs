//! A rule as a loop in a loop: in which order its literals are looked at, and through which index.

mod build;
mod cost;
mod seed;
mod solve;
mod spans;

pub(crate) use build::{Builder, Seeding, is_given};

use super::ir::{AggregateKind, CompareOp, Function, PredId, Span};
use super::store::{IndexId, SpanIndexId};
use super::value::{Cell, Type};

/// Place of a value while a plan runs: the variables of the rule first, its constants behind them.
pub(crate) type Reg = u16;

/// Where the rows of an atom are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Table {
    /// In the base: facts, and what is kept of derived predicates.
    Kept(PredId),
    /// In the tables of the evaluation under way.
    Local(u16),
}

/// Which of its rows count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// All that are not taken for removed.
    New,
    /// Those that were there before the change under way.
    Old,
    /// Of a table that grows in rounds: those that were there before the last round.
    BeforeLast,
    /// Those that were there when the round began.
    BeforeThis,
}

/// How rows are found.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a plan has few of them, and one more pointer costs on each row")]
pub(crate) enum Access {
    Scan,
    /// Every column is known.
    Find(Vec<Reg>),
    Probe(IndexId, Vec<Reg>),
    /// Rows of a key whose span overlaps `after..before`.
    Overlapping {
        index: SpanIndexId,
        key: Vec<Reg>,
        after: Code,
        before: Code,
    },
}

/// An atom.
#[derive(Clone, Debug)]
pub(crate) struct Rows {
    pub(crate) table: Table,
    pub(crate) view: View,
    pub(crate) access: Access,
    /// Columns that give a register its value.
    pub(crate) binds: Vec<(u16, Reg)>,
    /// Columns that must equal a register, looked at after the binds.
    pub(crate) same: Vec<(u16, Reg)>,
}

/// A predicate that is worked out when it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// Which of the plans for calls.
    pub(crate) slot: usize,
    /// The registers of the columns that are given, in the order of the columns.
    pub(crate) key: Vec<Reg>,
    /// Every column is given.
    pub(crate) every_column: bool,
    pub(crate) binds: Vec<(u16, Reg)>,
    pub(crate) same: Vec<(u16, Reg)>,
}

/// What is computed.
#[derive(Clone, Debug)]
pub(crate) enum Code {
    Reg(Reg),
    Call {
        function: Function,
        takes: Vec<Code>,
        span: Span,
    },
    /// The sum or difference without an end: only ever narrows down what is looked at, and the exact comparison follows.
    Shifted {
        of: Box<Code>,
        by: Box<Code>,
        minus: bool,
    },
    /// The next number, for bounds that are included.
    Next(Box<Code>),
    /// The sum or difference, and no value where it does not fit: solves equations.
    Exact {
        of: Box<Code>,
        by: Box<Code>,
        minus: bool,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Aggregation {
    pub(crate) kind: AggregateKind,
    pub(crate) ty: Type,
    pub(crate) result: Reg,
    /// The result is known already and is compared.
    pub(crate) compares: bool,
    pub(crate) target: Option<Code>,
    pub(crate) body: Vec<Op>,
    pub(crate) span: Span,
}

/// One step of a plan.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Rows(Rows),
    Absent(Rows),
    Call(Call),
    AbsentCall(Call),
    Compare {
        op: CompareOp,
        ty: Type,
        left: Code,
        right: Code,
    },
    Bind {
        reg: Reg,
        code: Code,
    },
    Range {
        reg: Reg,
        compares: bool,
        from: Code,
        to: Code,
        step: Option<Code>,
    },
    Aggregate(Box<Aggregation>),
    /// An aggregate that is kept: a row of the group and the value, or a default where there is none.
    Kept(KeptAggregate),
    Sweep(Sweep),
}

/// The value of an aggregate whose groups are kept.
#[derive(Clone, Debug)]
pub(crate) struct KeptAggregate {
    /// Which of the kept aggregates.
    pub(crate) slot: usize,
    pub(crate) view: View,
    pub(crate) group: Vec<Reg>,
    pub(crate) result: Reg,
    pub(crate) compares: bool,
}

/// All pairs of overlapping rows that share a key: one pass over the sorted spans instead of a probe for each row.
#[derive(Clone, Debug)]
pub(crate) struct Sweep {
    pub(crate) table: Table,
    pub(crate) index: SpanIndexId,
    pub(crate) first: Seed,
    pub(crate) second: Seed,
    /// The columns of the span.
    pub(crate) span: (u16, u16),
    /// A row may be its own partner.
    pub(crate) with_itself: bool,
}

/// How a row becomes registers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seed {
    pub(crate) binds: Vec<(u16, Reg)>,
    pub(crate) same: Vec<(u16, Reg)>,
}

impl Seed {
    /// Fills the registers from a row. Says whether the row fits.
    #[inline]
    pub(crate) fn fill(&self, row: &[Cell], frame: &mut [Cell]) -> bool {
        fill(&self.binds, &self.same, row, frame)
    }
}

/// Fills registers from a row. Says whether the row fits those that were filled before.
#[inline]
pub(crate) fn fill(binds: &[(u16, Reg)], same: &[(u16, Reg)], row: &[Cell], frame: &mut [Cell]) -> bool {
    for (column, reg) in binds {
        if let (Some(cell), Some(place)) = (row.get(usize::from(*column)), frame.get_mut(usize::from(*reg))) {
            *place = *cell;
        }
    }
    same.iter().all(|(column, reg)| row.get(usize::from(*column)) == frame.get(usize::from(*reg)))
}

/// Whether there is any row of a negated atom, before a change and after it.
#[derive(Clone, Debug)]
pub(crate) struct Absence {
    pub(crate) was: Rows,
    pub(crate) is: Rows,
    /// What the rest of the rule knows of the row.
    pub(crate) key: Vec<Reg>,
}

/// A rule, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) ops: Vec<Op>,
    /// Registers as they are at the start: the constants in their places.
    pub(crate) frame: Vec<Cell>,
    /// The registers of the head's columns.
    pub(crate) head: Vec<Reg>,
    /// From this step on the head is known: one way through is enough.
    pub(crate) once_from: usize,
    /// How the row that it starts from fills the registers.
    pub(crate) seed: Seed,
    pub(crate) span: Span,
}
