//! Who is measured beside us. What is not installed is left out, with a line that says how to install it.

use std::path::Path;
use std::time::{Duration, Instant};

use super::cases::{self, Case};
use super::crates::{self, Expand};
use super::programs::{Answers, Program};
use super::timing::{Answer, hash, measure};
use crate::Result;

/// One library, and how it is used.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    version: String,
    kind: Kind,
}

enum Kind {
    Crate(fn(&Case) -> Result<Expand>),
    Program(Program),
}

/// Looks for it, and says how to install it if it is not there.
fn found(found: Option<(Program, String)>, name: &'static str, how: &str) -> Option<Peer> {
    if found.is_none() {
        println!("\n{name} is left out: {how}");
    }
    found.map(|(program, version)| Peer { name, version, kind: Kind::Program(program) })
}

impl Peer {
    /// All that are here.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>> {
        let of = |name, version: &str, load| Self { name, version: version.to_owned(), kind: Kind::Crate(load) };
        let mut peers = vec![of("rrule", "0.14.0", crates::rrule), of("calcard", "0.3.14", crates::calcard)];
        let libical = found(Program::libical(folder), "libical", "apt-get install libical-dev (and a C compiler, cc)");
        for (name, mode) in [("libical", "walk"), ("libical, set_start", "start")] {
            let Some(Self { kind: Kind::Program(program), version, .. }) = &libical else { break };
            peers.push(Self { name, version: version.clone(), kind: Kind::Program(program.clone().mode(mode)) });
        }
        peers.extend(found(Program::dateutil(), "dateutil", "pip install python-dateutil==2.9.0.post0"));
        peers.extend(found(Program::rrulejs(), "rrule.js", "npm install -g rrule@2.8.1"));
        Ok(peers)
    }

    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.name, self.version)
    }

    /// Whether it runs in this process.
    pub(crate) fn is_crate(&self) -> bool {
        matches!(self.kind, Kind::Crate(_))
    }

    /// Each case, as often as a tenth of a second has room for.
    pub(crate) fn answers(&self, folder: &Path, name: &str, cases: &[Case]) -> Result<Answers> {
        match &self.kind {
            Kind::Crate(load) => {
                let answer = |case: &Case| load(case).and_then(measure).map_err(|error| error.to_string());
                Ok(cases.iter().map(|case| (case.id.clone(), answer(case))).collect())
            }
            Kind::Program(program) => program.recurrence(&cases::write(folder, name, cases)?),
        }
    }

    /// How many of the series it merged within `budget`, and what came out. A hash of 0 is none.
    pub(crate) fn merge(&self, folder: &Path, cases: &[Case], budget: Duration) -> Result<(usize, Answer)> {
        match &self.kind {
            Kind::Crate(load) => merge(*load, cases, budget),
            Kind::Program(program) => program.merge(&cases::write(folder, "merge", cases)?, budget.as_millis() as u64),
        }
    }
}

/// Reading a rule is not timed, so each is read just before its turn.
fn merge(load: fn(&Case) -> Result<Expand>, cases: &[Case], budget: Duration) -> Result<(usize, Answer)> {
    for case in cases.iter().take(25) {
        load(case)?()?;
    }
    let (mut found, mut spent, mut done) = (Vec::new(), Duration::ZERO, 0);
    for (number, case) in cases.iter().enumerate() {
        if spent >= budget {
            break;
        }
        let mut expand = load(case)?;
        let began = Instant::now();
        found.extend(expand()?.into_iter().map(|start| (start, number)));
        spent += began.elapsed();
        done += 1;
    }
    let began = Instant::now();
    found.sort_unstable();
    let ns = (spent + began.elapsed()).as_nanos() as f64;
    Ok((done, Answer { count: found.len(), hash: hash(found.iter().map(|(start, _)| *start)), ns }))
}
