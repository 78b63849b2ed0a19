//! What a name stands for, and what type it has: where a wrong guess would give wrong rows.

use super::{compiled, engine, shown};
use crate::datalog::{Diagnostic, Functions, Source, compile};

fn found(text: &str) -> Vec<Diagnostic> {
    let sources = [Source { name: "test".into(), text: text.into() }];
    compile(&sources, &Functions::new()).map_or_else(|errors| errors, |(_, warnings)| warnings)
}

fn codes(text: &str) -> Vec<&'static str> {
    found(text).iter().map(|one| one.code).collect()
}

#[test]
fn the_variables_of_a_target_are_the_aggregates_own() {
    let facts = r#"
        line("e", 3). line("e", 9). line("f", 4). price("e", 2). step(1). step(2).
    "#;
    let cases: [(&str, &[&str]); 9] = [
        ("r(e, m) :- line(e, t), m = min t : { line(e, t) }.", &["\"e\",3", "\"f\",4"]),
        ("r(e, t) :- line(e, _), t = max t : { line(e, t) }.", &["\"e\",9", "\"f\",4"]),
        ("r(e, t, m) :- line(e, t), m = sum t : { line(e, t) }, t < 9.", &["\"e\",3,12", "\"f\",4,4"]),
        ("r(e, t) :- line(e, t), t = max t : { line(e, t) }.", &["\"e\",9", "\"f\",4"]),
        ("r(e, n) :- price(e, p), n = sum t * p : { line(e, t), price(e, p) }.", &["\"e\",24"]),
        ("r(t) :- line(_, t), 4 = min t : { line(_, t), t > 3 }.", &["3", "4", "9"]),
        ("r(s, n) :- step(s), n = sum t : { line(_, t), s <= t, 1 = count : { step(s), s = 2 } }.", &["1,0", "2,16"]),
        // The aggregate within is asked once for each t of the outer one, and has a t of its own.
        ("r(n) :- n = sum t : { line(e, t), t = max t : { line(e, t) } }.", &["13"]),
        ("r(m) :- t = 5, m = max t + 1 : { line(_, t), t < 5 }, t = 5.", &["5"]),
    ];
    for (rule, expected) in cases {
        assert_eq!(shown(&mut engine(&format!("{facts}{rule}")), "r"), expected, "{rule}");
    }
}

#[test]
fn a_target_called_like_a_variable_outside_is_warned_of() {
    let cases: [(&str, &[u32]); 5] = [
        ("r(m) :- line(t), m = min t : { line(t) }.", &[26]),
        ("r(t) :- t = max t : { line(t) }.", &[17]),
        ("r(m) :- m = max t + u : { line(t), line(u) }, line(u).", &[21]),
        ("r(m) :- m = max t : { line(t) }, n = max t : { line(t) }, n < m.", &[]),
        ("r(m) :- line(t), m = max u : { line(t), line(u) }.", &[]),
    ];
    for (rule, columns) in cases {
        let text = format!(".decl line(t: number) input\n{rule}");
        let warned = found(&text);
        assert!(warned.iter().all(|one| one.code == "W-aggregate-local"), "{rule}: {warned:?}");
        assert_eq!(warned.iter().map(|one| one.span.column).collect::<Vec<_>>(), columns, "{rule}");
    }
}

#[test]
fn a_target_that_only_the_outside_binds_has_no_value() {
    for rule in ["r(n) :- price(p), n = sum p : { line(_) }.", "r(n) :- price(p), n = sum t * p : { line(t) }."] {
        let errors = found(&format!("line(1). price(2).\n{rule}"));
        let [one] = errors.as_slice() else { panic!("{rule}: {errors:?}") };
        assert_eq!((one.code, one.message.contains("its body does not bind it")), ("E-unbound", true), "{one}");
    }
}

