//! The predicates of a program and what is declared of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Draft;
use super::names::{Visit, is_reserved, visit_condition, visit_expr};
use super::nearest::{NAMES_MAX, meant};
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::functions::Functions;
use crate::datalog::ir::{
    self, Atom, Column, Expr, Literal, LiteralKind, PredId, Predicate, Rule, Span, Term, VarInfo,
};
use crate::datalog::syntax::{COLUMNS_MAX, Call, Clause, Declaration, Ident, Item, Mark, TypeBody};
use crate::datalog::value::Type;

/// What else is known of a predicate.
#[derive(Debug)]
pub(super) struct Origin {
    pub(super) declared: bool,
    /// Some clause has it as its head.
    pub(super) defined: bool,
    /// The source where it appears first: it belongs to that one.
    owner: u32,
    equivalence: bool,
}

#[derive(Debug)]
pub(super) struct Catalog<'s> {
    names: BTreeMap<&'s str, PredId>,
    pub(super) predicates: Vec<Predicate>,
    pub(super) origins: Vec<Origin>,
}

/// Notes every predicate in the order of appearance.
struct Register<'c, 's> {
    catalog: &'c mut Catalog<'s>,
    functions: &'c Functions,
}

impl<'s> Visit<'s> for Register<'_, 's> {
    fn atom(&mut self, call: &Call<'s>) {
        if !is_reserved(call.name.text) && self.functions.get(call.name.text).is_none() {
            self.catalog.entry(call.name, call.args.len());
        }
    }
}

impl<'s> Catalog<'s> {
    /// None if something declared is wrong: what would be said of the clauses then might not be true.
    pub(super) fn new(items: &[Item<'s>], functions: &Functions, report: &mut Report<'_>) -> Option<Self> {
        let types = types(items, report);
        let mut catalog = Self { names: BTreeMap::new(), predicates: Vec::new(), origins: Vec::new() };
        let mut whole = true;
        for item in items {
            match item {
                Item::Declaration(declaration) => {
                    whole &= catalog.declare(declaration, &types, functions, report);
                }
                Item::Clause(clause) => catalog.register(clause, functions),
                Item::Type(_) | Item::Mark(..) => {}
            }
        }
        for item in items {
            if let Item::Mark(mark, names) = item {
                for name in names {
                    whole &= catalog.mark_named(*mark, *name, report);
                }
            }
        }
        whole &= catalog.sound(report);
        whole.then_some(catalog)
    }

    pub(super) fn find(&self, name: &str) -> Option<PredId> {
        self.names.get(name).copied()
    }

    /// The names that are declared or have facts or rules, ascending, of a program with many names some of them.
    pub(super) fn known_names(&self) -> impl Iterator<Item = &'s str> {
        let known = |pred: PredId| self.origin(pred).is_some_and(|origin| origin.declared || origin.defined);
        self.names.iter().take(NAMES_MAX).filter(move |(_, pred)| known(**pred)).map(|(name, _)| *name)
    }

    pub(super) fn origin(&self, pred: PredId) -> Option<&Origin> {
        self.origins.get(pred.index())
    }

    /// The predicate of a name, entered as undeclared if it is new.
    fn entry(&mut self, name: Ident<'s>, columns: usize) -> PredId {
        if let Some(known) = self.find(name.text) {
            return known;
        }
        let pred = PredId(u32::try_from(self.predicates.len()).unwrap_or(u32::MAX));
        self.names.insert(name.text, pred);
        let column = |at: usize| Column { name: format!("c{at}").into(), ty: Type::Number, bound: false };
        self.predicates.push(Predicate {
            name: name.text.into(),
            columns: (0..columns.min(COLUMNS_MAX + 1)).map(column).collect(),
            input: false,
            output: false,
            printsize: false,
            maintain: false,
            changeable: false,
            extensible: false,
            derived: false,
            span: name.span,
        });
        self.origins.push(Origin { declared: false, defined: false, owner: name.span.source, equivalence: false });
        pred
    }

