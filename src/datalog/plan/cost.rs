//! What it costs to look at a literal next.

use super::super::ir::{Atom, CompareOp, Expr, Literal, LiteralKind, Term};
use super::build::Builder;
use super::order::guess;
use super::spans;

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
        match &literal.kind {
            LiteralKind::Compare { op, left, right, .. } => {
                let (left_known, right_known) = (self.bound.knows(left), self.bound.knows(right));
                let binds = *op == CompareOp::Eq
                    && ((left_known && matches!(right, Expr::Var(_))) || (right_known && matches!(left, Expr::Var(_))));
                ((left_known && right_known) || binds).then_some(0)
            }
            LiteralKind::Not { atom, local } => {
                let known = |term: &Term| match term {
                    Term::Var(var) => local.contains(var) || self.bound.has(*var),
                    Term::Const(_) | Term::Any => true,
                };
                atom.args.iter().all(known).then_some(1)
            }
            LiteralKind::Range { from, to, step, .. } => {
                let known = self.bound.knows(from)
                    && self.bound.knows(to)
                    && step.as_ref().is_none_or(|step| self.bound.knows(step));
                known.then_some(32)
            }
            LiteralKind::Aggregate(aggregate) => {
                let ready = aggregate.group.iter().all(|var| self.bound.has(*var));
                let kept = (self.kept)(at).is_some();
                ready.then_some(if kept { 2 } else { 64 })
            }
            LiteralKind::Atom(atom) => self.atom_cost(atom, open),
        }
    }

    pub(super) fn atom_cost(&self, atom: &Atom, open: &[usize]) -> Option<u64> {
        let known = atom.args.iter().filter(|term| self.bound.knows_term(term)).count();
        let Some(table) = self.catalog.table(atom.pred) else {
            let given = |(column, term): (usize, &Term)| {
                !self.catalog.must_be_given(atom.pred, column) || self.bound.knows_term(term)
            };
            let ready = atom.args.iter().enumerate().all(given);
            return ready.then_some(4 + guess(LEN_OF_CALLED, known, atom.args.len()));
        };
        let len = self.catalog.len(table).max(64);
        if known < atom.args.len() && spans::find(self.rule, atom, open, &self.bound).is_some() {
            return Some(2 + guess(len, known + 1, atom.args.len()) / 4);
        }
        Some(1 + guess(len, known, atom.args.len()))
    }
}
