//! Single changes that may be part of making a fact true, or false.
//!
//! A fact becomes true when some rule instance does: each way through the first literals of a rule ends at a literal that
//! fails, and only what makes that one true can help. A fact becomes false when each of its derivations is broken.

use std::collections::{BTreeSet, VecDeque};

use super::super::eval::Yield;
use super::super::ir::{Aggregate, Atom, Fact, Literal, LiteralKind, PredId, Span, Term, Var, VarInfo};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::super::value::{Cell, Value};
use super::graph::Graph;
use super::ground::{Grounded, known_of};
use super::session::Session;
use super::why::known_in;

/// Facts that are looked into for one state of a search.
const GOALS_MAX: usize = 10_000;

/// A change: the fact, and whether it is put in.
pub(super) type Move = (Fact, bool);

/// What is to come about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Goal {
    /// One more row of this form; `None` where any value would do.
    True(PredId, Vec<Option<Value>>),
    False(PredId, Vec<Value>),
}

/// What was found, and what is still to be looked into.
pub(super) struct Moves<'s, 'e> {
    session: &'s mut Session<'e>,
    found: BTreeSet<Move>,
    seen: BTreeSet<Goal>,
    open: VecDeque<Goal>,
    /// Something was left out.
    cut: bool,
}

/// Variables with their values, and where they come from.
struct Scene<'a> {
    vars: &'a [VarInfo],
    known: Vec<(Var, Value)>,
}

impl Scene<'_> {
    fn value(&self, term: &Term) -> Option<Value> {
        match term {
            Term::Var(var) => self.known.iter().find(|(own, _)| own == var).map(|(_, value)| value.clone()),
            Term::Const(value) => Some(value.clone()),
            Term::Any => None,
        }
    }

    /// The atom with what is known.
    fn form(&self, atom: &Atom) -> Vec<Option<Value>> {
        atom.args.iter().map(|term| self.value(term)).collect()
    }
}

impl<'s, 'e> Moves<'s, 'e> {
    /// Changes that may help to make a fact true (`wanted`) or false, and whether those are all that were looked for.
    pub(super) fn find(
        session: &'s mut Session<'e>,
        fact: &Fact,
        wanted: bool,
    ) -> Result<(BTreeSet<Move>, bool), EvalError> {
        let mut moves =
            Self { session, found: BTreeSet::new(), seen: BTreeSet::new(), open: VecDeque::new(), cut: false };
        if wanted {
            moves.want(Goal::True(fact.pred, fact.row.iter().cloned().map(Some).collect()));
        } else {
            moves.want(Goal::False(fact.pred, fact.row.clone()));
        }
        while let Some(goal) = moves.open.pop_front() {
            match goal {
                Goal::True(pred, form) => moves.make_true(pred, &form)?,
                Goal::False(pred, row) => moves.make_false(pred, row)?,
            }
        }
        Ok((moves.found, !moves.cut))
    }

    fn want(&mut self, goal: Goal) {
        if self.seen.contains(&goal) {
            return;
        }
        if self.seen.len() >= GOALS_MAX {
            self.cut = true;
            return;
        }
        self.seen.insert(goal.clone());
        self.open.push_back(goal);
    }

    fn make_true(&mut self, pred: PredId, form: &[Option<Value>]) -> Result<(), EvalError> {
        let row: Option<Vec<Value>> = form.iter().cloned().collect();
        if let Some(row) = row
            && self.session.is_changeable(pred)
        {
            let fact = Fact { pred, row };
            let cells = self.session.cells(&fact)?;
            if !self.session.is_given(pred, &cells) {
                self.found.insert((fact, true));
            }
        }
        for rule in self.session.rules_of(pred).to_vec() {
            if let Some(Grounded { vars, known, body }) = self.session.ground(rule, form)? {
                self.body(&Scene { vars: &vars, known }, &body)?;
            }
        }
        Ok(())
    }

    /// Whatever may give one more way through a body.
    fn body(&mut self, start: &Scene<'_>, body: &[Literal]) -> Result<(), EvalError> {
        let mut bound = known_of(&start.known);
        let mut ways = self.ways(start, &[], &bound)?;
        for (place, literal) in body.iter().enumerate() {
            let prefix: Vec<&Literal> = body.iter().take(place + 1).collect();
            let before: Vec<Var> = bound.iter().collect();
            bound.bind(literal);
            let next = self.ways(start, &prefix, &bound)?;
            let on: BTreeSet<Vec<&Cell>> = next.iter().map(|way| chosen(way, &bound, &before)).collect();
            for way in &ways {
                let scene = self.scene(start.vars, &before, way);
                let fails = !on.contains(&way.iter().collect::<Vec<_>>());
                self.literal(&scene, (body, place), fails)?;
            }
            if next.is_empty() {
                return Ok(());
            }
            ways = next;
        }
        Ok(())
    }

