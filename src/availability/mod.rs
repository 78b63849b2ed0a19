//! Who is free when, what overlaps, who may book what: by rules, over facts that follow the log.
//!
//! *What it is.* An [`Availability`] takes in the recorded events of a store in commit order and keeps facts of them: which
//! occurrences take place when, who has a seat of which, how many seats there are. What follows is said by rules in the
//! language of [`datalog`](crate::datalog): those that are built in, optional [`Pack`]s, and rulesets of the host, which
//! are recorded like everything else.
//!
//! *What it is not.* It has no clock and no store. It never decides about a seat: that is done by the occurrence's own
//! stream ([`booking`](crate::booking)), which asks it where the definition of the occurrence names policies. What it says is
//! as of [`Availability::cursor`].
//!
//! Spans are half-open: two that only touch do not overlap. Held seats count like confirmed ones.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`Availability::apply`] | takes in events, and says what changed |
//! | [`Availability::is_free`], [`Availability::next_free`], ... | typed questions |
//! | [`Availability::clashes`] | what of an attendee's overlaps an occurrence |
//! | [`Availability::forbidden`] | what the policies of a definition forbid: asked before a seat is given |
//! | [`Availability::ask`] | any question in the language of the rules |
//! | [`decide`], [`encode`] | what a host does to the rules and to its own facts, as recorded events |
//! | [`Availability::check_rules`], [`Availability::diff`] | what a ruleset would do, before it is put |
//! | [`Availability::snapshot`] | saved, so that the log is not read again |
//!
//! ```
//! use boxoffice_core::availability::{Availability, Options};
//! use boxoffice_core::booking::{self, BookingCommand, Seats};
//! use boxoffice_core::calendar::{CalendarEvent, Frame, Length};
//! use boxoffice_core::id::{AttendeeId, SeriesId};
//! use boxoffice_core::persist::{Backend, Cursor, MemoryBackend};
//! use boxoffice_core::schedule::{self, SeriesCommand};
//! use boxoffice_core::time::{Timestamp, Window};
//! use core::time::Duration;
//! use jiff::{ToSpan, civil::date};
//!
//! # futures_util::FutureExt::now_or_never(async {
//! let (store, now) = (MemoryBackend::new(), Timestamp::EPOCH);
//! let start = date(2026, 12, 7).at(19, 0, 0, 0);
//! let chess = CalendarEvent::new(SeriesId::new("chess")?, "Chess", start, Frame::Utc, Length::exact(3.hours())?);
//! schedule::run(&store, &SeriesId::new("chess")?, &SeriesCommand::schedule(chess), now).await?;
//! let evening = "chess@20261207T190000Z".parse()?;
//! let ann = AttendeeId::new("ann")?;
//! booking::run(&store, &evening, &BookingCommand::Open { capacity: Seats::new(20) }, now).await?;
//! booking::run(&store, &evening, &BookingCommand::book(ann.clone()), now).await?;
//!
//! let mut availability = Availability::new(Options::default())?;
//! availability.apply(&store.read_all(Cursor::START, 100).await?.events)?;
//!
//! let at = |hour: i64| Timestamp::from_millis(1_796_601_600_000 + hour * 3_600_000);
//! assert!(!availability.is_free(&ann, Window::new(at(20), at(21)))?);
//! assert!(availability.is_free(&ann, Window::new(at(18), at(19)))?);
//! let hour = Duration::from_secs(3_600);
//! assert_eq!(availability.next_free(&ann, Window::new(at(19), at(24)), hour)?, Some(at(22)));
//! assert_eq!(availability.may_book(&ann, &evening, now)?, ["has a seat"]);
//! let table = availability.ask("seats_left(o, n)")?;
//! assert_eq!(table.rows, [["chess@20261207T190000Z".into(), 19.into()]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap().unwrap();
//! ```

mod command;
mod desk;
mod error;
mod functions;
mod kept;
mod log;
mod options;
mod questions;
mod snapshot;
#[cfg(test)]
mod tests;
mod wire;

use crate::datalog::{Diagnostic, Functions};
use crate::id::OccurrenceId;
use crate::persist::{Cursor, RecordedEvent, Seq};

pub use command::{RULESET_NAME_MAX, RULESET_TEXT_MAX, RulesCommand, RulesRefusal, decide};
pub use error::{ApplyError, AskError, RulesError};
pub use kept::{Delta, Row};
pub use log::HostFact;
pub use options::{Options, Pack};
pub use questions::{Table, WhyBusy};
pub use snapshot::Snapshot;
pub use wire::{RulesEvent, encode, rules_stream};

use kept::Kept;
use log::{Log, Place, Staged};

