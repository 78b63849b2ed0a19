//! What limits hold, and how far beyond them an evaluation goes.

use core::ops::ControlFlow;

use proptest::prelude::*;

use super::{compiled, engine, shown};
use crate::datalog::{Change, Engine, EvalError, Limits, Value};

const WIDE: Limits = Limits { steps: u64::MAX, rows: u64::MAX, rounds: u64::MAX, bytes: u64::MAX };

fn ends_with(text: &str, limits: Limits) -> (Engine, &'static str) {
    let mut engine = Engine::new(compiled(text), limits).unwrap();
    match engine.evaluate() {
        Err(EvalError::Limit { what, .. }) => (engine, what),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn an_evaluation_has_one_meter_however_many_relations_it_works_out() {
    let chain = "p0(1).  p1(x) :- p0(x).  p2(x) :- p1(x).  p3(x) :- p2(x).  p4(x) :- p3(x).";
    let cases = [
        (chain, Limits { steps: 3, ..WIDE }, "steps"),
        (chain, Limits { rows: 3, ..WIDE }, "rows"),
        ("a(x) :- x = range(0, 60).  b(x) :- x = range(0, 60).", Limits { rows: 100, ..WIDE }, "rows"),
        ("a(x) :- x = range(0, 60000).  b(x) :- x = range(0, 60000).", Limits { bytes: 1_500_000, ..WIDE }, "bytes"),
        ("a(0). a(x + 1) :- a(x), x < 60.  b(0). b(x + 1) :- b(x), x < 60.", Limits { rounds: 100, ..WIDE }, "rounds"),
    ];
    for (text, limits, what) in cases {
        assert_eq!(ends_with(text, limits).1, what, "{text}");
    }
    let kept =
        ".decl p(x: number)  .decl q(x: number) maintain  .decl r(x: number) maintain  q(x) :- p(x).  r(x) :- q(x).";
    let mut engine = Engine::new(compiled(kept), Limits { rows: 15, ..WIDE }).unwrap();
    let changes = |many: i64| -> Vec<Change> {
        let fact = |x: i64| engine.program().fact(&format!("p({x})")).unwrap();
        (0..many).map(|x| Change::insert(fact(x))).collect()
    };
    let (ten, five) = (changes(10), changes(5));
    assert!(matches!(engine.apply(&ten), Err(EvalError::Limit { what: "rows", .. })));
    assert_eq!(engine.apply(&five).unwrap().added.len(), 15);
}

#[test]
fn what_was_spent_is_told_and_questions_do_not_count() {
    let mut engine = engine("p(1). p(2).  q(x) :- p(x).  r(x) :- q(x), x > 1.");
    assert_eq!(engine.spent(), Limits { steps: 0, rows: 0, rounds: 0, bytes: 0 });
    shown(&mut engine, "r");
    assert_eq!(engine.spent().steps, 0);
    engine.evaluate().unwrap();
    let spent = engine.spent();
    assert_eq!((spent.steps, spent.rows, spent.rounds), (4, 3, 0));
    assert!(spent.bytes > 0);
}

#[test]
fn rows_and_bytes_are_looked_at_while_a_clause_derives() {
    let endless = "a(x) :- x = range(0, 9223372036854775807).";
    let product = "n(x) :- x = range(0, 300).  c(a, b, c, d) :- n(a), n(b), n(c), n(d).";
    let recursive = "a(0).  a(y) :- a(x), y = range(x, 9223372036854775807).";
    for text in [endless, product, recursive] {
        let (engine, what) = ends_with(text, Limits { rows: 100, ..WIDE });
        assert_eq!(what, "rows", "{text}");
        assert!(engine.spent().steps < 20_000, "{text}: {:?}", engine.spent());
        let (engine, what) = ends_with(text, Limits { bytes: 1 << 20, ..WIDE });
        assert_eq!(what, "bytes", "{text}");
        assert!(engine.spent().steps < 300_000, "{text}: {:?}", engine.spent());
        let mut engine = Engine::new(compiled(text), Limits { rows: 100, steps: 20_000, ..WIDE }).unwrap();
        let pred = engine.program().find(if text == product { "c" } else { "a" }).unwrap();
        assert!(matches!(engine.rows(pred), Err(EvalError::Limit { what: "rows", .. })), "{text}");
    }
}

#[test]
fn rows_that_are_there_already_do_not_count_again() {
    let text =
        "e(x) :- x = range(0, 100).  p(0).  p(y) :- p(_), e(y).  q(x) :- e(x), e(_), e(_).  q(x) :- e(x), e(y), y > x.";
    let mut all = Engine::new(compiled(text), Limits { rows: 300, ..WIDE }).unwrap();
    all.evaluate().unwrap();
    assert_eq!((shown(&mut all, "p").len(), shown(&mut all, "q").len()), (100, 100));
    let twice =
        "n(x) :- x = range(0, 60).  r(x / 60) :- n(y), n(z), x = y * z.  r(x / 60) :- r(_), n(y), n(z), x = y * z.";
    Engine::new(compiled(twice), Limits { rows: 120, ..WIDE }).unwrap().evaluate().unwrap();
}

#[test]
fn texts_that_are_made_take_steps_and_bytes() {
    let words = "s(\"a\"). s(\"b\"). s(cat(x, y)) :- s(x), s(y).";
    let (engine, what) = ends_with(words, Limits { steps: 200_000, ..WIDE });
    assert_eq!((what, engine.spent().rows < 20_000), ("steps", true), "{:?}", engine.spent());
    let (engine, what) = ends_with(words, Limits { bytes: 1 << 20, ..WIDE });
    assert_eq!((what, engine.spent().rows < 16_000), ("bytes", true), "{:?}", engine.spent());
    let long = format!("s(\"{}\").  t(substr(x, n, 1)) :- s(x), n = range(0, 1000000).", "a".repeat(60_000));
    let (engine, what) = ends_with(&long, Limits { steps: 100_000, ..WIDE });
    assert_eq!((what, engine.spent().rows < 100), ("steps", true));
}

#[test]
fn each_row_is_handed_over_in_order_until_told_to_stop() {
    let text = "s(\"b\", -1). s(\"b\", 3). s(\"a\", 2). s(\"ä\", 0).  t(x, y) :- s(x, y).  .decl u(x: +number)  u(x) :- s(_, x).";
    for evaluated in [false, true] {
        let mut engine = engine(text);
        if evaluated {
            engine.evaluate().unwrap();
        }
        for name in ["s", "t"] {
            let pred = engine.program().find(name).unwrap();
            let (mut rows, wanted) = (Vec::new(), engine.rows(pred).unwrap());
            engine
                .each_row(pred, |row| {
                    rows.push(row.to_vec());
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert_eq!(rows, wanted);
            assert_eq!((rows[1][1].clone(), engine.count_rows(pred).unwrap()), (Value::Number(-1), 4));
            let mut seen = 0;
            engine
                .each_row(pred, |_| {
                    seen += 1;
                    ControlFlow::Break(())
                })
                .unwrap();
            assert_eq!(seen, 1);
        }
        let pred = engine.program().find("u").unwrap();
        assert!(matches!(engine.each_row(pred, |_| ControlFlow::Break(())), Err(EvalError::Mismatch { .. })));
    }
}

const CLASSES: &str = ".decl e(a: number, b: number)\n.decl eq(a: number, b: number) eqrel\neq(a, b) :- e(a, b).\n";

#[test]
fn an_equivalence_costs_what_its_rows_cost() {
    for edges in
        ["e(x, x + 1) :- x = range(0, 300).", "e(0, x) :- x = range(0, 301).", "e(x / 2, x) :- x = range(0, 301)."]
    {
        let text = format!("{CLASSES}{edges}\nboth(x) :- eq(5, x), eq(x, 7).");
        let limits = Limits { steps: 400_000, rows: 200_000, rounds: 10, ..WIDE };
        let mut all = Engine::new(compiled(&text), limits).unwrap();
        all.evaluate().unwrap();
        let mut asked = Engine::new(compiled(&text), limits).unwrap();
        for engine in [&mut all, &mut asked] {
            let pred = engine.program().find("eq").unwrap();
            assert_eq!(engine.count_rows(pred).unwrap(), 301 * 301);
            assert_eq!(shown(engine, "both").len(), 301);
            assert!(engine.holds(&engine.program().fact("eq(300, 0)").unwrap()).unwrap());
        }
    }
}

/// The rows of the equivalence that some pairs make, worked out the long way.
fn closed(pairs: &[(i64, i64)]) -> Vec<String> {
    let mut class: Vec<i64> = (0..10).collect();
    for (a, b) in pairs {
        let (from, to) = (class[usize::try_from(*a).unwrap()], class[usize::try_from(*b).unwrap()]);
        class.iter_mut().filter(|class| **class == from).for_each(|class| *class = to);
    }
    let there = |n: usize| pairs.iter().any(|(a, b)| [*a, *b].contains(&i64::try_from(n).unwrap()));
    let all = (0..10).flat_map(|a| (0..10).map(move |b| (a, b)));
    all.filter(|(a, b)| there(*a) && there(*b) && class[*a] == class[*b]).map(|(a, b)| format!("{a},{b}")).collect()
}

proptest! {
    #[test]
    fn an_equivalence_is_the_least_one(pairs in prop::collection::vec((0..10_i64, 0..10_i64), 0..12)) {
        let facts = pairs.iter().map(|(a, b)| format!("e({a}, {b}).\n")).collect::<Vec<_>>().concat();
        // A class that reaches 9 takes 0 in as well: rules go on from what the classes give.
        let more = "eq(a, 0) :- eq(a, 9).\n";
        for (rules, pairs) in [("", pairs.clone()), (more, {
            let mut more = pairs.clone();
            more.extend(pairs.iter().any(|(a, b)| *a == 9 || *b == 9).then_some((9, 0)));
            more
        })] {
            let text = format!("{CLASSES}{facts}{rules}");
            let mut all = engine(&text);
            all.evaluate().unwrap();
            prop_assert_eq!(shown(&mut all, "eq"), closed(&pairs));
            let mut asked = engine(&text);
            prop_assert_eq!(shown(&mut asked, "eq"), closed(&pairs));
            let mut kept = engine(&text.replace("eqrel", "eqrel maintain"));
            prop_assert_eq!(shown(&mut kept, "eq"), closed(&pairs));
        }
    }
}
