//! Who is told, how they are reached, and the process that sends.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

const FACTS: &str = r#"{"name":null,"unsubscribe":null,"summary":"Chess","starts":1767636000000,"ends":1767643200000,"zone":"UTC","all_day":false,"location":null,"url":null,"seats":1,"places":[]}"#;

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
        command.args(words).current_dir(&self.0);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    #[track_caller]
    fn well(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs into exit code 2 and one line that says `what`.
    #[track_caller]
    fn refused(&self, words: &[&str], what: &str) {
        let output = self.run(words);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{words:?}: {stderr}");
        assert!(stderr.contains(what) && !stderr.contains("jiff"), "{words:?}: {stderr}");
    }

    #[track_caller]
    fn send(&self, id: &str) -> String {
        self.well(&["notify", "s", "send", "--id", id, "--to", "ann", "--kind", "confirmation", "--facts", FACTS])
    }

    /// Sends what is due into files, and gives the counters.
    #[track_caller]
    fn dispatch(&self) -> Value {
        let line = self.well(&["notify", "s", "--out", "letters", "--from", "club@example.org", "--once", "--json"]);
        serde_json::from_str(&line).unwrap()
    }

    /// Makes the store, with how Ann is reached.
    #[track_caller]
    fn knows_ann(&self, address: &str) {
        let reach = format!("email={address}");
        self.well(&["notify", "sled:s", "profile", "set", "ann", "--create", "--reach", &reach]);
    }

    fn letters(&self) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.0.path().join("letters"));
        folder.map(|folder| folder.map(|entry| entry.unwrap().path()).collect()).unwrap_or_default()
    }
}

#[test]
fn a_profile_is_changed_bit_by_bit_shown_and_forgotten() {
    let home = Home::new();
    let set = |words: &[&str]| home.well(&[&["notify", "sled:s", "profile", "set", "ann"], words].concat());
    let show = || home.well(&["notify", "s", "profile", "show", "ann"]);
    set(&["--create", "--reach", "email=ann@example.org", "--reach", "push=p", "--zone", "Europe/Berlin"]);
    set(&["--quiet", "22:00-07:00", "--quiet", "00:00-00:00@sat,sun", "--digest", "mon@08:00", "--locale", "de"]);
    let lines = [
        "email         ann@example.org",
        "push          p",
        "zone          Europe/Berlin",
        "locale        de",
        "quiet         22:00-07:00",
        "quiet         00:00-00:00 sat,sun",
        "digest        mon@08:00",
    ];
    assert_eq!(show().lines().collect::<Vec<_>>(), lines);
    set(&["--reach", "push=", "--quiet", "none", "--digest", "daily@09:30", "--locale", ""]);
    assert_eq!(show(), "email         ann@example.org\nzone          Europe/Berlin\ndigest        daily@09:30\n");
    let shown: Value = serde_json::from_str(&home.well(&["notify", "s", "profile", "show", "ann", "--json"])).unwrap();
    let digest = json!({ "daily": { "at": "09:30" } });
    assert_eq!(
        shown,
        json!({ "addresses": { "email": "ann@example.org" }, "zone": "Europe/Berlin", "digest": digest })
    );
    home.well(&["notify", "s", "profile", "forget", "ann"]);
    home.refused(&["notify", "s", "profile", "show", "ann"], "no profile of ann");
    home.refused(&["notify", "s", "profile", "forget", "ann"], "no profile of ann");
}

