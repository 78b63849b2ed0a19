//! `boxoffice datalog` as a user meets it: what it prints, what it refuses, how it ends.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const PATHS: &str = "
.decl edge(from: number, to: number)
.input edge
.decl path(from: number, to: number)
.output path
path(x, y) :- edge(x, y).
path(x, z) :- path(x, y), edge(y, z).
";

/// A folder with a program and its facts.
struct Folder(TempDir);

impl Folder {
    fn new(program: &str, facts: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("program.dl"), program).unwrap();
        for (name, text) in facts {
            fs::write(folder.path(name), text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, flags: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
        command.current_dir(self.0.path()).args(["datalog", "program.dl"]).args(flags);
        command
    }

    #[track_caller]
    fn run(&self, flags: &[&str], code: i32) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(flags).output().unwrap();
        let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
        (stdout, stderr)
    }

    /// What is printed when all goes well, and without a warning.
    #[track_caller]
    fn prints(&self, flags: &[&str]) -> String {
        let (stdout, stderr) = self.run(flags, 0);
        assert_eq!(stderr, "");
        stdout
    }

    /// What is said when it is not.
    #[track_caller]
    fn refused(&self, flags: &[&str], code: i32) -> String {
        let (stdout, stderr) = self.run(flags, code);
        assert_eq!(stdout, "");
        stderr
    }
}

#[test]
fn rows_of_the_output_relations_are_printed_as_lines_of_json() {
    let folder = Folder::new(PATHS, &[("edge.facts", "10\t2\n2\t3\n")]);
    let expected =
        [[2, 3], [10, 2], [10, 3]].map(|[from, to]| format!("{{\"relation\":\"path\",\"row\":[{from},{to}]}}\n"));
    assert_eq!(folder.prints(&["--json"]), expected.concat());
    let table = "---------------\npath\nfrom\tto\n===============\n2\t3\n10\t2\n10\t3\n===============\n";
    assert_eq!(folder.prints(&[]), table);
}

#[test]
fn every_type_has_its_form_in_facts_and_in_json() {
    let program = "
.decl given(n: number, s: symbol, t: time, b: bool)
.input given
.decl seen(n: number, s: symbol, t: time, b: bool)
.output seen
seen(n, s, t, b) :- given(n, s, t, b).
";
    let facts =
        "0x1F\ta \"b\"\t2026-01-05T20:00:00+01:00\ttrue\r\n-7\t\t0\tfalse\n9223372036854775807\tä\\n\t1\tfalse\n";
    let expected = [
        r#"[-7,"","1970-01-01T00:00:00Z",false]"#,
        r#"[31,"a \"b\"","2026-01-05T19:00:00Z",true]"#,
        r#"[9223372036854775807,"ä\\n","1970-01-01T00:00:00.001Z",false]"#,
    ];
    let lines = expected.map(|row| format!("{{\"relation\":\"seen\",\"row\":{row}}}\n"));
    assert_eq!(Folder::new(program, &[("given.facts", facts)]).prints(&["--json"]), lines.concat());
}

