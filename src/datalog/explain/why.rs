//! Why a fact holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::engine::Engine;
use super::super::eval::Yield;
use super::super::ir::{Aggregate, Fact, Literal, LiteralKind, PredId, Rule, Var, VarInfo};
use super::super::known::Known;
use super::super::limits::EvalError;
use super::super::value::{Cell, Value};
use super::graph::{Edge, Graph, Origin, at};
use super::lines::{Lines, fact_text, name, rule_ref};
use super::order::known_from_head;
use super::proof::{Counted, Part, Proof, RuleRef, Step};
use super::session::{Session, filled, name_blanks};

/// Members of an aggregate that are listed.
const MEMBERS_MAX: usize = 100;

impl Engine {
    /// Why a fact holds: the smallest derivation; none if it does not hold.
    ///
    /// Of several that are as small, the one by the first rule; then the one with the least rows. The same facts and rules
    /// always give the same proof.
    ///
    /// ```
    /// use boxoffice_core::datalog::{Engine, Functions, Limits, Source, compile};
    ///
    /// let text = "edge(1, 2). edge(2, 3).  path(x, y) :- edge(x, y).  path(x, z) :- edge(x, y), path(y, z).";
    /// let source = Source { name: "paths.dl".into(), text: text.into() };
    /// let (program, _) = compile(&[source], &Functions::new()).unwrap();
    /// let mut engine = Engine::new(program, Limits::default()).unwrap();
    /// let asked = engine.program().fact("path(1, 3)").unwrap();
    /// let proof = engine.why(&asked).unwrap().unwrap();
    /// assert_eq!(proof.given().len(), 2);
    /// assert!(proof.to_string().starts_with("path(1, 3)\n  by paths.dl:1  path(x, z) :-"));
    /// ```
    ///
    /// # Errors
    /// [`EvalError`] when looking through all derivations takes more than the limits allow, something cannot be computed,
    /// or the fact does not fit the program.
    pub fn why(&mut self, fact: &Fact) -> Result<Option<Proof>, EvalError> {
        let mut session = Session::new(self);
        let row = session.cells(fact)?;
        session.proof(fact.pred, &row)
    }
}

impl Session<'_> {
    /// The smallest derivation of a row.
    pub(super) fn proof(&mut self, pred: PredId, row: &[Cell]) -> Result<Option<Proof>, EvalError> {
        let graph = Graph::explore(self, pred, row, false)?;
        if !graph.nodes.first().is_some_and(super::graph::Node::holds) {
            return Ok(None);
        }
        let steps = Drawing { graph: &graph, places: BTreeMap::new(), order: Vec::new(), rules: BTreeMap::new() };
        let steps = steps.draw(self)?;
        Ok(Some(Proof { steps: steps.into(), at: 0 }))
    }

    /// What an aggregate was worked out over. The values are those of its group.
    pub(super) fn counted(
        &mut self,
        aggregate: &Aggregate,
        vars: &[VarInfo],
        known: &[(Var, Value)],
        value: Value,
    ) -> Result<Counted, EvalError> {
        let group: Vec<(Var, Value)> = known.iter().filter(|(var, _)| aggregate.group.contains(var)).cloned().collect();
        let look_up = |var: Var| group.iter().find(|(known, _)| *known == var).map(|(_, value)| value.clone());
        let lines = Lines { program: self.engine.program(), vars, value: &look_up };
        let text = lines.aggregate(aggregate);
        let (rows, total) = self.members(aggregate, vars, &group)?;
        let members: Vec<Vec<Fact>> = rows.into_iter().collect();
        let program = self.engine.program();
        let line = |facts: &Vec<Fact>| {
            let texts: Vec<String> = facts.iter().map(|fact| fact_text(&name(program, fact.pred), fact)).collect();
            texts.join(", ")
        };
        let lines = members.iter().map(line).collect();
        Ok(Counted { text, value, members, total, lines })
    }

    fn members(
        &mut self,
        aggregate: &Aggregate,
        vars: &[VarInfo],
        group: &[(Var, Value)],
    ) -> Result<(BTreeSet<Vec<Fact>>, u64), EvalError> {
        let (mut body, mut vars) = (aggregate.body.clone(), vars.to_vec());
        name_blanks(self.engine.program(), &mut body, &mut vars)?;
        let premises = self.premises(&body);
        let mut ways: Vec<Vec<Vec<Cell>>> = Vec::new();
        let literals: Vec<&Literal> = body.iter().collect();
        self.solutions(&vars, group, &literals, &mut |frame| {
            let row = |(_, fillings): &(PredId, Vec<_>)| {
                let mut row = Vec::with_capacity(fillings.len());
                filled(fillings, frame, &mut row);
                row
            };
            ways.push(premises.iter().map(row).collect());
            Ok(Yield::Some)
        })?;
        let total = u64::try_from(ways.len()).unwrap_or(u64::MAX);
        let mut members = BTreeSet::new();
        for way in ways {
            self.step().map_err(|stop| stop.of("the members of an aggregate"))?;
            members.insert(way.iter().zip(&premises).map(|(row, (pred, _))| self.fact(*pred, row)).collect());
            if members.len() > MEMBERS_MAX {
                members.pop_last();
            }
        }
        Ok((members, total))
    }
}

