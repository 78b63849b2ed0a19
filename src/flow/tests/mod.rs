//! Replay, attacked: what a journal and its code must agree on, and what becomes of it if they do not.

mod cancel;
mod cost;
mod edits;
mod foreign;
mod format;
mod golden;
mod laws;
mod patches;
mod polls;
mod reference;
mod retry;
mod runs;
mod signals;

use core::future::Future;
use core::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::journal::Journal;
use super::live::Live;
use super::*;
use crate::persist::{Cursor, NewEvent, Payload, RecordedEvent, Seq};
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

type Ran<T> = Result<T, FlowError>;

/// Version 1 of a program of kind `t`.
fn program<I, O, F, R>(run: F) -> Program
where
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
    F: Fn(FlowCx, I) -> R + Send + Sync + 'static,
    R: Future<Output = Ran<O>> + 'static,
{
    version(1, run)
}

fn version<I, O, F, R>(version: u32, run: F) -> Program
where
    I: DeserializeOwned + 'static,
    O: Serialize + 'static,
    F: Fn(FlowCx, I) -> R + Send + Sync + 'static,
    R: Future<Output = Ran<O>> + 'static,
{
    Program::new("t", version, run).unwrap()
}

/// Names the type of what a flow comes to.
fn ran<T>(run: impl Future<Output = Ran<T>>) -> impl Future<Output = Ran<T>> {
    run
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A flow that was started with nothing.
fn started(program: Program) -> Rehearsal {
    let mut flow = Rehearsal::new(program);
    flow.start(&()).unwrap();
    flow
}

fn why(status: FlowStatus) -> Stuck {
    let FlowStatus::Stuck(why) = status else { panic!("{status:?}") };
    why
}

fn stuck(flow: &Rehearsal) -> Stuck {
    why(flow.status())
}

fn recorded(id: &FlowId, seq: Seq, event: NewEvent) -> RecordedEvent {
    let NewEvent { event_type, at, data } = event;
    RecordedEvent { stream: id.stream(), seq, cursor: Cursor::from_position(seq.get()), event_type, at, data }
}

fn folded(id: &FlowId, events: &[RecordedEvent]) -> Journal {
    let mut journal = Journal::new(id.clone());
    for event in events {
        journal.apply(event).unwrap();
    }
    journal
}

/// A flow without the checks of a rehearsal: each turn is taken once.
struct Raw {
    live: Live,
    programs: Programs,
    events: Vec<RecordedEvent>,
}

impl Raw {
    fn started(program: Program) -> Self {
        let id = FlowId::new(program.kind().clone(), "raw").unwrap();
        let (programs, journal) = (Programs::new().with(program), Journal::new(id));
        let (live, found) = Live::rebuild(journal, &programs, at(0));
        assert!(found.is_empty());
        let mut raw = Self { live, programs, events: Vec::new() };
        let version = raw.live.version(&raw.programs);
        raw.record(FlowEvent::Started { version, input: Payload::new(&()).unwrap(), parent: None });
        raw
    }

    fn record(&mut self, event: FlowEvent) {
        let events = self.live.record(event, &self.programs, at(0));
        self.keep(events);
    }

    fn keep(&mut self, events: Vec<NewEvent>) {
        for event in events {
            let seq = self.events.last().map_or(Seq::FIRST, |last| last.seq.next());
            self.events.push(recorded(self.live.journal.id(), seq, event));
        }
    }

    fn resolve(&mut self, tag: &str, outcome: &impl Serialize) {
        let ask = self.live.asks().into_iter().find(|ask| &*ask.tag == tag).expect("open").name();
        let version = self.live.version(&self.programs);
        self.record(FlowEvent::Resolved { ask, version, outcome: Payload::new(outcome).unwrap() });
    }

    fn signal(&mut self, name: &str, body: &impl Serialize) {
        let (version, body) = (self.live.version(&self.programs), Payload::new(body).unwrap());
        self.record(FlowEvent::Signalled { name: name.into(), version, id: None, body });
    }

    /// The process dies, and another reads what there is.
    fn crash(&mut self) {
        let journal = folded(self.live.journal.id(), &self.events);
        let (live, found) = Live::rebuild(journal, &self.programs, at(0));
        self.live = live;
        self.keep(found);
    }

    fn open(&self) -> Vec<String> {
        self.live.asks().iter().map(|ask| ask.tag.as_ref().to_owned()).collect()
    }

    fn stuck(&self) -> Stuck {
        why(self.live.status())
    }
}