#[test]
fn relations_are_sorted_by_name_and_rows_by_value() {
    let program = "
.decl zoo(s: symbol)
.output zoo
zoo(\"b\"). zoo(\"B\"). zoo(\"ä\"). zoo(\"a\").
.decl ape(n: number)
.output ape
ape(10). ape(9). ape(-1).
.decl yes()
.output yes
.printsize zoo
yes() :- ape(9).
hidden(n) :- ape(n).
";
    let folder = Folder::new(program, &[]);
    let (table, end) = (|name: &str| format!("---------------\n{name}\n===============\n"), "===============\n");
    let columns = |name: &str, column: &str| table(name).replace(name, &format!("{name}\n{column}"));
    let (ape, zoo) = (columns("ape", "n"), columns("zoo", "s"));
    let expected = format!("{ape}-1\n9\n10\n{end}{}()\n{end}{zoo}B\na\nb\nä\n{end}zoo\t4\n", table("yes"));
    assert_eq!(folder.run(&[], 0).0, expected);
    let rows = r#"ape [-1] ape [9] ape [10] yes [] zoo ["B"] zoo ["a"] zoo ["b"] zoo ["ä"]"#;
    let rows: Vec<&str> = rows.split(' ').collect();
    let line = |pair: &[&str]| format!("{{\"relation\":\"{}\",\"row\":{}}}\n", pair[0], pair[1]);
    let lines = rows.chunks(2).map(line).collect::<Vec<_>>().concat();
    assert_eq!(folder.run(&["--json"], 0).0, lines + "{\"relation\":\"zoo\",\"size\":4}\n");
}

#[test]
fn without_a_mark_all_that_is_derived_is_printed_but_what_needs_a_value() {
    let program = "
.decl size(n: number)
size(3). size(5).
.decl less(n: +number, m: number)
less(n, m) :- size(m), m < n.
big(n) :- size(n), n > 4.
";
    let printed = Folder::new(program, &[]).prints(&["--json"]);
    assert_eq!(printed, "{\"relation\":\"big\",\"row\":[5]}\n");
}

#[test]
fn a_relation_without_columns_is_read_as_a_pair_of_brackets_or_an_empty_line() {
    let program = ".decl open()\n.input open\n.decl said()\n.output said\nsaid() :- open().\n";
    let said = "{\"relation\":\"said\",\"row\":[]}\n";
    for (facts, expected) in [("", ""), ("\n", said), ("()\n", said), ("()", said), ("()\n\n", said)] {
        assert_eq!(Folder::new(program, &[("open.facts", facts)]).prints(&["--json"]), expected, "{facts:?}");
    }
}

#[test]
fn bad_facts_are_refused_with_file_and_line() {
    let program =
        ".decl e(n: number, t: time, b: bool)\n.input e\n.decl p(n: number)\n.output p\np(n) :- e(n, _, _).\n";
    let good = "1\t2026-01-05T19:00:00Z\ttrue\n";
    let cases = [
        ("1\t0\n", "columns"),
        ("1\t0\ttrue\t4\n", "columns"),
        ("\n", "columns"),
        ("one\t0\ttrue\n", "\"one\" is no number"),
        ("1.5\t0\ttrue\n", "\"1.5\" is no number"),
        ("9223372036854775808\t0\ttrue\n", "is no number"),
        ("1\tyesterday\ttrue\n", "\"yesterday\" is no time"),
        ("1\t0\tyes\n", "\"yes\" is no bool"),
    ];
    for (line, reason) in cases {
        let folder = Folder::new(program, &[("e.facts", &format!("{good}{line}{good}"))]);
        let said = folder.refused(&["--json"], 2);
        assert!(said.contains("e.facts:2: ") && said.contains(reason) && said.lines().count() == 1, "{line:?}: {said}");
    }
    let folder = Folder::new(program, &[]);
    fs::write(folder.path("e.facts"), b"1\t0\ttrue\n\xff\t0\ttrue\n").unwrap();
    assert!(folder.refused(&[], 2).contains("e.facts:2: no UTF-8"));
}

#[test]
fn a_byte_order_mark_is_no_datum() {
    let program = ".decl s(t: symbol)\n.input s\n.decl p(t: symbol)\n.output p\np(t) :- s(t).\n";
    for (facts, rows) in [("\u{FEFF}a\n", &["a"][..]), ("\u{FEFF}", &[]), ("a\n\u{FEFF}b\n", &["a", "\u{FEFF}b"])] {
        let lines: Vec<String> =
            rows.iter().map(|row| format!("{{\"relation\":\"p\",\"row\":[\"{row}\"]}}\n")).collect();
        assert_eq!(Folder::new(program, &[("s.facts", facts)]).prints(&["--json"]), lines.concat(), "{facts:?}");
    }
}

#[cfg(unix)]
#[test]
fn facts_are_read_from_regular_files_of_a_size_that_has_a_limit() {
    let folder = Folder::new(PATHS, &[]);
    let facts = folder.path("edge.facts");
    let replace = |make: &dyn Fn()| {
        drop(fs::remove_file(&facts));
        make();
    };
    replace(&|| std::os::unix::fs::symlink("/dev/zero", &facts).unwrap());
    assert!(folder.refused(&[], 2).contains("edge.facts is no regular file"));
    replace(&|| assert!(Command::new("mkfifo").arg(&facts).status().unwrap().success()));
    assert!(folder.refused(&[], 2).contains("edge.facts is no regular file"));
    replace(&|| fs::File::create(&facts).unwrap().set_len((256 << 20) + 1).unwrap());
    assert!(folder.refused(&[], 2).contains("edge.facts has more than 256 MiB"));
    replace(&|| std::os::unix::fs::symlink("there", &facts).unwrap());
    fs::write(folder.path("there"), "1\t2\n").unwrap();
    assert_eq!(folder.prints(&["--json"]), "{\"relation\":\"path\",\"row\":[1,2]}\n");
}

#[test]
fn facts_come_from_the_folder_that_is_named_and_a_missing_file_is_named() {
    let folder = Folder::new(PATHS, &[]);
    assert!(folder.refused(&[], 2).contains("edge.facts"));
    fs::create_dir(folder.path("there")).unwrap();
    fs::write(folder.path("there/edge.facts"), "1\t2").unwrap();
    assert_eq!(folder.prints(&["--json", "--facts", "there"]), "{\"relation\":\"path\",\"row\":[1,2]}\n");
    assert!(folder.refused(&["--facts", "nowhere"], 2).contains("nowhere/edge.facts"));
}

#[test]
fn a_program_that_is_rejected_ends_with_2_and_its_places() {
    let cases = [
        ("p(x) :- q(y).\n", "program.dl:1:"),
        (".decl q(n: number)\nq(1).\n\np(n) :- q(n), !r(n).\nr(n) :- q(n), !p(n).\n", "program.dl:4:"),
        ("q(1).\np(n) :- q(n, 2).\n", "program.dl:2:"),
        ("q(1)\np(n :- q(n).\n", "program.dl:2:"),
    ];
    for (program, place) in cases {
        let said = Folder::new(program, &[]).refused(&["--json"], 2);
        assert!(said.contains(place) && said.contains("error"), "{program}: {said}");
        assert!(said.ends_with("program.dl is rejected: 1 error\n"), "{program}: {said}");
    }
    let none = Command::new(env!("CARGO_BIN_EXE_boxoffice")).args(["datalog", "nowhere.dl"]).output().unwrap();
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("nowhere.dl"));
    let folder = Folder::new("", &[]);
    fs::write(folder.path("program.dl"), b"p(1).\np(\"\xff\").\n").unwrap();
    assert!(folder.refused(&[], 2).contains("program.dl:2: no UTF-8 from byte 10"));
}

