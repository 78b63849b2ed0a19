//! A checked program as text, one line for each part, so that tests can say what they expect.
//!
//! `p(x number, +t time) input` · `p(1, "a").` · `p(x) :- q(x, _), !r(x, [y]), x < 3 :number, n = count{x}(s(x, z)).`
//! In `[]` the local variables of a negation, in `{}` the group of an aggregate.

use core::fmt::Write as _;

use crate::datalog::ir::{Atom, Expr, Function, Literal, LiteralKind, PredId, Program, Query, Rule, Term, Var};

/// Predicates, facts, rules and strata.
pub(crate) fn print(program: &Program) -> String {
    let facts = program.facts.iter().map(|fact| {
        let row: Vec<String> = fact.row.iter().map(ToString::to_string).collect();
        format!("{}({}).", name(program, fact.pred), row.join(", "))
    });
    let rules = program.rules.iter().map(|rule| print_rule(program, rule));
    let strata = program.strata.iter().map(|stratum| {
        let names: Vec<&str> = stratum.preds.iter().map(|pred| name(program, *pred)).collect();
        format!("{}{}", names.join("+"), if stratum.recursive { "*" } else { "" })
    });
    let strata = format!("strata {}", strata.collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = predicates(program).into_iter().chain(facts).chain(rules).chain([strata]).collect();
    lines.join("\n")
}

fn predicates(program: &Program) -> Vec<String> {
    let line = |predicate: &crate::datalog::Predicate| {
        let columns: Vec<String> = predicate
            .columns
            .iter()
            .map(|column| format!("{}{} {}", if column.bound { "+" } else { "" }, column.name, column.ty))
            .collect();
        let marks = [
            (predicate.input, " input"),
            (predicate.output, " output"),
            (predicate.printsize, " printsize"),
            (predicate.maintain, " maintain"),
            (predicate.changeable, " changeable"),
            (predicate.extensible, " extensible"),
            (predicate.derived, " derived"),
        ];
        let marks: String = marks.iter().filter(|(set, _)| *set).map(|(_, mark)| *mark).collect();
        format!("{}({}){marks}", predicate.name, columns.join(", "))
    };
    program.predicates.iter().map(line).collect()
}

/// The rules alone.
pub(crate) fn print_rules(program: &Program) -> String {
    let rules: Vec<String> = program.rules.iter().map(|rule| print_rule(program, rule)).collect();
    rules.join("\n")
}

/// `?(o symbol) :- ...`
pub(crate) fn print_query(program: &Program, query: &Query) -> String {
    let columns: Vec<String> = query.columns.iter().map(|column| format!("{} {}", column.name, column.ty)).collect();
    format!("?({}) :- {}.", columns.join(", "), body(program, &query.rule, &query.rule.body))
}

pub(crate) fn print_rule(program: &Program, rule: &Rule) -> String {
    let args: Vec<String> = rule.args.iter().map(|arg| expr(rule, arg)).collect();
    let head = format!("{}({})", name(program, rule.head), args.join(", "));
    if rule.body.is_empty() { format!("{head}.") } else { format!("{head} :- {}.", body(program, rule, &rule.body)) }
}

fn name(program: &Program, pred: PredId) -> &str {
    program.predicate(pred).map_or("?", |predicate| &*predicate.name)
}

fn var(rule: &Rule, var: Var) -> String {
    let name = &rule.vars[var.index()].name;
    // Names made up, or the same in two aggregates, are told apart by their number.
    let twice = rule.vars.iter().filter(|other| other.name == *name).count() > 1;
    if twice || name.starts_with('_') { format!("{name}{}", var.0) } else { name.to_string() }
}

fn body(program: &Program, rule: &Rule, body: &[Literal]) -> String {
    let literals: Vec<String> = body.iter().map(|one| literal(program, rule, one)).collect();
    literals.join(", ")
}

fn literal(program: &Program, rule: &Rule, literal: &Literal) -> String {
    match &literal.kind {
        LiteralKind::Atom(own) => atom(program, rule, own, &[]),
        LiteralKind::Not { atom: own, local } => format!("!{}", atom(program, rule, own, local)),
        LiteralKind::Compare { op, ty, left, right } => {
            format!("{} {op} {} :{ty}", expr(rule, left), expr(rule, right))
        }
        LiteralKind::Range { var: own, from, to, step } => {
            let parts = [Some(from), Some(to), step.as_ref()];
            let parts: Vec<String> = parts.into_iter().flatten().map(|part| expr(rule, part)).collect();
            format!("{} = range({})", var(rule, *own), parts.join(", "))
        }
        LiteralKind::Aggregate(own) => {
            let kind = own.kind;
            let group: Vec<String> = own.group.iter().map(|one| var(rule, *one)).collect();
            let target = own.target.as_ref().map_or(String::new(), |target| format!(" {}", expr(rule, target)));
            let inside = body(program, rule, &own.body);
            format!("{} = {kind}{{{}}}{target}({inside})", var(rule, own.result), group.join(", "))
        }
    }
}

fn atom(program: &Program, rule: &Rule, atom: &Atom, local: &[Var]) -> String {
    let args: Vec<String> = atom
        .args
        .iter()
        .map(|term| match term {
            Term::Var(own) if local.contains(own) => format!("[{}]", var(rule, *own)),
            Term::Var(own) => var(rule, *own),
            Term::Const(value) => value.to_string(),
            Term::Any => "_".to_owned(),
        })
        .collect();
    format!("{}({})", name(program, atom.pred), args.join(", "))
}

fn expr(rule: &Rule, one: &Expr) -> String {
    match one {
        Expr::Var(own) => var(rule, *own),
        Expr::Const(value) => value.to_string(),
        Expr::Call(function, args) => {
            let name =
                if let Function::Host(host) = function { host.name.to_string() } else { format!("{function:?}") };
            let args: Vec<String> = args.iter().map(|arg| expr(rule, arg)).collect();
            let mut text = String::new();
            write!(text, "{name}({})", args.join(", ")).unwrap();
            text
        }
    }
}