/// The facts about time and seats, the rules, and what follows.
#[derive(Debug)]
pub struct Availability {
    options: Options,
    functions: Functions,
    kept: Kept,
    log: Log,
}

impl Availability {
    /// One that has taken in no event.
    ///
    /// # Errors
    /// [`RulesError`] when a pack does not fit beside the others.
    pub fn new(options: Options) -> Result<Self, RulesError> {
        let functions = functions::functions(&options.zone);
        let log = Log::default();
        let kept = Kept::new(&options, &functions, &log.rulesets, |_| Ok(Vec::new()))?;
        Ok(Self { options, functions, kept, log })
    }

    /// Takes in committed events of any stream, in commit order, and says what changed of facts and of what is kept.
    /// Events that say nothing about availability are passed over, and so are those that were taken in before.
    ///
    /// # Errors
    /// [`ApplyError`] when one cannot be read, or what follows cannot be worked out within the limits. Nothing was
    /// changed then. Rules of the host that fail over new facts can be mended by a later event, if it is handed in together
    /// with these: only the rules that hold at the end are looked at.
    pub fn apply(&mut self, events: &[RecordedEvent]) -> Result<Delta, ApplyError> {
        let mut staged = Staged::new(&self.kept, &self.log);
        for recorded in events {
            staged.hear(recorded)?;
        }
        let (changes, effects) = staged.finish(&self.options.zone);
        let rulesets = effects.rulesets.as_ref().filter(|rulesets| **rulesets != self.log.rulesets);
        let mut other = rulesets.map(|rulesets| self.with_rulesets(rulesets)).transpose()?;
        let kept = other.as_mut().unwrap_or(&mut self.kept);
        let program = kept.engine.program();
        let mut fitted = log::fitted(program, changes)?;
        fitted.extend(effects.host_changes(&self.log, program));
        let delta = kept.engine.apply(&fitted)?;
        let mut delta = Delta::named(delta, kept.engine.program());
        if let Some(mut other) = other {
            let rules = Delta::between(&self.kept.derived(false)?, &other.derived(false)?);
            delta.follow(&rules, other.engine.program());
            self.kept = other;
        }
        effects.settle(&mut self.log);
        Ok(delta)
    }

    /// All events up to and including it are in.
    pub fn cursor(&self) -> Cursor {
        self.log.cursor
    }

    /// The last event taken in of [`rules_stream`].
    pub fn rules_seq(&self) -> Seq {
        self.log.rules_seq
    }

    /// What it was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// Occurrences with a booking stream whose place is not known, because the rule of their series takes too many steps.
    /// Nobody is busy with them.
    pub fn unsure(&self) -> Vec<OccurrenceId> {
        let known = self.log.touched.iter().flat_map(|(series, known)| known.iter().map(move |entry| (series, entry)));
        let unsure = known.filter(|(_, (_, place))| **place == Place::Unsure);
        unsure.map(|(series, (recurrence, _))| OccurrenceId::new(series.clone(), *recurrence)).collect()
    }

    /// The rulesets of the host: name and text, by name.
    pub fn rulesets(&self) -> Vec<(String, String)> {
        let owned = |text: &str| text.to_owned();
        self.log.rulesets.iter().map(|(name, text)| (owned(name), owned(text))).collect()
    }

    /// The facts of the host, those included that no relation takes at present.
    pub fn host_facts(&self) -> impl Iterator<Item = &HostFact> {
        self.log.host.iter()
    }

    /// What a ruleset of that name and text would give: warnings about it. Nothing is changed.
    ///
    /// # Errors
    /// What would be wrong, in it or in others that rest on it.
    pub fn check_rules(&self, name: &str, text: &str) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let mut rulesets = self.log.rulesets.clone();
        rulesets.insert(name.into(), text.into());
        let (_, mut warnings) = kept::program(&self.options, &self.functions, &rulesets)?;
        warnings.retain(|warning| &*warning.source == name);
        Ok(warnings)
    }

    /// What would be added and what would be gone, of all relations that rules give and that have a list of their rows, if
    /// a ruleset had this text; or were removed, if there is none. Nothing is changed.
    ///
    /// # Errors
    /// [`AskError`] when the text is wrong or takes more than the limits allow.
    pub fn diff(&mut self, name: &str, text: Option<&str>) -> Result<Delta, AskError> {
        let mut rulesets = self.log.rulesets.clone();
        match text {
            Some(text) => rulesets.insert(name.into(), text.into()),
            None => rulesets.remove(name),
        };
        let mut other = self.with_rulesets(&rulesets)?;
        Ok(Delta::between(&self.kept.derived(true)?, &other.derived(true)?))
    }

    fn with_rulesets_as_recorded(&self) -> Result<Kept, RulesError> {
        self.with_rulesets(&self.log.rulesets)
    }
}
