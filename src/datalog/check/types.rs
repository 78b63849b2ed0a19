//! Which type each column and variable has.
//!
//! Columns and variables that must be of one type are joined into classes; whatever tells a type tells it to the class.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::catalog::at;
use super::{Draft, Drafts};
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::{PredId, Predicate, Span, Var};
use crate::datalog::value::Type;

/// A class, by one of its members.
pub(super) type Node = usize;

/// What is known of a class.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    /// For each of [`TYPES`] the place that first told it.
    told: [Option<Span>; 4],
    /// Numbers and texts may not be mixed: a declaration or a calculation says which.
    strict: bool,
    /// Was reported.
    pub(super) failed: bool,
}

const TYPES: [Type; 4] = [Type::Number, Type::Symbol, Type::Time, Type::Bool];

impl Class {
    pub(super) fn ty(&self) -> Option<Type> {
        let mut told = TYPES.into_iter().zip(&self.told).filter(|(_, place)| place.is_some()).map(|(ty, _)| ty);
        let first = told.next()?;
        if told.next().is_some() { Some(Type::Any) } else { Some(first) }
    }

    fn clashes(&self) -> bool {
        let told = self.told.map(|place| place.is_some());
        let mixed = !self.strict && told == [true, true, false, false];
        !mixed && told.into_iter().filter(|told| *told).count() > 1
    }
}

/// What an expression is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Node(Node),
    Known { ty: Type, strict: bool },
}

/// `result = left + right`, or `-`, as long as not all types are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) minus: bool,
    pub(super) left: Shape,
    pub(super) right: Shape,
    pub(super) result: Shape,
    pub(super) span: Span,
    pub(super) clause: Span,
    pub(super) done: bool,
}

#[derive(Debug)]
pub(super) struct Types {
    parents: Vec<Node>,
    sizes: Vec<u32>,
    classes: Vec<Class>,
    /// What messages call a member: its name, and the predicate if it is a column.
    labels: Vec<(Arc<str>, Option<Arc<str>>)>,
    /// The first node of each predicate's columns.
    columns: Vec<Node>,
    /// The first node of each rule's variables.
    vars: Vec<Node>,
    pub(super) sums: Vec<Sum>,
    /// The sums that wait for a class.
    pub(super) waiting: BTreeMap<Node, Vec<usize>>,
    pub(super) woken: Vec<usize>,
    /// The clause that is looked at.
    pub(super) clause: Span,
}

impl Types {
    /// Classes of one member each; what declarations say is told.
    pub(super) fn new(predicates: &[Predicate], rules: &[Draft]) -> Self {
        let mut types = Self {
            parents: Vec::new(),
            sizes: Vec::new(),
            classes: Vec::new(),
            labels: Vec::new(),
            columns: Vec::new(),
            vars: Vec::new(),
            sums: Vec::new(),
            waiting: BTreeMap::new(),
            woken: Vec::new(),
            clause: Span::default(),
        };
        for predicate in predicates {
            types.columns.push(types.parents.len());
            for column in &predicate.columns {
                types.member(Arc::clone(&column.name), Some(Arc::clone(&predicate.name)));
            }
        }
        for draft in rules {
            types.vars.push(types.parents.len());
            for var in &draft.rule.vars {
                types.member(Arc::clone(&var.name), None);
            }
        }
        types
    }

    pub(super) fn member(&mut self, name: Arc<str>, predicate: Option<Arc<str>>) -> Node {
        let node = self.parents.len();
        self.parents.push(node);
        self.sizes.push(1);
        self.classes.push(Class::default());
        self.labels.push((name, predicate));
        node
    }

    /// Columns whose type stands: those that are declared, or all of a program that is asked.
    pub(super) fn fix(&mut self, predicates: &[Predicate], stands: impl Fn(usize) -> bool, report: &mut Report<'_>) {
        for (at, predicate) in predicates.iter().enumerate().filter(|(at, _)| stands(*at)) {
            for (place, column) in predicate.columns.iter().enumerate() {
                let node = self.columns.get(at).map_or(0, |first| first + place);
                self.tell(node, column.ty, true, predicate.span, report);
            }
        }
    }

    /// Learns from facts and rules.
    pub(super) fn learn(&mut self, drafts: &Drafts, report: &mut Report<'_>) {
        for fact in &drafts.facts {
            self.clause = fact.span;
            for (place, value) in fact.row.iter().enumerate() {
                let node = self.column(fact.pred, place);
                self.tell(node, value.kind(), false, fact.span, report);
            }
        }
        for (number, draft) in drafts.rules.iter().enumerate() {
            self.clause = draft.rule.span;
            for (place, arg) in draft.rule.args.iter().enumerate() {
                let shape = self.shape(number, arg, draft.head, report);
                if self.has(draft.rule.head) {
                    let column = self.column(draft.rule.head, place);
                    self.join(Shape::Node(column), shape, draft.head, report);
                }
            }
            self.literals(number, &draft.rule.body, report);
        }
        self.work(report);
        self.default_sums(report);
    }

    pub(super) fn has(&self, pred: PredId) -> bool {
        pred.index() < self.columns.len()
    }

    pub(super) fn column(&self, pred: PredId, place: usize) -> Node {
        self.columns.get(pred.index()).map_or(0, |first| first + place)
    }

    pub(super) fn var(&self, rule: usize, var: Var) -> Node {
        self.vars.get(rule).map_or(0, |first| first + var.index())
    }

    pub(super) fn class_of_column(&mut self, pred: usize, place: usize) -> Class {
        let node = self.columns.get(pred).map_or(0, |first| first + place);
        self.class(node)
    }

