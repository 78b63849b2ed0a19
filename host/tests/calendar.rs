//! Calendars in a store, as whoever keeps them meets them.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::fs;
use std::process::{Command, Output};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A file `NAME` with these events.
    fn write(&self, name: &str, events: &[&str]) {
        let events: Vec<String> =
            events.iter().map(|lines| format!("BEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\n")).collect();
        let text = format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{}END:VCALENDAR\r\n", events.concat());
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn run(&self, line: &str) -> Output {
        let words = line.split(' ');
        Command::new(env!("CARGO_BIN_EXE_boxoffice")).arg("calendar").args(words).current_dir(&self.0).output().unwrap()
    }

    #[track_caller]
    fn well(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

const CHESS: &str =
    "UID:chess\r\nSUMMARY:Chess\r\nDTSTART:20260105T190000Z\r\nDTEND:20260105T210000Z\r\nRRULE:FREQ=WEEKLY;COUNT=3";
const FAIR: &str = "UID:fair\r\nSUMMARY:Fair\r\nDTSTART;VALUE=DATE:20260110\r\nDTEND;VALUE=DATE:20260113";

#[test]
fn what_would_steer_a_terminal_is_shown_as_an_escape_and_json_has_its_own() {
    let home = Home::new();
    // ESC and BEL are no text of a calendar, and are not read.
    home.write("a.ics", &[&CHESS.replace("SUMMARY:Chess", "SUMMARY:a\\nb\u{202e}c")]);
    let shown = r"a\u{a}b\u{202e}c";
    assert_eq!(home.well("import a.ics --store s"), format!("scheduled  chess  {shown}\n"));
    let agenda = "agenda --store s --from 2026-01-05 --to 2026-01-06";
    assert_eq!(home.well(agenda), format!("2026-01-05  19:00-21:00  {shown}  [chess@20260105T190000Z]\n"));
    assert!(home.well(&format!("{agenda} --json")).contains(r"a\nb"));
    assert!(home.well("history chess --store s").contains(&format!("{shown}  from")));
}

#[test]
fn an_imported_file_is_listed_redefined_and_remembered() {
    let home = Home::new();
    home.write("a.ics", &[CHESS, FAIR]);
    let scheduled = "scheduled  chess  Chess\nscheduled  fair  Fair\n";
    assert_eq!(home.well("import a.ics --store s"), scheduled);
    assert_eq!(home.well("import a.ics --store s"), scheduled.replace("scheduled", "unchanged"));
    let agenda =
        "2026-01-10  all day      Fair  [fair@20260110]\n2026-01-12  20:00-22:00  Chess  [chess@20260112T190000Z]\n";
    assert_eq!(home.well("agenda --store s --from 2026-01-12 --to 2026-01-13 --zone Europe/Berlin"), agenda);
    let json = home.well("agenda --store s --from 2026-01-19 --to 2026-01-20 --json");
    let expected = r#"{"id":"chess@20260119T190000Z","start":"2026-01-19T19:00:00Z","end":"2026-01-19T21:00:00Z","all_day":false,"summary":"Chess"}"#;
    assert_eq!(json.trim(), expected);
    assert_eq!(home.well("agenda --store s --from 2026-01-01 --to 2026-02-01 --attendee ann"), "");
    assert_eq!(home.well("orphans --store s"), "");

    home.write("b.ics", &[&CHESS.replace("COUNT=3", "COUNT=2")]);
    assert_eq!(home.well("import b.ics --store s"), "redefined  chess  Chess\n");
    let history = home.well("history chess --store s");
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 2, "{history}");
    assert!(lines.iter().zip(["COUNT=3", "COUNT=2"]).all(|(line, count)| line.ends_with(count)), "{history}");
}

#[test]
fn a_start_that_the_rule_does_not_give_is_moved_and_what_gives_nothing_is_refused() {
    let home = Home::new();
    home.write(
        "a.ics",
        &[&format!("{CHESS};BYDAY=TU"), &format!("{FAIR}\r\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")],
    );
    let output = home.run("import a.ics --store s");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    let refused = "refused    fair  Fair: the rules do not give the first start: there is none\n";
    assert_eq!(text, format!("scheduled  chess  Chess\n{refused}"));
    assert!(home.well("agenda --store s --from 2026-01-06 --to 2026-01-07").contains("chess@20260106T190000Z"));
}

#[test]
fn what_the_caller_can_mend_is_told_in_a_line() {
    let home = Home::new();
    home.write("a.ics", &[CHESS]);
    home.well("import a.ics --store s");
    for (line, what) in [
        ("import none.ics --store t", "none.ics"),
        ("agenda --store none --from 2026-01-01 --to 2026-02-01", "none"),
        ("agenda --store s --from 2026-02-01 --to 2026-01-01", "not after"),
        ("agenda --store s --from 2026-01-01 --to 2026-02-01 --zone Mars", "Mars"),
        ("history nobody --store s", "no series nobody"),
    ] {
        let output = home.run(line);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), stderr.contains(what)), (Some(2), true), "{line}: {stderr}");
    }
}

