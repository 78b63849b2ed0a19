//! Why, why not, and what would change it.

use core::fmt::Write as _;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{compiled, engine, shown};
use crate::datalog::ir::{AggregateKind, CompareOp, Expr, Function, LiteralKind, Rule, Term};
use crate::datalog::{
    Change, Engine, EvalError, Fact, Limits, Premise, Proof, Reason, RepairLimits, Repairs, Value, WhyNot,
};

fn fact(engine: &Engine, text: &str) -> Fact {
    engine.program().fact(text).unwrap()
}

fn why(text: &str, asked: &str) -> String {
    let mut on_demand = engine(text);
    let fact = fact(&on_demand, asked);
    let proof = on_demand.why(&fact).unwrap();
    let shown = proof.map_or_else(|| "no".to_owned(), |proof| proof.to_string());
    let mut all = engine(text);
    all.evaluate().unwrap();
    let kept = all.why(&fact).unwrap().map_or_else(|| "no".to_owned(), |proof| proof.to_string());
    assert_eq!(shown, kept, "the same whether kept or not");
    shown
}

fn why_not(text: &str, asked: &str) -> String {
    let mut engine = engine(text);
    let fact = fact(&engine, asked);
    engine.why_not(&fact).unwrap().to_string()
}

fn lines(repairs: &Repairs) -> Vec<String> {
    repairs.list.iter().map(ToString::to_string).collect()
}

fn repairs(text: &str, asked: &str) -> Vec<String> {
    let mut engine = engine(text);
    let fact = fact(&engine, asked);
    let found = engine.repair(&fact, RepairLimits::default()).unwrap();
    assert!(found.complete);
    lines(&found)
}

fn absences(text: &str, asked: &str) -> Vec<String> {
    let mut engine = engine(text);
    let fact = fact(&engine, asked);
    let found = engine.repair_absence(&fact, RepairLimits::default()).unwrap();
    assert!(found.complete);
    lines(&found)
}

const PATHS: &str = "edge(1, 2). edge(2, 3). edge(3, 4). edge(1, 3). edge(4, 1).
path(x, y) :- edge(x, y).
path(x, z) :- edge(x, y), path(y, z).";

#[test]
fn the_smallest_of_several_derivations_is_given() {
    let wanted = "\
path(1, 4)
  by test:3  path(x, z) :- edge(x, y), path(y, z).
  edge(1, 3)
  path(3, 4)
    by test:2  path(x, y) :- edge(x, y).
    edge(3, 4)";
    assert_eq!(why(PATHS, "path(1, 4)"), wanted);
    assert_eq!(why(PATHS, "path(1, 9)"), "no");
    assert_eq!(why(PATHS, "edge(1, 2)"), "edge(1, 2)");
    assert_eq!(why(PATHS, "edge(2, 1)"), "no");
}

#[test]
fn circles_and_both_kinds_of_recursion_are_explained() {
    for rules in [
        "path(x, y) :- edge(x, y). path(x, z) :- path(x, y), edge(y, z).",
        "path(x, y) :- edge(x, y). path(x, z) :- path(x, y), path(y, z).",
        "path(x, z) :- path(x, y), path(y, z). path(x, y) :- edge(x, y).",
    ] {
        let text = format!("edge(1, 2). edge(2, 1). edge(2, 3). edge(3, 3). edge(3, 4). {rules}");
        let mut engine = engine(&text);
        let asked = fact(&engine, "path(1, 4)");
        let proof = engine.why(&asked).unwrap().unwrap();
        assert_eq!(proof.given().len(), 3, "{proof}");
        let asked = fact(&engine, "path(4, 4)");
        assert!(engine.why(&asked).unwrap().is_none());
    }
}

#[test]
fn of_derivations_of_one_size_the_first_rule_wins_then_the_least_row() {
    let text = "a(2). a(1). b(1). r(x) :- b(x). r(x) :- a(x). s() :- a(x), x > 0.";
    assert!(why(text, "r(1)").contains("b(1)"));
    assert!(why(text, "s()").contains("  a(1)\n  1 > 0"), "{}", why(text, "s()"));
}