    fn register(&mut self, clause: &Clause<'s>, functions: &Functions) {
        for head in &clause.heads {
            if !is_reserved(head.name.text) {
                let pred = self.entry(head.name, head.args.len());
                if let Some(origin) = self.origins.get_mut(pred.index()) {
                    if !origin.declared && !origin.defined {
                        // A source that only looks at it, and comes earlier, has no claim to it.
                        origin.owner = head.name.span.source;
                    }
                    origin.defined = true;
                }
            }
        }
        let mut register = Register { catalog: self, functions };
        for head in &clause.heads {
            for arg in &head.args {
                visit_expr(arg, &mut register);
            }
        }
        if let Some(body) = &clause.body {
            visit_condition(body, &mut register);
        }
    }

    fn declare(
        &mut self,
        declaration: &Declaration<'s>,
        types: &BTreeMap<&'s str, Type>,
        functions: &Functions,
        report: &mut Report<'_>,
    ) -> bool {
        let mut whole = true;
        let mut columns = Vec::new();
        for column in &declaration.columns {
            let Some(ty) = types.get(column.ty.text) else {
                report.add(unknown_type(column.ty));
                whole = false;
                continue;
            };
            columns.push(Column { name: column.name.text.into(), ty: *ty, bound: column.bound });
        }
        for name in &declaration.names {
            match self.new_name(*name, columns.len(), functions) {
                Ok(pred) => {
                    self.set(pred, *name, &columns);
                    for (mark, span) in &declaration.marks {
                        whole &= self.mark(*mark, pred, *span, report);
                    }
                }
                Err(finding) => {
                    report.add(finding);
                    whole = false;
                }
            }
        }
        whole
    }

    fn new_name(&mut self, name: Ident<'s>, columns: usize, functions: &Functions) -> Result<PredId, Finding> {
        if is_reserved(name.text) || functions.get(name.text).is_some() {
            return Err(reserved(name));
        }
        let pred = self.entry(name, columns);
        let known = self.origins.get(pred.index()).zip(self.predicates.get(pred.index()));
        match known {
            Some((origin, predicate)) if origin.declared => {
                let message = format!("`{}` is already declared{}", name.text, at(name.span, predicate.span));
                Err(Finding::error("E-redeclared", name.span, message))
            }
            Some((origin, predicate)) if origin.defined && origin.owner != name.span.source => {
                let message = format!("`{}` belongs to another ruleset{}", name.text, at(name.span, predicate.span));
                Err(Finding::error("E-redeclared", name.span, message))
            }
            Some(_) | None => Ok(pred),
        }
    }

    fn set(&mut self, pred: PredId, name: Ident<'s>, columns: &[Column]) {
        if let Some(predicate) = self.predicates.get_mut(pred.index()) {
            predicate.columns = columns.to_vec();
            predicate.span = name.span;
        }
        if let Some(origin) = self.origins.get_mut(pred.index()) {
            origin.declared = true;
            origin.owner = name.span.source;
        }
    }

    fn mark_named(&mut self, mark: Mark, name: Ident<'s>, report: &mut Report<'_>) -> bool {
        let Some(pred) = self.find(name.text) else {
            if !report.is_full() {
                let hint = meant(name.text, self.known_names()).unwrap_or_else(|| "declare it with `.decl`".to_owned());
                report.add(unknown(name).hint(hint));
            }
            return false;
        };
        let owner = self.origin(pred).map(|origin| origin.owner);
        if owner != Some(name.span.source) && !matches!(mark, Mark::Output | Mark::PrintSize) {
            let message = format!("`{}` belongs to another ruleset, which alone may mark it", name.text);
            report.add(Finding::error("E-extend", name.span, message));
            return false;
        }
        self.mark(mark, pred, name.span, report)
    }

