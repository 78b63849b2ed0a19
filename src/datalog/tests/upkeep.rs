//! Whatever changes in whatever order: what is maintained is what comes out of the facts from nothing, on demand or not.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{compiled, engine};
use crate::datalog::{Change, Delta, Engine, Fact, Limits, Value};

/// Programs over `a(x, y)`, `b(x, y)` and `c(x)`, whose values are 0 to 5, with `d` to be kept right, each with the
/// feature that it is about.
const PROGRAMS: [(&str, &str); 16] = [
    ("a join", ".decl d(x: number, y: number) maintain  d(x, z) :- a(x, y), b(y, z)."),
    ("the same relation twice", ".decl d(x: number, y: number) maintain  d(x, z) :- a(x, y), a(y, z)."),
    (
        "two rules and a constant",
        ".decl d(x: number, y: number) maintain  d(x, y) :- a(x, y), c(y).  d(x, 3) :- b(x, x).",
    ),
    ("negation", ".decl d(x: number, y: number) maintain  d(x, y) :- a(x, y), !b(y, x)."),
    ("none at all", ".decl d(x: number, y: number) maintain  d(x, y) :- a(x, y), !b(y, _), !b(p, p), c(x)."),
    (
        "negation of what is derived",
        ".decl e(x: number) .decl d(x: number, y: number) maintain
        e(x) :- b(x, y), c(y).  d(x, y) :- a(x, y), !e(x).",
    ),
    (
        "comparisons and arithmetic",
        ".decl d(x: number, y: number) maintain  d(x + y, x * 2 - y) :- a(x, y), x < y, b(z, x), z != y.",
    ),
    ("counting", ".decl d(x: number, n: number) maintain  d(x, n) :- c(x), n = count : { a(x, _) }."),
    (
        "a sum of two",
        ".decl d(x: number, n: number) maintain  d(x, n) :- a(x, _), n = sum y + z : { a(x, y), b(y, z) }.",
    ),
    (
        "least and greatest",
        ".decl d(x: number, n: number) maintain  d(x, n) :- c(x), n = min y : { a(x, y) }.
        d(x, n) :- c(x), n = 10 + max y : { b(y, x), !c(y) }.",
    ),
    (
        "a count over everything",
        ".decl d(x: number, n: number) maintain  d(x, n) :- c(x), n = count : { a(_, _) }, n > x.",
    ),
    (
        "an aggregate over what is derived",
        ".decl e(x: number, y: number) .decl d(x: number, n: number) maintain
        e(x, z) :- a(x, y), b(y, z).  d(x, n) :- c(x), n = count : { e(x, _) }, !e(n, x).",
    ),
    (
        "overlapping spans",
        ".decl d(x: number, y: number) maintain
        d(s, t) :- a(s, e), b(t, f), overlaps(s, e, t, f).",
    ),
    (
        "overlapping spans of one relation",
        ".decl e(k: number, s: number, e: number) .decl d(x: number, y: number) maintain
        e(k, s, s + 2) :- a(k, s).  d(s, t) :- e(k, s, x), e(k, t, y), s < t, s < y, t < x.",
    ),
    ("recursion", ".decl d(x: number, y: number) maintain  d(x, y) :- a(x, y).  d(x, z) :- d(x, y), a(y, z), !c(y)."),
    (
        "recursion that is not linear, and a stratum above it",
        ".decl r(x: number, y: number) .decl d(x: number, n: number) maintain
        r(x, y) :- a(x, y).  r(x, z) :- r(x, y), r(y, z).  r(x, y) :- b(x, y), !c(x).
        d(x, n) :- c(x), n = count : { r(x, _) }.",
    ),
];

const INPUTS: &str = ".decl a(x: number, y: number) .input
    .decl b(x: number, y: number) .input
    .decl c(x: number) .input
";

#[derive(Clone, Debug)]
struct Step {
    relation: usize,
    row: [i64; 2],
    insert: bool,
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = (0..3_usize, [0..5_i64, 0..5_i64], prop::bool::weighted(0.6)).prop_map(|(relation, row, insert)| Step {
        relation,
        row,
        insert,
    });
    prop::collection::vec(prop::collection::vec(step, 1..5), 1..12)
}

fn fact(engine: &Engine, step: &Step) -> Fact {
    let name = ["a", "b", "c"][step.relation];
    let row: Vec<Value> =
        step.row.iter().take(if name == "c" { 1 } else { 2 }).map(|cell| Value::from(*cell)).collect();
    engine.program().fact_of(name, row).unwrap()
}

