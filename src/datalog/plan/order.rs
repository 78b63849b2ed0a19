//! Which literal is looked at next.

use super::super::ir::{Expr, Literal, LiteralKind, Term, Var};

/// A set of variables of one rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Bound(Vec<bool>);

impl Bound {
    pub(super) fn new(vars: usize) -> Self {
        Self(vec![false; vars])
    }

    pub(super) fn has(&self, var: Var) -> bool {
        self.0.get(var.index()).copied().unwrap_or(false)
    }

    pub(super) fn add(&mut self, var: Var) {
        if let Some(known) = self.0.get_mut(var.index()) {
            *known = true;
        }
    }

    pub(super) fn remove(&mut self, var: Var) {
        if let Some(known) = self.0.get_mut(var.index()) {
            *known = false;
        }
    }

    pub(super) fn knows(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => self.has(*var),
            Expr::Const(_) => true,
            Expr::Call(_, args) => args.iter().all(|arg| self.knows(arg)),
        }
    }

    pub(super) fn knows_term(&self, term: &Term) -> bool {
        match term {
            Term::Var(var) => self.has(*var),
            Term::Const(_) => true,
            Term::Any => false,
        }
    }
}

/// Adds what a literal binds once it has been looked at.
pub(super) fn bind_all(literal: &Literal, bound: &mut Bound) {
    match &literal.kind {
        LiteralKind::Atom(atom) => {
            for term in &atom.args {
                if let Term::Var(var) = term {
                    bound.add(*var);
                }
            }
        }
        LiteralKind::Compare { left, right, .. } => {
            for side in [left, right] {
                if let Expr::Var(var) = side {
                    bound.add(*var);
                }
            }
        }
        LiteralKind::Range { var, .. } => bound.add(*var),
        LiteralKind::Aggregate(aggregate) => bound.add(aggregate.result),
        LiteralKind::Not { .. } => {}
    }
}

/// How many rows a look at an atom gives, roughly: `len` rows, `known` of `arity` columns known.
///
/// As if every column told as much as any other: each known one takes its share of the digits away.
pub(super) fn guess(len: u64, known: usize, arity: usize) -> u64 {
    if known >= arity {
        return 0;
    }
    let digits = usize::try_from(u64::BITS - len.leading_zeros()).unwrap_or(64);
    1_u64.checked_shl(u32::try_from(digits * (arity - known) / arity.max(1)).unwrap_or(63)).unwrap_or(u64::MAX)
}
