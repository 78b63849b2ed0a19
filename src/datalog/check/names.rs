//! Walks over trees and rules.

use super::unfold::Step;
use crate::datalog::diagnostic::Finding;
use crate::datalog::ir::{self, Aggregate, Literal, LiteralKind, Term, Var};
use crate::datalog::syntax::{Call, Condition, Expr, Ident};

/// What cannot be the name of a predicate.
const RESERVED: [&str; 30] = [
    "_",
    "band",
    "bnot",
    "bor",
    "bshl",
    "bshr",
    "bshru",
    "bxor",
    "cat",
    "contains",
    "count",
    "false",
    "land",
    "lnot",
    "lor",
    "lxor",
    "match",
    "max",
    "mean",
    "min",
    "not",
    "ord",
    "overlaps",
    "range",
    "strlen",
    "substr",
    "sum",
    "to_number",
    "to_string",
    "true",
];

pub(super) fn is_reserved(name: &str) -> bool {
    name == "within" || RESERVED.binary_search(&name).is_ok()
}

/// Whether it was written with `@`.
pub(super) fn is_functor(call: &Call<'_>) -> bool {
    let Ident { text, span } = call.name;
    span.end.saturating_sub(span.start) as usize > text.len()
}

/// What Souffle has for a function of this name, and this has not.
pub(super) fn unsupported(call: &Call<'_>) -> Option<Finding> {
    let name = call.name.text;
    let (what, hint) = match name {
        _ if is_functor(call) => {
            (format!("the functor `@{name}`"), "there are only functions that whoever runs the program lends")
        }
        "as" => ("`as`".to_owned(), "a value has the type of its column; `to_string` and `to_number` convert"),
        "autoinc" => {
            ("`autoinc`".to_owned(), "rules have no order to count in; `count` over what is smaller gives ranks")
        }
        "itou" | "utoi" => (format!("`{name}`"), "`unsigned` is the same as `number` here: leave it out"),
        "itof" | "utof" | "ftoi" | "ftou" | "to_float" => {
            (format!("`{name}`"), "there are no fractions; count in a smaller unit")
        }
        "to_unsigned" => (format!("`{name}`"), "`unsigned` is the same as `number` here: write `to_number`"),
        _ => return None,
    };
    Some(Finding::error("E-unsupported", call.span, format!("{what} is not supported")).hint(hint))
}

/// The variables of an expression, but for those within aggregates.
pub(super) fn of_expr<'s>(expr: &Expr<'s>, found: &mut dyn FnMut(Ident<'s>)) {
    match expr {
        Expr::Name(name) => found(*name),
        Expr::Any(_) | Expr::Const(..) | Expr::Aggregate(_) => {}
        Expr::Call(Call { args, .. }) | Expr::Operator(_, args, _) => {
            for arg in args {
                of_expr(arg, found);
            }
        }
    }
}

/// The variables of a conjunction, but for those within aggregates.
pub(super) fn of_steps<'s>(steps: &[Step<'_, 's>], found: &mut dyn FnMut(Ident<'s>)) {
    for step in steps {
        match step {
            Step::Atom { call, .. } => call.args.iter().for_each(|arg| of_expr(arg, found)),
            Step::Compare { left, right, .. } => {
                of_expr(left, found);
                of_expr(right, found);
            }
            Step::Truth(..) => {}
        }
    }
}

/// All expressions and atoms of a condition, those within aggregates too.
pub(super) trait Visit<'s> {
    fn variable(&mut self, _name: Ident<'s>) {}
    fn atom(&mut self, _call: &Call<'s>) {}
}

pub(super) fn visit_expr<'s>(expr: &Expr<'s>, visit: &mut dyn Visit<'s>) {
    match expr {
        Expr::Name(name) => visit.variable(*name),
        Expr::Any(_) | Expr::Const(..) => {}
        Expr::Call(Call { args, .. }) | Expr::Operator(_, args, _) => {
            for arg in args {
                visit_expr(arg, visit);
            }
        }
        Expr::Aggregate(aggregate) => {
            if let Some(target) = &aggregate.target {
                visit_expr(target, visit);
            }
            visit_condition(&aggregate.body, visit);
        }
    }
}

pub(super) fn visit_condition<'s>(condition: &Condition<'s>, visit: &mut dyn Visit<'s>) {
    match condition {
        Condition::Atom(call) => {
            visit.atom(call);
            for arg in &call.args {
                visit_expr(arg, visit);
            }
        }
        Condition::Compare(comparison) => {
            visit_expr(&comparison.left, visit);
            visit_expr(&comparison.right, visit);
        }
        Condition::Truth(..) => {}
        Condition::Not(inside) => visit_condition(inside, visit),
        Condition::And(list) | Condition::Or(list) => list.iter().for_each(|one| visit_condition(one, visit)),
    }
}

/// The variables of an expression of a rule.
pub(super) fn vars_of(expr: &ir::Expr, found: &mut dyn FnMut(Var)) {
    match expr {
        ir::Expr::Var(var) => found(*var),
        ir::Expr::Const(_) => {}
        ir::Expr::Call(_, args) => args.iter().for_each(|arg| vars_of(arg, found)),
    }
}

/// The variables of a literal; of an aggregate its result and those it shares with the outside.
pub(super) fn vars_of_literal(literal: &Literal, found: &mut dyn FnMut(Var)) {
    match &literal.kind {
        LiteralKind::Atom(atom) | LiteralKind::Not { atom, .. } => {
            for term in &atom.args {
                if let Term::Var(var) = term {
                    found(*var);
                }
            }
        }
        LiteralKind::Compare { left, right, .. } => {
            vars_of(left, found);
            vars_of(right, found);
        }
        LiteralKind::Range { var, from, to, step } => {
            found(*var);
            vars_of(from, found);
            vars_of(to, found);
            if let Some(step) = step {
                vars_of(step, found);
            }
        }
        LiteralKind::Aggregate(Aggregate { result, group, .. }) => {
            found(*result);
            for var in group {
                found(*var);
            }
        }
    }
}
