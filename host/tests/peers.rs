//! Systems in processes of their own, on loopback: published, followed, held, cut off.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "helpers of tests may panic too")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use boxoffice::BoxOffice;
use boxoffice::booking::{BookingOutcome, Seats};
use boxoffice::calendar::{CalendarEvent, Frame, Length};
use boxoffice::id::SeriesId;
use boxoffice::jiff::civil::date;
use boxoffice::persist::Location;
use serde_json::Value;

const WHY: [&str; 4] = ["--reason", "asked for at the meeting", "--by", "ann"];
/// A key that nobody here has.
const SOMEBODY: &str = "ed25519:6kpsY-KcUgq-9VB7Ey7F-ZVHduq6-vnuSQh7qaRRG0w";
const WAY: [&str; 6] = ["--key", "peer.key", "--allow-private", "--allow-plain", "--time-limit", "2s"];

fn boxoffice() -> Command {
    Command::new(env!("CARGO_BIN_EXE_boxoffice"))
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

/// A system: a store, a process that serves it, and one that serves peers.
struct Site {
    folder: tempfile::TempDir,
    name: String,
    key: String,
    at: String,
    store: Option<Running>,
    peers: Option<Running>,
}

impl Site {
    /// With an evening of this name, on 2027-01-04, and so many seats.
    async fn start(short: &str, seats: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = format!("fjall:{}", folder.path().join("store").display()).parse::<Location>().unwrap();
        let office = BoxOffice::builder().shared_store(store.open(true).unwrap()).start().unwrap();
        let monday = date(2027, 1, 4).at(19, 0, 0, 0);
        let series = SeriesId::new(format!("at-{short}")).unwrap();
        let event = CalendarEvent::new(series, format!("Evening at {short}"), monday, Frame::Utc, Length::ZERO);
        assert_eq!(office.schedule(event).await.unwrap().outcome, boxoffice::schedule::SeriesOutcome::Scheduled);
        let opened = office.open(&Self::evening(short).parse().unwrap(), Seats::new(seats)).await.unwrap();
        assert_eq!(opened.outcome, BookingOutcome::Opened);
        office.shutdown().await;
        drop(store);
        let (name, at) = (format!("{short}.example"), String::new());
        let mut site = Self { folder, name, key: String::new(), at, store: None, peers: None };
        site.serve_store();
        site.key = site.well(&["key", "--key", "peer.key"]).trim().into();
        site.serve_peers();
        site
    }

    fn evening(short: &str) -> String {
        format!("at-{short}@20270104T190000Z")
    }

    fn serve_store(&mut self) {
        let mut command = boxoffice();
        command.args(["store", "serve", "--store", "fjall:store", "--socket", "store.sock"]);
        let child = command.current_dir(&self.folder).stdout(Stdio::null()).spawn();
        self.store = Some(Running(child.unwrap()));
        while UnixStream::connect(self.folder.path().join("store.sock")).is_err() {
            std::thread::yield_now();
        }
    }

    /// Where it was before, if it was.
    fn serve_peers(&mut self) {
        let listen = if self.at.is_empty() { "127.0.0.1:0" } else { &self.at };
        let child = self.command(&["serve", "--all", "--listen", listen]).args(WAY).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.at = line.trim().strip_prefix("listening at ").unwrap().into();
        self.peers = Some(Running(child));
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = boxoffice();
        command.args(["peers", "unix:store.sock", "--as", &self.name]).args(words).current_dir(&self.folder);
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs it well, and gives what it printed.
    #[track_caller]
    fn well(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Asks a peer about seats: whether it was given, and how the hold stands.
    #[track_caller]
    fn asks(&self, words: &[&str]) -> (bool, String) {
        let output = self.command(words).args(WAY).arg("--json").output().unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{words:?}: {output:?}"));
        (output.status.success(), line["stage"].as_str().unwrap().to_owned())
    }

    fn add(&self, name: &str, at: &str, key: &str) {
        self.well(&[&["add", name, &format!("http://{at}"), key], &WHY[..]].concat());
        self.well(&[&["trust", name, "allow"], &WHY[..]].concat());
    }

    fn knows(&self, other: &Self, seats: &str, term: &str) {
        self.add(&other.name, &other.at, &other.key);
        self.well(&[&["grant", &other.name, "--hold", seats, "--for", term], &WHY[..]].concat());
    }

    /// What takes place, and where it comes from.
    fn agenda(&self) -> BTreeSet<(String, String)> {
        let lines = self.well(&["agenda", "--from", "2027-01-01", "--to", "2027-02-01", "--json"]);
        let text = |value: &Value| value.as_str().unwrap_or("here").to_owned();
        let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.map(|line| (text(&line["summary"]), text(&line["origin"]))).collect()
    }

    /// Ends its processes, and gives what an audit of its store finds.
    fn audited(mut self) -> Value {
        self.peers = None;
        self.store = None;
        let output =
            boxoffice().args(["verify", "--store", "fjall:store", "--json"]).current_dir(&self.folder).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn entry(short: &str, here: bool) -> (String, String) {
    let origin = if here { "here".to_owned() } else { format!("{short}.example") };
    (format!("Evening at {short}"), origin)
}

#[tokio::test]
async fn three_processes_and_a_liar_have_one_agenda() {
    let (a, b, c) = (Site::start("a", 2).await, Site::start("b", 2).await, Site::start("c", 2).await);
    for (one, others) in [(&a, [&b, &c]), (&b, [&a, &c]), (&c, [&a, &b])] {
        for other in others {
            one.knows(other, "1", "10m");
        }
    }
    for site in [&a, &b, &c] {
        let said = site.well(&[&["sync", "--json"], &WAY[..]].concat());
        assert_eq!(said.lines().count(), 2, "{said}");
        let union = ["a", "b", "c"].map(|short| entry(short, site.name == format!("{short}.example")));
        assert_eq!(site.agenda(), BTreeSet::from(union), "{}", site.name);
    }
    // Somebody who says what it likes, in bytes that steer a terminal.
    let liar = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = liar.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in liar.incoming() {
            let mut stream = stream.unwrap();
            let mut head = [0; 4_096];
            let read = stream.read(&mut head).unwrap();
            assert!(head[..read].starts_with(b"GET /feed HTTP/1.1\r\n"));
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x1b[2J").unwrap();
        }
    });
    a.add("liar.example", &at, SOMEBODY);
    let output = a.run(&[&["sync"], &WAY[..]].concat());
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("b.example  unchanged") && said.contains("liar.example  bad_signature"), "{said}");
    assert_eq!(a.agenda().len(), 3);
    let list = a.well(&["list"]);
    assert!(list.lines().count() == 3 && list.contains("bad_signature"), "{list}");
    let history = a.well(&["history", "liar.example"]);
    assert_eq!(history.lines().count(), 2, "{history}");
    assert!(history.contains("trusted allowed  (ann: asked for at the meeting)"), "{history}");
}

#[tokio::test]
async fn the_last_seats_are_sold_once_to_peers_in_other_processes() {
    let (a, b, c) = (Site::start("a", 3).await, Site::start("b", 1).await, Site::start("c", 1).await);
    for rival in [&b, &c] {
        a.knows(rival, "10", "10m");
        rival.add(&a.name, &a.at, &a.key);
    }
    let evening = Site::evening("a");
    let buy = |rival: &Site, order: usize| {
        let order = format!("order-{order}");
        let held = rival.asks(&["hold", "a.example", &order, &evening, "--for", "ann"]);
        match held {
            (true, _) => {
                assert_eq!(rival.asks(&["confirm", "a.example", &order]), (true, "confirmed".to_owned()));
                true
            }
            (false, stage) => {
                assert_eq!(stage, "full");
                false
            }
        }
    };
    let sold: usize = std::thread::scope(|scope| {
        let buy = &buy;
        let race = |rival| scope.spawn(move || (0..4).filter(|order| buy(rival, *order)).count());
        let races = [race(&b), race(&c)];
        races.into_iter().map(|race| race.join().unwrap()).sum()
    });
    assert_eq!(sold, 3);
    let audit = a.audited();
    assert_eq!((&audit["confirmed"], &audit["held"], &audit["oversold"]), (&3.into(), &0.into(), &0.into()));
}

#[tokio::test]
async fn a_hold_lapses_at_its_owner_when_they_are_cut_off_and_what_comes_late_is_told() {
    let (mut a, b, c) = (Site::start("a", 2).await, Site::start("b", 1).await, Site::start("c", 1).await);
    for rival in [&b, &c] {
        a.knows(rival, "2", "1s");
        rival.add(&a.name, &a.at, &a.key);
    }
    let evening = Site::evening("a");
    let hold =
        |rival: &Site, order: &str| rival.asks(&["hold", "a.example", order, &evening, "--for", "ann", "--seats", "2"]);
    assert_eq!(hold(&b, "order-1"), (true, "held".to_owned()));
    // The owner stands still, and nobody knows whether it heard.
    a.peers.as_ref().unwrap().signal("-STOP");
    assert_eq!(b.asks(&["confirm", "a.example", "order-1"]), (false, "confirming".to_owned()));
    a.peers.as_ref().unwrap().signal("-KILL");
    a.peers = None;
    assert_eq!(b.asks(&["settle", "a.example", "order-1"]), (false, "confirming".to_owned()));
    // By its own clock the hold has lapsed, and the seats are had by others, for as long as they hold them.
    a.serve_peers();
    assert_eq!(hold(&c, "order-1"), (true, "held".to_owned()));
    assert_eq!(c.asks(&["confirm", "a.example", "order-1"]), (true, "confirmed".to_owned()));
    assert_eq!(b.asks(&["settle", "a.example", "order-1"]), (true, "refund_due".to_owned()));
    assert_eq!(b.asks(&["confirm", "a.example", "order-1"]), (false, "refund_due".to_owned()));
    let audit = a.audited();
    assert_eq!((&audit["confirmed"], &audit["held"], &audit["oversold"]), (&2.into(), &0.into(), &0.into()));
}

#[tokio::test]
async fn what_comes_late_has_the_seats_again_if_nobody_else_does() {
    let (mut a, b) = (Site::start("a", 2).await, Site::start("b", 1).await);
    a.knows(&b, "2", "1s");
    b.add(&a.name, &a.at, &a.key);
    let evening = Site::evening("a");
    let held = b.asks(&["hold", "a.example", "order-1", &evening, "--for", "ann", "--seats", "2"]);
    assert_eq!(held, (true, "held".to_owned()));
    let since = Instant::now();
    a.peers = None;
    // Asked in vain until it has lapsed.
    while since.elapsed() < Duration::from_millis(1_100) {
        assert_eq!(b.asks(&["confirm", "a.example", "order-1"]), (false, "confirming".to_owned()));
    }
    a.serve_peers();
    assert_eq!(b.asks(&["settle", "a.example", "order-1"]), (true, "reacquired".to_owned()));
    assert_eq!(a.audited()["confirmed"], 2);
}

/// A store of our own, in which nobody serves anything.
struct Desk(tempfile::TempDir);

impl Desk {
    fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let mut command = boxoffice();
        let command = command.args(["peers", "sled:store", "--as", "a.example"]).args(words).current_dir(&self.0);
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    #[track_caller]
    fn decides(&self, words: &[&str], said: &str) {
        assert_eq!(self.run(&[words, &WHY].concat()), (Some(0), format!("b.example: {said}\n")), "{words:?}");
    }
}

#[test]
fn what_was_decided_about_a_peer_is_told_in_words() {
    let desk = Desk(tempfile::tempdir().unwrap());
    desk.decides(&["add", "b.example", "https://b.example", SOMEBODY], "recorded");
    desk.decides(&["trust", "b.example", "allow"], "recorded");
    desk.decides(&["grant", "b.example", "--relay", "--hold", "8", "--for", "10m"], "recorded");
    desk.decides(&["grant", "b.example", "--no-feed"], "recorded");
    desk.decides(&["move", "b.example", "https://new.example/box"], "recorded");
    desk.decides(&["move", "b.example", "https://new.example/box"], "is so already");
    desk.decides(&["remove", "b.example"], "recorded");
    let (code, said) = desk.run(&["history"]);
    let told: Vec<&str> = said.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    let changes = [
        &format!("added at https://b.example with the key {SOMEBODY}"),
        "trusted allowed",
        "granted: may read the feed, may pass on, may hold 8 for 600 s",
        "granted: nothing",
        "moved to https://new.example/box",
        "removed",
    ];
    let expected = changes.map(|change| format!("b.example  {change}  (ann: asked for at the meeting)"));
    assert_eq!((code, told), (Some(0), expected.each_ref().map(String::as_str).to_vec()));
    let (_, said) = desk.run(&["history", "--json"]);
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[4]["change"], &lines[4]["to"]), (&"moved".into(), &"https://new.example/box".into()));
    let unknown = boxoffice()
        .args(["peers", "sled:store", "--as", "a.example", "move", "c.example", "https://c.example"])
        .args(WHY)
        .current_dir(&desk.0)
        .output()
        .unwrap();
    let complaint = String::from_utf8(unknown.stderr).unwrap();
    assert_eq!((unknown.status.code(), complaint.as_str()), (Some(2), "boxoffice: there is no peer c.example\n"));
}

#[test]
fn what_is_not_let_through_names_the_flag_that_does() {
    let desk = Desk(tempfile::tempdir().unwrap());
    desk.run(&["key", "--key", "peer.key"]);
    desk.decides(&["add", "b.example", "http://127.0.0.1:9", SOMEBODY], "recorded");
    desk.decides(&["trust", "b.example", "allow"], "recorded");
    let plain = "http: URLs are not allowed here: see --allow-plain";
    let private = "the host has no public address: see --allow-private";
    for (flags, why) in [(&[][..], plain), (&["--allow-plain"], private)] {
        let (code, said) = desk.run(&[&["sync", "--key", "peer.key"], flags].concat());
        assert_eq!((code, said), (Some(1), format!("b.example  unreachable  {why}\n")));
        let list = desk.run(&["list"]).1;
        assert!(list.contains(why), "{list}");
    }
    let (code, said) = desk.run(&["sync", "--key", "peer.key", "--allow-plain", "--allow-private"]);
    assert!(code == Some(1) && !said.contains("--allow"), "{said}");
}

#[test]
fn bad_names_keys_and_flags_end_with_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let key = SOMEBODY;
    let cases: [(&[&str], &str); 6] = [
        (&["key", "--key", "nowhere/peer.key"], "peer.key"),
        (&["sync", "--key", "nowhere.key"], "nowhere.key"),
        (&["add", "A b", "https://b.example", key, "--reason", "x"], "A b"),
        (&["add", "b.example", "ftp://b.example", key, "--reason", "x"], "ftp"),
        (&["add", "b.example", "https://b.example", "secret", "--reason", "x"], "ed25519:"),
        (&["add", "a.example", "https://b.example", key, "--reason", "x"], "our own name"),
    ];
    for (words, what) in cases {
        let mut command = boxoffice();
        let command = command.args(["peers", "sled:store", "--as", "a.example"]).args(words).current_dir(&folder);
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{words:?}: {said}");
        assert!(said.contains(what), "{words:?}: {said}");
    }
}
