//! Crash truth: processes killed at any moment, and disks that forget what was not synced.
//!
//! Each test starts this very program again as a writer, which appends transactions and prints what was acknowledged, and
//! kills it (SIGKILL) at some moment. Then the store is opened and compared with what was printed. By hand, with more
//! cycles: `BOXOFFICE_CYCLES=10000 cargo test --release --test crash -- --nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests may panic; the writer is told what to do by its environment, and talks on its standard output"
)]

mod powercut;
mod workload;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use boxoffice_core::persist::Location;
use workload::{Checked, Dice};

/// Set for the writer: where the store is, and which first number its dice show.
const WRITER: &str = "BOXOFFICE_CRASH_WRITER";

/// Set for the writer whose disk fails: where the store is.
const UNLUCKY: &str = "BOXOFFICE_UNLUCKY_WRITER";

fn cycles(default: u64) -> u64 {
    env::var("BOXOFFICE_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Runs only as the program that is to be killed.
#[test]
fn writer() {
    let Ok(place) = env::var(WRITER) else { return };
    let (seed, place) = place.split_once(' ').unwrap();
    workload::write_for_ever(place, Dice::new(seed.parse().unwrap()));
}

/// Runs only as the program whose disk fails.
#[test]
fn unlucky_writer() {
    let Ok(place) = env::var(UNLUCKY) else { return };
    workload::write_until_it_fails(&place);
}

/// Starts the writer, kills it after so many acknowledgements or so much time, and answers the last number that it was
/// told is durable.
fn write_and_kill(place: &str, dice: &mut Dice, prepare: impl FnOnce(&mut Command)) -> Option<u64> {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "writer", "--nocapture"]).env(WRITER, format!("{} {place}", dice.next()));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    prepare(&mut command);
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    // Somewhere in a commit, which takes less than this, or while it opens.
    let (enough, commit, open) = (dice.below(30), dice.below(4_000), dice.below(20_000));
    if enough == 0 {
        kill_after(&mut child, Duration::from_micros(open));
    }
    let (mut last, mut count, mut line) = (None, 0, String::new());
    while lines.read_line(&mut line).unwrap() > 0 {
        if let Some(number) = line.strip_prefix("ack ").and_then(|rest| rest.strip_suffix('\n')) {
            last = Some(number.parse().unwrap());
            count += 1;
        }
        if count == enough {
            kill_after(&mut child, Duration::from_micros(commit));
        }
        line.clear();
    }
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), None, "the writer ended by itself: {status}");
    last
}

fn kill_after(child: &mut Child, time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        std::hint::spin_loop();
    }
    child.kill().unwrap();
}

fn store(folder: &Path, engine: &str) -> (String, PathBuf) {
    let path = folder.join(engine);
    (format!("{engine}:{}", path.display()), path)
}

/// Kills that one store goes through before the next one begins: a long journal takes long to read.
const KILLS_OF_A_STORE: u64 = 500;

fn killed_again_and_again(engine: &str, default: u64) {
    let (mut dice, cycles) = (Dice::new(7), cycles(default));
    let (mut left, mut stored, mut told) = (cycles, 0, 0);
    while left > 0 {
        let folder = tempfile::tempdir().unwrap();
        let (place, _) = store(folder.path(), engine);
        let mut known = Checked::default();
        for cycle in (0..left.min(KILLS_OF_A_STORE)).rev() {
            let acknowledged = write_and_kill(&place, &mut dice, |_| {});
            known = workload::check(&place, known, acknowledged, cycle % 100 == 0);
        }
        left -= left.min(KILLS_OF_A_STORE);
        (stored, told) = (stored + known.stored, told + known.told);
    }
    println!("{engine}: {cycles} kills, {stored} transactions stood, {told} of them acknowledged");
}

#[test]
fn sled_killed_at_any_moment_loses_nothing_acknowledged() {
    killed_again_and_again("sled", 30);
}

#[test]
fn fjall_killed_at_any_moment_loses_nothing_acknowledged() {
    killed_again_and_again("fjall", 30);
}