    fn mark(&mut self, mark: Mark, pred: PredId, span: Span, report: &mut Report<'_>) -> bool {
        let Some(predicate) = self.predicates.get_mut(pred.index()) else { return false };
        let own = match mark {
            Mark::Input => &mut predicate.input,
            Mark::Output => &mut predicate.output,
            Mark::PrintSize => &mut predicate.printsize,
            Mark::Maintain => &mut predicate.maintain,
            Mark::Changeable => &mut predicate.changeable,
            Mark::Extensible => &mut predicate.extensible,
            Mark::Storage => return true,
            Mark::Equivalence => return self.equivalence(pred, span, report),
        };
        *own = true;
        if predicate.is_parametric() && matches!(mark, Mark::Input | Mark::Maintain) {
            let what = if mark == Mark::Input { "given as input" } else { "maintained" };
            let message = format!("`{}` has `+` columns, so it has no list of rows to be {what}", predicate.name);
            report.add(Finding::error("E-param", span, message).hint("drop the `+` or the mark"));
            return false;
        }
        true
    }

    fn equivalence(&mut self, pred: PredId, span: Span, report: &mut Report<'_>) -> bool {
        let columns = self.predicates.get(pred.index()).map(|predicate| predicate.columns.as_slice());
        let fits = matches!(columns, Some([a, b]) if a.ty == b.ty && !a.bound && !b.bound);
        if !fits {
            report.add(Finding::error("E-eqrel", span, "`eqrel` takes two columns of one type, without `+`"));
        } else if let Some(origin) = self.origins.get_mut(pred.index()) {
            origin.equivalence = true;
        }
        fits
    }

    /// What can be said of predicates once all are known.
    fn sound(&self, report: &mut Report<'_>) -> bool {
        let mut sound = true;
        for predicate in &self.predicates {
            if predicate.columns.len() > COLUMNS_MAX {
                let message = format!("`{}` has more than {COLUMNS_MAX} columns", predicate.name);
                report.add(Finding::error("E-limit", predicate.span, message));
                sound = false;
            }
        }
        sound
    }

    /// Whether a clause of this source may have the predicate as its head.
    pub(super) fn may_define(&self, pred: PredId, source: u32) -> bool {
        let extensible = self.predicates.get(pred.index()).is_some_and(|predicate| predicate.extensible);
        extensible || self.origin(pred).is_some_and(|origin| origin.owner == source)
    }

    /// The rules that `eqrel` stands for.
    pub(super) fn equivalences(&self) -> Vec<Draft> {
        let marked = self.origins.iter().zip(&self.predicates).zip(0..).filter(|((origin, _), _)| origin.equivalence);
        marked.flat_map(|((_, predicate), pred)| equivalence_rules(predicate, PredId(pred))).collect()
    }

    pub(super) fn finish(self, rules: &[Rule]) -> Vec<Predicate> {
        let heads: BTreeSet<PredId> = rules.iter().map(|rule| rule.head).collect();
        let mut predicates = self.predicates;
        for (predicate, pred) in predicates.iter_mut().zip(0..) {
            predicate.derived = heads.contains(&PredId(pred));
        }
        predicates
    }
}

/// Reflexive on both sides, symmetric, transitive.
fn equivalence_rules(predicate: &Predicate, pred: PredId) -> Vec<Draft> {
    let span = predicate.span;
    let ty = predicate.columns.first().map_or(Type::Number, |column| column.ty);
    let var = |at: u16| Term::Var(ir::Var(at));
    let shapes = [
        ([0, 0], vec![[var(0), Term::Any]]),
        ([0, 0], vec![[Term::Any, var(0)]]),
        ([1, 0], vec![[var(0), var(1)]]),
        ([0, 2], vec![[var(0), var(1)], [var(1), var(2)]]),
    ];
    let rule = |(head, body): ([u16; 2], Vec<[Term; 2]>)| {
        let literal = |args: [Term; 2]| Literal { kind: LiteralKind::Atom(Atom { pred, args: args.to_vec() }), span };
        let vars: Vec<VarInfo> = ["a", "b", "c"].map(|name| VarInfo { name: name.into(), ty }).to_vec();
        let sites = vec![span; vars.len()];
        let args = head.map(|at| Expr::Var(ir::Var(at))).to_vec();
        let rule = Rule { head: pred, args, body: body.into_iter().map(literal).collect(), vars, span };
        Draft { rule, head: span, sites, closed: Vec::new(), shadows: Vec::new() }
    };
    shapes.into_iter().map(rule).collect()
}

