//! All rule instances that lead to a fact, and the smallest derivation among them.

use core::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BinaryHeap};

use super::super::eval::Stop;
use super::super::ir::PredId;
use super::super::limits::EvalError;
use super::super::store::{Relation, RowId};
use super::super::value::{Cell, Type};
use super::session::{Expansion, Session, filled};

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
    row: RowId,
    pub(super) given: bool,
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

/// A rule instance. There may be millions, so the values of its variables are not held: see [`Graph::frames`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Edge {
    pub(super) head: u32,
    rule: u32,
    /// Where its premises begin among those of all.
    first: u32,
    /// Premises that are not settled yet.
    open: u32,
}

impl Edge {
    pub(super) fn rule(&self) -> usize {
        at(self.rule)
    }
}

/// The values of the variables of an instance, and its premises.
type Instance = (Vec<Cell>, Vec<u32>);

/// The rows of one predicate, and which node each is.
#[derive(Debug)]
struct Rows {
    relation: Relation,
    nodes: Vec<u32>,
}

/// Facts and the instances between them.
#[derive(Debug, Default)]
pub(super) struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) edges: Vec<Edge>,
    /// For each edge in turn the facts of the positive atoms, in their order.
    premises: Vec<u32>,
    rows: BTreeMap<PredId, Rows>,
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
        graph.node(session, pred, row).map_err(|stop| session.stopped(stop, pred))?;
        let (mut next, mut buffer) = (0, Vec::new());
        while next < graph.nodes.len() {
            graph.expand(session, next, full, &mut buffer)?;
            next += 1;
        }
        graph.settle(session);
        Ok(graph)
    }

    /// The row of a node.
    pub(super) fn row(&self, node: &Node) -> &[Cell] {
        self.rows.get(&node.pred).map_or(&[], |rows| rows.relation.row(node.row))
    }

    fn find(&self, pred: PredId, row: &[Cell]) -> Option<u32> {
        let rows = self.rows.get(&pred)?;
        rows.relation.find(row).and_then(|id| rows.nodes.get(at(id.0)).copied())
    }

    /// The facts of the positive atoms of an instance.
    pub(super) fn premises(&self, edge: u32) -> &[u32] {
        let first = |edge: usize| self.edges.get(edge).map_or(self.premises.len(), |edge| at(edge.first));
        self.premises.get(first(at(edge))..first(at(edge) + 1)).unwrap_or(&[])
    }

    fn node(&mut self, session: &mut Session<'_>, pred: PredId, row: &[Cell]) -> Result<u32, Stop> {
        let place = narrow(self.nodes.len());
        let rows = self.rows.entry(pred);
        let rows = rows.or_insert_with(|| Rows { relation: Relation::new(row.len()), nodes: Vec::new() });
        let id = match rows.relation.insert(row) {
            Ok(id) => id,
            Err(id) => return Ok(rows.nodes.get(at(id.0)).copied().unwrap_or(place)),
        };
        rows.nodes.push(place);
        session.hold(row.len() + 8)?;
        let given = session.is_given(pred, row);
        self.nodes.push(Node { pred, row: id, given, best: None, done: false });
        Ok(place)
    }

    fn expand(
        &mut self,
        session: &mut Session<'_>,
        place: usize,
        full: bool,
        buffer: &mut Vec<Cell>,
    ) -> Result<(), EvalError> {
        let Some(node) = self.nodes.get(place) else { return Ok(()) };
        let (pred, row) = (node.pred, self.row(node).to_vec());
        if (node.given && !full) || !session.is_derived(pred) || session.is_known_to_hold(pred, &row)? == Some(false) {
            return Ok(());
        }
        for rule in session.rules_of(pred).to_vec() {
            let expansion = session.expansion(rule)?;
            let (vars, mut found) = (expansion.rule.vars.len(), 0);
            buffer.clear();
            session.instances(&expansion, &row, &mut |frame| {
                buffer.extend(frame.iter().take(vars));
                found += 1;
            })?;
            for instance in 0..found {
                let frame = buffer.get(instance * vars..(instance + 1) * vars).unwrap_or(&[]);
                let added = self.edge(session, (place, rule), &expansion, frame);
                added.map_err(|stop| session.stopped(stop, pred))?;
            }
        }
        Ok(())
    }

    fn edge(
        &mut self,
        session: &mut Session<'_>,
        (head, rule): (usize, usize),
        expansion: &Expansion,
        frame: &[Cell],
    ) -> Result<(), Stop> {
        session.hold(expansion.premises.len())?;
        let first = narrow(self.premises.len());
        let mut row = Vec::new();
        for (pred, fillings) in &expansion.premises {
            filled(fillings, frame, &mut row);
            let premise = self.node(session, *pred, &row)?;
            self.premises.push(premise);
        }
        let open = narrow(expansion.premises.len());
        self.edges.push(Edge { head: narrow(head), rule: narrow(rule), first, open });
        Ok(())
    }

    /// The values of the variables in all instances of a rule that give a node and whose premises hold, with these
    /// premises.
    pub(super) fn frames(
        &self,
        session: &mut Session<'_>,
        head: u32,
        expansion: &Expansion,
    ) -> Result<Vec<Instance>, EvalError> {
        let Some(node) = self.nodes.get(at(head)) else { return Ok(Vec::new()) };
        let (mut frames, mut row) = (Vec::new(), Vec::new());
        session.instances(expansion, self.row(node), &mut |frame| {
            let mut premise = |(pred, fillings): &(PredId, Vec<_>)| {
                filled(fillings, frame, &mut row);
                let place = self.find(*pred, &row)?;
                self.nodes.get(at(place)).filter(|node| node.holds()).map(|_| place)
            };
            if let Some(premises) = expansion.premises.iter().map(&mut premise).collect() {
                frames.push((frame.to_vec(), premises));
            }
        })?;
        Ok(frames)
    }

    /// For each node, one after the other, the edges that it is a premise of, once for each time; and where those begin.
    fn uses(&self) -> (Vec<u32>, Vec<u32>) {
        let mut starts = vec![0_u32; self.nodes.len() + 1];
        for premise in &self.premises {
            if let Some(count) = starts.get_mut(at(*premise)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += core::mem::replace(start, sum);
        }
        let (mut next, mut uses) = (starts.clone(), vec![0; self.premises.len()]);
        for edge in 0..narrow(self.edges.len()) {
            for premise in self.premises(edge) {
                let Some(next) = next.get_mut(at(*premise)) else { continue };
                if let Some(slot) = uses.get_mut(at(*next)) {
                    *slot = edge;
                }
                *next += 1;
            }
        }
        (starts, uses)
    }

    /// Settles facts in the order of their smallest derivations. What is never settled does not hold.
    fn settle(&mut self, session: &Session<'_>) {
        let mut heap: BinaryHeap<Reverse<(u128, u32)>> = BinaryHeap::new();
        for (place, node) in self.nodes.iter_mut().enumerate().filter(|(_, node)| node.given) {
            node.best = Some((1, Origin::Given));
            heap.push(Reverse((1, narrow(place))));
        }
        for edge in 0..narrow(self.edges.len()) {
            if self.edges.get(at(edge)).is_some_and(|edge| edge.open == 0) {
                self.relax(session, edge, &mut heap);
            }
        }
        let (starts, uses) = self.uses();
        while let Some(Reverse((_, place))) = heap.pop() {
            let Some(node) = self.nodes.get_mut(at(place)) else { continue };
            if core::mem::replace(&mut node.done, true) {
                continue;
            }
            let bound = |place: usize| starts.get(place).copied().map_or(0, at);
            for edge in uses.get(bound(at(place))..bound(at(place) + 1)).unwrap_or(&[]) {
                let Some(known) = self.edges.get_mut(at(*edge)) else { continue };
                known.open -= 1;
                if known.open == 0 {
                    self.relax(session, *edge, &mut heap);
                }
            }
        }
    }

    fn relax(&mut self, session: &Session<'_>, place: u32, heap: &mut BinaryHeap<Reverse<(u128, u32)>>) {
        let Some(edge) = self.edges.get(at(place)) else { return };
        let Some(head) = self.nodes.get(at(edge.head)) else { return };
        let sizes = self.premises(place).iter().filter_map(|premise| self.nodes.get(at(*premise))).map(Node::size);
        let size = sizes.fold(1, u128::saturating_add);
        let (smaller, better) = match head.best {
            _ if head.done => (false, false),
            None => (true, true),
            Some((known, _)) if known != size => (size < known, size < known),
            Some((_, Origin::Given)) => (false, false),
            Some((_, Origin::Edge(other))) => (false, self.order(session, place, other).is_lt()),
        };
        let head = edge.head;
        if better && let Some(node) = self.nodes.get_mut(at(head)) {
            node.best = Some((size, Origin::Edge(place)));
        }
        if smaller {
            heap.push(Reverse((size, head)));
        }
    }

    /// Of two instances of one size, that of the earlier rule comes first, then that of the lesser rows.
    fn order(&self, session: &Session<'_>, one: u32, two: u32) -> Ordering {
        let rule = |edge: u32| self.edges.get(at(edge)).map(|edge| edge.rule);
        rule(one).cmp(&rule(two)).then_with(|| {
            let pairs = self.premises(one).iter().zip(self.premises(two)).filter(|(one, two)| one != two);
            let mut orders = pairs.filter_map(|(one, two)| {
                let (one, two) = (self.nodes.get(at(*one))?, self.nodes.get(at(*two))?);
                let ty = |column| session.column_type(one.pred, column);
                Some(compare(session, self.row(one), self.row(two), ty))
            });
            orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        })
    }
}

/// The order of two rows by their values.
fn compare(session: &Session<'_>, one: &[Cell], two: &[Cell], ty: impl Fn(usize) -> Type) -> Ordering {
    let mut columns = one.iter().zip(two).enumerate().filter(|(_, (one, two))| one != two);
    let differs = columns.next();
    differs.map_or(Ordering::Equal, |(column, (one, two))| {
        session.value(*one, ty(column)).cmp(&session.value(*two, ty(column)))
    })
}
