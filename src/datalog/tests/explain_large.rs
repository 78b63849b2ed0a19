//! Explanations of programs with many rows: what they cost, in steps.

use core::fmt::Write as _;

use super::compiled;
use crate::datalog::{Engine, EvalError, Fact, Limits, Proof, RepairLimits, Value, WhyNot};

/// A tenth of the default.
const STEPS: u64 = 10_000_000;

fn limited(text: &str, steps: u64) -> Engine {
    Engine::new(compiled(text), Limits { steps, ..Limits::default() }).unwrap()
}

fn fact(engine: &Engine, text: &str) -> Fact {
    engine.program().fact(text).unwrap()
}

/// The proof, whose size is the same whether relations are there or worked out on demand.
fn proof(text: &str, asked: &str) -> Proof {
    let mut on_demand = limited(text, STEPS);
    let asked = fact(&on_demand, asked);
    let proof = on_demand.why(&asked).unwrap().unwrap();
    let mut all = limited(text, STEPS);
    all.evaluate().unwrap();
    let kept = all.why(&asked).unwrap().unwrap();
    assert_eq!(proof.size(), kept.size());
    assert!(proof.size() > 2_000 || proof.to_string() == kept.to_string());
    proof
}

fn fails(text: &str, asked: &str) -> String {
    let mut engine = limited(text, 2 * STEPS);
    let asked = fact(&engine, asked);
    assert!(engine.why(&asked).unwrap().is_none());
    let WhyNot::Fails(failure) = engine.why_not(&asked).unwrap() else { panic!("it holds") };
    failure.to_string()
}

fn closure(n: u32) -> String {
    format!("e(x, y) :- x = range(0, {n}), y = x + 1.  p(x, y) :- e(x, y).  p(x, z) :- p(x, y), p(y, z).")
}

const MIXED: &str = "g(0, 0). g(1, 1). g(n + 1, (a + b) % 1000) :- g(n, a), g(n - 1, b), n < 200.";
const COUNTED: &str = "n(0). n(x + 1) :- n(x), x < 200000.";
const FIBONACCI: &str = "d(0, 0, 1). d(n, b, c) :- d(m, a, b), n = m + 1, c = (a + b) % 1000, m < 3000.";

#[test]
fn a_doubly_recursive_closure_takes_a_step_for_each_instance_and_few_more() {
    let proof = proof(&closure(200), "p(0, 200)");
    assert_eq!((proof.size(), proof.given().len()), (599, 0));
}

#[test]
fn why_a_pair_of_a_closure_does_not_hold_is_found_as_fast() {
    let shown = fails(&closure(200), "p(7, 3)");
    assert!(shown.contains("there is no p("), "{shown}");
}

#[test]
fn sums_in_heads_and_equations_are_solved_for_what_they_are_made_of() {
    assert!(proof(MIXED, "g(30, 40)").size() > 1_000);
    assert_eq!(proof(FIBONACCI, "d(3000, 0, 1)").size(), 3_001);
    assert_eq!(proof("t(9). h(0 - x) :- t(x). h(5 - x) :- t(x). h(-x - 1) :- t(x).", "h(-10)").size(), 2);
    assert_eq!(proof("t(9, 11). h(x) :- t(x, y), 3 = (y - x) + 1.", "h(9)").size(), 2);
    let many = (0..3_000).fold(String::new(), |mut text, n| {
        write!(text, "t({n}, {}). ", n * 2).unwrap();
        text
    });
    let mut engine = limited(&format!("{many} h(a, b) :- t(x, y), a = x + 1, b = 7 - y."), 100);
    let asked = fact(&engine, "h(1001, -1993)");
    assert_eq!(engine.why(&asked).unwrap().unwrap().size(), 2);
}