fn rows(engine: &mut Engine) -> Vec<Vec<Value>> {
    let d = engine.program().find("d").unwrap();
    engine.rows(d).unwrap()
}

fn check(text: &str, batches: &[Vec<Step>]) {
    let mut kept = engine(&format!("{INPUTS}{text}"));
    let plain = text.replace("maintain", "");
    let mut facts: BTreeSet<Fact> = BTreeSet::new();
    let mut shown: BTreeSet<Vec<Value>> = rows(&mut kept).into_iter().collect();
    for batch in batches {
        let changes: Vec<Change> =
            (batch.iter()).map(|step| Change { fact: fact(&kept, step), insert: step.insert }).collect();
        for change in &changes {
            if change.insert {
                facts.insert(change.fact.clone());
            } else {
                facts.remove(&change.fact);
            }
        }
        let Delta { added, removed } = kept.apply(&changes).unwrap();
        let d = kept.program().find("d").unwrap();
        for gone in removed.iter().filter(|fact| fact.predicate() == d) {
            assert!(shown.remove(gone.row()), "{text}: {gone:?} was not there");
        }
        for new in added.iter().filter(|fact| fact.predicate() == d) {
            assert!(shown.insert(new.row().to_vec()), "{text}: {new:?} was there");
        }
        let mut scratch = Engine::new(compiled(&format!("{INPUTS}{plain}")), Limits::default()).unwrap();
        scratch.load(facts.iter().cloned()).unwrap();
        let on_demand = rows(&mut scratch);
        scratch.evaluate().unwrap();
        let from_nothing = rows(&mut scratch);
        assert_eq!(on_demand, from_nothing, "{text}: on demand, after {facts:?}");
        assert_eq!(rows(&mut kept), from_nothing, "{text}: kept, after {facts:?}");
        let mut loaded = engine(&format!("{INPUTS}{text}"));
        loaded.load(facts.iter().cloned()).unwrap();
        assert_eq!(rows(&mut loaded), from_nothing, "{text}: loaded, after {facts:?}");
        assert_eq!(shown.iter().cloned().collect::<Vec<_>>(), from_nothing, "{text}: what was told, after {facts:?}");
        // Asked for one value of each column, it gives those rows and no others.
        for (column, name) in ["x", if text.contains("d(x: number, n") { "n" } else { "y" }].iter().enumerate() {
            for engine in [&mut kept, &mut scratch] {
                let prepared = engine.prepare("d", &[name]).unwrap();
                for value in 0..6 {
                    let wanted: Vec<_> =
                        from_nothing.iter().filter(|row| row[column] == Value::from(value)).cloned().collect();
                    assert_eq!(engine.answer(&prepared, &[value.into()]).unwrap(), wanted, "{text}: {name} = {value}");
                }
            }
        }
    }
    // Everything taken out again leaves what was there at first.
    let out: Vec<Change> = facts.into_iter().map(Change::remove).collect();
    kept.apply(&out).unwrap();
    assert!(kept.is_empty(), "{text}");
    assert_eq!(rows(&mut kept), rows(&mut engine(&format!("{INPUTS}{text}"))), "{text}: of no facts");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_kept_is_what_comes_out_of_nothing(batches in steps()) {
        for (_, text) in PROGRAMS {
            check(text, &batches);
        }
    }
}

#[test]
fn a_change_that_breaks_a_limit_changes_nothing() {
    let text = format!("{INPUTS}.decl d(x: number, y: number) maintain  d(x, y) :- c(x), c(y).");
    let mut engine = Engine::new(compiled(&text), Limits { rows: 100, ..Limits::default() }).unwrap();
    let c = |engine: &Engine, at: i64| Change::insert(engine.program().fact_of("c", vec![at.into()]).unwrap());
    for at in 0..5 {
        let change = c(&engine, at);
        engine.apply(&[change]).unwrap();
    }
    let before = rows(&mut engine);
    let many: Vec<Change> = (5..100).map(|at| c(&engine, at)).collect();
    assert!(engine.apply(&many).is_err());
    assert_eq!((rows(&mut engine), engine.len()), (before, 5));
    let change = c(&engine, 7);
    engine.apply(&[change]).unwrap();
    assert_eq!(rows(&mut engine).len(), 36);
}
