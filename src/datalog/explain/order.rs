//! What is known where in a body, and which atoms need not be looked at to find the instances of a rule.

use std::collections::BTreeSet;

use super::super::base::Local;
use super::super::engine::{Engine, every};
use super::super::ir::{Atom, CompareOp, Expr, Literal, LiteralKind, Rule, Var, VarInfo};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::super::value::Type;

impl Known {
    pub(super) fn knows_atom(&self, atom: &Atom) -> bool {
        atom.args.iter().all(|term| self.knows_term(term))
    }

    /// Whether a literal only says yes or no.
    pub(super) fn decides(&self, literal: &Literal) -> bool {
        match &literal.kind {
            LiteralKind::Atom(atom) => self.knows_atom(atom),
            LiteralKind::Not { .. } => self.is_ready(literal),
            LiteralKind::Compare { left, right, .. } => self.knows(left) && self.knows(right),
            LiteralKind::Range { var, .. } => self.has(*var) && self.is_ready(literal),
            LiteralKind::Aggregate(aggregate) => self.has(aggregate.result) && self.is_ready(literal),
        }
    }

    /// Whether a literal can be looked at now: of an atom, whether all that must be given is known.
    pub(super) fn is_ready_in(&self, engine: &Engine, literal: &Literal) -> bool {
        self.is_ready_if(literal, |atom| {
            let columns = engine.program().predicate(atom.pred).map_or(&[][..], |predicate| &predicate.columns);
            atom.args.iter().zip(columns).all(|(term, column)| !column.bound || self.knows_term(term))
        })
    }
}

/// The variables that a given head gives a value to.
pub(super) fn known_from_head(rule: &Rule) -> Known {
    let mut known = Known::solving();
    for arg in &rule.args {
        if let Expr::Var(var) = arg {
            known.add(*var);
        }
    }
    known
}

/// The rule with a variable in the place of each column of the head that is computed, and the equations that say so: what
/// the head is gives values to the variables of the body.
pub(super) fn with_plain_head(rule: &Rule, types: &[Type]) -> Result<Rule, EvalError> {
    let mut plain = rule.clone();
    for (arg, ty) in plain.args.iter_mut().zip(types) {
        if !matches!(arg, Expr::Call(..)) {
            continue;
        }
        let var = Var(u16::try_from(plain.vars.len()).map_err(|_| too_many_variables())?);
        plain.vars.push(VarInfo { name: "_".into(), ty: *ty });
        let right = core::mem::replace(arg, Expr::Var(var));
        let kind = LiteralKind::Compare { op: CompareOp::Eq, ty: *ty, left: Expr::Var(var), right };
        plain.body.push(Literal { kind, span: rule.span });
    }
    Ok(plain)
}

pub(super) fn too_many_variables() -> EvalError {
    EvalError::Mismatch { reason: "a rule has more than 65,535 variables".into() }
}

/// The atoms that would have to be worked out for values that are all known by then. Whether they hold shows when they are
/// explained in turn.
pub(super) fn looked_into_later(
    engine: &mut Engine,
    rule: &Rule,
    locals: &mut Vec<Local>,
) -> Result<BTreeSet<usize>, EvalError> {
    let mut later = BTreeSet::new();
    let mut known = known_from_head(rule);
    for at in engine.sequence_of(rule, every(rule.args.len()), locals)? {
        let Some(literal) = rule.body.get(at) else { continue };
        if let LiteralKind::Atom(atom) = &literal.kind
            && known.knows_atom(atom)
            && engine.base().get(atom.pred).is_none()
            && locals.iter().all(|local| local.pred != atom.pred)
        {
            later.insert(at);
        }
        known.bind(literal);
    }
    Ok(later)
}