/// Kills, then takes away what no sync has covered: all of it, or a part of it.
fn cut_again_and_again(engine: &str, default: u64) {
    let folder = tempfile::tempdir().unwrap();
    let (place, path) = store(folder.path(), engine);
    let shim = powercut::built(folder.path());
    let log = folder.path().join("log");
    let (mut dice, mut known, cycles) = (Dice::new(11), Checked::default(), cycles(default));
    let (mut uncovered, mut taken) = (0, 0);
    // A store that is made in the moment of the cut is nobody's loss: begin with one.
    drop(place.parse::<Location>().unwrap().open(true).unwrap());
    for cycle in 0..cycles {
        fs::create_dir(&log).unwrap();
        let acknowledged = write_and_kill(&place, &mut dice, |command| powercut::load(command, &shim, &path, &log));
        let cut = powercut::cut(&path, &log, &mut dice);
        (uncovered, taken) = (uncovered + cut.uncovered, taken + cut.taken);
        fs::remove_dir_all(&log).unwrap();
        known = workload::check(&place, known, acknowledged, cycle % 20 == 0 || cycle + 1 == cycles);
    }
    println!(
        "{engine}: {cycles} power cuts, {taken} of {uncovered} uncovered writes taken away, {} transactions stood, {} of \
         them acknowledged",
        known.stored, known.told
    );
    assert!(uncovered > 0, "every write was covered by a sync: the model sees nothing");
}

#[test]
fn sled_on_a_disk_that_forgets_loses_nothing_acknowledged() {
    cut_again_and_again("sled", 20);
}

#[test]
fn fjall_on_a_disk_that_forgets_loses_nothing_acknowledged() {
    cut_again_and_again("fjall", 20);
}

/// The other way round: an engine that acknowledges before the disk has it is caught, so the model can see a loss.
#[test]
fn an_engine_that_only_flushes_is_caught_by_the_disk_that_forgets() {
    let folder = tempfile::tempdir().unwrap();
    let shim = powercut::built(folder.path());
    let (path, log) = (folder.path().join("flushed"), folder.path().join("log"));
    let place = format!("flushed:{}", path.display());
    let mut dice = Dice::new(13);
    for _ in 0..20 {
        fs::create_dir(&log).unwrap();
        let acknowledged = write_and_kill(&place, &mut dice, |command| powercut::load(command, &shim, &path, &log));
        powercut::cut(&path, &log, &mut dice);
        fs::remove_dir_all(&log).unwrap();
        if acknowledged.is_some_and(|last| !workload::flushed_holds(&path, last)) {
            return;
        }
    }
    panic!("twenty power cuts took nothing from an engine that does not sync");
}

/// `POWERCUT_FAIL` in words: which call fails from which one on, and with what.
const FAILURES: [(&str, &str); 3] = [("w", "writing"), ("s", "syncing"), ("t", "changing a size")];
const ERRORS: [(i32, &str); 2] = [(5, "EIO"), (28, "ENOSPC")];

fn failing_disk_poisons_and_loses_nothing(engine: &str) {
    let folder = tempfile::tempdir().unwrap();
    let shim = powercut::built(folder.path());
    let (mut poisoned, mut refused, mut unharmed) = (0, 0, 0);
    for (kind, words) in FAILURES {
        for (errno, error) in ERRORS {
            for from in [1, 2, 3, 5, 8, 13, 40, 90] {
                let what = format!("{engine}: {words} fails with {error} from call {from} on");
                let home = tempfile::tempdir_in(folder.path()).unwrap();
                let (place, path) = store(home.path(), engine);
                let log = home.path().join("log");
                fs::create_dir(&log).unwrap();
                drop(place.parse::<Location>().unwrap().open(true).unwrap());
                let mut command = Command::new(env::current_exe().unwrap());
                command.args(["--exact", "unlucky_writer", "--nocapture"]).env(UNLUCKY, &place);
                powercut::load(&mut command, &shim, &path, &log);
                let output = command.env("POWERCUT_FAIL", format!("{kind}:{from}:{errno}")).output().unwrap();
                let said = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{what}: {said}{}", String::from_utf8_lossy(&output.stderr));
                let last = said.lines().filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).next_back();
                match said.lines().find_map(|line| line.strip_prefix("end ")) {
                    Some("poisoned") => poisoned += 1,
                    Some("not opened") => refused += 1,
                    Some("unharmed") => unharmed += 1,
                    other => panic!("{what}: {other:?} {said}"),
                }
                // The disk is well again.
                workload::check(&place, Checked::default(), last, true);
            }
        }
    }
    println!("{engine}: {poisoned} times poisoned, {refused} times not opened, {unharmed} times unharmed");
    assert!(poisoned > 0);
}

#[test]
fn sled_on_a_disk_that_fails_is_poisoned_and_loses_nothing_acknowledged() {
    failing_disk_poisons_and_loses_nothing("sled");
}

#[test]
fn fjall_on_a_disk_that_fails_is_poisoned_and_loses_nothing_acknowledged() {
    failing_disk_poisons_and_loses_nothing("fjall");
}
