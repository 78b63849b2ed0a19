//! A rule with its head filled in.

use super::super::ir::{CompareOp, Expr, Literal, LiteralKind, PredId, Rule, Span, Var, VarInfo};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::super::value::Value;
use super::session::{NO_HEAD, Session, with_known};

/// A body in the order in which it is looked at, and what the head says of its variables.
#[derive(Debug)]
pub(super) struct Grounded {
    pub(super) vars: Vec<VarInfo>,
    pub(super) known: Vec<(Var, Value)>,
    pub(super) body: Vec<Literal>,
}

impl Session<'_> {
    /// The rule for a row of which some columns are known; none if its head never gives such a row.
    pub(super) fn ground(&mut self, at: usize, row: &[Option<Value>]) -> Result<Option<Grounded>, EvalError> {
        let rule = self.rule(at)?;
        let mut known: Vec<(Var, Value)> = Vec::new();
        let mut body = rule.body.clone();
        for (column, (arg, value)) in rule.args.iter().zip(row).enumerate() {
            let Some(value) = value else { continue };
            match arg {
                Expr::Var(var) => match known.iter().find(|(own, _)| own == var) {
                    Some((_, other)) if other != value => return Ok(None),
                    Some(_) => {}
                    None => known.push((*var, value.clone())),
                },
                Expr::Const(own) if own != value => return Ok(None),
                Expr::Const(_) => {}
                Expr::Call(..) => {
                    let ty = self.column_type(rule.head, column);
                    let (left, right) = (Expr::Const(value.clone()), arg.clone());
                    let kind = LiteralKind::Compare { op: CompareOp::Eq, ty, left, right };
                    body.push(Literal { kind, span: rule.span });
                }
            }
        }
        let body = self.ordered(&rule.vars, &known, &body, rule.span)?;
        Ok(Some(Grounded { vars: rule.vars, known, body }))
    }

    /// A body in the order in which it is looked at.
    pub(super) fn ordered(
        &mut self,
        vars: &[VarInfo],
        given: &[(Var, Value)],
        body: &[Literal],
        span: Span,
    ) -> Result<Vec<Literal>, EvalError> {
        let literals: Vec<&Literal> = body.iter().collect();
        let (all, vars) = (with_known(vars, given, &literals), vars.to_vec());
        let rule = Rule { head: NO_HEAD, args: Vec::new(), body: all, vars, span };
        let sequence = self.engine.sequence_of(&rule, 0, &mut Vec::new())?;
        let places = sequence.iter().filter_map(|at| at.checked_sub(given.len()));
        Ok(places.filter_map(|at| body.get(at).cloned()).collect())
    }

    /// Whether rows of a predicate may be put in and taken out.
    pub(super) fn is_changeable(&self, pred: PredId) -> bool {
        let takes_facts = !self.is_derived(pred) || self.engine.hidden(pred).is_some();
        takes_facts && self.engine.program().predicate(pred).is_some_and(|predicate| predicate.changeable)
    }
}

/// The variables of a list.
pub(super) fn known_of(given: &[(Var, Value)]) -> Known {
    let mut known = Known::solving();
    for (var, _) in given {
        known.add(*var);
    }
    known
}
