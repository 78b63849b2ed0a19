//! All rule instances that lead to a fact, and the smallest derivation among them.

use core::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use super::super::eval::Stop;
use super::super::ir::PredId;
use super::super::limits::EvalError;
use super::super::value::{Cell, Type};
use super::session::{Session, filled};

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Given,
    Edge(u32),
}

/// A fact, or what would be one.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) pred: PredId,
    pub(super) row: Vec<Cell>,
    pub(super) given: bool,
    /// The instances of which it is a premise, one entry for each time.
    uses: Vec<u32>,
    /// The smallest derivation so far, with its number of facts.
    best: Option<(u128, Origin)>,
    done: bool,
}

impl Node {
    /// Whether it holds.
    pub(super) fn holds(&self) -> bool {
        self.done
    }

    /// The root of its smallest derivation.
    pub(super) fn origin(&self) -> Option<Origin> {
        self.best.filter(|_| self.done).map(|(_, origin)| origin)
    }

    /// How many facts its smallest derivation has, each as often as it is used.
    pub(super) fn size(&self) -> u128 {
        self.best.map_or(0, |(size, _)| size)
    }
}

/// A rule instance.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) head: u32,
    pub(super) rule: usize,
    /// The registers of the rule's variables, and more.
    pub(super) frame: Vec<Cell>,
    /// The facts of the positive atoms, in their order.
    pub(super) premises: Vec<u32>,
    open: usize,
    size: u128,
}

/// Facts and the instances between them.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    places: BTreeMap<(PredId, Vec<Cell>), u32>,
}

pub(super) fn at(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

impl Graph {
    /// Everything behind one fact, which comes first. `full`: what is behind facts that are given, too.
    pub(super) fn explore(
        session: &mut Session<'_>,
        pred: PredId,
        row: &[Cell],
        full: bool,
    ) -> Result<Self, EvalError> {
        let mut graph = Self::default();
        graph.node(session, pred, row.to_vec()).map_err(|stop| session.stopped(stop, pred))?;
        let mut next = 0;
        while next < graph.nodes.len() {
            graph.expand(session, next, full)?;
            next += 1;
        }
        graph.settle(session);
        Ok(graph)
    }

    fn node(&mut self, session: &mut Session<'_>, pred: PredId, row: Vec<Cell>) -> Result<u32, Stop> {
        if let Some(place) = self.places.get(&(pred, row.clone())) {
            return Ok(*place);
        }
        session.hold(row.len() * 2 + 16)?;
        let place = narrow(self.nodes.len());
        let given = session.is_given(pred, &row);
        self.places.insert((pred, row.clone()), place);
        self.nodes.push(Node { pred, row, given, uses: Vec::new(), best: None, done: false });
        Ok(place)
    }

    fn expand(&mut self, session: &mut Session<'_>, place: usize, full: bool) -> Result<(), EvalError> {
        let Some(node) = self.nodes.get(place) else { return Ok(()) };
        let (pred, row) = (node.pred, node.row.clone());
        if (node.given && !full) || !session.is_derived(pred) || session.is_surely_false(pred, &row) {
            return Ok(());
        }
        for rule in session.rules_of(pred).to_vec() {
            let expansion = session.expansion(rule)?;
            let frames = session.instances(&expansion, &row).map_err(|stop| session.stopped(stop, pred))?;
            for frame in frames {
                let premises = expansion.premises.iter().map(|(pred, fillings)| (*pred, filled(fillings, &frame)));
                let premises = premises.collect();
                self.edge(session, (place, rule), frame, premises).map_err(|stop| session.stopped(stop, pred))?;
            }
        }
        Ok(())
    }

    fn edge(
        &mut self,
        session: &mut Session<'_>,
        (head, rule): (usize, usize),
        frame: Vec<Cell>,
        facts: Vec<(PredId, Vec<Cell>)>,
    ) -> Result<(), Stop> {
        session.hold(frame.len() + facts.len() * 2 + 8)?;
        let place = narrow(self.edges.len());
        let mut premises = Vec::with_capacity(facts.len());
        for (pred, row) in facts {
            let premise = self.node(session, pred, row)?;
            if let Some(node) = self.nodes.get_mut(at(premise)) {
                node.uses.push(place);
            }
            premises.push(premise);
        }
        let open = premises.len();
        self.edges.push(Edge { head: narrow(head), rule, frame, premises, open, size: 1 });
        Ok(())
    }

    /// Settles facts in the order of their smallest derivations. What is never settled does not hold.
    fn settle(&mut self, session: &Session<'_>) {
        let mut heap: BinaryHeap<Reverse<(u128, u32)>> = BinaryHeap::new();
        for (place, node) in self.nodes.iter_mut().enumerate().filter(|(_, node)| node.given) {
            node.best = Some((1, Origin::Given));
            heap.push(Reverse((1, narrow(place))));
        }
        for edge in 0..self.edges.len() {
            if self.edges.get(edge).is_some_and(|edge| edge.open == 0) {
                self.relax(session, narrow(edge), &mut heap);
            }
        }
        while let Some(Reverse((size, place))) = heap.pop() {
            let Some(node) = self.nodes.get_mut(at(place)) else { continue };
            if node.done {
                continue;
            }
            node.done = true;
            for edge in node.uses.clone() {
                let Some(known) = self.edges.get_mut(at(edge)) else { continue };
                known.size = known.size.saturating_add(size);
                known.open -= 1;
                if known.open == 0 {
                    self.relax(session, edge, &mut heap);
                }
            }
        }
    }

    fn relax(&mut self, session: &Session<'_>, place: u32, heap: &mut BinaryHeap<Reverse<(u128, u32)>>) {
        let Some(edge) = self.edges.get(at(place)) else { return };
        let Some(head) = self.nodes.get(at(edge.head)) else { return };
        let better = match head.best {
            _ if head.done => false,
            None => true,
            Some((size, _)) if size != edge.size => edge.size < size,
            Some((_, Origin::Given)) => false,
            Some((_, Origin::Edge(other))) => self.order(session, place, other).is_lt(),
        };
        if better {
            let (size, head) = (edge.size, edge.head);
            if let Some(head) = self.nodes.get_mut(at(head)) {
                head.best = Some((size, Origin::Edge(place)));
            }
            heap.push(Reverse((size, head)));
        }
    }

    /// Of two instances of one size, that of the earlier rule comes first, then that of the lesser rows.
    fn order(&self, session: &Session<'_>, one: u32, two: u32) -> Ordering {
        let (Some(one), Some(two)) = (self.edges.get(at(one)), self.edges.get(at(two))) else { return Ordering::Equal };
        one.rule.cmp(&two.rule).then_with(|| {
            let rows =
                |edge: &Edge| -> Vec<_> { edge.premises.iter().filter_map(|p| self.nodes.get(at(*p))).collect() };
            let pairs = rows(one).into_iter().zip(rows(two));
            let mut orders = pairs.map(|(one, two)| {
                let ty = |column| session.column_type(one.pred, column);
                compare(session, &one.row, &two.row, ty)
            });
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
    }
}

/// The order of two rows by their values.
pub(super) fn compare(session: &Session<'_>, one: &[Cell], two: &[Cell], ty: impl Fn(usize) -> Type) -> Ordering {
    let mut columns = one.iter().zip(two).enumerate().filter(|(_, (one, two))| one != two);
    let differs = columns.next();
    differs.map_or(Ordering::Equal, |(column, (one, two))| {
        session.value(*one, ty(column)).cmp(&session.value(*two, ty(column)))
    })
}
