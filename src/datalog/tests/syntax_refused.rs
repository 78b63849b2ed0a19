//! What is refused: that it is said once, where it stands, and what would help.

use core::fmt::Write as _;

use crate::datalog::{Diagnostic, Functions, Source, Type, Value, compile};
use crate::time::Timestamp;

fn refused(text: &str) -> Vec<Diagnostic> {
    let sources = [Source { name: "test".into(), text: text.into() }];
    compile(&sources, &Functions::new()).map(|_| ()).expect_err(text)
}

/// Code, line and column of each error.
fn places(text: &str) -> Vec<(&'static str, u32, u32)> {
    refused(text).iter().map(|one| (one.code, one.span.line, one.span.column)).collect()
}

#[test]
fn what_only_souffle_has_is_named_with_a_way_around_it() {
    let cases = [
        ("p(as(1, symbol)).", 3, "`as`", "to_string"),
        ("p(x) :- q(y), x = as(y, number).", 19, "`as`", "column"),
        ("p(x, autoinc()) :- q(x).", 6, "`autoinc`", "count"),
        ("p(itou(x)) :- q(x).", 3, "`itou`", "unsigned"),
        ("p(utoi(x)) :- q(x).", 3, "`utoi`", "unsigned"),
        ("p(itof(x)) :- q(x).", 3, "`itof`", "fractions"),
        ("p(to_unsigned(x)) :- q(x).", 3, "`to_unsigned`", "to_number"),
        ("p(@f(x)) :- q(x).", 3, "`@f`", "lends"),
        ("p(x) :- q(x), @f(x).", 15, "`@f`", "lends"),
        ("p(x) :- q(x), !@f(x).", 16, "`@f`", "lends"),
        ("a(1) <= a(2) :- a(1).", 6, "subsumption", "min"),
        ("a(x, y) <= a(x, z) :- y < z.", 9, "subsumption", "min"),
        ("p(nil).", 3, "`nil`", "relation"),
        ("p(x) :- q(x), x != nil.", 20, "`nil`", "relation"),
    ];
    for (text, column, what, hint) in cases {
        let found = refused(text);
        let [one] = found.as_slice() else { panic!("{text}: {found:?}") };
        assert_eq!((one.code, one.span.column), ("E-unsupported", column), "{one}");
        assert!(one.message.contains(what) && one.hint.as_ref().is_some_and(|own| own.contains(hint)), "{one}");
    }
}

#[test]
fn functions_of_the_host_may_be_written_with_an_at() {
    let functions = Functions::new().with("even", &[Type::Number], Type::Bool, |given| match given {
        [Value::Number(number)] => Some(Value::Bool(number % 2 == 0)),
        _ => None,
    });
    let source = Source { name: "test".into(), text: "q(2). p(x) :- q(x), @even(x).".into() };
    assert!(compile(&[source], &functions).is_ok());
}

#[test]
fn a_construct_that_is_not_supported_is_told_once() {
    let component = ".comp G<T> : B<T> {\n.decl e(x: T)\n.output e\n.comp In { e(1). }\ne(x) :- nowhere(y.\n}\n";
    assert_eq!(places(&format!("{component}p(x) :- q(x).")), [("E-unsupported", 1, 1)]);
    assert_eq!(
        places(&format!("{component}.init g = G<number>\n.output g.e\np(x) :- g.e(x).\np(1 2).")),
        [("E-unsupported", 1, 1), ("E-unsupported", 7, 1), ("E-unsupported", 8, 9), ("E-syntax", 10, 5)],
    );
    assert_eq!(places(".comp G { .decl e(x: number) e(1). }\n.init g = G .output g.e").len(), 3);
    assert_eq!(places(".type A = B {x: number} | C {}\np(1)."), [("E-unsupported", 1, 7)]);
    assert_eq!(places(".functor f(x: number): number\n.functor g(x: symbol): symbol\np(1).").len(), 2);
    assert_eq!(places(".comp G { never closed\np(1)."), [("E-unsupported", 1, 1)]);
}