#[test]
fn what_would_steer_a_terminal_is_shown_as_an_escape() {
    let home = Home::new();
    // Control characters are refused already.
    home.knows_ann("ann\u{202e}b@example.org");
    let shown = home.well(&["notify", "s", "profile", "show", "ann"]);
    let lines = [r"email         ann\u{202e}b@example.org", "zone          UTC"];
    assert_eq!(shown.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn bad_flags_are_refused_in_one_line_and_leave_no_store() {
    let home = Home::new();
    fs::write(home.0.path().join("short"), "secret").unwrap();
    let dispatch = |words: &[&'static str]| [&["notify", "sled:s"], words].concat();
    let from = ["--from", "club@example.org", "--out", "letters"];
    let with = |words: &[&'static str]| dispatch(&[&from, words].concat());
    let table = [
        (dispatch(&[]), "--from"),
        (dispatch(&["--from", "club@example.org"]), "--smtp or --out"),
        (dispatch(&["--from", "club", "--out", "letters"]), "sender"),
        (dispatch(&["--from", "club@example.org", "--smtp", "localhost"]), "HOST:PORT"),
        (with(&["--smtp", "localhost:25"]), "--smtp"),
        (with(&["--rate", "20"]), "20/s"),
        (with(&["--rate", "0/s"]), "20/s"),
        (with(&["--lead", "soon"]), "soon"),
        (with(&["--channel", "E mail"]), "channel"),
        (with(&["--on-uncertain", "hope"]), "hope"),
        (with(&["--user", "club"]), "--password-file"),
        (with(&["--unsubscribe-base", "https://club.example/no?"]), "--secret-file"),
        (with(&["--unsubscribe-base", "https://club.example/no?", "--secret-file", "short"]), "64 hexadecimal"),
        (with(&["--backoff=-20s"]), "--backoff"),
        (with(&["--backoff", "P1D"]), "hours, minutes, seconds"),
        (with(&["--backoff", "400d"]), "hours, minutes, seconds"),
        (dispatch(&["send", "--backoff", "soon"]), "hours, minutes, seconds"),
        (with(&[]), "no store at"),
        (dispatch(&["send", "--id", "n1"]), "--to"),
        (dispatch(&["profile", "set", "ann", "--reach", "ann@example.org"]), "CHANNEL=ADDRESS"),
        (dispatch(&["profile", "set", "ann", "--quiet", "22-07"]), "08:30"),
        (dispatch(&["profile", "set", "ann", "--quiet", "00:00-00:00"]), "never end"),
        (dispatch(&["profile", "set", "ann", "--digest", "someday@08:00"]), "someday"),
        (vec!["notify", "unix:door", "send", "--notices", "short"], "not over a socket"),
        (vec!["notify"], "STORE"),
    ];
    for (words, what) in table {
        home.refused(&words, what);
    }
    assert!(!home.0.path().join("s").exists() && home.letters().is_empty());
    home.refused(&["notify", "sled:s", "profile", "set", "ann", "--create", "--zone", "Europe/Atlantis"], "Atlantis");
    for (flag, value, what) in [
        ("--reach", "email=ann@example.org\r\nBcc: bob@example.org", "control character"),
        ("--reach", "BAD CHANNEL=ann@example.org", "BAD CHANNEL"),
        ("--locale", "de_DE", "language tag"),
    ] {
        home.refused(&["notify", "sled:s", "profile", "set", "ann", "--create", flag, value], what);
    }
    let halves =
        ["notify", "sled:s", "profile", "set", "ann", "--create", "--quiet", "22:00-07:00", "--quiet", "07:00-22:00"];
    home.refused(&halves, "never end");
}

#[test]
fn a_store_is_made_only_when_that_is_asked_for() {
    let home = Home::new();
    let set = ["notify", "sled:s", "profile", "set", "ann", "--reach", "email=ann@example.org"];
    let send = ["notify", "sled:s", "send", "--id", "n1", "--to", "ann", "--kind", "confirmation", "--facts", FACTS];
    for words in [&set[..], &send, &["notify", "sled:s", "profile", "show", "ann"]] {
        home.refused(words, "no store at");
        assert!(!home.0.path().join("s").exists(), "{words:?}");
    }
    fs::create_dir(home.0.path().join("s")).unwrap();
    home.refused(&set, "no store at");
    fs::write(home.0.path().join("s/song"), "la").unwrap();
    home.refused(&[&set[..], &["--create"]].concat(), "other files");
    fs::remove_dir_all(home.0.path().join("s")).unwrap();
    assert_eq!(home.well(&[&send[..], &["--create"]].concat()), "deliver/n1/email: begun\n");
    home.well(&set);
    home.well(&[&set[..], &["--create", "--locale", "de"]].concat());
    assert_eq!(home.dispatch()["sent"], 1);
}

#[test]
fn a_notice_is_delivered_once_however_often_it_is_sent() {
    let home = Home::new();
    home.knows_ann("ann@example.org");
    assert_eq!(home.send("n1"), "deliver/n1/email: begun\n");
    assert_eq!(home.send("n1"), "deliver/n1/email: begun before: running\n");
    let notice = json!({ "id": "n2", "kind": "confirmation", "to": "ann", "channel": "email",
        "facts": serde_json::from_str::<Value>(FACTS).unwrap() });
    fs::write(home.0.path().join("notices"), format!("{notice}\n")).unwrap();
    home.well(&["notify", "s", "send", "--notices", "notices"]);
    assert_eq!(home.dispatch()["sent"], 2);
    assert_eq!(home.send("n1"), "deliver/n1/email: begun before: completed\n");
    assert_eq!(home.dispatch()["sent"], 0);
    assert_eq!(home.letters().len(), 2);
    assert_eq!(home.well(&["flows", "s", "ls"]), "");
    fs::write(home.0.path().join("notices"), format!("{notice}\n{{}}\n")).unwrap();
    home.refused(&["notify", "s", "send", "--notices", "notices"], "line 2");
}

#[test]
fn what_was_given_up_is_listed_and_delivered_after_all() {
    let home = Home::new();
    home.knows_ann("nowhere");
    home.send("n1");
    assert_eq!(home.dispatch()["failed"], 1);
    let dead = home.well(&["flows", "s", "dead"]);
    assert!(dead.contains("not sent") && dead.contains("n1  attempts 1: "), "{dead}");
    assert_eq!(home.well(&["flows", "s", "dead", "--since", "2999-01-01T00:00:00Z"]), "");
    assert_eq!(home.well(&["flows", "s", "redrive", "--since", "2999-01-01T00:00:00Z"]), "");
    home.well(&["notify", "s", "profile", "set", "ann", "--reach", "email=ann@example.org"]);
    assert_eq!(home.well(&["flows", "s", "redrive"]), "deliver/n1/email#r1: started\n");
    assert_eq!(home.well(&["flows", "s", "redrive"]), "deliver/n1/email#r1: already\n");
    assert_eq!(home.dispatch()["sent"], 1);
    assert_eq!(home.letters().len(), 1);
    let dead: Value = serde_json::from_str(&home.well(&["flows", "s", "dead", "--json"])).unwrap();
    assert_eq!((&dead["redriven"], &dead["uncertain"]), (&json!("deliver/n1/email#r1"), &json!(false)));
    home.refused(&["flows", "unix:door", "redrive"], "not over a socket");
}

#[test]
fn what_came_of_a_delivery_stands_beside_its_status() {
    let home = Home::new();
    home.knows_ann("ann@example.org");
    let long = "n".repeat(150);
    home.send("n1");
    home.send(&long);
    assert_eq!(home.dispatch()["sent"], 2);
    let result = r#"{"delivery":"delivered","id":"n1","n":1}"#;
    assert_eq!(
        home.well(&["flows", "s", "ls", "--all", "deliver/n1"]),
        format!("completed deliver/n1/email  {result}\n")
    );
    let shown = home.well(&["flows", "s", "show", "deliver/n1/email"]);
    assert!(shown.contains(&format!("status    completed: {result}\n")), "{shown}");
    let cut = format!(r#"  {{"delivery":"delivered","id":"{}..."#, "n".repeat(87));
    let listed = home.well(&["flows", "s", "ls", "--all", "deliver/nn"]);
    assert!(listed.trim_end().ends_with(&cut) && cut.len() == 122, "{listed}");
    for words in
        [&["ls", "--all", "deliver/nn", "--json"] as &[&str], &["show", &format!("deliver/{long}/email"), "--json"]]
    {
        let lines = home.well(&[&["flows", "s"], words].concat());
        let line: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(line["result"], json!({ "delivery": "delivered", "id": long, "n": 1 }));
    }
}

#[test]
fn a_dispatcher_that_is_told_to_end_ends_well_and_says_what_it_did() {
    let home = Home::new();
    home.knows_ann("ann@example.org");
    home.send("n1");
    let words = ["notify", "s", "--out", "letters", "--from", "club@example.org"];
    let dispatcher = home.command(&words).stdout(Stdio::piped()).spawn().unwrap();
    while !home.letters().iter().any(|letter| letter.extension().is_some_and(|end| end == "eml")) {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").arg(dispatcher.id().to_string()).status().unwrap().success());
    let output = dispatcher.wait_with_output().unwrap();
    assert!(output.status.success());
    let counters = String::from_utf8(output.stdout).unwrap();
    assert_eq!(counters, "sent 1  retried 0  failed 0  skipped 0  postponed 0  uncertain 0  waiting 0\n");
    assert_eq!(home.well(&["flows", "s", "ls"]), "");
}
