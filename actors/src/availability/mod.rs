//! Who is free when: the actor that keeps facts and rules, and the way to it.
//!
//! Two desks answer. The light one has a small budget of steps for each question; what is beyond it goes to the heavy
//! one, an actor of the same kind with a fact base and a thread of its own, which is started when it is first needed.
//! So a heavy question costs a light one no more than one small budget, whatever it asks. The other way, a copy of the
//! base for each heavy question, costs as much as the base each time, and the light desk would have to make it.

mod actor;
mod api;
mod door;
mod error;
mod feed;
mod policies;
mod questions;
mod rules;
mod watch;

pub use error::AvailabilityError;
pub use questions::Questions;
pub use rules::RulesOutcome;
pub use watch::{News, RelationWatch};

pub use boxoffice_core::availability::*;

pub(crate) use door::{Desk, Threads};

use core::time::Duration;

use boxoffice_core::datalog::Limits;
use boxoffice_core::persist::Cursor;
use jiff::tz::TimeZone;

/// An answer, and what it rests on.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered<T> {
    /// The answer.
    pub value: T,
    /// All events up to and including this one were taken into account, and no later one.
    pub cursor: Cursor,
}

/// How much an answer must take into account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtLeast {
    /// What is there: everything that was committed when the actor was started, and most likely what came since.
    Now,
    /// Everything that was committed when the question was asked, by whomever: whoever booked before asking finds it.
    #[default]
    Committed,
    /// Everything up to and including this event. The answer waits for it, as long as
    /// [`AvailabilityOptions::patience`] says.
    Cursor(Cursor),
}

/// How availability is worked out: see [`Builder::availability`](crate::Builder::availability).
#[derive(Clone, Debug)]
pub struct AvailabilityOptions {
    /// Days and weeks in rules, and floating times and dates of events, are those of this zone. Default: UTC.
    pub zone: TimeZone,
    /// Further rules that come with the box office. Default: none.
    pub packs: Vec<Pack>,
    /// What a question may cost that others wait for. Default: 200,000 steps, some milliseconds.
    pub light: Limits,
    /// What a question may cost that is beyond the light limits. Default: those of [`Limits`].
    pub heavy: Limits,
    /// How long an answer may wait for the events that it is to rest on. Default: 10 seconds, looked at every second.
    pub patience: Duration,
    /// News that a watcher of a relation may leave unread before it has to begin anew. Default: 1,024.
    pub unread_max: usize,
    /// After how many events the facts are saved, so that the next start goes on from there. More facts than that are
    /// saved only after as many events as there are facts. Default: 10,000.
    pub snapshot_every: u64,
}

impl Default for AvailabilityOptions {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            packs: Vec::new(),
            light: Limits { steps: 200_000, ..Limits::default() },
            heavy: Limits::default(),
            patience: Duration::from_secs(10),
            unread_max: 1_024,
            snapshot_every: 10_000,
        }
    }
}