#[test]
fn instants_beyond_the_calendar_are_read_back_as_they_are_printed() {
    let program = ".decl e(t: time)\n.input e\n.decl p(t: time)\n.output p\np(t) :- e(t).\n";
    let printed = "253402300799000ms";
    for written in [printed, "9999-12-31T23:59:59Z", "253402300799000"] {
        let folder = Folder::new(program, &[("e.facts", written)]);
        let expected = format!("{{\"relation\":\"p\",\"row\":[\"{printed}\"]}}\n");
        assert_eq!(folder.prints(&["--json"]), expected, "{written}");
    }
}

#[test]
fn an_evaluation_that_ends_early_ends_with_1_and_one_message() {
    let endless = "n(0).\nn(x + 1) :- n(x).\n";
    let chain = "p0(1). p1(x) :- p0(x). p2(x) :- p1(x). p3(x) :- p2(x). p4(x) :- p3(x).\n";
    let wide = (0..18).map(|n| format!("n{n}(x) :- x = range({n}, 1000 + {n}).\n")).collect::<Vec<_>>().concat();
    let kept = ".decl p(x: number) maintain\np(x) :- x = range(0, 600).\nq(x) :- x = range(0, 600).\n";
    let cases: [(&str, &[&str], &str); 11] = [
        (chain, &["--limit-steps", "1"], "stopped after 1 steps"),
        (chain, &["--limit-rows", "3"], "stopped after 3 rows"),
        (&wide, &["--limit-rows", "10000"], "stopped after 10000 rows"),
        (&wide, &["--limit-bytes", "100000"], "stopped after 100000 bytes"),
        (kept, &["--limit-rows", "1000"], "stopped after 1000 rows"),
        ("a(x) :- x = range(0, 9223372036854775807).\n", &["--limit-rows", "1000"], "stopped after 1000 rows"),
        (endless, &["--limit-rounds", "1000"], "stopped after 1000 rounds"),
        (endless, &["--limit-rows", "1000"], "rows"),
        (endless, &["--limit-steps", "1000"], "steps"),
        ("n(0).\np(1 / x) :- n(x).\n", &[], "p"),
        ("n(9223372036854775807).\np(x + 1) :- n(x).\n", &[], "p"),
    ];
    for (program, flags, what) in cases {
        let (stdout, stderr) = Folder::new(program, &[]).run(flags, 1);
        let last = stderr.lines().last().unwrap();
        assert!(last.starts_with("boxoffice: program.dl: ") && last.contains(what), "{stderr}");
        assert_eq!(stdout, "");
    }
}

