//! Relations that are equivalences: their classes are joined, instead of pairs being tried with one another.
//!
//! A class is a list of its members, and the shorter list goes into the longer one. Each row of such a relation is met
//! once, when two classes become one, so that the work is that of writing the rows down.

use std::collections::BTreeMap;

use super::super::ir::{Expr, LiteralKind, PredId, Rule, Term, Var};
use super::super::store::{Relation, RowId};
use super::super::value::Cell;
use super::fixpoint::{LOOK, take_in};
use super::meter::{Held, Meter, Stop, wide};

/// What a rule says of its own predicate, of two columns, and of nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Reflexive,
    Symmetric,
    Transitive,
}

fn shape(rule: &Rule) -> Option<Shape> {
    let [Expr::Var(left), Expr::Var(right)] = rule.args.as_slice() else { return None };
    let mut pairs = Vec::new();
    for literal in &rule.body {
        let LiteralKind::Atom(atom) = &literal.kind else { return None };
        let [one, two] = atom.args.as_slice() else { return None };
        pairs.push((one, two));
        if atom.pred != rule.head {
            return None;
        }
    }
    let is = |term: &Term, var: Var| *term == Term::Var(var);
    match pairs.as_slice() {
        [(one, Term::Any) | (Term::Any, one)] if left == right && is(one, *left) => Some(Shape::Reflexive),
        [(one, two)] if left != right && is(one, *right) && is(two, *left) => Some(Shape::Symmetric),
        [(one, Term::Var(middle)), (other, two)] if left != right && is(one, *left) && is(two, *right) => {
            let apart = middle != left && middle != right;
            (apart && is(other, *middle)).then_some(Shape::Transitive)
        }
        _ => None,
    }
}

/// Whether rules make their predicate an equivalence among whatever it holds: then the rules of [`is_closing`] need not be
/// run. That each member equals itself follows.
pub(super) fn is_equivalence<'r>(rules: impl Iterator<Item = &'r Rule>) -> bool {
    let shapes: Vec<Shape> = rules.filter_map(shape).collect();
    shapes.contains(&Shape::Symmetric) && shapes.contains(&Shape::Transitive)
}

/// Whether a rule says no more than that its predicate is an equivalence.
pub(super) fn is_closing(rule: &Rule, equivalences: &[PredId]) -> bool {
    equivalences.contains(&rule.head) && shape(rule).is_some()
}

/// The classes of one relation.
#[derive(Debug)]
pub(super) struct Classes {
    /// The local table.
    pub(super) table: usize,
    class_of: BTreeMap<Cell, usize>,
    members: Vec<Vec<Cell>>,
    /// Rows that were looked at.
    seen: u32,
}

impl Classes {
    pub(super) fn new(table: usize) -> Self {
        Self { table, class_of: BTreeMap::new(), members: Vec::new(), seen: 0 }
    }

    /// Bytes held, roughly.
    pub(super) fn bytes(&self) -> u64 {
        wide(self.class_of.len()).saturating_mul(96)
    }

    /// Puts in the relation what follows from the rows that are new in it. `others` are bytes held elsewhere.
    pub(super) fn close(
        &mut self,
        relation: &mut Relation,
        meter: &Meter,
        (others, held): (u64, &mut Held<'_>),
    ) -> Result<(), Stop> {
        let (from, to) = (self.seen, relation.end());
        let mut add = |relation: &mut Relation, one: Cell, two: Cell| {
            meter.step()?;
            take_in(relation, &[one, two], false, meter)?;
            if relation.len().is_multiple_of(LOOK) {
                return held.set(others.saturating_add(relation.bytes()));
            }
            Ok(())
        };
        for id in from..to {
            let [one, two] = *relation.row(RowId(id)) else { continue };
            let mut class = |cell: Cell| match self.class_of.get(&cell) {
                Some(class) => Ok(*class),
                None => {
                    self.class_of.insert(cell, self.members.len());
                    self.members.push(vec![cell]);
                    add(relation, cell, cell).map(|()| self.members.len() - 1)
                }
            };
            let (one, two) = (class(one)?, class(two)?);
            if one != two {
                self.join(one, two, &mut |one, two| add(relation, one, two))?;
            }
        }
        self.seen = relation.end();
        Ok(())
    }

    fn join(
        &mut self,
        one: usize,
        two: usize,
        add: &mut impl FnMut(Cell, Cell) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let size = |class: usize| self.members.get(class).map_or(0, Vec::len);
        let (short, long) = if size(one) < size(two) { (one, two) } else { (two, one) };
        let moved = self.members.get_mut(short).map(core::mem::take).unwrap_or_default();
        let Some(stay) = self.members.get_mut(long) else { return Ok(()) };
        for left in &moved {
            for right in stay.iter() {
                add(*left, *right)?;
                add(*right, *left)?;
            }
        }
        for cell in &moved {
            self.class_of.insert(*cell, long);
        }
        stay.extend(moved);
        Ok(())
    }
}
