//! What a plan starts from: a row of a literal, the head, the group of an aggregate.

use super::super::ir::{Aggregate, Expr, Literal, LiteralKind};
use super::super::limits::EvalError;
use super::super::value::Type;
use super::build::{Builder, Seeding, is_given, narrow, reg, rest};
use super::{Absence, Plan, Reg, Rows, Seed, View};

impl Builder<'_, '_, '_> {
    pub(super) fn seed(&mut self, seeding: Seeding, open: &mut Vec<usize>) -> Result<Seed, EvalError> {
        match seeding {
            Seeding::Nothing => Ok(Seed::default()),
            Seeding::Head(given) => self.seed_head(given),
            Seeding::Literal(at) => {
                open.retain(|place| *place != at);
                match self.rule.body.get(at).map(|literal| &literal.kind) {
                    Some(LiteralKind::Atom(atom)) => self.columns(atom, true).map(|(seed, _)| seed),
                    Some(LiteralKind::Not { atom, .. }) => self.columns(atom, true).map(|(seed, _)| seed),
                    Some(LiteralKind::Aggregate(aggregate)) => Ok(self.seed_aggregate(aggregate)),
                    Some(LiteralKind::Compare { .. } | LiteralKind::Range { .. }) | None => Ok(Seed::default()),
                }
            }
        }
    }

    pub(super) fn seed_aggregate(&mut self, aggregate: &Aggregate) -> Seed {
        let mut seed = Seed::default();
        for (place, var) in aggregate.group.iter().chain([&aggregate.result]).enumerate() {
            let list = if self.known.has(*var) { &mut seed.same } else { &mut seed.binds };
            list.push((narrow(place), reg(*var)));
            self.known.add(*var);
        }
        seed
    }

    pub(super) fn seed_head(&mut self, given: u64) -> Result<Seed, EvalError> {
        let mut seed = Seed::default();
        let rule = self.rule;
        let chosen = rule.args.iter().enumerate().filter(|(column, _)| is_given(given, *column));
        for (place, (column, arg)) in chosen.enumerate() {
            match arg {
                Expr::Var(var) => {
                    let list = if self.known.has(*var) { &mut seed.same } else { &mut seed.binds };
                    list.push((narrow(place), reg(*var)));
                    self.known.add(*var);
                }
                Expr::Const(value) => {
                    let ty = self.catalog.column_type(rule.head, column);
                    seed.same.push((narrow(place), self.constant(value, ty)?));
                }
                // Whoever calls compares what comes out with what was given.
                Expr::Call(..) => {}
            }
        }
        self.note_head();
        Ok(seed)
    }

    /// The plan that starts from a row of the negated atom at this place, and how to tell whether there is any such row.
    pub(crate) fn build_absence(mut self, at: usize) -> Result<(Absence, Plan), EvalError> {
        let Some(Literal { kind: LiteralKind::Not { atom, local }, .. }) = self.rule.body.get(at) else {
            return Err(EvalError::Mismatch { reason: "no negated literal".into() });
        };
        let mut open: Vec<usize> = (0..self.rule.body.len()).filter(|place| *place != at).collect();
        let (seed, _) = self.columns(atom, true)?;
        for var in local {
            self.known.remove(*var);
        }
        let (inner, known) = self.columns(atom, false)?;
        let Some(table) = self.catalog.table(atom.pred) else {
            return Err(EvalError::Mismatch { reason: "a negated literal that is not kept".into() });
        };
        let access = self.access(table, atom.args.len(), &known);
        let same = rest(&inner, &known, &access);
        let is = Rows { table, view: View::New, access, binds: inner.binds, same };
        let was = Rows { view: View::Old, ..is.clone() };
        let key = known.iter().map(|(_, reg)| *reg).collect();
        self.note_head();
        self.order(&mut open)?;
        let head = self.head()?;
        let once_from = self.ops.len();
        let plan = Plan { ops: self.ops, frame: self.frame, head, once_from, seed, span: self.rule.span };
        Ok((Absence { was, is, key }, plan))
    }

    /// The plan of the body of an aggregate, whose group is given; what it emits are the group and the target.
    pub(crate) fn build_aggregate(mut self, aggregate: &Aggregate) -> Result<Plan, EvalError> {
        let mut seed = Seed::default();
        for (place, var) in aggregate.group.iter().enumerate() {
            seed.binds.push((narrow(place), reg(*var)));
            self.known.add(*var);
        }
        let body = self.nested(&aggregate.body)?;
        self.ops.extend(body);
        let mut head: Vec<Reg> = aggregate.group.iter().map(|var| reg(*var)).collect();
        head.extend(self.target(aggregate)?);
        let once_from = self.ops.len();
        Ok(Plan { ops: self.ops, frame: self.frame, head, once_from, seed, span: self.rule.span })
    }

    pub(super) fn target(&mut self, aggregate: &Aggregate) -> Result<Option<Reg>, EvalError> {
        let Some(target) = &aggregate.target else { return Ok(None) };
        let code = self.code(target, Type::Number)?;
        Ok(Some(self.settle(code)?))
    }
}
