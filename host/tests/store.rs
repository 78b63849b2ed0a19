//! The tools for whoever looks after a store, as they meet them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic too")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs `boxoffice store` in the home.
    fn run(&self, line: &str) -> Output {
        let words = line.split(' ');
        Command::new(env!("CARGO_BIN_EXE_boxoffice")).arg("store").args(words).current_dir(&self.0).output().unwrap()
    }

    /// Runs it well, and gives what it printed.
    #[track_caller]
    fn well(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs it into an exit code and one line that says `what`.
    #[track_caller]
    fn fails(&self, line: &str, code: i32, what: &str) {
        let output = self.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
        assert!(stderr.contains(what), "{line}: {stderr}");
    }

    /// A store `a` of 3 streams and 60 events.
    fn furnish(&self) {
        let line = |stream: &str, seq: u64| {
            format!("{{\"stream\":\"{stream}\",\"seq\":{seq},\"type\":\"t\",\"at\":{seq},\"data\":[{seq},\"x\"]}}\n")
        };
        let lines = (1..=20).flat_map(|seq| ["s1", "s2", "s3"].map(|stream| line(stream, seq)));
        fs::write(self.path("events.jsonl"), lines.collect::<String>()).unwrap();
        assert_eq!(self.well("import --from events.jsonl --store a"), "60 events appended, 0 were there already\n");
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A process that serves a store, killed at the end.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Served {
    fn start(home: &Home, store: &str) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
        command.args(["store", "serve", "--store", store, "--socket", "door"]).current_dir(&home.0);
        let served = Self(command.stderr(Stdio::null()).spawn().unwrap());
        while std::os::unix::net::UnixStream::connect(home.path("door")).is_err() {
            std::thread::yield_now();
        }
        // The socket is taken before the store is opened: only an answer says that it is open.
        home.well("ls --store unix:door");
        served
    }
}

#[test]
fn what_is_exported_and_imported_is_the_same_and_twice_is_once() {
    let home = Home::new();
    home.furnish();
    let exported = home.well("export --store a");
    assert_eq!(exported.lines().count(), 60);
    fs::write(home.path("out.jsonl"), &exported).unwrap();
    assert_eq!(home.well("import --from out.jsonl --store fjall:b"), "60 events appended, 0 were there already\n");
    assert_eq!(home.well("import --from out.jsonl --store b"), "0 events appended, 60 were there already\n");
    assert_eq!(home.well("export --store b"), exported);
    assert_eq!(home.well("export --store b --stream s2").lines().count(), 20);
    assert_eq!(home.well("cat s2 --store b --from 19").lines().count(), 2);
    assert_eq!(home.well("cat s2 --store b --limit 3").lines().count(), 3);
    let listed = home.well("ls --store b --json");
    let first: serde_json::Value = serde_json::from_str(listed.lines().next().unwrap()).unwrap();
    assert_eq!(first, serde_json::json!({ "stream": "s1", "last": 20, "truncated_through": 0 }));
}

#[test]
fn a_line_that_is_wrong_is_named_and_what_stands_before_it_is_kept() {
    let home = Home::new();
    home.furnish();
    let good = r#"{"stream":"s1","seq":21,"type":"t","at":1,"data":null}"#;
    let table = [
        ("{", "line 2"),
        (r#"{"stream":"s1","seq":30,"type":"t","at":1,"data":1}"#, "line 2: seq 30 of stream s1 cannot follow seq"),
        (r#"{"stream":"s1","seq":3,"type":"t","at":1,"data":1}"#, "line 2: seq 3 of stream s1 holds another event"),
        (r#"{"stream":"new","seq":0,"type":"t","at":1,"data":1}"#, "line 2: seq is 0"),
        (r#"{"stream":"$global","type":"t","at":1,"data":1}"#, "line 2: stream name \"$global\""),
        (r#"{"stream":"s1","type":"","at":1,"data":1}"#, "line 2: event type is empty"),
        (r#"{"stream":"s1","type":"t","at":1,"data":1,"more":2}"#, "line 2: unknown field `more`"),
        (r#"{"stream":"s1","type":"t","at":"noon","data":1}"#, "line 2: invalid type"),
    ];
    for (bad, what) in table {
        fs::write(home.path("bad.jsonl"), format!("{good}\n{bad}\n")).unwrap();
        home.fails("import --from bad.jsonl --store a", 2, what);
        assert_eq!(home.well("cat s1 --store a --from 21").lines().count(), 1);
    }
    let large = format!("{{\"stream\":\"s1\",\"type\":\"t\",\"at\":1,\"data\":\"{}\"}}\n", "x".repeat(5_000));
    fs::write(home.path("bad.jsonl"), large).unwrap();
    home.fails("import --from bad.jsonl --store a", 2, "line 1: refused: an event of");
    fs::write(home.path("bad.jsonl"), [0xff, b'\n']).unwrap();
    home.fails("import --from bad.jsonl --store a", 2, "line 1: is no UTF-8");
}

#[test]
fn a_backup_restores_to_either_engine_and_nothing_is_overwritten() {
    let home = Home::new();
    home.furnish();
    home.well("backup --store a --to b.jsonl");
    home.well("restore --from b.jsonl --store fjall:f");
    home.well("restore --from b.jsonl --store s");
    assert_eq!(home.well("export --store f"), home.well("export --store a"));
    assert_eq!(home.well("export --store s"), home.well("export --store a"));
    home.fails("backup --store a --to b.jsonl", 2, "there already");
    home.fails("restore --from b.jsonl --store s", 2, "there already");
    home.fails("copy --from a --to fjall:f", 2, "there already");
    let cut: String =
        fs::read_to_string(home.path("b.jsonl")).unwrap().lines().take(40).map(|l| l.to_owned() + "\n").collect();
    fs::write(home.path("cut.jsonl"), cut).unwrap();
    home.fails("restore --from cut.jsonl --store t", 2, "line 41: the backup ends here");
    // Nothing half made is left behind.
    assert_eq!(home.names(), ["a", "b.jsonl", "cut.jsonl", "events.jsonl", "f", "s"]);
}

#[test]
fn a_served_store_is_read_written_backed_up_and_copied_while_it_runs() {
    let home = Home::new();
    home.furnish();
    let served = Served::start(&home, "a");
    home.fails("ls --store a", 2, "open in another process");
    assert_eq!(home.well("ls --store unix:door").lines().count(), 3);
    fs::write(home.path("more.jsonl"), "{\"stream\":\"s4\",\"type\":\"t\",\"at\":1,\"data\":1}\n").unwrap();
    home.well("import --from more.jsonl --store unix:door");
    home.well("backup --store unix:door --to b.jsonl");
    home.well("copy --from unix:door --to fjall:f");
    home.well("verify --store unix:door");
    home.fails("serve --store s --socket door", 2, "served by another process");
    home.fails("serve --store s --socket more.jsonl", 2, "is no socket");
    home.fails("verify --store a", 2, "open in another process");
    home.fails("repair --store a --copy r", 2, "open in another process");
    assert!(!home.path("s").exists());
    // Garbage on the socket ends that connection and no other.
    let mut hostile = std::os::unix::net::UnixStream::connect(home.path("door")).unwrap();
    hostile.write_all(b"\xff\xff\xff\xffGET / HTTP/1.1\r\n\r\n").unwrap();
    let mut hostile = std::os::unix::net::UnixStream::connect(home.path("door")).unwrap();
    hostile.write_all(b"\x00\x00\x00\x02{]").unwrap();
    assert_eq!(home.well("stats --store unix:door --json"), home.well("stats --store unix:door --json"));
    drop(served);
    assert_eq!(home.well("export --store f"), home.well("export --store a"));
    // The socket of a process that was killed is no hindrance.
    drop(Served::start(&home, "a"));
}

/// Flips a bit of the one file in which the engine keeps this text, and says where the file is.
fn damage(folder: &Path, text: &str) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            damage(&path, text);
            continue;
        }
        let mut bytes = fs::read(&path).unwrap();
        let places: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(text.as_bytes())).collect();
        for at in &places {
            bytes[at + 1] ^= 4;
        }
        if !places.is_empty() {
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn a_damaged_store_never_shows_a_wrong_event_and_repair_works_on_a_copy() {
    for engine in ["sled", "fjall"] {
        let home = Home::new();
        home.furnish();
        home.well(&format!("copy --from a --to {engine}:d"));
        let whole = home.well("export --store d");
        damage(&home.path("d"), "[13,\"x\"]");
        // The engine or our own checksum finds it; nobody is shown `[17,...`.
        let output = home.run("export --store d");
        let shown = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() || shown == whole, "{engine}: {shown}");
        assert!(shown.lines().all(|line| whole.lines().any(|good| good == line)), "{engine}: {shown}");
        let before = fs::read_dir(home.path("d")).unwrap().count();
        let repaired = home.run(&format!("repair --store {engine}:d --copy {engine}:r"));
        assert_eq!(fs::read_dir(home.path("d")).unwrap().count(), before, "the damaged store is left as it is");
        let stderr = String::from_utf8_lossy(&repaired.stderr);
        // What the engine itself cannot open is beyond repair, and said to be.
        let beyond = stderr.contains("cannot open store d") || stderr.contains("unavailable");
        if beyond {
            assert_eq!(repaired.status.code(), Some(1));
        } else {
            home.well("verify --store r");
            let saved = home.well("export --store r");
            assert!(saved.lines().all(|line| whole.lines().any(|good| good == line)));
        }
    }
}

#[test]
fn verify_of_an_undamaged_store_is_quiet_and_bad_places_are_named() {
    let home = Home::new();
    home.furnish();
    let verified: serde_json::Value = serde_json::from_str(&home.well("verify --store a --json")).unwrap();
    assert_eq!((&verified["events"], &verified["findings"]), (&60.into(), &serde_json::json!([])));
    home.fails("verify --store nowhere", 2, "no store at nowhere");
    home.fails("ls --store postgres:db", 2, "is no store");
    home.fails("ls --store unix:nowhere", 2, "nowhere");
    home.fails("cat nothing --store a", 2, "no stream nothing");
    home.fails("repair --store nowhere --copy r", 2, "no store at nowhere");
    home.fails("copy --from a --to memory:", 2, "directory");
    home.fails("copy --from a --to a/inside", 2, "inside");
    home.fails("verify --store fjall:a", 2, "it is a sled store");
    home.fails("export --store a --stream nothing", 2, "no stream nothing");
    fs::remove_file(home.path("a/boxoffice.mark")).unwrap();
    let output = home.run("verify --store a");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("mark: is missing"));
    assert_eq!(home.names(), ["a", "events.jsonl"]);
}
