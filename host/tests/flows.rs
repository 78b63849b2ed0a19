//! What runs in a store, and what is said to it while nobody runs it.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic too")]

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::clock::{Clock, ManualClock, SystemClock};
use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowOutcome, FlowStatus, Flows, OpenFilter, Place, Program};
use boxoffice::persist::{Location, Payload};
use boxoffice::time::Timestamp;
use serde_json::{Value, json};

const DAY: Duration = Duration::from_secs(86_400);

fn id(text: &str) -> FlowId {
    text.parse().unwrap()
}

/// Sleeps until an instant, and then has something done.
async fn nap(cx: FlowCx, until: Timestamp) -> Result<u64, FlowError> {
    cx.sleep_until("nap", until).await?;
    cx.request("work", "after the nap", &1_u64).await
}

async fn door(cx: FlowCx, (): ()) -> Result<u64, FlowError> {
    cx.signal("first", "knock").await
}

async fn lost(cx: FlowCx, (): ()) -> Result<u64, FlowError> {
    cx.request("nobody", "help", &7_u64).await
}

async fn broken(_: FlowCx, reason: String) -> Result<u64, FlowError> {
    Err(FlowError::failed(reason))
}

struct Home {
    folder: tempfile::TempDir,
    start: Timestamp,
}

impl Home {
    /// Flows of three kinds: three sleep for 30 days, one waits for a knock, one is stuck.
    async fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap(), start: SystemClock.now() };
        let (office, flows) = home.open(home.start, false);
        for flow in ["nap/a", "nap/b", "nap/c"] {
            assert_eq!(flows.start(&id(flow), &home.due()).await.unwrap(), FlowOutcome::Started);
        }
        for flow in ["door/a", "lost/a"] {
            assert_eq!(flows.start(&id(flow), &()).await.unwrap(), FlowOutcome::Started);
        }
        home.until(&flows, "lost/a", Place::Stuck).await;
        close(office, flows).await;
        home
    }

    fn due(&self) -> Timestamp {
        self.start + 30 * DAY
    }

    fn store(&self) -> String {
        format!("sled:{}", self.folder.path().join("store").display())
    }

    /// Runs the flows at an instant; with help for the one that is stuck, if wanted.
    fn open(&self, now: Timestamp, help: bool) -> (BoxOffice, Flows) {
        let store = self.store().parse::<Location>().unwrap().open(true).unwrap();
        let office = BoxOffice::builder().shared_store(store).clock(ManualClock::new(now)).start().unwrap();
        let flows = Flows::builder()
            .program(Program::new("nap", 1, nap).unwrap())
            .program(Program::new("door", 1, door).unwrap())
            .program(Program::new("lost", 1, lost).unwrap())
            .program(Program::new("broken", 1, broken).unwrap())
            .perform("work", |_| async { Ok(1_u64) });
        let flows = if help { flows.perform("nobody", |_| async { Ok(8_u64) }) } else { flows };
        let flows = flows.start(&office).unwrap();
        (office, flows)
    }

    /// Waits until the store says that a flow stands there.
    async fn until(&self, flows: &Flows, flow: &str, place: Place) {
        loop {
            let open = flows.open(&OpenFilter::default()).await.unwrap();
            let places: Vec<Place> = open.iter().filter(|open| open.id == id(flow)).map(|open| open.place).collect();
            if places == [place] {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    fn run(&self, line: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_boxoffice"));
        command.args(["flows", &self.store()]).args(line.split(' ')).output().unwrap()
    }

    #[track_caller]
    fn well(&self, line: &str) -> String {
        let output = self.run(line);
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn lines(&self, line: &str) -> Vec<Value> {
        self.well(line).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[track_caller]
    fn fails(&self, line: &str, code: i32) -> String {
        let output = self.run(line);
        assert_eq!(output.status.code(), Some(code), "{line}");
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// Where each open flow stands, as the command lists them.
    #[track_caller]
    fn places(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        self.lines("ls --json").iter().map(|line| (text(&line["flow"]), text(&line["place"]))).collect()
    }
}

async fn close(office: BoxOffice, flows: Flows) {
    flows.shutdown().await;
    office.shutdown().await;
}

fn completed(value: u64) -> FlowStatus {
    FlowStatus::Completed(Payload::new(&value).unwrap())
}

#[tokio::test]
async fn flows_are_listed_by_place_kind_and_prefix() {
    let home = Home::new().await;
    let listed = |flows: &[(&str, &str)]| -> Vec<(String, String)> {
        flows.iter().map(|(flow, place)| ((*flow).to_owned(), (*place).to_owned())).collect()
    };
    let all = [("nap/a", "due"), ("nap/b", "due"), ("nap/c", "due"), ("door/a", "waiting"), ("lost/a", "stuck")];
    assert_eq!(home.places(), listed(&all));
    let table: [(&str, &[&str]); 6] = [
        ("ls --kind nap --limit 2 --json", &["nap/a", "nap/b"]),
        ("ls --place waiting --json", &["door/a"]),
        ("ls --place stuck --kind nap --json", &[]),
        ("ls --all nap/ --json", &["nap/a", "nap/b", "nap/c"]),
        ("ls --all  --limit 2 --json", &["door/a", "lost/a"]),
        ("ls --all lost/a --json", &["lost/a"]),
    ];
    for (line, flows) in table {
        let found: Vec<Value> = home.lines(line).iter().map(|found| found["flow"].clone()).collect();
        assert_eq!(found, flows, "{line}");
    }
    assert!(home.well("ls --place stuck").starts_with("stuck    -                        lost/a  version 1: "));
    assert!(home.well("ls --all lost").contains("stuck     lost/a  \"help\" asks the performer \"nobody\""));
    assert!(home.fails("ls --place asleep", 2).contains("asleep"));
    assert!(home.fails("ls --all nap --kind nap", 2).contains("--kind"));
    assert!(home.fails("ls --kind Nap", 2).contains("lower case"));
}

#[tokio::test]
async fn a_flow_is_shown_with_its_journal_and_without_what_is_personal() {
    let home = Home::new().await;
    let shown = home.well("show lost/a");
    for line in ["flow      lost/a\n", "status    stuck: ", "run       1, 1 turns\n", "waiting for code that fits\n"] {
        assert!(shown.contains(line), "{shown}");
    }
    let lines = home.lines("show nap/a --json");
    assert_eq!(lines[0]["due"], json!(home.due()));
    assert_eq!(lines[0]["status"], "running");
    let (office, flows) = home.open(home.due(), false);
    assert_eq!(flows.end(&id("nap/a")).await.unwrap(), completed(1));
    close(office, flows).await;
    let events: Vec<(Value, Value)> = home.lines("show nap/a --json")[1..]
        .iter()
        .map(|event| (event["type"].clone(), event["tag"].clone()))
        .collect();
    let expected = [
        ("started", Value::Null),
        ("resolved", json!("nap")),
        ("resolved", json!("after the nap")),
        ("completed", Value::Null),
    ];
    assert_eq!(events, expected.map(|(name, tag)| (json!(name), tag)));
    assert_eq!(home.well("ls --all nap/a"), "completed nap/a\n");
    assert_eq!(home.lines("ls --all nap/a --json")[0]["result"], Value::Null);
    assert!(home.well("show nap/a").contains("resolved          request \"after the nap\"\n"));
    assert!(home.fails("show nap/z", 2).contains("no flow nap/z"));
    assert!(home.fails("show nap", 2).contains("KIND/KEY"));
}

#[tokio::test]
async fn what_would_steer_a_terminal_is_shown_as_an_escape_and_json_has_its_own() {
    let home = Home::new().await;
    let (office, flows) = home.open(home.start, false);
    let started = flows.start(&id("broken/a"), "\u{1b}]0;\u{7}a\r\nb\u{202e}").await.unwrap();
    assert_eq!(started, FlowOutcome::Started);
    flows.end(&id("broken/a")).await.unwrap();
    close(office, flows).await;
    let shown = r"\u{1b}]0;\u{7}a\u{d}\u{a}b\u{202e}";
    assert_eq!(home.well("ls --all broken"), format!("failed    broken/a  {shown}\n"));
    let lines = home.well("show broken/a");
    assert!(lines.contains(&format!("status    failed: {shown}\n")), "{lines}");
    assert!(lines.ends_with(&format!("  failed            {shown}\n")), "{lines}");
    assert_eq!(home.lines("ls --all broken --json")[0]["why"], "\u{1b}]0;\u{7}a\r\nb\u{202e}");
}

#[tokio::test]
async fn a_paused_flow_sleeps_on_and_one_that_is_resumed_wakes_in_its_time() {
    let home = Home::new().await;
    assert_eq!(home.well("pause nap/a"), "nap/a: pause: recorded\n");
    assert_eq!(home.well("pause nap/a"), "nap/a: pause: is so already\n");
    home.well("pause nap/b");
    home.well("resume nap/b");
    assert!(home.places().contains(&("nap/a".to_owned(), "paused".to_owned())));
    // Whoever runs the flows next finds out for what the resumed one waits, long before its time.
    let (office, flows) = home.open(home.start + DAY, false);
    home.until(&flows, "nap/b", Place::Due(home.due())).await;
    close(office, flows).await;
    let (office, flows) = home.open(home.due() + DAY, false);
    assert_eq!(flows.end(&id("nap/b")).await.unwrap(), completed(1));
    assert_eq!(flows.end(&id("nap/c")).await.unwrap(), completed(1));
    assert_eq!(flows.inspect(&id("nap/a")).await.unwrap().unwrap().status, FlowStatus::Paused);
    close(office, flows).await;
    home.well("resume nap/a");
    let (office, flows) = home.open(home.due() + DAY, false);
    assert_eq!(flows.end(&id("nap/a")).await.unwrap(), completed(1));
    close(office, flows).await;
    assert!(home.fails("pause nap/a", 1).contains("has ended: completed"));
    assert!(home.fails("pause nap/z", 2).contains("no flow nap/z"));
}

#[tokio::test]
async fn what_is_cancelled_terminated_or_retried_is_so_when_flows_are_run_again() {
    let home = Home::new().await;
    home.well("cancel door/a");
    home.well("pause nap/b");
    home.well("cancel nap/b");
    home.well("terminate nap/a");
    home.well("retry lost/a");
    assert_eq!(home.well("retry nap/c"), "nap/c: retry: is so already\n");
    assert!(!home.places().iter().any(|(flow, _)| flow == "nap/a"));
    let (office, flows) = home.open(home.start + DAY, true);
    assert_eq!(flows.end(&id("lost/a")).await.unwrap(), completed(8));
    for flow in ["door/a", "nap/a", "nap/b"] {
        assert_eq!(flows.end(&id(flow)).await.unwrap(), FlowStatus::Cancelled, "{flow}");
    }
    close(office, flows).await;
    // What is left of them is nothing but their journals.
    assert_eq!(home.places(), [("nap/c".to_owned(), "due".to_owned())]);
    assert!(home.fails("terminate door/a", 1).contains("has ended: cancelled"));
}

#[test]
fn flows_are_not_changed_over_a_socket_and_not_in_a_store_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let flows = |words: &[&str]| {
        let output =
            Command::new(env!("CARGO_BIN_EXE_boxoffice")).arg("flows").args(words).current_dir(&folder).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let table: [(&[&str], &str); 4] = [
        (&["unix:door", "pause", "nap/a"], "not over a socket"),
        (&["sled:store", "ls"], "no store at"),
        (&["sled:store"], "flows"),
        (&["ls"], "STORE"),
    ];
    for (words, what) in table {
        let (code, stderr) = flows(words);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(what), "{stderr}");
    }
    assert!(!Path::new(&folder.path().join("store")).exists());
}