#[test]
fn numbers_and_texts_are_never_taken_for_one_another() {
    let facts = "mixed(1). mixed(\"a\"). text(\"a\"). text(\"b\"). num(1). num(2).\n";
    let refused = [
        "r(x) :- x = max(1, \"a\").",
        "r(x) :- x = min(0, \"a\"), text(\"b\").",
        "r(x) :- mixed(x), max(x, 3) = 3.",
        "r(x) :- mixed(x), x = max(1, 2).",
        "r(x) :- mixed(x), x != max(1, 2).",
        "r(max(1, 2)). r(\"a\").",
        "r(max(1, \"a\")).",
        "r(max(1, 2)) :- num(_). r(x) :- text(x).",
        "mixed(max(1, 2)).",
        "r(x) :- mixed(max(1, 2)), x = 1.",
        "r(max(max(1, 2), x)) :- mixed(x).",
        "r(to_string(max(1, \"a\"))).",
        "r(x) :- mixed(x), x < 3.",
        "r(x) :- mixed(x), \"a\" <= x.",
        "r() :- 1 < \"a\".",
        "r() :- 1 = \"a\".",
        "r() :- 1 != \"a\".",
        "r() :- x = 1, y = \"a\", x < y.",
        "r() :- x = 1, y = \"a\", mixed(x), mixed(y), x < y.",
        "r(x) :- mixed(x), x = range(1, 3).",
        "r(x) :- text(x), x = range(1, 3).",
        "r(x) :- x = range(1, y), mixed(y).",
        "r(cat(x, \"b\")) :- mixed(x).",
        "r(cat(1, \"b\")).",
        "r(strlen(x)) :- mixed(x).",
        "r(ord(x)) :- mixed(x).",
        "r(to_number(x)) :- mixed(x).",
        "r() :- mixed(x), contains(\"a\", x).",
        "r(-x) :- mixed(x).",
        "r(x + 1) :- mixed(x).",
        "r(x * 2) :- mixed(x).",
        "r(m) :- m = max x : { mixed(x) }.",
        "r(m) :- m = sum x : { mixed(x) }.",
        "r(m) :- m = min 1 : { mixed(_) }, text(m).",
        "r(m) :- mixed(m), m = min 1 : { num(_) }.",
        "r(m) :- mixed(m), m = max x : { num(x) }.",
        "r(m) :- mixed(m), m = count : { num(_) }.",
        "r(1) :- mixed(x), x = min max(1, 2) : { num(_) }.",
    ];
    for rule in refused {
        let text = format!("{facts}{rule}");
        assert_eq!(codes(&text), ["E-type"], "{rule}: {:?}", found(&text));
    }
}

#[test]
fn a_column_of_numbers_and_texts_keeps_them_apart() {
    let facts = "mixed(1). mixed(\"1\"). mixed(\"a\"). text(\"a\"). text(\"b\"). num(1). num(2).\n";
    let cases: [(&str, &[&str]); 9] = [
        ("r(x) :- mixed(x), x = 1.", &["1"]),
        ("r(x) :- mixed(x), x != 1.", &["\"1\"", "\"a\""]),
        ("r(x) :- mixed(x), num(x).", &["1"]),
        ("r(x) :- mixed(x), text(x).", &["\"a\""]),
        ("r(to_string(x)) :- mixed(x).", &["\"1\"", "\"a\""]),
        ("r(x) :- text(x). r(x) :- num(x), x = 2.", &["2", "\"a\"", "\"b\""]),
        ("r(x) :- mixed(x), y = \"1\", x = y.", &["\"1\""]),
        ("r(n) :- n = count : { mixed(x), !text(x) }.", &["2"]),
        ("r(x) :- x = 2, !mixed(x). r(x) :- text(x), !mixed(x).", &["2", "\"b\""]),
    ];
    for (rule, expected) in cases {
        assert_eq!(shown(&mut engine(&format!("{facts}{rule}")), "r"), expected, "{rule}");
    }
}

#[test]
fn a_question_takes_no_number_for_a_text_either() {
    let program = compiled("mixed(1). mixed(\"a\"). text(\"a\").");
    for asked in ["mixed(x), x = max(1, 2)", "mixed(x), x < 2", "mixed(x), y = min(x, 1)", "text(x), x = 1"] {
        let errors = program.query(asked, &Functions::new()).expect_err(asked);
        assert_eq!(errors.iter().map(|one| one.code).collect::<Vec<_>>(), ["E-type"], "{asked}: {errors:?}");
    }
}