    /// Whether nothing says that a variable is something else than a text.
    pub(super) fn may_be_text(&mut self, rule: usize, var: usize) -> bool {
        let node = self.vars.get(rule).map_or(0, |first| first + var);
        matches!(self.class(node).ty(), None | Some(Type::Symbol | Type::Any))
    }

    pub(super) fn class(&mut self, node: Node) -> Class {
        let root = self.root(node);
        self.classes.get(root).cloned().unwrap_or_default()
    }

    pub(super) fn root(&mut self, mut node: Node) -> Node {
        while let Some(parent) = self.parents.get(node).copied().filter(|parent| *parent != node) {
            let above = self.parents.get(parent).copied().unwrap_or(parent);
            if let Some(slot) = self.parents.get_mut(node) {
                *slot = above;
            }
            node = above;
        }
        node
    }

    /// Both are of one type.
    pub(super) fn join(&mut self, one: Shape, other: Shape, span: Span, report: &mut Report<'_>) {
        match (one, other) {
            (Shape::Node(one), Shape::Node(other)) => self.unite(one, other, span, report),
            (Shape::Node(node), Shape::Known { ty, strict }) | (Shape::Known { ty, strict }, Shape::Node(node)) => {
                self.tell(node, ty, strict, span, report);
            }
            (Shape::Known { ty: one, .. }, Shape::Known { ty: other, .. }) => {
                if one != other && one != Type::Any && other != Type::Any {
                    let message = format!("a {one} stands here where a {other} should");
                    report.add(self.wrong(span, message, one, other));
                }
            }
        }
    }

    /// The member is of that type.
    pub(super) fn tell(&mut self, node: Node, ty: Type, strict: bool, span: Span, report: &mut Report<'_>) {
        if ty == Type::Any {
            self.tell(node, Type::Number, false, span, report);
            self.tell(node, Type::Symbol, false, span, report);
            return;
        }
        let root = self.root(node);
        let Some(class) = self.classes.get_mut(root).filter(|class| !class.failed) else { return };
        let before = class.ty();
        class.strict |= strict;
        if let Some((_, place)) = TYPES.into_iter().zip(&mut class.told).find(|(own, _)| *own == ty) {
            place.get_or_insert(span);
        }
        if class.clashes() {
            class.failed = true;
            let class = class.clone();
            self.clash(node, &class, ty, span, report);
        } else if before != class.ty() {
            self.wake(root);
        }
    }

    fn unite(&mut self, one: Node, other: Node, span: Span, report: &mut Report<'_>) {
        let (mut big, mut small) = (self.root(one), self.root(other));
        if big == small {
            return;
        }
        if self.sizes.get(big) < self.sizes.get(small) {
            (big, small) = (small, big);
        }
        let size = self.sizes.get(small).copied().unwrap_or(0);
        let added = self.classes.get_mut(small).map(core::mem::take).unwrap_or_default();
        let added_type = added.ty();
        if let Some(slot) = self.parents.get_mut(small) {
            *slot = big;
        }
        if let Some(slot) = self.sizes.get_mut(big) {
            *slot += size;
        }
        let Some(class) = self.classes.get_mut(big) else { return };
        let before = class.ty();
        let failed_before = class.failed || added.failed;
        for (slot, place) in class.told.iter_mut().zip(added.told) {
            *slot = slot.or(place);
        }
        class.strict |= added.strict;
        class.failed |= added.failed || class.clashes();
        let class = class.clone();
        self.unite_waiting(big, small);
        if class.failed && !failed_before {
            self.clash(one, &class, added_type.unwrap_or(Type::Any), span, report);
        } else if before != class.ty() || added_type != class.ty() {
            self.wake(big);
        }
    }

    fn unite_waiting(&mut self, big: Node, small: Node) {
        let Some(mut moved) = self.waiting.remove(&small) else { return };
        let kept = self.waiting.entry(big).or_default();
        if kept.len() < moved.len() {
            core::mem::swap(kept, &mut moved);
        }
        kept.append(&mut moved);
    }

    fn wake(&mut self, root: Node) {
        if let Some(waiting) = self.waiting.get(&root) {
            self.woken.extend_from_slice(waiting);
        }
    }

    fn clash(&self, node: Node, class: &Class, ty: Type, span: Span, report: &mut Report<'_>) {
        let told = || TYPES.into_iter().zip(&class.told).filter_map(|(ty, place)| Some((ty, (*place)?)));
        // What was told elsewhere is what this place does not fit to.
        let new = told().find(|(_, place)| *place == span).map_or(ty, |(ty, _)| ty);
        let Some((old, place)) = told().find(|(other, _)| *other != new) else { return };
        let new = if new == Type::Any { told().map(|(ty, _)| ty).find(|ty| *ty != old).unwrap_or(ty) } else { new };
        let label = match self.labels.get(node) {
            Some((name, Some(predicate))) => format!("column `{name}` of `{predicate}`"),
            Some((name, None)) if &**name != "the result" => format!("`{name}`"),
            Some(_) | None => "the result".to_owned(),
        };
        let message = format!("{label} is a {old}{}, but a {new} here", at(span, place));
        report.add(self.wrong(span, message, old, new));
    }

    pub(super) fn wrong(&self, span: Span, message: String, one: Type, other: Type) -> Finding {
        let finding = Finding::error("E-type", span, message).within(self.clause);
        match (one, other) {
            (Type::Time, Type::Number) | (Type::Number, Type::Time) => finding
                .hint("an instant is written @2026-01-05T19:00:00Z; instant - instant is a number of milliseconds"),
            (Type::Symbol, Type::Number) | (Type::Number, Type::Symbol) => {
                finding.hint("`to_number` and `to_string` turn one into the other")
            }
            _ => finding,
        }
    }
}
