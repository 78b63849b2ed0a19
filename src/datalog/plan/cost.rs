//! What it costs to look at a literal next.

use super::super::ir::{Atom, Expr, Function, Literal, LiteralKind, Term};
use super::build::Builder;
use super::spans;

/// What may have no value is looked at after all that is cheap, so that what is written beside it can guard it: a division
/// by what may be zero, a text that may be no number.
const RISKY: u64 = 65;

/// How many rows a predicate that is called is taken to have.
const LEN_OF_CALLED: u64 = 1_000;

impl Builder<'_, '_, '_> {
    /// Place in `open` of the literal to look at next.
    pub(super) fn next(&self, open: &[usize]) -> Option<usize> {
        let mut best: Option<(u64, usize)> = None;
        for (place, at) in open.iter().enumerate() {
            let Some(cost) = self.rule.body.get(*at).and_then(|literal| self.cost(*at, literal, open)) else {
                continue;
            };
            if cost == 0 {
                return Some(place);
            }
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, place));
            }
        }
        best.map(|(_, place)| place)
    }

    /// What looking at a literal now would cost; none if it cannot be looked at yet.
    pub(super) fn cost(&self, at: usize, literal: &Literal, open: &[usize]) -> Option<u64> {
        let cost = match &literal.kind {
            LiteralKind::Atom(atom) => return self.atom_cost(atom, open),
            LiteralKind::Compare { left, right, .. } if is_partial(left) || is_partial(right) => RISKY,
            LiteralKind::Compare { .. } => 0,
            LiteralKind::Not { .. } => 1,
            LiteralKind::Range { var, .. } if self.known.has(*var) => 0,
            LiteralKind::Range { .. } => 32,
            LiteralKind::Aggregate(_) if (self.kept)(at).is_some() => 2,
            LiteralKind::Aggregate(_) => 64,
        };
        self.known.is_ready(literal).then_some(cost)
    }

    pub(super) fn atom_cost(&self, atom: &Atom, open: &[usize]) -> Option<u64> {
        let known = atom.args.iter().filter(|term| self.known.knows_term(term)).count();
        let Some(table) = self.catalog.table(atom.pred) else {
            let given = |(column, term): (usize, &Term)| {
                !self.catalog.must_be_given(atom.pred, column) || self.known.knows_term(term)
            };
            let ready = atom.args.iter().enumerate().all(given);
            return ready.then_some(4 + guess(LEN_OF_CALLED, known, atom.args.len()));
        };
        let len = self.catalog.len(table).max(64);
        if known < atom.args.len() && spans::find(self.rule, atom, open, &self.known).is_some() {
            return Some(2 + guess(len, known + 1, atom.args.len()) / 4);
        }
        Some(1 + guess(len, known, atom.args.len()))
    }
}

/// Whether an expression may have no value for reasons other than its size.
fn is_partial(expr: &Expr) -> bool {
    let Expr::Call(function, args) = expr else { return false };
    let here = matches!(function, Function::Div | Function::Rem | Function::Pow | Function::ToNumber);
    let by_constant = matches!((function, args.as_slice()), (Function::Div | Function::Rem, [_, Expr::Const(_)]));
    (here && !by_constant) || args.iter().any(is_partial)
}

/// How many rows a look at an atom gives, roughly: `len` rows, `known` of `arity` columns known.
///
/// As if every column told as much as any other: each known one takes its share of the digits away.
fn guess(len: u64, known: usize, arity: usize) -> u64 {
    if known >= arity {
        return 0;
    }
    let digits = usize::try_from(u64::BITS - len.leading_zeros()).unwrap_or(64);
    1_u64.checked_shl(u32::try_from(digits * (arity - known) / arity.max(1)).unwrap_or(63)).unwrap_or(u64::MAX)
}
