//! What is allowed and yet doubtful.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use super::catalog::Catalog;
use super::names::{Visit, vars_of, visit_condition, visit_expr};
use super::nearest::meant;
use crate::datalog::diagnostic::{Finding, REPORTED_MAX, Report};
use crate::datalog::functions::Functions;
use crate::datalog::ir::{CompareOp, Expr, Function, Literal, LiteralKind, Span, Stratum, Var};
use crate::datalog::syntax::{Ident, Item};
use crate::datalog::value::Type;

/// What is asked like a predicate and is none.
const CONDITIONS: [&str; 3] = ["contains", "overlaps", "within"];

pub(super) fn check(
    items: &[Item<'_>],
    catalog: &Catalog<'_>,
    functions: &Functions,
    rules: &[Draft],
    strata: &[Stratum],
    report: &mut Report<'_>,
) {
    undefined(catalog, functions, report);
    for item in items {
        if let Item::Clause(clause) = item {
            let mut count = Count::default();
            clause.heads.iter().flat_map(|head| &head.args).for_each(|arg| visit_expr(arg, &mut count));
            if let Some(body) = &clause.body {
                visit_condition(body, &mut count);
            }
            count.report(clause.span, report);
        }
    }
    endless(rules, strata, report);
}

fn undefined(catalog: &Catalog<'_>, functions: &Functions, report: &mut Report<'_>) {
    let origins = catalog.predicates.iter().zip(&catalog.origins);
    let undefined = origins.filter(|(_, origin)| !origin.declared && !origin.defined);
    // A hint takes some work, and no more warnings than these are told.
    for (predicate, _) in undefined.take(REPORTED_MAX) {
        let message = format!("`{}` is declared nowhere and has neither facts nor rules: it is empty", predicate.name);
        let hosts = functions.iter().filter(|host| host.gives == Type::Bool).map(|host| &*host.name);
        let hint = match meant(&predicate.name, CONDITIONS.into_iter().chain(hosts).chain(catalog.known_names())) {
            Some(meant) => format!("{meant} If not, declare it with `.decl`"),
            None => "declare it with `.decl` if its facts come from outside".to_owned(),
        };
        report.add(Finding::warning("W-undefined", predicate.span, message).hint(hint));
    }
}

/// How often each variable of a clause occurs.
#[derive(Default)]
struct Count<'s> {
    seen: BTreeMap<&'s str, (u32, Span)>,
}

impl<'s> Visit<'s> for Count<'s> {
    fn variable(&mut self, name: Ident<'s>) {
        let entry = self.seen.entry(name.text).or_insert((0, name.span));
        entry.0 += 1;
    }
}

impl Count<'_> {
    fn report(self, clause: Span, report: &mut Report<'_>) {
        for (name, (count, span)) in self.seen {
            if count == 1 && !name.starts_with('_') && !report.warned(span, "W-negation-local") {
                let message = format!("`{name}` occurs only once");
                let finding = Finding::warning("W-singleton", span, message).within(clause);
                report.add(finding.hint(format!("write `_` or `_{name}` if that is meant")));
            }
        }
    }
}

/// Rules that may make new numbers for ever.
fn endless(rules: &[Draft], strata: &[Stratum], report: &mut Report<'_>) {
    let mut group_of = BTreeMap::new();
    for (number, stratum) in strata.iter().enumerate().filter(|(_, stratum)| stratum.recursive) {
        group_of.extend(stratum.preds.iter().map(|pred| (*pred, number)));
    }
    for Draft { rule, head, .. } in rules {
        let own = group_of.get(&rule.head);
        let again = |literal: &Literal| match &literal.kind {
            LiteralKind::Atom(atom) => own.is_some() && group_of.get(&atom.pred) == own,
            LiteralKind::Not { .. }
            | LiteralKind::Compare { .. }
            | LiteralKind::Range { .. }
            | LiteralKind::Aggregate(_) => false,
        };
        if rule.body.iter().any(again) && rule.args.iter().any(|arg| grows(arg, &rule.body)) {
            let message = "this rule calls itself with new numbers, which may have no end";
            let finding = Finding::warning("W-endless", *head, message).within(rule.span);
            report.add(finding.hint("bound them by a comparison, as in `n < 100`"));
        }
    }
}

/// Whether a value of the head is calculated, with nothing that bounds it.
fn grows(arg: &Expr, body: &[Literal]) -> bool {
    let calculated = match arg {
        Expr::Const(_) => return false,
        Expr::Call(function, _) => calculates(function).then_some(arg),
        Expr::Var(var) => body.iter().find_map(|literal| match &literal.kind {
            LiteralKind::Compare { op: CompareOp::Eq, left, right, .. } => {
                let sides = [(left, right), (right, left)];
                sides.into_iter().find_map(|(one, other)| match (one, other) {
                    (Expr::Var(own), Expr::Call(function, _)) if own == var && calculates(function) => Some(other),
                    _ => None,
                })
            }
            LiteralKind::Atom(_)
            | LiteralKind::Not { .. }
            | LiteralKind::Compare { .. }
            | LiteralKind::Range { .. }
            | LiteralKind::Aggregate(_) => None,
        }),
    };
    let Some(calculated) = calculated else { return false };
    let mut vars: BTreeSet<Var> = BTreeSet::new();
    vars_of(arg, &mut |var| vars.extend([var]));
    let own = vars.len();
    vars_of(calculated, &mut |var| vars.extend([var]));
    let constant = vars.is_empty() || (vars.len() == own && matches!(arg, Expr::Var(_)));
    !constant && !body.iter().any(|literal| bounds(literal, &vars))
}

fn calculates(function: &Function) -> bool {
    matches!(
        function,
        Function::Add
            | Function::Sub
            | Function::Mul
            | Function::Pow
            | Function::Neg
            | Function::ShiftLeft
            | Function::Cat
    )
}

fn bounds(literal: &Literal, vars: &BTreeSet<Var>) -> bool {
    let LiteralKind::Compare { op, left, right, .. } = &literal.kind else { return false };
    let mut used = false;
    for side in [left, right] {
        vars_of(side, &mut |var| used |= vars.contains(&var));
    }
    used && matches!(op, CompareOp::Lt | CompareOp::Le | CompareOp::Gt | CompareOp::Ge)
}
