//! Programs and what comes of them.

use super::{compiled, engine, shown};
use crate::datalog::{Engine, EvalError, Functions, Limits, Value};

/// A program, a relation, and its rows as they are printed.
fn gives(text: &str, relation: &str, wanted: &[&str]) {
    let mut asked = engine(text);
    assert_eq!(shown(&mut asked, relation), wanted, "on demand: {text}");
    let mut all = engine(text);
    all.evaluate().unwrap();
    assert_eq!(shown(&mut all, relation), wanted, "from the bottom: {text}");
}

#[test]
fn rules_give_what_follows() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "edge(1, 2). edge(2, 3). edge(3, 4).  path(x, y) :- edge(x, y).  path(x, z) :- edge(x, y), path(y, z).",
            "path",
            &["1,2", "1,3", "1,4", "2,3", "2,4", "3,4"],
        ),
        (
            "e(\"b\", \"a\"). e(\"a\", \"c\").  s(x, y) :- e(x, y).  s(y, x) :- s(x, y).",
            "s",
            &["\"a\",\"b\"", "\"a\",\"c\"", "\"b\",\"a\"", "\"c\",\"a\""],
        ),
        ("p(1). p(2). q(2).  r(x) :- p(x), !q(x).", "r", &["1"]),
        ("p(1, 2). p(2, 2). q(1). q(2). q(3).  r(x) :- q(x), !p(x, _).", "r", &["3"]),
        ("p(1, 2). p(2, 2). q(1). q(2). q(3).  r(x) :- q(x), !p(y, y), x > 0.", "r", &[]),
        ("p(3). p(5).  n(x) :- x = sum y : { p(y) }.", "n", &["8"]),
        ("p(3). p(5).  n(x) :- x = count : { p(_) }.", "n", &["2"]),
        ("p(3). p(5).  n(x) :- x = min y : { p(y) }.  n(x) :- x = max y : { p(y) }.", "n", &["3", "5"]),
        (".decl p(x: number)  n(x) :- x = count : { p(_) }.  n(x) :- x = sum y + 1 : { p(y) }.", "n", &["0"]),
        (".decl p(x: number) .decl n(x: number)  n(x) :- x = max y : { p(y) }.", "n", &[]),
        ("a(1). a(2). b(1, 5). b(1, 6).  n(x, c) :- a(x), c = count : { b(x, _) }.", "n", &["1,2", "2,0"]),
        ("n(x) :- x = range(0, 3).  n(x) :- x = range(10, 4, -3).", "n", &["0", "1", "2", "7", "10"]),
        ("p(1). p(2).  r(x, y) :- p(x), y = x * 10 + 7 % 4 - -1.", "r", &["1,14", "2,24"]),
        ("p(7). p(-7).  r(x / 2, x % 2) :- p(x).", "r", &["-3,-1", "3,1"]),
        ("p(\"ab\").  r(cat(x, \"-\", x), strlen(x), substr(x, 1, 5)) :- p(x).", "r", &["\"ab-ab\",2,\"b\""]),
        ("p(1).  q() :- p(_).  r(1) :- q().  r(2) :- !q().", "r", &["1"]),
        ("a(1). b(2).  r(x) :- a(x) ; b(x).  ", "r", &["1", "2"]),
        (
            "i(1, 5). i(5, 9). i(4, 6). i(7, 7).  r(s, t) :- i(s, e), i(t, f), s < t, overlaps(s, e, t, f).",
            "r",
            &["1,4", "4,5", "5,7"],
        ),
        (
            "p(@2026-01-05T19:00:00Z).  r(t + 90m, t - @2026-01-05T18:00:00Z) :- p(t).",
            "r",
            &["@2026-01-05T20:30:00Z,3600000"],
        ),
        (
            "edge(1, 2).  path(x, y) :- edge(x, y).  path(9, 9).  path(x, z) :- path(x, y), path(y, z).",
            "path",
            &["1,2", "9,9"],
        ),
        ("even(0).  odd(x + 1) :- even(x), x < 5.  even(x + 1) :- odd(x), x < 5.", "even", &["0", "2", "4"]),
        (
            "d(0, 0). e(0, 1, 4). e(0, 2, 1). e(2, 1, 1).
            d(y, n) :- d(x, m), e(x, y, w), n = m + w.  least(x, n) :- d(x, _), n = min m : { d(x, m) }.",
            "least",
            &["0,0", "1,2", "2,1"],
        ),
    ];
    for (text, relation, wanted) in cases {
        gives(text, relation, wanted);
    }
}