const BUSY: &str = ".decl busy(a: symbol, o: symbol, s: number, e: number) input changeable
busy(\"ann\", \"o1\", 600, 660). busy(\"ann\", \"o2\", 630, 700). busy(\"ben\", \"o1\", 600, 660).
.decl busy_in(a: symbol, qs: +number, qe: +number) extensible
busy_in(a, qs, qe) :- busy(a, _, s, e), overlaps(s, e, qs, qe).
.decl free(a: +symbol, qs: +number, qe: +number)
free(a, qs, qe) :- !busy_in(a, qs, qe).";

#[test]
fn predicates_with_columns_that_are_given_are_explained() {
    let wanted = "\
free(\"ann\", 500, 600)
  by test:6  free(a, qs, qe) :- !busy_in(a, qs, qe).
  no row of busy_in(\"ann\", 500, 600)";
    assert_eq!(why(BUSY, "free(\"ann\", 500, 600)"), wanted);
    let wanted = "\
busy_in(\"ann\", 600, 610)
  by test:4  busy_in(a, qs, qe) :- busy(a, _, s, e), overlaps(s, e, qs, qe).
  busy(\"ann\", \"o1\", 600, 660)
  600 < 610
  600 < 660";
    assert_eq!(why(BUSY, "busy_in(\"ann\", 600, 610)"), wanted);
}

#[test]
fn an_aggregate_is_explained_by_its_value_and_members() {
    let text = "cap(\"o\", 3). book(\"a\", \"o\"). book(\"b\", \"o\"). book(\"c\", \"p\").
        seats(o, n) :- cap(o, c), n = c - count : { book(_, o) }.
        last(n) :- n = max x : { book(x, _) }.";
    let text_shown = why(text, "seats(\"o\", 1)");
    assert!(text_shown.contains("over 2"), "{text_shown}");
    assert!(text_shown.contains("book(\"a\", \"o\")\n    book(\"b\", \"o\")"), "{text_shown}");
    let many = (0..150).map(|n| format!("p({n}). ")).collect::<Vec<_>>().concat();
    let shown = why(&format!("{many} n(x) :- x = count : {{ p(_) }}."), "n(150)");
    assert!(shown.ends_with("and 50 more"), "{shown}");
}

#[test]
fn what_is_given_for_a_derived_relation_is_a_leaf_and_hides_nothing() {
    let text = ".decl p(x: number) input changeable p(1). p(2). q(2). p(x) :- q(x).  r(x) :- p(x).";
    assert_eq!(why(text, "p(2)"), "p(2)");
    assert_eq!(why(text, "r(1)"), "r(1)\n  by test:1  r(x) :- p(x).\n  p(1)");
}

#[test]
fn a_chain_of_a_hundred_thousand_is_computed_printed_and_dropped() {
    let mut engine = engine(
        ".decl edge(x: number, y: number) input
         path(x, y) :- edge(x, y).  path(x, z) :- edge(x, y), path(y, z).",
    );
    let edge = engine.program().find("edge").unwrap();
    let row = |n: i64| Fact { pred: edge, row: vec![n.into(), (n + 1).into()] };
    engine.load((0..100_000).map(row)).unwrap();
    let asked = fact(&engine, "path(0, 100000)");
    let proof = engine.why(&asked).unwrap().unwrap();
    assert_eq!(proof.size(), 200_000);
    assert_eq!(proof.given().len(), 100_000);
    let printed = proof.to_string();
    assert!(printed.len() < 40_000_000);
    drop(proof);
}

#[test]
fn the_limits_hold_for_explanations() {
    let edges = (0..60)
        .map(|n| format!("edge({n}, {}). edge({}, {n}). ", (n + 1) % 60, (n + 7) % 60))
        .collect::<Vec<_>>()
        .concat();
    let text = format!("{edges} path(x, y) :- edge(x, y). path(x, z) :- path(x, y), path(y, z).");
    let limits = Limits { steps: 20_000, ..Limits::default() };
    let mut engine = Engine::new(compiled(&text), limits).unwrap();
    let asked = fact(&engine, "path(0, 33)");
    assert!(matches!(engine.why(&asked), Err(EvalError::Limit { .. })));
}

#[test]
fn large_parts_that_occur_twice_are_printed_once() {
    let mut text = "p0(1). ".to_owned();
    for n in 1..200 {
        write!(text, "p{n}(x) :- p{}(x), p{}(y), x = y. ", n - 1, n - 1).unwrap();
    }
    let tree = why(&text, "p199(1)");
    assert!(tree.lines().count() < 2_000);
    assert!(tree.contains("(see above)"));
}

#[test]
fn why_not_names_the_condition_that_fails() {
    let text = "member(\"ann\"). occ(\"o\", 5). occ(\"p\", 9). .decl full(o: symbol) input
        may(a, o) :- occ(o, n), member(a), n > 6, !full(o).
        may(a, \"z\") :- member(a).";
    let shown = why_not(text, "may(\"ann\", \"o\")");
    assert!(shown.contains("5 > 6 is not so"), "{shown}");
    assert!(shown.contains("it gives only may(a, \"z\")"), "{shown}");
    let shown = why_not(text, "may(\"ben\", \"o\")");
    assert!(shown.contains("there is no member(\"ben\")"), "{shown}");
    let shown = why_not(text, "may(\"ann\", \"q\")");
    assert!(shown.contains("there is no occ(\"q\", _)"), "{shown}");
    assert_eq!(
        why_not(text, "member(\"ben\")"),
        "member(\"ben\") does not hold\n  no such fact was given\n  but there is member(\"ann\")"
    );
    assert!(why_not(text, "full(\"o\")").contains("there is none of full at all"));
    let shown = why_not(BUSY, "free(\"ann\", 650, 660)");
    assert!(shown.contains("busy(\"ann\", \"o2\", 630, 700)") || shown.contains("busy(\"ann\", \"o1\", 600, 660)"));
    assert!(why_not(PATHS, "path(1, 2)").starts_with("path(1, 2)\n  by test:2"));
    let shown = why_not("p(1). p(2). n(x) :- x = count : { p(_) }.", "n(3)");
    assert!(shown.contains("2 = count : { p(_) }, over 2"), "{shown}");
    let shown = why_not(".decl p(x: number) input r(x) :- p(x), x > 2.", "r(1)");
    assert!(shown.contains("not so") || shown.contains("nothing of that relation"), "{shown}");
}

#[test]
fn why_not_stops_where_a_rule_fails_before_what_has_no_value() {
    let text = "a(0). a(1).  r(x, y) :- a(x), x != 0, y = 1 / x.";
    let told = why_not(text, "r(0, 1)");
    assert!(told.contains("0 != 0"), "{told}");
}

#[test]
fn why_not_shows_the_rows_in_the_way_with_their_proofs() {
    let mut engine = engine(BUSY);
    let asked = fact(&engine, "free(\"ann\", 600, 700)");
    let WhyNot::Fails(failure) = engine.why_not(&asked).unwrap() else { panic!() };
    let [attempt] = &failure.attempts[..] else { panic!() };
    let Reason::RowsThere { proofs, total } = &attempt.obstacle.reason else { panic!() };
    assert_eq!((proofs.len(), *total), (1, 1));
    assert_eq!(proofs[0].given().len(), 1);
}

#[test]
fn a_slot_becomes_free_by_cancelling_what_is_in_it() {
    assert_eq!(repairs(BUSY, "free(\"ben\", 600, 660)"), ["remove busy(\"ben\", \"o1\", 600, 660)"]);
    assert_eq!(repairs(BUSY, "free(\"ann\", 600, 620)"), ["remove busy(\"ann\", \"o1\", 600, 660)"]);
    let both = "remove busy(\"ann\", \"o1\", 600, 660), remove busy(\"ann\", \"o2\", 630, 700)";
    assert_eq!(repairs(BUSY, "free(\"ann\", 600, 700)"), [both]);
    assert_eq!(repairs(BUSY, "free(\"ann\", 500, 600)"), ["nothing needs to change"]);
    assert_eq!(absences(BUSY, "free(\"ann\", 500, 600)"), [""; 0]);
}

#[test]
fn repairs_put_in_what_is_missing() {
    let text = ".decl member(a: symbol, g: symbol) input changeable
        .decl allowed(g: symbol, o: symbol) input changeable
        .decl banned(a: symbol) input changeable
        member(\"ann\", \"g\"). allowed(\"h\", \"o\"). banned(\"ann\").
        may(a, o) :- member(a, g), allowed(g, o), !banned(a).";
    let found = repairs(text, "may(\"ann\", \"o\")");
    let wanted =
        ["add member(\"ann\", \"h\"), remove banned(\"ann\")", "add allowed(\"g\", \"o\"), remove banned(\"ann\")"];
    assert_eq!(found.iter().map(String::as_str).collect::<BTreeSet<_>>(), wanted.into_iter().collect(), "{found:?}");
    assert_eq!(repairs(text, "may(\"ben\", \"o\")"), ["add member(\"ben\", \"h\")"]);
    assert_eq!(repairs(text, "banned(\"ben\")"), ["add banned(\"ben\")"]);
    assert_eq!(absences(text, "banned(\"ann\")"), ["remove banned(\"ann\")"]);
    assert_eq!(repairs("p(1). q(x) :- p(x).", "q(2)"), [""; 0]);
}

#[test]
fn repairs_change_what_is_counted() {
    let text = ".decl book(a: symbol, o: symbol) input changeable
        book(\"a\", \"o\"). book(\"b\", \"o\"). cap(\"o\", 2). 
        open(o) :- cap(o, c), n = count : { book(_, o) }, n < c.
        full(o) :- cap(o, c), n = count : { book(_, o) }, n >= c.
        alone(a, o) :- book(a, o), 1 = count : { book(_, o) }.";
    assert_eq!(repairs(text, "open(\"o\")"), ["remove book(\"a\", \"o\")", "remove book(\"b\", \"o\")"]);
    assert_eq!(absences(text, "full(\"o\")"), ["remove book(\"a\", \"o\")", "remove book(\"b\", \"o\")"]);
    assert_eq!(repairs(text, "alone(\"a\", \"o\")"), ["remove book(\"b\", \"o\")"]);
}

#[test]
fn a_search_that_is_cut_short_says_so() {
    let facts = (0..8).map(|n| format!("busy({n}, 0, 10). ")).collect::<Vec<_>>().concat();
    let text = format!(
        ".decl busy(o: number, s: number, e: number) input changeable {facts}
         .decl free(s: +number, e: +number) free(s, e) :- !in(s, e).
         .decl in(s: +number, e: +number) in(s, e) :- busy(_, x, y), overlaps(x, y, s, e)."
    );
    let mut engine = engine(&text);
    let asked = fact(&engine, "free(0, 10)");
    let before = engine.len();
    let found = engine.repair(&asked, RepairLimits { changes: 8, states: 20 }).unwrap();
    assert!(!found.complete && found.list.is_empty());
    let found = engine.repair(&asked, RepairLimits { changes: 8, states: 300 }).unwrap();
    assert!(found.complete && found.list.len() == 1 && found.list[0].changes.len() == 8);
    assert_eq!(engine.len(), before);
}

// --- An evaluator that is as simple as can be, to check against: numbers only. ---

type Env = BTreeMap<u16, i64>;
type Row = (u32, Vec<i64>);
type Model = BTreeSet<Row>;

fn number(value: &Value) -> i64 {
    let Value::Number(number) = value else { panic!("{value}") };
    *number
}

fn row_of(fact: &Fact) -> Row {
    (fact.pred.0, fact.row.iter().map(number).collect())
}

fn calculated(expr: &Expr, env: &Env) -> Option<i64> {
    match expr {
        Expr::Var(var) => env.get(&var.0).copied(),
        Expr::Const(value) => Some(number(value)),
        Expr::Call(Function::Add, args) => Some(calculated(&args[0], env)? + calculated(&args[1], env)?),
        Expr::Call(..) => panic!("not used here"),
    }
}

fn fits(args: &[Term], row: &[i64], env: &Env) -> Option<Env> {
    let mut env = env.clone();
    for (term, value) in args.iter().zip(row) {
        match term {
            Term::Const(known) if number(known) != *value => return None,
            Term::Var(var) if *env.entry(var.0).or_insert(*value) != *value => return None,
            Term::Any | Term::Const(_) | Term::Var(_) => {}
        }
    }
    Some(env)
}

fn rows(model: &Model, pred: u32) -> impl Iterator<Item = &Vec<i64>> {
    model.iter().filter(move |row| row.0 == pred).map(|row| &row.1)
}

/// All ways through a body with the rows of its positive atoms, in the order of the body.
#[expect(clippy::too_many_lines, reason = "one arm for each kind of literal")]
fn ways(model: &Model, body: &[LiteralKind], env: Env) -> Vec<(Env, BTreeMap<usize, Row>)> {
    let mut open = vec![(env, BTreeMap::new(), (0..body.len()).collect::<Vec<_>>())];
    let mut found = Vec::new();
    while let Some((env, used, left)) = open.pop() {
        if left.is_empty() {
            found.push((env, used));
            continue;
        }
        let place = left.iter().position(|at| ready(&body[*at], &env)).expect("safe");
        let at = left[place];
        let rest: Vec<usize> = left.iter().copied().filter(|other| *other != at).collect();
        match &body[at] {
            LiteralKind::Atom(atom) => {
                for row in rows(model, atom.pred.0) {
                    if let Some(env) = fits(&atom.args, row, &env) {
                        let mut used = used.clone();
                        used.insert(at, (atom.pred.0, row.clone()));
                        open.push((env, used, rest.clone()));
                    }
                }
            }
            LiteralKind::Not { atom, .. } => {
                if !rows(model, atom.pred.0).any(|row| fits(&atom.args, row, &env).is_some()) {
                    open.push((env, used, rest));
                }
            }
            LiteralKind::Compare { op, left, right, .. } => {
                let mut env = env;
                let sides = (calculated(left, &env), calculated(right, &env));
                let holds = match (sides, left, right) {
                    ((Some(left), Some(right)), ..) => match op {
                        CompareOp::Eq => left == right,
                        CompareOp::Ne => left != right,
                        CompareOp::Lt => left < right,
                        CompareOp::Le => left <= right,
                        CompareOp::Gt => left > right,
                        CompareOp::Ge => left >= right,
                    },
                    ((None, Some(value)), Expr::Var(var), _) | ((Some(value), None), _, Expr::Var(var)) => {
                        env.insert(var.0, value);
                        true
                    }
                    _ => panic!("not ready"),
                };
                if holds {
                    open.push((env, used, rest));
                }
            }
            LiteralKind::Aggregate(aggregate) => {
                let inner: Vec<LiteralKind> = aggregate.body.iter().map(|literal| literal.kind.clone()).collect();
                let start: Env = env
                    .iter()
                    .filter(|(var, _)| aggregate.group.iter().any(|own| own.0 == **var))
                    .map(|(var, value)| (*var, *value))
                    .collect();
                let all: BTreeSet<(Env, BTreeMap<usize, Row>)> = ways(model, &inner, start).into_iter().collect();
                let targets = || all.iter().filter_map(|(env, _)| calculated(aggregate.target.as_ref()?, env));
                let value = match aggregate.kind {
                    AggregateKind::Count => Some(i64::try_from(all.len()).unwrap()),
                    AggregateKind::Sum => Some(targets().sum()),
                    AggregateKind::Min => targets().min(),
                    AggregateKind::Max => targets().max(),
                };
                let mut env = env;
                if let Some(value) = value
                    && *env.entry(aggregate.result.0).or_insert(value) == value
                {
                    open.push((env, used, rest));
                }
            }
            LiteralKind::Range { .. } => panic!("not used here"),
        }
    }
    found
}

fn ready(literal: &LiteralKind, env: &Env) -> bool {
    match literal {
        LiteralKind::Atom(_) => true,
        LiteralKind::Not { atom, local } => atom.args.iter().all(|term| match term {
            Term::Var(var) => local.contains(var) || env.contains_key(&var.0),
            Term::Const(_) | Term::Any => true,
        }),
        LiteralKind::Compare { op, left, right, .. } => {
            let (one, two) = (calculated(left, env).is_some(), calculated(right, env).is_some());
            let binds = *op == CompareOp::Eq
                && ((one && matches!(right, Expr::Var(_))) || (two && matches!(left, Expr::Var(_))));
            (one && two) || binds
        }
        LiteralKind::Aggregate(aggregate) => aggregate.group.iter().all(|var| env.contains_key(&var.0)),
        LiteralKind::Range { .. } => panic!("not used here"),
    }
}

/// What a rule gives, each time with the rows of its positive atoms.
fn instances(engine: &Engine, model: &Model, rule: &Rule) -> BTreeSet<(Row, Vec<Row>)> {
    let body: Vec<LiteralKind> = rule.body.iter().map(|literal| literal.kind.clone()).collect();
    let given = |(env, used): (Env, BTreeMap<usize, Row>)| {
        let head = rule.args.iter().map(|arg| calculated(arg, &env).unwrap()).collect();
        ((rule.head.0, head), used.into_values().collect())
    };
    starts(engine, rule).into_iter().flat_map(|start| ways(model, &body, start)).map(given).collect()
}

/// For a column marked `+` all values that are asked for.
fn starts(engine: &Engine, rule: &Rule) -> Vec<Env> {
    match (rule.args.as_slice(), engine.program().predicate(rule.head).unwrap().is_parametric()) {
        ([Expr::Var(var)], true) => (0..4).map(|value| Env::from([(var.0, value)])).collect(),
        _ => vec![Env::new()],
    }
}

fn model(engine: &Engine, given: &Model) -> Model {
    let program = engine.program();
    let mut model = given.clone();
    for stratum in &program.strata {
        loop {
            let before = model.len();
            for rule in program.rules.iter().filter(|rule| stratum.preds.contains(&rule.head)) {
                let new: Vec<Row> = instances(engine, &model, rule).into_iter().map(|(head, _)| head).collect();
                model.extend(new);
            }
            if model.len() == before {
                break;
            }
        }
    }
    model
}

/// The size of the smallest tree of each fact.
fn sizes(engine: &Engine, given: &Model, model: &Model) -> BTreeMap<Row, u128> {
    let mut sizes: BTreeMap<Row, u128> = given.iter().map(|row| (row.clone(), 1)).collect();
    let all: Vec<(Row, Vec<Row>)> =
        engine.program().rules.iter().flat_map(|rule| instances(engine, model, rule)).collect();
    loop {
        let before = sizes.clone();
        for (head, premises) in &all {
            let parts: Option<Vec<u128>> = premises.iter().map(|row| sizes.get(row).copied()).collect();
            let Some(parts) = parts else { continue };
            let size = 1 + parts.iter().sum::<u128>();
            let known = sizes.entry(head.clone()).or_insert(size);
            *known = size.min(*known);
        }
        if sizes == before {
            return sizes;
        }
    }
}

fn check(proof: &Proof, engine: &Engine, given: &Model, model: &Model) {
    let row = row_of(proof.fact().unwrap());
    let Some(at) = proof.rule_index() else {
        assert!(given.contains(&row), "a leaf that is no fact: {proof}");
        return;
    };
    let parts: Vec<Proof> = (proof.premises().into_iter())
        .filter_map(|premise| if let Premise::Fact(proof) = premise { Some(proof) } else { None })
        .collect();
    let premises = parts.iter().map(|part| row_of(part.fact().unwrap())).collect();
    assert!(instances(engine, model, &engine.program().rules[at]).contains(&(row, premises)), "no instance: {proof}");
    for part in &parts {
        check(part, engine, given, model);
    }
}

const DECLARED: &str = ".decl e(x: number, y: number) input changeable
.decl b(x: number) input changeable
.decl c(x: number) input
.decl p(x: number, y: number)
.decl q(x: number) input changeable
.decl r(x: number) .decl s(x: number) .decl t(x: number) .decl u(x: number) .decl v(x: +number)
";

const CLAUSES: &[&str] = &[
    "p(x, y) :- e(x, y).",
    "p(x, z) :- e(x, y), p(y, z).",
    "p(x, z) :- p(x, y), p(y, z).",
    "p(x, z) :- p(x, y), e(y, z), b(z).",
    "q(x) :- b(x), !p(x, x).",
    "q(x) :- e(x, _), x < 2.",
    "q(x + 1) :- c(x).",
    "r(x) :- b(x), !q(x).",
    "r(x) :- e(x, y), q(y), x != y.",
    "r(x) :- c(x), !e(y, y).",
    "s(n) :- n = count : { e(_, x), b(x) }.",
    "s(x) :- b(x), n = count : { e(x, _) }, n < 2.",
    "t(x) :- c(x), !e(x, _).",
    "t(x) :- p(x, y), r(y).",
    "u(x) :- c(x), !r(x), !t(x).",
    "u(x) :- p(x, y), y = min z : { p(x, z) }.",
    "v(x) :- !u(x), !s(x).",
    "v(x) :- b(y), y < x, !p(x, _).",
];

#[derive(Debug)]
struct Case {
    text: String,
}

fn cases() -> impl Strategy<Value = Case> {
    let rules = proptest::collection::btree_set(0..CLAUSES.len(), 4..CLAUSES.len());
    let pairs = proptest::collection::btree_set((0..3_i64, 0..3_i64), 0..5);
    let ones = || proptest::collection::btree_set(0..3_i64, 0..3);
    (rules, pairs, ones(), ones(), proptest::option::of(0..3_i64), any::<bool>()).prop_map(
        |(rules, e, b, c, q, keep)| {
            let mut text = DECLARED.to_owned();
            for at in rules {
                text += CLAUSES[at];
                text.push('\n');
            }
            for (x, y) in e {
                write!(text, "e({x}, {y}). ").unwrap();
            }
            let ones = [("b", Vec::from_iter(b)), ("c", Vec::from_iter(c)), ("q", Vec::from_iter(q))];
            for (name, values) in ones {
                for x in values {
                    write!(text, "{name}({x}). ").unwrap();
                }
            }
            if keep {
                text += "\n.maintain p, r, u";
            }
            Case { text }
        },
    )
}

/// The engine and the facts.
fn set_up(case: &Case) -> (Engine, Model) {
    let program = compiled(&case.text);
    let given = program.facts.iter().map(|fact| (fact.pred.0, fact.row.iter().map(number).collect())).collect();
    (Engine::new(program, Limits::default()).unwrap(), given)
}

fn asked(engine: &Engine) -> Vec<Fact> {
    let mut asked = Vec::new();
    for (name, arity) in [("p", 2), ("q", 1), ("r", 1), ("s", 1), ("t", 1), ("u", 1), ("v", 1)] {
        let pred = engine.program().find(name).unwrap();
        for n in 0..if arity == 2 { 9_i64 } else { 4 } {
            let row = if arity == 2 { vec![(n / 3).into(), (n % 3).into()] } else { vec![n.into()] };
            asked.push(Fact { pred, row });
        }
    }
    asked
}

/// The sets of given facts that may go and without which a fact holds, or does not; none contains another.
fn removals(engine: &Engine, given: &Model, asked: &Row, wanted: bool) -> BTreeSet<Model> {
    let changeable = |row: &&Row| engine.program().predicates()[row.0 as usize].changeable;
    let may_go: Vec<&Row> = given.iter().filter(changeable).collect();
    let mut sets: Vec<u32> = (0..1_u32 << may_go.len()).collect();
    sets.sort_by_key(|set| set.count_ones());
    let mut found: Vec<Model> = Vec::new();
    for set in sets {
        let gone: Model = (0..may_go.len()).filter(|at| set >> at & 1 == 1).map(|at| may_go[at].clone()).collect();
        if found.iter().any(|smaller| smaller.is_subset(&gone)) {
            continue;
        }
        let left = given.difference(&gone).cloned().collect();
        if model(engine, &left).contains(asked) == wanted {
            found.push(gone);
        }
    }
    found.into_iter().collect()
}

fn changed(given: &Model, changes: &[&Change]) -> Model {
    let mut given = given.clone();
    for change in changes {
        let row = row_of(&change.fact);
        let took = if change.insert { given.insert(row) } else { given.remove(&row) };
        assert!(took, "of no effect: {change:?}");
    }
    given
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn each_proof_is_right_and_none_is_smaller(case in cases()) {
        let (mut engine, given) = set_up(&case);
        let all = model(&engine, &given);
        let sizes = sizes(&engine, &given, &all);
        for fact in asked(&engine) {
            let row = row_of(&fact);
            let proof = engine.why(&fact).unwrap();
            prop_assert_eq!(proof.as_ref().map(Proof::size), sizes.get(&row).copied(), "{:?} {:?}\n{}", fact, all, case.text);
            if let Some(proof) = &proof {
                check(proof, &engine, &given, &all);
            }
            match engine.why_not(&fact).unwrap() {
                WhyNot::Holds(_) => prop_assert!(proof.is_some()),
                WhyNot::Fails(failure) => {
                    prop_assert!(proof.is_none());
                    let rules = engine.program().rules.iter().filter(|rule| rule.head == fact.pred);
                    let hidden = usize::from(engine.hidden(fact.pred).is_some());
                    prop_assert_eq!(failure.attempts.len(), rules.count() - hidden, "{}\n{}", failure, case.text);
                }
            }
        }
    }

    #[test]
    fn each_repair_is_right_and_smallest_and_no_removal_is_missed(
        case in cases(), pick in any::<prop::sample::Index>(), wanted in any::<bool>(),
    ) {
        let (mut engine, given) = set_up(&case);
        let all = asked(&engine);
        let fact = &all[pick.index(all.len())];
        let row = row_of(fact);
        let limits = RepairLimits { changes: 3, states: 400 };
        let before = engine.rows(engine.program().find("e").unwrap()).unwrap();
        let found = if wanted { engine.repair(fact, limits) } else { engine.repair_absence(fact, limits) }.unwrap();
        prop_assert_eq!(&before, &engine.rows(engine.program().find("e").unwrap()).unwrap());
        for repair in &found.list {
            let changes: Vec<&Change> = repair.changes.iter().collect();
            for set in 0..1_u32 << changes.len() {
                let part: Vec<&Change> = (0..changes.len()).filter(|at| set >> at & 1 == 1).map(|at| changes[at]).collect();
                let does = model(&engine, &changed(&given, &part)).contains(&row) == wanted;
                prop_assert_eq!(does, part.len() == changes.len(), "{} {:?}\n{}", repair, fact, case.text);
            }
        }
        if found.complete {
            let only_removals = found.list.iter().filter(|repair| repair.changes.iter().all(|change| !change.insert));
            let sets = only_removals.map(|repair| repair.changes.iter().map(|change| row_of(&change.fact)).collect());
            let mut brute = removals(&engine, &given, &row, wanted);
            brute.retain(|set| set.len() <= limits.changes);
            prop_assert_eq!(sets.collect::<BTreeSet<Model>>(), brute, "{:?} {}\n{}", fact, wanted, case.text);
        }
    }
}

#[test]
fn a_recursion_over_spans_comes_to_the_same_on_demand() {
    let mut text = ".decl span(s: number, e: number) input
        .decl r(s: number, e: number) r(0, 5).
        r(s2, e2) :- r(s, e), span(s2, e2), overlaps(s, e, s2, e2).\n"
        .to_owned();
    for n in 0..2_000 {
        write!(text, "span({}, {}). ", n * 10 + 4, n * 10 + 8).unwrap();
    }
    assert_eq!(shown(&mut engine(&text), "r"), ["0,5", "4,8"]);
    assert!(why(&text, "r(4, 8)").contains("span(4, 8)"));
    assert_eq!(why(&text, "r(14, 18)"), "no");
}