    /// The values of the bound variables, in their order, for each way through some literals.
    fn ways(
        &mut self,
        start: &Scene<'_>,
        prefix: &[&Literal],
        bound: &Known,
    ) -> Result<BTreeSet<Vec<Cell>>, EvalError> {
        let mut ways = BTreeSet::new();
        self.session.solutions(start.vars, &start.known, prefix, &mut |frame| {
            ways.insert(bound.iter().map(|var| frame.get(var.index()).copied().unwrap_or(0)).collect());
            Ok(Yield::Some)
        })?;
        self.session.hold(ways.len() * bound.iter().count()).map_err(|stop| stop.of("a repair"))?;
        Ok(ways)
    }

    fn scene<'a>(&self, vars: &'a [VarInfo], bound: &[Var], way: &[Cell]) -> Scene<'a> {
        let value = |(var, cell): (&Var, &Cell)| Some((*var, self.session.value(*cell, vars.get(var.index())?.ty)));
        Scene { vars, known: bound.iter().zip(way).filter_map(value).collect() }
    }

    /// Whatever may make a literal true for these values, or true in one more way.
    fn literal(&mut self, scene: &Scene<'_>, (body, place): (&[Literal], usize), fails: bool) -> Result<(), EvalError> {
        let Some(literal) = body.get(place) else { return Ok(()) };
        let known = known_of(&scene.known);
        match &literal.kind {
            LiteralKind::Atom(atom) if known.knows_atom(atom) => {
                if fails {
                    self.want(Goal::True(atom.pred, scene.form(atom)));
                }
            }
            LiteralKind::Atom(atom) => {
                if self.session.is_derived(atom.pred) {
                    self.want(Goal::True(atom.pred, scene.form(atom)));
                }
                if self.session.is_changeable(atom.pred) {
                    self.put_off(scene, atom, body.get(place + 1..).unwrap_or(&[]))?;
                }
            }
            LiteralKind::Not { atom, .. } if fails => {
                for row in self.session.rows_of(scene.vars, &scene.known, atom)? {
                    self.want(Goal::False(row.pred, row.row));
                }
            }
            LiteralKind::Aggregate(aggregate) if fails => self.members(scene, aggregate)?,
            LiteralKind::Not { .. }
            | LiteralKind::Aggregate(_)
            | LiteralKind::Compare { .. }
            | LiteralKind::Range { .. } => {}
        }
        if fails {
            self.counted_before(scene, body.get(..place).unwrap_or(&[]), literal)?;
        }
        Ok(())
    }

    /// A literal that fails may do so for the value of an aggregate before it.
    fn counted_before(&mut self, scene: &Scene<'_>, before: &[Literal], literal: &Literal) -> Result<(), EvalError> {
        let mut wanted = mentioned(literal);
        for earlier in before.iter().rev() {
            if !bound_here(earlier).iter().any(|var| wanted.has(*var)) {
                continue;
            }
            mentioned(earlier).iter().for_each(|var| wanted.add(var));
            if let LiteralKind::Aggregate(aggregate) = &earlier.kind {
                self.members(scene, aggregate)?;
            }
        }
        Ok(())
    }

    /// An atom that is looked at before all its variables are known, and may want one more row: the rest of the body may
    /// give them their values.
    fn put_off(&mut self, scene: &Scene<'_>, atom: &Atom, rest: &[Literal]) -> Result<(), EvalError> {
        let mut known = known_of(&scene.known);
        let mut ready: Vec<&Literal> = Vec::new();
        for literal in rest {
            if known.is_ready_in(self.session.engine, literal) {
                known.bind(literal);
                ready.push(literal);
            }
        }
        if !known.knows_atom(atom) {
            return Ok(());
        }
        let vars: Vec<Var> = known.iter().collect();
        for way in self.ways(scene, &ready, &known)? {
            let form = self.scene(scene.vars, &vars, &way).form(atom);
            self.want(Goal::True(atom.pred, form));
        }
        Ok(())
    }

    /// Whatever may change the value of an aggregate.
    fn members(&mut self, scene: &Scene<'_>, aggregate: &Aggregate) -> Result<(), EvalError> {
        let group = scene.known.iter().filter(|(var, _)| aggregate.group.contains(var)).cloned().collect();
        let start = Scene { vars: scene.vars, known: group };
        let span = aggregate.body.first().map_or_else(Span::default, |literal| literal.span);
        let body = self.session.ordered(start.vars, &start.known, &aggregate.body, span)?;
        self.body(&start, &body)?;
        let mut bound = known_of(&start.known);
        for literal in &body {
            bound.bind(literal);
        }
        let vars: Vec<Var> = bound.iter().collect();
        for way in self.ways(&start, &body.iter().collect::<Vec<_>>(), &bound)? {
            let member = self.scene(start.vars, &vars, &way);
            for literal in &body {
                self.unmake(&member, literal)?;
            }
        }
        Ok(())
    }

    /// Whatever may break a literal that holds.
    fn unmake(&mut self, scene: &Scene<'_>, literal: &Literal) -> Result<(), EvalError> {
        match &literal.kind {
            LiteralKind::Atom(atom) => {
                for row in self.session.rows_of(scene.vars, &scene.known, atom)? {
                    self.want(Goal::False(row.pred, row.row));
                }
            }
            LiteralKind::Not { atom, .. } => self.want(Goal::True(atom.pred, scene.form(atom))),
            LiteralKind::Aggregate(aggregate) => self.members(scene, aggregate)?,
            LiteralKind::Compare { .. } | LiteralKind::Range { .. } => {}
        }
        Ok(())
    }

    fn make_false(&mut self, pred: PredId, row: Vec<Value>) -> Result<(), EvalError> {
        let cells = self.session.cells(&Fact { pred, row })?;
        let graph = Graph::explore(self.session, pred, &cells, true)?;
        for node in graph.nodes.iter().filter(|node| node.holds()) {
            let fact = self.session.fact(node.pred, graph.row(node));
            // All that it rests on is in this graph.
            self.seen.insert(Goal::False(fact.pred, fact.row.clone()));
            if node.given && self.session.is_changeable(node.pred) {
                self.found.insert((fact, false));
            }
        }
        let mut heads: Vec<(u32, usize)> = graph.edges.iter().map(|edge| (edge.head, edge.rule())).collect();
        heads.dedup();
        for (head, rule) in heads {
            self.break_instances(&graph, head, rule)?;
        }
        Ok(())
    }

    /// What may break the instances of a rule that give a fact, but for their positive atoms, which are in the graph
    /// themselves.
    fn break_instances(&mut self, graph: &Graph, head: u32, rule: usize) -> Result<(), EvalError> {
        let expansion = self.session.expansion(rule)?;
        let rule = &expansion.rule;
        let breaks = |literal: &&Literal| matches!(literal.kind, LiteralKind::Not { .. } | LiteralKind::Aggregate(_));
        if !rule.body.iter().any(|literal| breaks(&literal)) {
            return Ok(());
        }
        for (frame, _) in graph.frames(self.session, head, &expansion)? {
            let known = self.session.values(&rule.vars, &frame, &known_in(rule));
            let scene = Scene { vars: &rule.vars, known };
            for literal in rule.body.iter().filter(breaks) {
                self.unmake(&scene, literal)?;
            }
        }
        Ok(())
    }
}

