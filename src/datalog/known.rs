//! Which variables of a rule have a value while its literals are looked at one after the other.

use super::ir::{CompareOp, Expr, Literal, LiteralKind, Term, Var};

/// Variables that have a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known(Vec<bool>);

impl Known {
    pub(crate) fn has(&self, var: Var) -> bool {
        self.0.get(var.index()).copied().unwrap_or(false)
    }

    pub(crate) fn add(&mut self, var: Var) {
        if self.0.len() <= var.index() {
            self.0.resize(var.index() + 1, false);
        }
        if let Some(known) = self.0.get_mut(var.index()) {
            *known = true;
        }
    }

    pub(crate) fn remove(&mut self, var: Var) {
        if let Some(known) = self.0.get_mut(var.index()) {
            *known = false;
        }
    }

    /// The variables, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Var> {
        let known = self.0.iter().enumerate().filter(|(_, known)| **known);
        known.filter_map(|(at, _)| u16::try_from(at).ok().map(Var))
    }

    pub(crate) fn knows(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Var(var) => self.has(*var),
            Expr::Const(_) => true,
            Expr::Call(_, args) => args.iter().all(|arg| self.knows(arg)),
        }
    }

    pub(crate) fn knows_term(&self, term: &Term) -> bool {
        match term {
            Term::Var(var) => self.has(*var),
            Term::Const(_) => true,
            Term::Any => false,
        }
    }

    /// Whether a literal that is no atom can be looked at now. Of an atom only whoever knows its columns can tell.
    pub(crate) fn is_ready(&self, literal: &Literal) -> bool {
        match &literal.kind {
            LiteralKind::Atom(_) => true,
            LiteralKind::Not { atom, local } => atom.args.iter().all(|term| match term {
                Term::Var(var) => local.contains(var) || self.has(*var),
                Term::Const(_) | Term::Any => true,
            }),
            LiteralKind::Compare { op, left, right, .. } => {
                let (left_known, right_known) = (self.knows(left), self.knows(right));
                let binds = *op == CompareOp::Eq
                    && ((left_known && matches!(right, Expr::Var(_))) || (right_known && matches!(left, Expr::Var(_))));
                (left_known && right_known) || binds
            }
            LiteralKind::Range { from, to, step, .. } => {
                self.knows(from) && self.knows(to) && step.as_ref().is_none_or(|step| self.knows(step))
            }
            LiteralKind::Aggregate(aggregate) => aggregate.group.iter().all(|var| self.has(*var)),
        }
    }

    /// Adds what a literal gives a value to once it has been looked at.
    pub(crate) fn bind(&mut self, literal: &Literal) {
        match &literal.kind {
            LiteralKind::Atom(atom) => {
                for term in &atom.args {
                    if let Term::Var(var) = term {
                        self.add(*var);
                    }
                }
            }
            LiteralKind::Compare { left, right, .. } => {
                for side in [left, right] {
                    if let Expr::Var(var) = side {
                        self.add(*var);
                    }
                }
            }
            LiteralKind::Range { var, .. } => self.add(*var),
            LiteralKind::Aggregate(aggregate) => self.add(aggregate.result),
            LiteralKind::Not { .. } => {}
        }
    }
}