/// Takes the smallest derivation out of a graph.
struct Drawing<'g> {
    graph: &'g Graph,
    /// Where each fact of it is among the steps.
    places: BTreeMap<u32, usize>,
    order: Vec<u32>,
    rules: BTreeMap<usize, RuleRef>,
}

impl Drawing<'_> {
    fn draw(mut self, session: &mut Session<'_>) -> Result<Vec<Step>, EvalError> {
        self.place(0);
        let mut steps = Vec::new();
        while let Some(place) = self.order.get(steps.len()).copied() {
            let graph = self.graph;
            let Some(node) = graph.nodes.get(at(place)) else { break };
            let fact = session.fact(node.pred, graph.row(node));
            let mut step =
                Step { name: session.name(node.pred), fact, rule: None, parts: Vec::new(), size: node.size() };
            if let Some(Origin::Edge(place)) = node.origin()
                && let Some(rule) = graph.edges.get(at(place)).map(Edge::rule)
            {
                let reference = match self.rules.get(&rule) {
                    Some(known) => known.clone(),
                    None => rule_ref(session.engine.program(), &session.rule(rule)?),
                };
                self.rules.insert(rule, reference.clone());
                step.rule = Some((rule, reference));
                step.parts = self.parts(session, place, rule)?;
            }
            steps.push(step);
        }
        Ok(steps)
    }

    fn place(&mut self, node: u32) -> usize {
        if let Some(place) = self.places.get(&node) {
            return *place;
        }
        self.order.push(node);
        let place = self.order.len() - 1;
        self.places.insert(node, place);
        place
    }

    fn parts(&mut self, session: &mut Session<'_>, edge: u32, rule: usize) -> Result<Vec<Part>, EvalError> {
        let expansion = session.expansion(rule)?;
        let rule = &expansion.rule;
        let (head, chosen) = (self.graph.edges.get(at(edge)).map_or(0, |edge| edge.head), self.graph.premises(edge));
        let frames = self.graph.frames(session, head, &expansion)?;
        let frame = frames.into_iter().find(|(_, premises)| premises == chosen).map_or_else(Vec::new, |found| found.0);
        let known = session.values(&rule.vars, &frame, &known_in(rule));
        let mut premises = chosen.iter();
        let mut parts = Vec::with_capacity(rule.body.len());
        for literal in &rule.body {
            let text = |session: &Session<'_>, literal: &Literal| {
                let value = |var: Var| known.iter().find(|(own, _)| *own == var).map(|(_, value)| value.clone());
                Lines { program: session.engine.program(), vars: &rule.vars, value: &value }.literal(literal)
            };
            parts.push(match &literal.kind {
                LiteralKind::Atom(_) => match premises.next() {
                    Some(premise) => Part::Step(self.place(*premise)),
                    None => continue,
                },
                LiteralKind::Not { atom, .. } => {
                    let positive = Literal { kind: LiteralKind::Atom(atom.clone()), span: literal.span };
                    Part::Absent(text(session, &positive))
                }
                LiteralKind::Compare { .. } | LiteralKind::Range { .. } => Part::Condition(text(session, literal)),
                LiteralKind::Aggregate(aggregate) => {
                    let value = known.iter().find(|(var, _)| *var == aggregate.result).map(|(_, value)| value.clone());
                    let value = value.unwrap_or(Value::Number(0));
                    Part::Aggregate(Arc::new(session.counted(aggregate, &rule.vars, &known, value)?))
                }
            });
        }
        Ok(parts)
    }
}

/// The variables of a rule that have a value in each of its instances.
pub(super) fn known_in(rule: &Rule) -> Known {
    let mut known = known_from_head(rule);
    for literal in &rule.body {
        known.bind(literal);
    }
    known
}

impl Session<'_> {
    /// The values of variables out of registers.
    pub(super) fn values(&self, vars: &[VarInfo], frame: &[Cell], which: &Known) -> Vec<(Var, Value)> {
        let value = |var: Var| {
            let (info, cell) = (vars.get(var.index())?, frame.get(var.index())?);
            Some((var, self.value(*cell, info.ty)))
        };
        which.iter().filter_map(value).collect()
    }
}
