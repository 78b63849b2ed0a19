//! Which predicates rest on which, and that none rests on its own absence.

use std::collections::{BTreeMap, VecDeque};

use super::Draft;
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::{Literal, LiteralKind, PredId, Predicate, Span, Stratum};

/// How a predicate rests on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Atom,
    Not,
    Aggregate,
}

#[derive(Clone, Copy, Debug)]
struct Edge {
    to: usize,
    kind: Kind,
    span: Span,
    clause: Span,
}

/// Groups of predicates, each after all it rests on.
pub(super) fn strata(predicates: &[Predicate], rules: &[Draft], report: &mut Report<'_>) -> Vec<Stratum> {
    let mut edges: Vec<Vec<Edge>> = vec![Vec::new(); predicates.len()];
    for draft in rules {
        if let Some(from) = edges.get_mut(draft.rule.head.index()) {
            collect(&draft.rule.body, Kind::Atom, draft.rule.span, from);
        }
    }
    let groups = Search::new(&edges).groups();
    let mut group_of = vec![0; predicates.len()];
    for (number, group) in groups.iter().enumerate() {
        for member in group {
            if let Some(slot) = group_of.get_mut(*member) {
                *slot = number;
            }
        }
    }
    refuse_cycles(predicates, &edges, &group_of, report);
    let stratum = |group: Vec<usize>| {
        let itself = |at: &usize| edges.get(*at).is_some_and(|own| own.iter().any(|edge| edge.to == *at));
        let recursive = group.len() > 1 || group.iter().any(itself);
        Stratum { preds: group.iter().filter_map(|at| u32::try_from(*at).ok().map(PredId)).collect(), recursive }
    };
    groups.into_iter().map(stratum).collect()
}

fn collect(body: &[Literal], outer: Kind, clause: Span, edges: &mut Vec<Edge>) {
    for Literal { kind, span } in body {
        let (to, kind) = match kind {
            LiteralKind::Atom(atom) => (atom.pred.index(), outer),
            LiteralKind::Not { atom, .. } => (atom.pred.index(), if outer == Kind::Atom { Kind::Not } else { outer }),
            LiteralKind::Aggregate(aggregate) => {
                collect(&aggregate.body, Kind::Aggregate, clause, edges);
                continue;
            }
            LiteralKind::Compare { .. } | LiteralKind::Range { .. } => continue,
        };
        edges.push(Edge { to, kind, span: *span, clause });
    }
}

/// Tarjan's search with a stack of its own.
struct Search<'e> {
    edges: &'e [Vec<Edge>],
    /// When each was reached, from 1; 0 for not yet.
    reached: Vec<usize>,
    lowest: Vec<usize>,
    open: Vec<bool>,
    stack: Vec<usize>,
    groups: Vec<Vec<usize>>,
}

impl<'e> Search<'e> {
    fn new(edges: &'e [Vec<Edge>]) -> Self {
        let (reached, lowest, open) = (vec![0; edges.len()], vec![0; edges.len()], vec![false; edges.len()]);
        Self { edges, reached, lowest, open, stack: Vec::new(), groups: Vec::new() }
    }

    fn groups(mut self) -> Vec<Vec<usize>> {
        let mut clock = 0;
        for start in 0..self.edges.len() {
            if self.reached.get(start) != Some(&0) {
                continue;
            }
            let mut path = vec![(start, 0)];
            while let Some((node, next)) = path.last_mut() {
                let node = *node;
                if *next == 0 {
                    clock += 1;
                    self.reach(node, clock);
                }
                let edge = self.edges.get(node).and_then(|own| own.get(*next));
                *next += 1;
                match edge.map(|edge| edge.to) {
                    Some(to) if self.reached.get(to) == Some(&0) => path.push((to, 0)),
                    Some(to) if self.open.get(to) == Some(&true) => {
                        let met = self.reached.get(to).copied().unwrap_or(clock);
                        self.lower(node, met);
                    }
                    Some(_) => {}
                    None => {
                        path.pop();
                        let lowest = self.lowest.get(node).copied().unwrap_or(0);
                        if let Some((above, _)) = path.last() {
                            let above = *above;
                            self.lower(above, lowest);
                        }
                        self.close(node, lowest);
                    }
                }
            }
        }
        self.groups
    }

