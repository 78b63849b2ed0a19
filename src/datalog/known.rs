//! Which variables of a rule have a value while its literals are looked at one after the other.

use super::ir::{Atom, CompareOp, Expr, Function, Literal, LiteralKind, Term, Var};
use super::value::Type;

/// Variables that have a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    vars: Vec<bool>,
    /// Equations are solved for a variable that is part of a sum, too. A rule is not safe for that, since what can be
    /// worked out from its head may go on without an end.
    solves: bool,
}

/// An equation solved for a variable: take the value of `from`, and undo one after the other what is done to the variable.
#[derive(Debug)]
pub(crate) struct Solution<'e> {
    pub(crate) var: Var,
    pub(crate) from: &'e Expr,
    pub(crate) undo: Vec<Undo<'e>>,
}

/// How a value becomes the one before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Undo<'e> {
    Add(&'e Expr),
    Subtract(&'e Expr),
    /// It was subtracted from this, or from zero.
    SubtractFrom(Option<&'e Expr>),
}

impl Known {
    /// Nothing yet, but equations will be solved.
    pub(crate) fn solving() -> Self {
        Self { vars: Vec::new(), solves: true }
    }

    pub(crate) fn has(&self, var: Var) -> bool {
        self.vars.get(var.index()).copied().unwrap_or(false)
    }

    pub(crate) fn add(&mut self, var: Var) {
        if self.vars.len() <= var.index() {
            self.vars.resize(var.index() + 1, false);
        }
        if let Some(known) = self.vars.get_mut(var.index()) {
            *known = true;
        }
    }

    pub(crate) fn remove(&mut self, var: Var) {
        if let Some(known) = self.vars.get_mut(var.index()) {
            *known = false;
        }
    }

    /// How the only unknown variable of an equation comes out of the rest, if it is to be solved at all.
    pub(crate) fn solution<'e>(&self, kind: &'e LiteralKind) -> Option<Solution<'e>> {
        let LiteralKind::Compare { op: CompareOp::Eq, ty: Type::Number | Type::Time, left, right } = kind else {
            return None;
        };
        let sides = if self.knows(left) { (right, left) } else { (left, right) };
        if !self.solves || !self.knows(sides.1) || self.knows(sides.0) {
            return None;
        }
        let mut undo = Vec::new();
        let var = self.isolate(sides.0, &mut undo)?;
        Some(Solution { var, from: sides.1, undo })
    }

    fn isolate<'e>(&self, side: &'e Expr, undo: &mut Vec<Undo<'e>>) -> Option<Var> {
        let Expr::Call(function, args) = side else {
            let Expr::Var(var) = side else { return None };
            return Some(*var);
        };
        let (step, rest) = match (function, args.as_slice()) {
            (Function::Add, [rest, by] | [by, rest]) if self.knows(by) => (Undo::Subtract(by), rest),
            (Function::Sub, [rest, by]) if self.knows(by) => (Undo::Add(by), rest),
            (Function::Sub, [by, rest]) if self.knows(by) => (Undo::SubtractFrom(Some(by)), rest),
            (Function::Neg, [rest]) => (Undo::SubtractFrom(None), rest),
            _ => return None,
        };
        undo.push(step);
        self.isolate(rest, undo)
    }

    /// The variables, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Var> {
        let known = self.vars.iter().enumerate().filter(|(_, known)| **known);
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
        self.is_ready_if(literal, |_| true)
    }

    /// Whether a literal can be looked at now, an atom if `given` says so.
    pub(crate) fn is_ready_if(&self, literal: &Literal, given: impl FnOnce(&Atom) -> bool) -> bool {
        match &literal.kind {
            LiteralKind::Atom(atom) => given(atom),
            LiteralKind::Not { atom, local } => atom.args.iter().all(|term| match term {
                Term::Var(var) => local.contains(var) || self.has(*var),
                Term::Const(_) | Term::Any => true,
            }),
            LiteralKind::Compare { op, left, right, .. } => {
                let (left_known, right_known) = (self.knows(left), self.knows(right));
                let binds = *op == CompareOp::Eq
                    && ((left_known && matches!(right, Expr::Var(_))) || (right_known && matches!(left, Expr::Var(_))));
                (left_known && right_known) || binds || self.solution(&literal.kind).is_some()
            }
            LiteralKind::Range { from, to, step, .. } => {
                self.knows(from) && self.knows(to) && step.as_ref().is_none_or(|step| self.knows(step))
            }
            LiteralKind::Aggregate(aggregate) => aggregate.group.iter().all(|var| self.has(*var)),
        }
    }

    /// Adds what a literal gives a value to once it has been looked at.
    pub(crate) fn bind(&mut self, literal: &Literal) {
        if let Some(solution) = self.solution(&literal.kind) {
            self.add(solution.var);
        }
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