#[test]
fn columns_given_by_whoever_asks_are_not_needed_in_facts() {
    let mut engine = engine(
        ".decl busy(a: symbol, s: number, e: number)
         busy(\"ann\", 9, 10). busy(\"ann\", 10, 12). busy(\"ben\", 9, 10).
         .decl busy_in(a: symbol, qs: +number, qe: +number)
         busy_in(a, qs, qe) :- busy(a, s, e), overlaps(s, e, qs, qe).
         .decl free(a: +symbol, qs: +number, qe: +number)
         free(a, qs, qe) :- !busy_in(a, qs, qe).",
    );
    let who = engine.prepare("busy_in", &["qs", "qe"]).unwrap();
    let first = |rows: Vec<Vec<Value>>| rows.into_iter().map(|row| row[0].to_string()).collect::<Vec<_>>();
    assert_eq!(first(engine.answer(&who, &[9.into(), 10.into()]).unwrap()), ["\"ann\"", "\"ben\""]);
    assert_eq!(first(engine.answer(&who, &[10.into(), 11.into()]).unwrap()), ["\"ann\""]);
    let free = engine.prepare("free", &["a", "qs", "qe"]).unwrap();
    for (who, s, e, wanted) in [("ann", 8, 9, true), ("ann", 8, 10, false), ("ann", 12, 13, true), ("eve", 0, 99, true)]
    {
        assert_eq!(engine.has_answer(&free, &[who.into(), s.into(), e.into()]).unwrap(), wanted, "{who} {s} {e}");
    }
    assert!(matches!(engine.prepare("free", &["a"]), Err(EvalError::Mismatch { .. })));
}

#[test]
fn what_has_no_end_or_no_value_ends_with_an_error_that_says_so() {
    let limits = Limits { steps: 200_000, rows: 50_000, rounds: 10_000, bytes: 8 << 20 };
    let cases = [
        ("n(0).  n(x + 1) :- n(x).", "rounds"),
        ("n(0).  n(x + 1) :- n(x).  n(x * 2 + 1) :- n(x).", "rows|steps|no value"),
        ("p(x) :- x = range(0, 1000).  r(x, y, z) :- p(x), p(y), p(z).", "steps|rows|bytes"),
        ("t(\"aaaaaaaaaaaaaaaa\").  t(cat(x, x)) :- t(x).", "bytes"),
        ("p(0).  r(1 / x) :- p(x).", "1 / 0 has no value"),
        ("p(9223372036854775807).  r(x + 1) :- p(x).", "9223372036854775807 + 1"),
        ("p(\"x\").  r(to_number(x)) :- p(x).", "no number"),
    ];
    for (text, wanted) in cases {
        let mut engine = Engine::new(compiled(text), limits).unwrap();
        let error = engine.evaluate().unwrap_err().to_string();
        assert!(wanted.split('|').any(|word| error.contains(word)), "{text}: {error}");
    }
}

#[test]
fn what_may_have_no_value_is_guarded_by_what_stands_beside_it_in_any_order() {
    let facts = "a(0). a(1). zero(0). c(1). raw(1, \"12\"). raw(2, \"zz\"). sure(1).";
    let bodies = [
        "a(x), !zero(x), y = 1 / x",
        "a(x), y = 1 / x, !zero(x)",
        "a(x), c(x), y = 1 / x",
        "y = 1 / x, a(x), x != 0",
        "a(x), y = 1 / x, 0 = count : { zero(x) }",
        "raw(x, s), sure(x), y = to_number(s) / 12",
    ];
    for body in bodies {
        gives(&format!("{facts} r(x, y) :- {body}."), "r", &["1,1"]);
    }
    // Also when it is asked about with values given.
    let rules = ".decl r(x: number, y: number)  a(0). a(1).  g(x) :- a(x), x != 0.  r(x, y) :- g(x), y = 1 / x.";
    let mut engine = engine(rules);
    for (x, wanted) in [(0, 0), (1, 1)] {
        let prepared = engine.prepare("r", &["x"]).unwrap();
        assert_eq!(engine.answer(&prepared, &[x.into()]).unwrap().len(), wanted);
    }
}

#[test]
fn a_question_may_be_a_whole_body() {
    let mut engine = engine("e(1, 2). e(2, 3). e(3, 4).  path(x, y) :- e(x, y).  path(x, z) :- path(x, y), e(y, z).");
    let query = engine.program().query("path(1, y), !e(1, y), n = y * 2", &Functions::default()).unwrap();
    let rows: Vec<String> = engine.ask(&query).unwrap().iter().map(|row| format!("{} {}", row[0], row[1])).collect();
    assert_eq!(rows, ["3 6", "4 8"]);
}
