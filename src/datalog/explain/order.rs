//! What is known where in a body, and which atoms need not be looked at to find the instances of a rule.

use std::collections::BTreeSet;

use super::super::engine::Engine;
use super::super::ir::{Atom, CompareOp, Expr, Literal, LiteralKind, Rule, Term, Var};
use super::super::limits::EvalError;
use super::session::every;

/// Variables that have a value.
#[derive(Clone, Debug, Default)]
pub(super) struct Known(BTreeSet<Var>);

impl Known {
    pub(super) fn add(&mut self, var: Var) {
        self.0.insert(var);
    }

    pub(super) fn has(&self, var: Var) -> bool {
        self.0.contains(&var)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Var> {
        self.0.iter().copied()
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

    pub(super) fn knows_atom(&self, atom: &Atom) -> bool {
        atom.args.iter().all(|term| self.knows_term(term))
    }

    /// Whether a literal only says yes or no.
    pub(super) fn decides(&self, literal: &Literal) -> bool {
        match &literal.kind {
            LiteralKind::Atom(atom) => self.knows_atom(atom),
            LiteralKind::Not { atom, local } => {
                let known = |term: &Term| match term {
                    Term::Var(var) => local.contains(var) || self.has(*var),
                    Term::Const(_) | Term::Any => true,
                };
                atom.args.iter().all(known)
            }
            LiteralKind::Compare { left, right, .. } => self.knows(left) && self.knows(right),
            LiteralKind::Range { var, .. } => self.has(*var) && self.is_ready(literal, None),
            LiteralKind::Aggregate(aggregate) => self.has(aggregate.result) && self.is_ready(literal, None),
        }
    }

    /// Whether a literal can be looked at now.
    pub(super) fn is_ready(&self, literal: &Literal, engine: Option<&Engine>) -> bool {
        match &literal.kind {
            LiteralKind::Atom(atom) => {
                let columns = engine.and_then(|engine| engine.program().predicate(atom.pred));
                let columns = columns.map_or(&[][..], |predicate| &predicate.columns);
                atom.args.iter().zip(columns).all(|(term, column)| !column.bound || self.knows_term(term))
            }
            LiteralKind::Not { .. } => self.decides(literal),
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

    /// Adds what a literal gives a value to.
    pub(super) fn bind(&mut self, literal: &Literal) {
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

    /// What is known once all literals but some were looked at.
    fn after(mut self, engine: &Engine, body: &[Literal], without: &BTreeSet<usize>) -> Self {
        let mut open: Vec<&Literal> =
            body.iter().enumerate().filter(|(at, _)| !without.contains(at)).map(|(_, literal)| literal).collect();
        loop {
            let before = open.len();
            open.retain(|literal| {
                let ready = self.is_ready(literal, Some(engine));
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