#[test]
fn a_query_is_answered_instead_of_printing_relations() {
    let folder = Folder::new(PATHS, &[("edge.facts", "1\t2\n2\t3\n3\t4\n")]);
    let query = ["--query", "path(1, x), x > 2"];
    let table = "---------------\nquery\nx\n===============\n3\n4\n===============\n";
    assert_eq!(folder.prints(&query), table);
    let lines = [3, 4].map(|x| format!("{{\"relation\":\"query\",\"columns\":[\"x\"],\"row\":[{x}]}}\n"));
    assert_eq!(folder.prints(&[&query[..], &["--json"]].concat()), lines.concat());
    assert_eq!(folder.prints(&["--json", "--query", "path(4, _)"]), "");
    assert!(folder.refused(&["--query", "road(1, x)"], 2).contains("--query is rejected: 1 error"));
    assert!(folder.refused(&["--query", "path(1, x)", "--why", "path(1, 2)"], 2).contains("--why"));
}

#[test]
fn a_fact_is_explained() {
    let folder = Folder::new(PATHS, &[("edge.facts", "1\t2\n2\t3\n")]);
    let why = folder.prints(&["--why", "path(1, 3)"]);
    assert!(why.contains("path(1, 3)") && why.contains("edge(2, 3)"), "{why}");
    let (printed, said) = folder.run(&["--why", "path(3, 1)"], 1);
    assert_eq!((printed.as_str(), said.as_str()), ("path(3, 1) does not hold: see --why-not\n", ""));
    let why_not = folder.prints(&["--why-not", "path(3, 1)"]);
    assert!(why_not.contains("edge(3, 1)"), "{why_not}");
    assert_eq!(folder.run(&["--why-not", "path(1, 3)"], 1).0, "path(1, 3) holds: see --why\n");
    for flag in ["--why", "--why-not", "--query"] {
        let said = folder.refused(&[flag, "road(1, 3)"], 2);
        assert!(said.starts_with(&format!("{flag}:1:1: error")), "{said}");
    }
    let json: serde_json::Value = serde_json::from_str(&folder.prints(&["--why", "path(1, 3)", "--json"])).unwrap();
    assert_eq!((&json["why"], &json["holds"]), (&"path(1, 3)".into(), &true.into()));
    assert!(folder.refused(&["--why", "path(1"], 2).contains("--why is rejected"));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let folder = Folder::new(
        PATHS,
        &[("edge.facts", &(1..400).map(|n| format!("{n}\t{}\n", n + 1)).collect::<Vec<_>>().concat())],
    );
    let mut child = folder.command(&["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut start = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut start).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}
