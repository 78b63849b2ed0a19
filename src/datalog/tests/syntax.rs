//! Texts in, checked programs or diagnostics out.

use core::time::Duration;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::syntax_print::{print, print_query, print_rules};
use crate::datalog::{Diagnostic, Functions, Program, Source, Type, Value, compile};
use crate::time::Timestamp;

fn functions() -> Functions {
    let week = |given: &[Value]| match given {
        [Value::Time(time)] => Some(Value::Number(time.as_millis() / 604_800_000)),
        _ => None,
    };
    let even = |given: &[Value]| match given {
        [Value::Number(number)] => Some(Value::Bool(number % 2 == 0)),
        _ => None,
    };
    Functions::new().with("week", &[Type::Time], Type::Number, week).with("even", &[Type::Number], Type::Bool, even)
}

type Compiled = Result<(Program, Vec<Diagnostic>), Vec<Diagnostic>>;

fn compiled(texts: &[&str]) -> Compiled {
    let source = |(at, text): (usize, &&str)| Source { name: format!("{at}.dl").into(), text: (*text).into() };
    let sources: Vec<Source> = texts.iter().enumerate().map(source).collect();
    compile(&sources, &functions())
}

fn program(text: &str) -> Program {
    compiled(&[text]).unwrap_or_else(|found| panic!("{text}\n{}", listed(&found))).0
}

fn listed(found: &[Diagnostic]) -> String {
    found.iter().fold(String::new(), |mut all, one| {
        writeln!(all, "{one}").unwrap();
        all
    })
}

#[test]
fn rules_are_lowered_to_the_shape_that_evaluation_wants() {
    let cases = [
        ("p(x) :- q(x, _), !r(x).", "p(x) :- q(x, _), !r(x)."),
        ("p(x) :- q(x), not r(x, 1).", "p(x) :- q(x), !r(x, 1)."),
        ("p(x + 1) :- q(x, x).", "p(Add(x, 1)) :- q(x, x)."),
        ("p(x) :- q(n), x = n - 1 - 2.", "p(x) :- q(n), x = Sub(Sub(n, 1), 2) :number."),
        ("p(x) :- q(n), r(n - 1, x).", "p(x) :- q(n), _value2 = Sub(n, 1) :number, r(_value2, x)."),
        ("p() :- q(a, b), a < b * 2 ^ 3 ^ 2.", "p() :- q(a, b), a < Mul(b, Pow(2, Pow(3, 2))) :number."),
        ("p :- q.", "p() :- q()."),
        ("p(x) :- q(x), (x < 1 ; r(x)).", "p(x) :- q(x), x < 1 :number.\np(x) :- q(x), r(x)."),
        ("p(x), r(x) :- q(x).", "p(x) :- q(x).\nr(x) :- q(x)."),
        ("p(x) :- q(x), !(x = 1).", "p(x) :- q(x), x != 1 :number."),
        ("p(x) :- q(x), !(r(x) ; x > 2).", "p(x) :- q(x), !r(x), x <= 2 :number."),
        ("p(x) :- q(x), !(r(x), x > 2).", "p(x) :- q(x), !r(x).\np(x) :- q(x), x <= 2 :number."),
        ("p(x) :- q(x), not not r(x, _).", "p(x) :- q(x), r(x, _)."),
        ("p(x) :- q(x), true.", "p(x) :- q(x)."),
        ("p(x) :- q(x), false.", "p(x) :- q(x), 0 = 1 :number."),
        ("p(x) :- q(x), (x + 1) * 2 = 4.", "p(x) :- q(x), Mul(Add(x, 1), 2) = 4 :number."),
        ("p(x) :- q(x), -x < -3, -(2) < x.", "p(x) :- q(x), Neg(x) < -3 :number, Neg(2) < x :number."),
        ("p(x) :- x = range(1, 10, 3).", "p(x) :- x = range(1, 10, 3)."),
        ("p(n) :- n = count : q(_).", "p(n) :- n = count{}(q(_))."),
        ("p(k, n) :- q(k), n = sum x : { r(k, x) }.", "p(k, n) :- q(k), n = sum{k} x(r(k, x))."),
        ("p(k) :- q(k), k = count : { r(k) }.", "p(k) :- q(k), _count1 = count{k}(r(k)), k = _count1 :number."),
        (
            "p(n) :- q(c), n = c - count : { r(x), s(x) }.",
            "p(n) :- q(c), _count3 = count{}(r(x), s(x)), n = Sub(c, _count3) :number.",
        ),
        (
            "p(n, m) :- n = max x : q(x), m = min (x) * 2 : q(x).",
            "p(n, m) :- n = max{} x2(q(x2)), m = min{} Mul(x3, 2)(q(x3)).",
        ),
        (
            "p(n) :- n = count : { q(x), m = count : { r(x, y), y > 1 }, m > 2 }.",
            "p(n) :- n = count{}(q(x), m = count{x}(r(x, y), y > 1 :number), m > 2 :number).",
        ),
        (
            "p(a) :- q(a, b), overlaps(a, b, 1, 2), within(a, 0, 90m).",
            "p(a) :- q(a, b), a < 2 :number, 1 < b :number, 0 <= a :number, a < 5400000 :number.",
        ),
        (
            "p(a) :- q(a, b), !overlaps(a, b, 1, 2).",
            "p(a) :- q(a, b), a >= 2 :number.\np(a) :- q(a, b), 1 >= b :number.",
        ),
        ("p(w) :- q(t), w = week(t), !even(w).", "p(w) :- q(t), w = week(t) :number, even(w) = false :bool."),
        ("p(x) :- q(x), contains(\"a\", x).", "p(x) :- q(x), contains(\"a\", x) = true :bool."),
        ("q(1, 2). p(x) :- r(x), !q(x, y).", "p(x) :- r(x), !q(x, [y])."),
    ];
    for (text, expected) in cases {
        assert_eq!(print_rules(&program(text)), expected, "{text}");
    }
}

