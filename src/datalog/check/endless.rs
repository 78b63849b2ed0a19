//! Rules that may make new values for ever.

use std::collections::{BTreeMap, BTreeSet};

use super::Draft;
use super::names::vars_of;
use crate::datalog::diagnostic::{Finding, Report};
use crate::datalog::ir::{
    Atom, CompareOp, Expr, Function, Literal, LiteralKind, PredId, Predicate, Rule, Stratum, Term, Var,
};
use crate::datalog::known::Known;

/// Warns of rules that call themselves with values that they compute, where nothing bounds these.
pub(super) fn check(rules: &[Draft], predicates: &[Predicate], strata: &[Stratum], report: &mut Report<'_>) {
    let mut group_of = BTreeMap::new();
    for (number, stratum) in strata.iter().enumerate().filter(|(_, stratum)| stratum.recursive) {
        group_of.extend(stratum.preds.iter().map(|pred| (*pred, number)));
    }
    for Draft { rule, head, .. } in rules {
        let own = group_of.get(&rule.head);
        let again = |pred: PredId| own.is_some() && group_of.get(&pred) == own;
        let mut atoms = rule.body.iter().filter_map(|literal| literal.kind.as_atom());
        if atoms.any(|atom| again(atom.pred)) && is_endless(rule, predicates, &again) {
            let message = "this rule calls itself with new values, which may have no end";
            let finding = Finding::warning("W-endless", *head, message).within(rule.span);
            report.add(finding.hint("bound them by a comparison, as in `n < 100`"));
        }
    }
}

/// Some value of the head grows, and none that does is bounded by a comparison: a counter that is bounded ends the others
/// too.
fn is_endless(rule: &Rule, predicates: &[Predicate], again: &dyn Fn(PredId) -> bool) -> bool {
    let finite = finite(rule, predicates, again);
    let mut grown = rule.args.iter().filter_map(|arg| grows(arg, &rule.body, &finite)).peekable();
    let some = grown.peek().is_some();
    some && !grown.any(|vars| rule.body.iter().any(|literal| bounds(literal, &vars)))
}

/// The variables that have only so many values, however often the rule is used: those of other predicates, and what is
/// computed of them alone.
fn finite(rule: &Rule, predicates: &[Predicate], again: &dyn Fn(PredId) -> bool) -> Known {
    let mut known = Known::default();
    loop {
        let before = known.iter().count();
        for literal in &rule.body {
            let given = |atom: &Atom| !again(atom.pred) && given(atom, predicates).all(|var| known.has(var));
            if known.is_ready_if(literal, given) {
                known.bind(literal);
            }
        }
        if known.iter().count() == before {
            return known;
        }
    }
}

/// The variables in `+` columns.
fn given(atom: &Atom, predicates: &[Predicate]) -> impl Iterator<Item = Var> {
    let columns = predicates.get(atom.pred.index()).map(|predicate| predicate.columns.as_slice()).unwrap_or_default();
    atom.args.iter().zip(columns).filter(|(_, column)| column.bound).filter_map(|(term, _)| match term {
        Term::Var(var) => Some(*var),
        Term::Const(_) | Term::Any => None,
    })
}

/// If a value of the head is computed of what has no bound: the variables in it.
fn grows(arg: &Expr, body: &[Literal], finite: &Known) -> Option<BTreeSet<Var>> {
    if finite.knows(arg) {
        return None;
    }
    let computed = match arg {
        Expr::Const(_) => return None,
        Expr::Call(function, _) => calculates(function).then_some(arg),
        // Whatever an atom has is not new.
        Expr::Var(var) if body.iter().any(|literal| literal.kind.as_atom().is_some_and(|atom| has(atom, *var))) => None,
        Expr::Var(var) => body.iter().find_map(|literal| computed(literal, *var)),
    }?;
    let mut vars = BTreeSet::new();
    for part in [arg, computed] {
        vars_of(part, &mut |var| vars.extend([var]));
    }
    Some(vars)
}

fn has(atom: &Atom, var: Var) -> bool {
    atom.args.contains(&Term::Var(var))
}

/// What the variable is set to, if that is computed.
fn computed(literal: &Literal, var: Var) -> Option<&Expr> {
    let LiteralKind::Compare { op: CompareOp::Eq, left, right, .. } = &literal.kind else { return None };
    [(left, right), (right, left)].into_iter().find_map(|(one, other)| match (one, other) {
        (Expr::Var(own), Expr::Call(function, _)) if *own == var && calculates(function) => Some(other),
        _ => None,
    })
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