/// Of the values of the bound variables those of some.
fn chosen<'w>(way: &'w [Cell], bound: &Known, which: &[Var]) -> Vec<&'w Cell> {
    bound.iter().zip(way).filter(|(var, _)| which.contains(var)).map(|(_, cell)| cell).collect()
}

/// The variables that a literal speaks of.
fn mentioned(literal: &Literal) -> Known {
    use super::super::ir::Expr;
    fn of(expr: &Expr, known: &mut Known) {
        match expr {
            Expr::Var(var) => known.add(*var),
            Expr::Const(_) => {}
            Expr::Call(_, args) => args.iter().for_each(|arg| of(arg, known)),
        }
    }
    let mut known = Known::default();
    match &literal.kind {
        LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. } => {
            for term in &atom.args {
                if let Term::Var(var) = term {
                    known.add(*var);
                }
            }
        }
        LiteralKind::Compare { left, right, .. } => [left, right].into_iter().for_each(|side| of(side, &mut known)),
        LiteralKind::Range { var, from, to, step } => {
            known.add(*var);
            [Some(from), Some(to), step.as_ref()].into_iter().flatten().for_each(|bound| of(bound, &mut known));
        }
        LiteralKind::Aggregate(aggregate) => {
            known.add(aggregate.result);
            aggregate.group.iter().for_each(|var| known.add(*var));
        }
    }
    known
}

/// The variables that a literal may give a value to.
fn bound_here(literal: &Literal) -> Vec<Var> {
    let mut known = Known::default();
    known.bind(literal);
    known.iter().collect()
}