#[test]
fn types_are_declared_or_found_out() {
    let cases = [
        ("p(1). p(\"a\"). q(x) :- p(x).", "q(c0 any)"),
        ("p(\"a\"). q(x) :- p(x).", "q(c0 symbol)"),
        ("p(x) :- q(x).", "q(c0 number)"),
        (".decl t(x: time) input q(d) :- t(a), t(b), d = b - a.", "q(c0 number)"),
        (".decl t(x: time) input q(e) :- t(a), r(d), e = d + a.", "q(c0 time)"),
        (".type A <: symbol .type B = A | symbol .decl q(b: B)", "q(b symbol)"),
        ("q(true).", "q(c0 bool)"),
        ("q(@2026-01-05T19:00:00Z).", "q(c0 time)"),
    ];
    for (text, expected) in cases {
        let printed = print(&program(text));
        assert!(printed.lines().any(|line| line.starts_with(expected)), "{text}\n{printed}");
    }
}

#[test]
fn what_is_wrong_is_told_once_with_its_place() {
    let cases = [
        ("p(x) :- q(y).", "E-unbound", 1, 3, "`x` has no value"),
        ("p(y) :- q(1), y = x + 1.", "E-unbound", 1, 19, "`x` has no value"),
        ("p(_) :- q(1).", "E-unbound", 1, 3, "`_`"),
        ("p(n) :- p(n - 1), n < 3.", "E-unbound", 1, 3, "`n`"),
        ("q(1). p(x) :- q(x), !r(x, y).", "E-unbound", 1, 27, "negation"),
        ("q(1). r(1). p(x) :- q(x), !(q(y), r(x)).", "E-unbound", 1, 31, "`y`"),
        ("p(n) :- n = max x : { q(x, n) }.", "E-unbound", 1, 3, "aggregate"),
        ("p(1, 2).\np(1).", "E-arity", 2, 1, "has 2 at line 1"),
        ("p() :- !p().", "E-stratify", 1, 9, "p -> !p (line 1)"),
        ("p(x) :- q(x), !r(x).\nr(x) :- s(x), p(x).", "E-stratify", 1, 16, "p -> !r (line 1) -> p (line 2)"),
        ("p(n) :- n = count : { p(_) }.", "E-stratify", 1, 23, "aggregate of p"),
        (".decl p(x: number)\np(\"a\").", "E-type", 2, 1, "column `x` of `p` is a number"),
        (".decl t(x: time)\np() :- t(x), x < 600.", "E-type", 2, 14, "is a time"),
        ("p(1). p(\"a\"). q() :- p(x), x < 3.", "E-type", 1, 28, "mixed"),
        ("p(1). p(\"a\"). q(y) :- p(x), y = x + 1.", "E-type", 1, 29, "text"),
        (".decl p(x: float)", "E-float", 1, 12, "fractions"),
        (".decl p(x: room)", "E-type", 1, 12, "room"),
        (".decl p(x: number)\n.decl p(x: number)", "E-redeclared", 2, 7, "line 1"),
        (".decl p(x: +number) maintain", "E-param", 1, 21, "maintained"),
        (".decl p(x: +number)\np(1).", "E-param", 2, 1, "facts"),
        (".decl p(x: +number)\nq(x) :- p(x).", "E-unbound", 2, 3, "`+` column"),
        (".decl p(x: number) choice-domain x", "E-unsupported", 1, 20, "choice"),
        (".comp A { }", "E-unsupported", 1, 1, ".comp"),
        (".type A = [x: number]", "E-unsupported", 1, 7, "records"),
        ("p(x) :- q(x), x = mean y : q(y).", "E-unsupported", 1, 19, "mean"),
        ("p(x) :- q(x), match(\"a.*\", x).", "E-unsupported", 1, 15, "match"),
        ("p(x) :- q(x), n = f(x).", "E-function", 1, 19, "`f`"),
        ("min(1).", "E-reserved", 1, 1, "min"),
        ("p(x) :- q(x)", "E-syntax", 1, 13, "end of the text"),
        ("p(x) :- q(x) r(x).", "E-syntax", 1, 14, "`r`"),
        ("p(1.5).", "E-float", 1, 3, "1.5"),
        ("p(9223372036854775808).", "E-number", 1, 3, "64 bits"),
        ("p(@2026-13-05T19:00:00Z).", "E-instant", 1, 3, "instant"),
        ("p(\"a).", "E-syntax", 1, 3, "text"),
        ("p(n) :- n = count : { q(1) ; q(2) }.", "E-aggregate", 1, 13, "`;`"),
        (".maintain p", "E-unknown", 1, 11, "`p`"),
    ];
    let mut wrong = String::new();
    for (text, code, line, column, piece) in cases {
        let found = compiled(&[text]).map(|(program, _)| print(&program)).expect_err(text);
        let [one] = found.as_slice() else { panic!("{text}\n{}", listed(&found)) };
        let place = (one.code, one.span.line, one.span.column);
        if place != (code, line, column) || !one.message.contains(piece) {
            writeln!(wrong, "{text}\n{one}\n").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn several_mistakes_are_all_told_in_order() {
    let found = compiled(&["p(x) :- .\nq(1.5).\nr(y) :- s(x).\nok(1)."]).unwrap_err();
    let places: Vec<_> = found.iter().map(|one| (one.code, one.span.line)).collect();
    assert_eq!(places, [("E-syntax", 1), ("E-float", 2), ("E-unbound", 3)]);
}

#[test]
fn doubtful_things_are_warned_of() {
    let cases = [
        (".decl q(a: number, b: number) input p(x) :- q(x, y).", "W-singleton"),
        (".decl q(a: number) input p(x) :- q(x), !r(x).", "W-undefined"),
        ("q(1, 2). r(1). p(x) :- r(x), !q(x, y).", "W-negation-local"),
        ("p(0). p(x + 1) :- p(x).", "W-endless"),
    ];
    for (text, code) in cases {
        let (_, warnings) = compiled(&[text]).unwrap();
        let codes: Vec<&str> = warnings.iter().map(|one| one.code).collect();
        assert_eq!(codes, [code], "{text}");
    }
    assert!(compiled(&["p(0). p(x + 1) :- p(x), x < 9."]).unwrap().1.is_empty());
}

#[test]
fn parameters_of_an_input_are_warned_of_unless_they_ask_for_what_happens_anyway() {
    let cases: [(&str, &[&str]); 11] = [
        (".input e", &[]),
        (".input e()", &[]),
        (".input e(IO=file, filename=\"e.facts\", delimiter=\"\\t\")", &[]),
        (".input e(IO=\"file\", delimiter=\"\t\"), f(filename=\"f.facts\")", &[]),
        (".input e(IO=sqlite, dbname=\"house.db\")", &["`IO`", "`dbname`"]),
        (".input e(filename=\"e.csv\", delimiter=\",\")", &["`filename`", "`delimiter`"]),
        (".input e, f(filename=\"f.facts\")", &["`filename`"]),
        (".input e(io=file, IO, IO=file file)", &["`io`", "`IO`", "`IO`"]),
        (".input e(, \"x\" = 3,)", &["a parameter"]),
        (".output e(IO=sqlite)", &["`IO`"]),
        (".limitsize e(n=5)", &["`.limitsize`"]),
    ];
    for (text, expected) in cases {
        let text = format!(".decl e(a: number)\n.decl f(a: number)\n{text}\nf(1) :- e(1).");
        let (_, warnings) = compiled(&[&text]).unwrap_or_else(|found| panic!("{text}\n{}", listed(&found)));
        assert!(warnings.iter().all(|one| one.code == "W-ignored" && one.span.line == 3), "{}", listed(&warnings));
        let named: Vec<&str> = warnings.iter().filter_map(|one| one.message.split(" is ignored").next()).collect();
        assert_eq!(named, expected, "{text}");
    }
    assert!(compiled(&[".decl e(a: number)\n.input e(IO=file"]).is_err());
}

#[test]
fn a_name_that_is_nearly_known_comes_with_the_one_that_was_meant() {
    let base = ".decl booking(a: number) input\n.decl bookings(a: number) input\n.decl busy(a: number) input\n\
        .decl row(a: number) input\n.decl tow(a: number) input\n.decl ab(a: number) input\n";
    let cases = [
        ("p(1) :- boking(1).", Some("booking")),
        ("p(1) :- bokings(1).", Some("bookings")),
        ("p(1) :- bookingz(1).", Some("booking")),
        ("p(1) :- bsuy(1).", Some("busy")),
        ("p(1) :- bus(1).", Some("busy")),
        ("p(1) :- basi(1).", None),
        ("p(1) :- low(1).", Some("row")),
        ("p(1) :- b0ok1ngz(1).", None),
        ("p(1) :- ac(1).", None),
        ("p(1) :- bakery(1).", None),
        ("p(1) :- overlap(1, 2, 3, 4).", Some("overlaps")),
        ("p(1) :- evn(1).", Some("even")),
        ("p(1) :- undefined(1), undefine(1).", None),
        (".maintain boking", Some("booking")),
        (".maintain nothing_like_it", None),
        ("p(x) :- busy(y), x = strlne(y).", Some("strlen")),
        ("p(x) :- busy(y), x = weak(y).", Some("week")),
        ("p(x) :- busy(y), x = busy(y).", None),
        ("p(x) :- busy(y), x = to_nunber(y).", Some("to_number")),
    ];
    let meant = |found: &[Diagnostic]| {
        let hint =
            found.iter().filter_map(|one| one.hint.as_deref()).find_map(|hint| hint.strip_prefix("did you mean `"));
        hint.and_then(|rest| rest.split('`').next()).map(ToOwned::to_owned)
    };
    for (text, expected) in cases {
        let found = compiled(&[&format!("{base}{text}")]).map_or_else(|found| found, |(_, warnings)| warnings);
        assert!(found.iter().any(|one| ["W-undefined", "E-unknown", "E-function"].contains(&one.code)), "{text}");
        assert_eq!(meant(&found).as_deref(), expected, "{text}\n{}", listed(&found));
    }
    let program = program(base);
    assert_eq!(meant(&program.query("boking(x)", &functions()).unwrap_err()).as_deref(), Some("booking"));
    assert_eq!(meant(&program.fact("bokings(1)").unwrap_err()).as_deref(), Some("bookings"));
}

#[test]
fn a_ruleset_extends_only_what_is_extensible() {
    let base = ".decl deny(a: symbol) extensible\n.decl busy(a: symbol) input\n.decl own(a: symbol)";
    assert!(compiled(&[base, "deny(a) :- busy(a)."]).is_ok());
    for (text, code) in
        [("own(a) :- busy(a).", "E-extend"), (".decl own(a: symbol)", "E-redeclared"), (".maintain own", "E-extend")]
    {
        let found = compiled(&[base, text]).unwrap_err();
        assert_eq!(found.iter().map(|one| (one.code, one.span.source)).collect::<Vec<_>>(), [(code, 1)], "{text}");
    }
}

#[test]
fn a_query_has_its_variables_as_columns() {
    let program = program(".decl busy(a: symbol, o: symbol, s: time, e: time) input\n.decl f(a: +symbol, n: number)");
    let asked = [
        (
            "busy(\"ann\", o, s, _), s < @2026-01-05T19:00:00Z",
            "?(o symbol, s time) :- busy(\"ann\", o, s, _), s < @2026-01-05T19:00:00Z :time.",
        ),
        (
            "?- busy(a, _, s, e), d = e - s.",
            "?(a symbol, s time, e time, d number) :- busy(a, _, s, e), d = Sub(e, s) :number.",
        ),
        ("busy(a, _, _, _), !busy(a, o, _, _)", "?(a symbol) :- busy(a, _, _, _), !busy(a, [o], _, _)."),
        ("n = count : busy(_, o, _, _)", "?(n number) :- n = count{}(busy(_, o, _, _))."),
        ("f(\"ann\", n)", "?(n number) :- f(\"ann\", n)."),
    ];
    for (text, expected) in asked {
        let query = program.query(text, &functions()).unwrap_or_else(|found| panic!("{}", listed(&found)));
        assert_eq!(print_query(&program, &query), expected);
    }
    for (text, code) in [
        ("free(x)", "E-unknown"),
        ("f(a, n)", "E-unbound"),
        ("busy(a, o, s, e), s < 3", "E-type"),
        ("busy(a, _, _, _) ; f(\"ann\", a)", "E-query"),
        ("busy(a", "E-syntax"),
        ("", "E-syntax"),
    ] {
        let found = program.query(text, &functions()).unwrap_err();
        assert_eq!(found.iter().map(|one| one.code).collect::<Vec<_>>(), [code], "{text}\n{}", listed(&found));
    }
}

#[test]
fn facts_are_read_and_made() {
    let program = program(".decl t(a: symbol, s: time) input");
    let start = Timestamp::EPOCH + Duration::from_secs(1);
    let fact = program.fact("t(\"a\", @1970-01-01T00:00:01Z).").unwrap();
    assert_eq!(program.fact_of("t", vec!["a".into(), Value::Number(1_000)]), Ok(fact.clone()));
    assert_eq!(program.fact_of("t", vec!["a".into(), start.into()]), Ok(fact));
    assert!(program.fact_of("t", vec!["a".into()]).is_err());
    assert!(program.fact_of("t", vec![1.into(), start.into()]).is_err());
    assert!(program.fact_of("u", Vec::new()).is_err());
    for (text, code) in [("t(x, y)", "E-unbound"), ("t(1, 2)", "E-type"), ("u(1)", "E-unknown"), ("t(1)", "E-arity")] {
        assert_eq!(program.fact(text).unwrap_err()[0].code, code, "{text}");
    }
}

#[test]
fn clauses_are_shown_by_their_place() {
    let program = program("p(1).\n  q(x) :-\n p(x).");
    assert_eq!(program.clause(program.rules[0].span), "q(x) :-\n p(x).");
}

#[test]
fn hostile_texts_are_refused_or_taken_without_harm() {
    let many = |part: &str, count: usize| part.repeat(count);
    let refused = [
        format!("p(x) :- q(x), {}r(x){}.", many("(", 10_000), many(")", 10_000)),
        format!("p(x) :- q(x), {}r(x).", many("!", 10_000)),
        format!("p({}1).", many("-(", 10_000)),
        format!("p(x) :- q(x), x = 1{}.", many(" + 1", 10_000)),
        format!("p(x) :- q(x), x = 1{}.", many(" ^ 1", 10_000)),
        format!("p(x) :- q(x){}.", many(", q(x)", 10_000)),
        format!("p(x) :- q(x){}.", many(", (q(x) ; r(x))", 20)),
        format!("p(x) :- q(x), x = {}q(x).", many("count : { 1 = ", 1_000)),
        format!("p(1{}).", many(", 1", 70)),
        many(&format!("p(x) :- q(x){}.\n", many(", (q(x) ; r(x))", 9)), 1_000),
        many("p(x) :- q(y).\n", 10_000),
        many("/*", 10_000),
        many(" ", (32 << 20) + 1),
    ];
    for text in refused {
        let found = compiled(&[&text]).map(|_| ()).expect_err(&text.chars().take(80).collect::<String>());
        assert!((1..=100).contains(&found.len()));
    }
    // Many names that are nearly known.
    let mut near = String::new();
    for at in 0..20_000 {
        writeln!(near, "{0}{at}(1). p(1) :- {0}x{at}(1).", many("a", 50)).unwrap();
    }
    assert_eq!(compiled(&[&near]).unwrap().1.len(), 100);
    let chain = (0..5_000).fold(String::new(), |mut text, at| {
        writeln!(text, "p{at}(x) :- p{}(x), !r(x).", at + 1).unwrap();
        text
    });
    assert!(compiled(&[&chain]).is_ok());
}

const SEED: &str = ".decl e(a: number, b: symbol) input\n.type T <: symbol\np(x, n) :- e(x, _), (x < 3 ; !q(x)), \
    n = count : { e(x, y), y != \"a\\n\" }, t = @2026-01-05T19:00:00Z - 90m. /* c */ q(0x1f). # x\n";

fn check_spans(text: &str) {
    let found = match compiled(&[text]) {
        Ok((program, found)) => {
            for rule in &program.rules {
                assert!(!program.clause(rule.span).is_empty());
            }
            found
        }
        Err(found) => {
            assert!(!found.is_empty());
            found
        }
    };
    for one in found {
        assert!(one.span.start <= one.span.end && text.get(one.span.start as usize..one.span.end as usize).is_some());
        assert!(!one.to_string().is_empty());
    }
}

proptest! {
    #[test]
    fn any_text_is_answered_with_places_inside_it(text in "\\PC{0,80}") {
        check_spans(&text);
    }

    #[test]
    fn any_tokens_are_answered(parts in prop::collection::vec(
        prop::sample::select(vec!["p", "(", ")", "x", ",", ".", ":-", "!", "not", "count", ":", "{", "}", "=", "<", "1",
            "\"a\"", "_", "+", "-", ";", ".decl", ".input", "min", "range", "eqrel", "@", "true", "number"]), 0..60)) {
        check_spans(&parts.join(" "));
    }

    #[test]
    fn a_changed_program_is_answered(at in 0..SEED.len(), until in 0..SEED.len(), put in "\\PC{0,3}") {
        let (at, until) = (at.min(until), at.max(until));
        check_spans(&format!("{}{put}{}", &SEED[..at], &SEED[until..]));
    }
}

#[test]
fn every_program_of_the_manual_compiles() {
    let manual = include_str!("../../../docs/datalog.md");
    let blocks: Vec<&str> = manual.split("```datalog\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 5);
    for block in blocks {
        program(block);
    }
}