pub(super) fn reserved(name: Ident<'_>) -> Finding {
    let message = format!("`{}` is the name of a function and cannot be that of a predicate", name.text);
    Finding::error("E-reserved", name.span, message)
}

pub(super) fn unknown(name: Ident<'_>) -> Finding {
    Finding::error("E-unknown", name.span, format!("no predicate is called `{}`", name.text))
}

/// ` at line 3`, or nothing if that is in another source.
pub(super) fn at(here: Span, there: Span) -> String {
    if here.source == there.source {
        format!(" at line {}, column {}", there.line, there.column)
    } else {
        String::new()
    }
}

fn unknown_type(name: Ident<'_>) -> Finding {
    if name.text == "float" {
        return Finding::error("E-float", name.span, "there are no fractions")
            .hint("count in a smaller unit: cents, milliseconds");
    }
    Finding::error("E-type", name.span, format!("no type is called `{}`", name.text))
        .hint(format!("there are number, symbol, time and bool; or declare `.type {} <: symbol`", name.text))
}

/// The base of every type that is named.
fn types<'s>(items: &[Item<'s>], report: &mut Report<'_>) -> BTreeMap<&'s str, Type> {
    let base = [("number", Type::Number), ("unsigned", Type::Number), ("symbol", Type::Symbol)];
    let mut known: BTreeMap<&'s str, Type> = base.into_iter().collect();
    known.extend([("time", Type::Time), ("bool", Type::Bool)]);
    let mut open: BTreeMap<&'s str, (Ident<'s>, &[Ident<'s>])> = BTreeMap::new();
    let mut waiting: BTreeMap<&'s str, Vec<Ident<'s>>> = BTreeMap::new();
    let mut ready = Vec::new();
    for item in items {
        let Item::Type(text) = item else { continue };
        if known.contains_key(text.name.text) || open.contains_key(text.name.text) {
            let message = format!("the type `{}` is already declared", text.name.text);
            report.add(Finding::error("E-redeclared", text.name.span, message));
            continue;
        }
        match &text.body {
            TypeBody::Number => ready.push((text.name, Type::Number)),
            TypeBody::Symbol => ready.push((text.name, Type::Symbol)),
            TypeBody::Of(parts) => {
                open.insert(text.name.text, (text.name, parts));
                for part in parts {
                    match known.get(part.text) {
                        Some(ty) => ready.push((text.name, *ty)),
                        None => waiting.entry(part.text).or_default().push(text.name),
                    }
                }
            }
        }
    }
    while let Some((name, ty)) = ready.pop() {
        open.remove(name.text);
        match known.insert(name.text, ty) {
            None => ready.extend(waiting.remove(name.text).unwrap_or_default().into_iter().map(|next| (next, ty))),
            Some(other) if other != ty => {
                let message = format!("`{}` is both {other} and {ty}", name.text);
                report.add(Finding::error("E-type", name.span, message));
            }
            Some(_) => {}
        }
    }
    for (name, parts) in open.values() {
        let missing = parts.iter().find(|part| !open.contains_key(part.text));
        let within_itself = || Finding::error("E-type", name.span, format!("`{}` is made of itself", name.text));
        report.add(missing.map_or_else(within_itself, |part| unknown_type(*part)));
    }
    known
}

/// The name of a column, for messages.
pub(super) fn column_label(predicates: &[Predicate], pred: PredId, at: usize) -> String {
    let predicate = predicates.get(pred.index());
    let name = predicate.map_or_else(|| Arc::from("?"), |predicate| Arc::clone(&predicate.name));
    match predicate.and_then(|predicate| predicate.columns.get(at)) {
        Some(column) => format!("column `{}` of `{name}`", column.name),
        None => format!("a column of `{name}`"),
    }
}