#[test]
fn a_proof_two_hundred_thousand_deep_is_found_and_printed() {
    let proof = proof(COUNTED, "n(200000)");
    assert_eq!(proof.size(), 200_001);
    let text = proof.to_string();
    assert!(text.lines().count() == 600_001 && text.len() < 80_000_000);
    assert!(fails(COUNTED, "n(200001)").contains("200000 < 200000 is not so"));
    assert!(fails(COUNTED, "n(-7)").contains("there is no n(-8)"));
}

#[test]
fn what_overflows_when_it_is_solved_has_no_instance() {
    let smallest = i64::MIN;
    let text = format!(".decl t(x: number) t(0). t({smallest}). h(x + 1) :- t(x), x < 9. k(x - 1) :- t(x), x > -9.");
    assert!(fails(&text, &format!("h({smallest})")).contains("is not so"));
    assert!(fails(&text, &format!("k({})", i64::MAX)).contains("is not so"));
}

#[test]
fn an_explanation_of_one_attendee_looks_at_that_attendee_only() {
    let text = ".decl booking(a: number, s: number, e: number) input changeable
        .decl inside(g: number, h: number) input
        .decl closed(g: number) input
        .decl part(g: number, h: number)
        part(g, h) :- inside(g, h).  part(g, i) :- part(g, h), inside(h, i).
        .decl busy(a: number, s: +number, e: +number)
        busy(a, s, e) :- booking(a, x, y), overlaps(x, y, s, e).
        .decl free(a: +number, s: +number, e: +number)
        free(a, s, e) :- !busy(a, s, e).
        .decl shut(g: number) shut(g) :- part(g, h), closed(h).";
    let mut engine = limited(text, STEPS);
    let pred = |name: &str| engine.program().find(name).unwrap();
    let (booking, inside, closed) = (pred("booking"), pred("inside"), pred("closed"));
    let row = |pred, row: &[i64]| Fact { pred, row: row.iter().copied().map(Value::Number).collect() };
    let bookings = (0..100_000_i64).map(|n| row(booking, &[n / 10, n % 10 * 20, n % 10 * 20 + 15]));
    let rooms = (0..30_000_i64).map(|n| row(inside, &[n, n + 10_000]));
    engine.load(bookings.chain(rooms).chain([row(closed, &[30_007])])).unwrap();
    engine.set_limits(Limits { steps: 1_000, ..Limits::default() });
    for asked in ["busy(77, 30, 50)", "free(77, 15, 20)", "shut(7)", "part(8, 30008)"] {
        let asked = fact(&engine, asked);
        assert!(engine.why(&asked).unwrap().is_some());
    }
    for asked in ["busy(77, 15, 20)", "free(77, 30, 50)", "shut(8)", "part(8, 30007)"] {
        let asked = fact(&engine, asked);
        assert!(matches!(engine.why_not(&asked).unwrap(), WhyNot::Fails(_)));
    }
    let asked = fact(&engine, "free(77, 30, 50)");
    let found = engine.repair(&asked, RepairLimits::default()).unwrap();
    assert!(found.complete && found.list.len() == 1);
}

#[test]
fn a_search_for_repairs_ends_with_the_steps_of_one_evaluation() {
    let edges = (0..40).map(|n| format!("e({n}, {}). ", n + 1)).collect::<Vec<_>>().concat();
    let text = format!(
        ".decl e(x: number, y: number) input changeable {edges} p(x, y) :- e(x, y). p(x, z) :- p(x, y), p(y, z)."
    );
    let mut engine = limited(&text, STEPS);
    let asked = fact(&engine, "p(0, 40)");
    let found = engine.repair_absence(&asked, RepairLimits::default()).unwrap();
    assert_eq!((found.list.len(), found.complete), (40, true));
    let mut engine = limited(&text, 100_000);
    let found = engine.repair_absence(&asked, RepairLimits { changes: 3, states: 100_000 }).unwrap();
    assert!(!found.complete && found.list.len() < 40);
    let mut engine = limited(&text, 1_000);
    assert!(matches!(engine.repair_absence(&asked, RepairLimits::default()), Err(EvalError::Limit { .. })));
}
