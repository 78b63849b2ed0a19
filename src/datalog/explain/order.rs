//! What is known where in a body, and which atoms need not be looked at to find the instances of a rule.

use std::collections::BTreeSet;

use super::super::engine::Engine;
use super::super::ir::{Atom, Expr, Literal, LiteralKind, Rule};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::session::every;

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
        let LiteralKind::Atom(atom) = &literal.kind else { return self.is_ready(literal) };
        let columns = engine.program().predicate(atom.pred).map_or(&[][..], |predicate| &predicate.columns);
        atom.args.iter().zip(columns).all(|(term, column)| !column.bound || self.knows_term(term))
    }

    /// What is known once all literals but some were looked at.
    fn after(mut self, engine: &Engine, body: &[Literal], without: &BTreeSet<usize>) -> Self {
        let mut open: Vec<&Literal> =
            body.iter().enumerate().filter(|(at, _)| !without.contains(at)).map(|(_, literal)| literal).collect();
        loop {
            let before = open.len();
            open.retain(|literal| {
                let ready = self.is_ready_in(engine, literal);
                if ready {
                    self.bind(literal);
                }
                !ready
            });
            if open.len() == before {
                return self;
            }
        }
    }
}

/// The variables that a given head gives a value to.
pub(super) fn known_from_head(rule: &Rule) -> Known {
    let mut known = Known::default();
    for arg in &rule.args {
        if let Expr::Var(var) = arg {
            known.add(*var);
        }
    }
    known
}

/// The atoms that are not needed to find the values of the variables, and that would have to be worked out. Whether they
/// hold shows when they are explained in turn.
pub(super) fn looked_into_later(engine: &mut Engine, rule: &Rule) -> Result<BTreeSet<usize>, EvalError> {
    let mut later = recursive_atoms(engine, rule);
    // Those that give a value are looked at after all, the one of which most is known first.
    while !later.is_empty() {
        let known = known_from_head(rule).after(engine, &rule.body, &later);
        let mut open = later.iter().filter_map(|at| {
            let atom = atom_at(rule, *at)?;
            let unknown = atom.args.iter().filter(|term| !known.knows_term(term)).count();
            (unknown > 0).then_some((unknown, *at))
        });
        let Some(first) = open.next() else { break };
        let least = open.fold(first, core::cmp::min);
        later.remove(&least.1);
    }
    let places: Vec<usize> = (0..rule.body.len()).filter(|at| !later.contains(at)).collect();
    let body = places.iter().filter_map(|at| rule.body.get(*at).cloned()).collect();
    let reduced = Rule { body, ..rule.clone() };
    let mut known = known_from_head(rule);
    for place in engine.sequence_of(&reduced, every(rule.args.len()))? {
        let Some((at, literal)) = places.get(place).and_then(|at| Some((*at, rule.body.get(*at)?))) else { continue };
        if let LiteralKind::Atom(atom) = &literal.kind
            && known.knows_atom(atom)
            && engine.base().get(atom.pred).is_none()
        {
            later.insert(at);
        }
        known.bind(literal);
    }
    Ok(later)
}

fn atom_at(rule: &Rule, at: usize) -> Option<&Atom> {
    match rule.body.get(at).map(|literal| &literal.kind) {
        Some(LiteralKind::Atom(atom)) => Some(atom),
        _ => None,
    }
}

/// The atoms that the head depends on and that depend on it, as far as they are worked out on demand.
fn recursive_atoms(engine: &Engine, rule: &Rule) -> BTreeSet<usize> {
    let own = engine.stratum_of(rule.head);
    let recursive = |at: &usize| {
        atom_at(rule, *at)
            .is_some_and(|atom| engine.stratum_of(atom.pred) == own && engine.base().get(atom.pred).is_none())
    };
    (0..rule.body.len()).filter(recursive).collect()
}