    fn reach(&mut self, node: usize, clock: usize) {
        for list in [&mut self.reached, &mut self.lowest] {
            if let Some(slot) = list.get_mut(node) {
                *slot = clock;
            }
        }
        self.set_open(node, true);
        self.stack.push(node);
    }

    fn set_open(&mut self, node: usize, open: bool) {
        if let Some(slot) = self.open.get_mut(node) {
            *slot = open;
        }
    }

    fn lower(&mut self, node: usize, to: usize) {
        if let Some(slot) = self.lowest.get_mut(node) {
            *slot = to.min(*slot);
        }
    }

    /// If the node was reached first in its group, the group is whole.
    fn close(&mut self, node: usize, lowest: usize) {
        if self.reached.get(node) != Some(&lowest) {
            return;
        }
        let mut group = Vec::new();
        while let Some(member) = self.stack.pop() {
            self.set_open(member, false);
            group.push(member);
            if member == node {
                break;
            }
        }
        group.sort_unstable();
        self.groups.push(group);
    }
}

/// Reports each group within which one rests on the absence, or the number, of another.
fn refuse_cycles(predicates: &[Predicate], edges: &[Vec<Edge>], group_of: &[usize], report: &mut Report<'_>) {
    let mut told = Vec::new();
    let mut bad: Vec<(usize, Edge)> = Vec::new();
    for (from, own) in edges.iter().enumerate() {
        let inside = own.iter().filter(|edge| edge.kind != Kind::Atom && group_of.get(edge.to) == group_of.get(from));
        bad.extend(inside.map(|edge| (from, *edge)));
    }
    bad.sort_by_key(|(_, edge)| edge.span);
    for (from, edge) in bad {
        let group = group_of.get(from);
        if told.contains(&group) {
            continue;
        }
        // Each group once; so many that the search below would matter are not reported anyway.
        if told.len() < 100 {
            told.push(group);
            report.add(cycle(predicates, edges, group_of, from, edge));
        }
    }
}

fn cycle(predicates: &[Predicate], edges: &[Vec<Edge>], group_of: &[usize], from: usize, first: Edge) -> Finding {
    let name = |at: usize| predicates.get(at).map(|predicate| &*predicate.name).unwrap_or_default();
    let mut text = name(from).to_owned();
    for edge in core::iter::once(first).chain(way(edges, group_of, first.to, from)) {
        let mark = match edge.kind {
            Kind::Atom => "",
            Kind::Not => "!",
            Kind::Aggregate => "aggregate of ",
        };
        let line = edge.span.line.to_string();
        for part in [" -> ", mark, name(edge.to), " (line ", &line, ")"] {
            text.push_str(part);
        }
        if text.len() > 600 {
            text.push_str(" -> ...");
            break;
        }
    }
    let what = if first.kind == Kind::Not { "absence" } else { "own rows through an aggregate" };
    let message = format!("`{}` rests on its {what}: {text}", name(from));
    let message = message.replacen("its absence", "its own absence", 1).replacen("its own rows", "its rows", 1);
    Finding::error("E-stratify", first.span, message).within(first.clause)
}

/// The shortest way within a group.
fn way(edges: &[Vec<Edge>], group_of: &[usize], from: usize, to: usize) -> Vec<Edge> {
    let mut came: BTreeMap<usize, (usize, Edge)> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(node) = queue.pop_front().filter(|_| from != to && !came.contains_key(&to)) {
        for edge in edges.get(node).into_iter().flatten() {
            if group_of.get(edge.to) == group_of.get(to) && edge.to != from && !came.contains_key(&edge.to) {
                came.insert(edge.to, (node, *edge));
                queue.push_back(edge.to);
            }
        }
    }
    let mut back = Vec::new();
    let mut node = to;
    while let Some((before, edge)) = came.get(&node).filter(|_| node != from) {
        back.push(*edge);
        node = *before;
    }
    back.reverse();
    back
}
