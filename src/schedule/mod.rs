//! Series that are scheduled, moved, split and cancelled; what takes place in a window; bookings left without an
//! occurrence.
//!
//! *What it is.* Every series has one append-only stream of [`SeriesEvent`]s. Folded in order with [`Series::evolve`] they
//! say what the series is and when it happens, now or as of any earlier moment ([`AsOf`]). [`decide`] says what a
//! [`SeriesCommand`] comes to. It may refuse; `evolve` may not.
//!
//! *Why bookings follow.* The bookings of an occurrence are found by its recurrence id, the start that its rule first gave
//! it. Moving never changes that. A new definition may: then the bookings are [`orphans`], listed and never dropped.
//!
//! *What is absent.* No clock: `now` is an argument. No invitations (iTIP), no reminders.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`decide`], [`Series`] | the rules and the state, pure |
//! | [`load_series`], [`run`], [`prepare`] | series in a store, without an actor |
//! | [`agenda`] | what takes place in a window, of many series |
//! | [`orphans`], [`orphaned`] | seats taken of occurrences that do not take place |
//!
//! Of the ranges of a change, "this and following" is two things here: moved or cancelled together, the series stays one
//! rule with an exception from there on (RANGE=THISANDFUTURE, RFC 5545 section 3.2.13); with another rule, it is split
//! into parts under one id.

mod agenda;
mod change;
mod check;
mod command;
mod cut;
mod decide;
mod event;
mod merged;
mod orphans;
mod outcome;
mod series;
mod stream;
mod wire;

#[cfg(test)]
mod tests;

pub use crate::persist::AsOf;
pub use agenda::{Agenda, AgendaEntry, AgendaOptions, Incomplete, agenda};
pub use command::SeriesCommand;
pub use decide::{SeriesDecision, decide};
pub use event::SeriesEvent;
pub use merged::Merged;
pub use orphans::{Orphan, orphaned, orphans, recorded_seat};
pub use outcome::{Flaw, SeriesOutcome, SeriesReply};
pub use series::{Series, Standing};
pub use stream::{
    Prepared, changed_since, changes_stream, history, load_series, prepare, read_from, run, series_ids, series_of,
    series_stream,
};
pub(crate) use wire::split_text;
pub use wire::{Corrupt, encode};