#[test]
fn an_export_is_a_feed_that_imports_as_what_is_there() {
    let home = Home::new();
    let zoned = "UID:yoga\r\nSUMMARY:Yoga\r\nDTSTART;TZID=Europe/Berlin:20260130T180000\r\nDURATION:PT1H\r\nX-ROOM:7\r\n\
                 RRULE:FREQ=MONTHLY;BYDAY=-1FR";
    home.write("a.ics", &[CHESS, zoned]);
    home.well("import a.ics --store s");
    let feed = home.well("export --store s --name Club");
    assert_eq!(home.well("export --store s --name Club"), feed, "the same bytes as long as nothing changes");
    for line in ["X-WR-CALNAME:Club", "BEGIN:VTIMEZONE", "TZID:Europe/Berlin", "X-ROOM:7", "UID:chess"] {
        assert!(feed.contains(&format!("{line}\r\n")), "{line} in {feed}");
    }
    assert!(feed.split("\r\n").all(|line| line.len() <= 75), "{feed}");
    fs::write(home.0.path().join("feed.ics"), feed).unwrap();
    assert_eq!(home.well("import feed.ics --store s"), "unchanged  chess  Chess\nunchanged  yoga  Yoga\n");
    assert_eq!(home.well("import feed.ics --store t"), "scheduled  chess  Chess\nscheduled  yoga  Yoga\n");
}

#[test]
fn a_message_about_events_is_refused_and_a_published_calendar_is_not() {
    let home = Home::new();
    for (method, taken) in [
        ("CANCEL", false),
        ("reply", false),
        ("COUNTER", false),
        ("X-OWN", false),
        ("PUBLISH", true),
        ("Request", true),
        ("ADD", true),
    ] {
        let text =
            format!("BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\n{CHESS}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
        fs::write(home.0.path().join("a.ics"), text).unwrap();
        let store = format!("s-{method}");
        let output = home.run(&format!("import a.ics --store {store}"));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(if taken { 0 } else { 2 }), "{method}: {stderr}");
        assert_eq!(stderr.contains(&format!("METHOD:{method} is a message")), !taken, "{stderr}");
        assert_eq!(home.0.path().join(store).exists(), taken, "{method}");
    }
}

#[test]
fn what_is_in_a_file_beside_events_is_counted_and_not_kept() {
    let home = Home::new();
    let todo = "BEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\n";
    let text = format!(
        "BEGIN:VCALENDAR\r\n{todo}BEGIN:VEVENT\r\n{CHESS}\r\nEND:VEVENT\r\n{todo}BEGIN:VJOURNAL\r\nUID:j\r\nEND:VJOURNAL\r\n\
         END:VCALENDAR\r\n"
    );
    fs::write(home.0.path().join("a.ics"), text).unwrap();
    let output = home.run("import a.ics --store s");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "boxoffice: warning: a.ics: not kept: 1 VJOURNAL, 2 VTODO\n");
    assert_eq!((output.status.code(), output.stdout), (Some(0), b"scheduled  chess  Chess\n".to_vec()));
}

#[test]
fn a_history_tells_what_each_definition_said() {
    let home = Home::new();
    let full = format!(
        "{CHESS}\r\nRDATE:20260301T190000Z,20260302T190000Z\r\nEXDATE:20260112T190000Z\r\nSTATUS:CANCELLED\r\nEND:VEVENT\r\n\
         BEGIN:VEVENT\r\nUID:chess\r\nSUMMARY:Late chess\r\nRECURRENCE-ID:20260119T190000Z\r\n\
         DTSTART:20260119T200000Z\r\nDTEND:20260119T220000Z"
    );
    home.write("a.ics", &[CHESS, &format!("{FAIR}\r\nX-BOXOFFICE-CAPACITY:300")]);
    home.write("b.ics", &[&full]);
    home.well("import a.ics --store s");
    home.well("import b.ics --store s");
    let times = "Chess  from 2026-01-05T19:00:00 to 2026-01-05T21:00:00 UTC";
    let history = home.well("history chess --store s");
    let lines: Vec<&str> = history.lines().collect();
    assert!(lines[0].ends_with(&format!("{times}  FREQ=WEEKLY;COUNT=3")), "{history}");
    let what = "cancelled  2 dates  1 exception  1 change";
    assert!(lines[1].ends_with(&format!("{times}  {what}  FREQ=WEEKLY;COUNT=3")), "{history}");
    let fair = home.well("history fair --store s");
    assert!(fair.contains("Fair  from 2026-01-10T00:00:00 to 2026-01-13T00:00:00 "), "{fair}");
    assert!(fair.ends_with("  capacity 300\n"), "{fair}");

    let json = home.well("history chess --store s --json");
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    for (line, event, seq) in [(&lines[0], "scheduled", 1), (&lines[1], "redefined", 2)] {
        assert_eq!((line["event"].as_str(), line["seq"].as_u64()), (Some(event), Some(seq)), "{line}");
        assert!(line["at"].is_string() && line["revision"].is_u64() && line.get("summary").is_none(), "{line}");
    }
    let definition = lines[1]["definition"].as_str().unwrap();
    assert!(
        definition.contains("STATUS:CANCELLED\r\n") && definition.contains("SUMMARY:Late chess\r\n"),
        "{definition}"
    );
}

#[test]
fn an_import_that_leaves_something_out_says_so_by_its_exit_code() {
    let home = Home::new();
    home.write("a.ics", &[CHESS, "UID:bad\r\nDTSTART:20260230"]);
    let output = home.run("import a.ics --store s");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "scheduled  chess  Chess\n");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("bad: DTSTART: \"20260230\" is no date or time that exists: left out"), "{said}");
}
