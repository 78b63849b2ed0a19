//! The plan of the house, read from the sources: who may import whom, what the core must not know, how long a file is.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the core. One imports only from those of a lower rank.
const LADDER: [(&str, u8); 14] = [
    ("id", 0),
    ("time", 0),
    ("persist", 1),
    ("calendar", 1),
    ("datalog", 1),
    ("seating", 1),
    ("booking", 2),
    ("flow", 2),
    ("schedule", 3),
    ("checkin", 3),
    ("availability", 4),
    ("notify", 4),
    ("ticket", 4),
    ("federation", 4),
];

/// What the core must not name: runtimes, clocks, threads, randomness.
const FOREIGN: [&str; 10] = [
    "actix",
    "tokio",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "thread::spawn",
    "thread::Builder",
    "rand::",
    "HashMap",
];

/// Lines of a file, tests and tables of checks excepted.
const LINES_MAX: usize = 400;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines of code of a file, with their numbers; comments, and with them the examples of the docs, left out.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = fs::read_to_string(path).unwrap();
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim_start().starts_with("//"));
    lines.map(|(number, line)| (number, line.to_owned())).collect()
}

fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
}

/// `src/persist/plan.rs` is in `persist`, `src/id.rs` in `id`.
fn room(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

fn rank(room: &str) -> Option<u8> {
    LADDER.iter().find(|(name, _)| *name == room).map(|(_, rank)| *rank)
}

#[test]
fn a_room_imports_only_from_rooms_below_it() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let Some(room) = room(&path).filter(|room| room != "lib") else { continue };
        let own = rank(&room).unwrap_or_else(|| panic!("{} is in no room of the ladder", path.display()));
        for (number, line) in code(&path) {
            for used in line.split("crate::").skip(1) {
                let name: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if name != room && rank(&name).is_none_or(|rank| rank >= own) {
                    wrong.push(format!("{}:{number}: {room} imports {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_core_names_no_runtime_no_clock_and_no_thread() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")).into_iter().filter(|path| !is_test(path)) {
        for (number, line) in code(&path) {
            for name in FOREIGN.iter().filter(|name| line.contains(**name)) {
                wrong.push(format!("{}:{number}: {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_has_grown_out_of_hand() {
    let folders = ["src", "actors/src", "host/src", "benches/src", "examples/src"];
    let files = folders.iter().flat_map(|folder| sources(&root().join(folder)));
    let long = files.filter(|path| !is_test(path) && !path.iter().any(|part| part == "conformance"));
    let long = long.filter(|path| fs::read_to_string(path).unwrap().lines().count() > LINES_MAX);
    assert_eq!(long.collect::<Vec<_>>(), Vec::<PathBuf>::new());
}

#[test]
fn no_test_sleeps() {
    let banned = ["sleep", "("].concat();
    let folders = ["src", "tests", "actors/src", "host/src", "loom-tests/tests", "loom-tests/shuttle/tests"];
    let mut wrong = Vec::new();
    for path in folders.iter().flat_map(|folder| sources(&root().join(folder))) {
        // A flow's own wait is an entry in a journal.
        let own = [["cx.", &banned].concat(), ["pub fn ", &banned].concat()];
        let waits = code(&path).into_iter().filter(|(_, line)| line.contains(&banned));
        let waits = waits.filter(|(_, line)| !own.iter().any(|own| line.contains(own)));
        // The one place where real time is waited for.
        let waits = waits.filter(|_| !path.ends_with("actors/src/clock.rs"));
        wrong.extend(waits.map(|(number, _)| format!("{}:{number}", path.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
