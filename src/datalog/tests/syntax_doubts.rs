//! Warnings: that they come where there is something to doubt, and only there.

use crate::datalog::{Diagnostic, Functions, Source, compile};

fn warned(text: &str) -> Vec<Diagnostic> {
    let sources = [Source { name: "test".into(), text: text.into() }];
    compile(&sources, &Functions::new()).unwrap_or_else(|errors| panic!("{text}: {errors:?}")).1
}

fn codes(text: &str) -> Vec<&'static str> {
    warned(text).iter().map(|one| one.code).collect()
}

#[test]
fn what_is_given_from_outside_is_not_undefined() {
    let rule = "path(x, y) :- edge(x, y).";
    assert_eq!(codes(rule), ["W-undefined"]);
    assert!(codes(&format!(".input edge\n{rule}")).is_empty());
    assert!(codes(&format!("{rule}\n.input edge(IO=file)")).is_empty());
    assert_eq!(codes(&format!(".output edge\n{rule}")), ["W-undefined"]);
}

#[test]
fn values_that_something_bounds_are_not_endless() {
    let base = ".decl n(x: number) input\n.decl p(x: number)\n.decl q(x: number)\n.decl f(n: number, a: number)\n\
        .decl s(x: symbol)\n.decl t(x: symbol) input\n";
    let bounded = [
        "q(x) :- p(y), n(x), x = y + 1. p(x) :- q(x).",
        "q(x) :- p(y), n(y), x = y + 1. p(x) :- q(x).",
        "p(x) :- p(y), p(x), x = y + 1.",
        "p(x + 1) :- p(x), n(x).",
        "p(x + y) :- p(_), n(x), n(y).",
        "p(x + 1) :- p(y), x = 3, y > x.",
        "p(x + 1) :- p(_), x = range(1, 10).",
        "p(x + 1) :- p(_), x = count : { n(_) }.",
        "p(y) :- p(_), n(x), z = x * 2, y = z + 1.",
        "p(x + 1) :- p(x), x < 9.",
        "p(y) :- p(x), y = x + 1, y < 9.",
        "f(n + 1, a + b) :- f(n, a), f(n - 1, b), n < 30.",
        "f(m, a * 2) :- f(n, a), m = n + 1, m <= 30.",
        "f(n, x) :- f(m, x), n(k), n = k + m, n < 10.",
        "s(cat(x, \"a\")) :- s(x), strlen(x) < 9.",
        "s(cat(x, y)) :- s(_), t(x), t(y).",
        "p(max(x, y)) :- p(x), p(y).",
    ];
    for rule in bounded {
        assert!(codes(&format!("{base}{rule}")).is_empty(), "{rule}: {:?}", warned(&format!("{base}{rule}")));
    }
    let endless = [
        "p(x + 1) :- p(x).",
        "q(x) :- p(y), x = y + 1. p(x) :- q(x).",
        "p(x + y) :- p(x), n(y).",
        "p(y) :- p(x), n(z), y = x + z.",
        "f(n, a + b) :- f(n, a), f(n, b), n < 30.",
        "f(n + 1, a) :- f(n, a), a < 30.",
        "s(cat(x, y)) :- s(x), t(y).",
        "p(x) :- p(y), x = range(y, y * 2), n(y), x < 9. p(x * 2) :- p(x).",
    ];
    for rule in endless {
        assert_eq!(codes(&format!("{base}{rule}")), ["W-endless"], "{rule}");
    }
}

#[test]
fn what_is_read_over_is_warned_of() {
    let cases: [(&str, &[(&str, u32)]); 13] = [
        ("#include \"other.dl\"", &[("`#include`", 3)]),
        ("#define N 5\n  #ifdef N\n#endif", &[("`#define`", 3), ("`#ifdef`", 4), ("`#endif`", 5)]),
        ("# includes nothing\n#comment\n#includes\ne(1). #if", &[]),
        (".include \"other.dl\"", &[("`.include`", 3)]),
        (".output e(filename=\"e.csv\")", &[("`filename`", 3)]),
        (".output e(IO=file), f(IO=sqlite, dbname=\"f.db\")", &[("`IO`", 3), ("`IO`", 3), ("`dbname`", 3)]),
        (".output e(IO=stdout, delimiter=\"\\t\")", &[]),
        (".printsize e(IO=stdout)", &[("`IO`", 3)]),
        (".printsize e(IO=stdoutprintsize)", &[]),
        (".maintain e(x=1)", &[("`x`", 3)]),
        (".decl g(x: +number)\n.output g\ng(x) :- e(x).", &[("`g` has `+` columns, so it has no list", 3)]),
        (".decl g(x: +number) printsize\ng(x) :- e(x).", &[("`g` has `+` columns, so it has no list", 3)]),
        (".decl g(x: +number) extensible\ng(x) :- e(x).", &[]),
    ];
    for (text, expected) in cases {
        let warned = warned(&format!(".decl e(a: number)\n.decl f(a: number)\n{text}\nf(1) :- e(1)."));
        assert!(warned.iter().all(|one| one.code == "W-ignored"), "{text}: {warned:?}");
        assert_eq!(warned.len(), expected.len(), "{text}: {warned:?}");
        for (one, (message, line)) in warned.iter().zip(expected) {
            assert!(one.message.starts_with(message) && one.span.line == *line, "{text}: {one}");
        }
    }
}