#[test]
fn a_bare_word_that_may_be_a_text_comes_with_quotes() {
    let cases: [(&str, &[(&str, bool)]); 12] = [
        ("parent(tom, bob).", &[("tom", true), ("bob", true)]),
        ("p(x) :- q(1), x = a.", &[("a", true)]),
        ("p(x) :- q(1), a = x.", &[("a", true)]),
        ("p(x) :- q(x), x != tom. q(\"a\").", &[("tom", true)]),
        ("p(x) :- q(x), x != tom. q(1).", &[("tom", false)]),
        (".decl age(n: number)\nage(old).", &[("old", false)]),
        ("parent(Tom, \"bob\").", &[("Tom", false)]),
        ("p(x, x).", &[("x", false)]),
        ("p(x) :- q(y), y = 1.", &[("x", false)]),
        ("p(x) :- q(y), x < n, y = x.", &[("n", false)]),
        ("p(x, y) :- q(1), x = y.", &[("x", false)]),
        ("p(n + 1).", &[("n", false)]),
    ];
    for (text, expected) in cases {
        let found = refused(text);
        let told: Vec<(String, bool)> = found
            .iter()
            .map(|one| {
                let name = one.message.split('`').nth(1).unwrap_or_default().to_owned();
                let quoted = format!("\"{name}\"");
                (name, one.hint.as_ref().is_some_and(|hint| hint.contains(&quoted)))
            })
            .collect();
        let expected: Vec<(String, bool)> = expected.iter().map(|(name, hint)| ((*name).to_owned(), *hint)).collect();
        assert!(found.iter().all(|one| one.code == "E-unbound"), "{text}: {found:?}");
        assert_eq!(told, expected, "{text}: {found:?}");
    }
}

#[test]
fn numbers_with_an_exponent_are_no_whole_numbers() {
    for text in ["p(1e5).", "p(2E10).", "p(1.5e3).", "p(0e5).", "p(1e)."] {
        let found = refused(text);
        assert_eq!((found[0].code, found[0].span.column), ("E-float", 3), "{text}");
        assert!(found[0].hint.as_ref().is_some_and(|hint| hint.contains("no fractions")), "{text}");
    }
}

#[test]
fn two_columns_of_one_name_are_refused() {
    assert_eq!(places(".decl p(x: number, y: number, x: symbol)\np(1, 2, \"a\")."), [("E-redeclared", 1, 31)]);
}

#[test]
fn a_rule_with_too_many_values_is_refused_where_it_stands() {
    let many = |part: &str| part.repeat(100_000);
    for rule in [
        format!("p(cat(\"a\"{})).", many(",\"b\"")),
        format!("p(x) :- q(x), x = cat(\"a\"{}).", many(",\"b\"")),
        format!("p(x) :- q(x), x = min(0{}).", many(",-(1)")),
        (0..70_000).fold("p(cat(\"a\"".to_owned(), |mut text, at| {
            write!(text, ", x{at}").unwrap();
            text
        }) + ")).",
    ] {
        let found = refused(&format!("q(\"a\").\n{rule}"));
        assert_eq!(found.iter().map(|one| (one.code, one.span.line)).collect::<Vec<_>>(), [("E-limit", 2)]);
    }
}

#[test]
fn instants_are_read_as_they_are_printed() {
    let cases = [
        ("@9999-12-31T23:59:59Z", Some(253_402_300_799_000)),
        ("@9999-12-31T23:59:59.999+14:00", Some(253_402_300_799_999 - 50_400_000)),
        ("@9999-12-30T22:00:00Z", Some(253_402_207_200_000)),
        ("@-9999-01-01T00:00:00Z", None),
        ("@-009999-01-01T00:00:00Z", Some(-377_705_116_800_000)),
        ("@2026-01-05T19:00:00.120000Z", Some(1_767_639_600_120)),
        ("@9223372036854775807ms", Some(i64::MAX)),
        ("@-9223372036854775808ms", Some(i64::MIN)),
        ("@9223372036854775808ms", None),
        ("@2026-01-05T19:00:00.1234Z", None),
        ("@2026-01-05T19:00:00.123000001Z", None),
        ("@2026-02-30T19:00:00Z", None),
        ("@9999-12-31T24:00:00Z", None),
        ("@2026-01-05T19:00:00", None),
    ];
    for (text, expected) in cases {
        let sources = [Source { name: "test".into(), text: format!("t({text}).").into() }];
        let read = compile(&sources, &Functions::new()).map(|(program, _)| program.facts[0].row[0].clone());
        match (read, expected) {
            (Ok(value), Some(millis)) => {
                let instant = Timestamp::from_millis(millis);
                assert_eq!(value, Value::Time(instant), "{text}");
                assert_eq!(instant.to_string().parse(), Ok(instant), "{text}");
            }
            (Err(found), None) => assert_eq!(found[0].code, "E-instant", "{text}"),
            (read, _) => panic!("{text}: {read:?}"),
        }
    }
}

#[test]
fn a_fact_that_is_asked_about_needs_quotes_too() {
    let program = super::compiled(".decl p(a: symbol, n: number) input");
    for (text, hint) in [("p(tom, 1)", Some("\"tom\"")), ("p(\"tom\", one)", None)] {
        let found = program.fact(text).unwrap_err();
        assert_eq!(found[0].code, "E-unbound", "{text}");
        assert_eq!(found[0].hint.as_ref().map(|own| hint.is_some_and(|part| own.contains(part))), hint.map(|_| true));
    }
}
