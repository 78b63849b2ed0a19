//! One occurrence's seats: who holds which, who gets the next, and why not.
//!
//! *What it is.* Every occurrence has one append-only stream of [`BookingEvent`]s. Folded in order with
//! [`SeatLedger::evolve`] they give the roster: everybody who holds a seat, held or confirmed, in join order.
//! [`decide`] says what a [`BookingCommand`] comes to. It may refuse; `evolve` may not.
//!
//! *Why a seat is never sold twice.* A decision is made against a ledger as of a sequence number, and its events are
//! appended only if the stream still stands there ([`Expect::At`](crate::persist::Expect::At)). Whoever comes second
//! gets a conflict, reads the tail and decides again.
//!
//! *What is absent.* No clock: `now` is an argument, and a stream never moves backwards in time. No money, no names.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`decide`], [`SeatLedger`] | the rules and the state, pure |
//! | [`observe`], [`attempt`], [`run`] | one command against a store, without an actor |
//! | [`SeatCount`], [`SeatsLeft`] | seats in numbers, as of a sequence number |
//! | [`Party`], [`Settings`], [`Waitlist`] | how many seats of which kind; what a sale goes by; who is served next |
//! | [`BookingCommand::SetSection`], [`SeatLedger::whose`] | seats with names, of a [`SeatMap`](crate::seating::SeatMap): the best that are free, or those asked for |
//! | [`Verdict`], [`Grounds`], [`agenda`] | policies: what is looked at beyond the ledger |
//! | [`ChainHash`], [`history`], [`observe_as_of`] | receipts, and what was when |
//! | [`Refund`], [`SeatLedger::refunds_due`] | what was paid too late and is due back, until it is settled |
//! | [`alarms`] | when an occurrence is to be looked at though nobody asks |
//! | [`recall`] | answers that are kept under the caller's key |
//! | [`Owner`] | many commands, batched: the pure half of the owning actor |
//! | [`Auditor`] | an independent check of a stream, event by event |
//!
//! ```
//! use boxoffice_core::booking::{BookingCommand, BookingOutcome, Seats, SeatLedger, decide};
//! use boxoffice_core::id::AttendeeId;
//! use boxoffice_core::time::Timestamp;
//!
//! let now = Timestamp::EPOCH;
//! let mut ledger = SeatLedger::new();
//! let mut tell = |command| {
//!     let decision = decide(&ledger, &command, now);
//!     for event in &decision.events {
//!         ledger.evolve(now, event);
//!     }
//!     decision.outcome
//! };
//! let book = |name| AttendeeId::new(name).map(BookingCommand::book);
//!
//! assert_eq!(tell(BookingCommand::Open { capacity: Seats::new(1) }), BookingOutcome::Opened);
//! assert_eq!(tell(book("ann")?), BookingOutcome::Booked { seat: 1 });
//! assert!(matches!(tell(book("bob")?), BookingOutcome::Full(_)));
//! # Ok::<(), boxoffice_core::id::IdError>(())
//! ```

mod alarm;
mod answers;
mod attempt;
mod audit;
mod audit_lapses;
mod audit_places;
mod chain;
mod command;
mod count;
mod decide;
mod event;
mod evolve;
mod grounds;
mod hall;
mod house;
mod joined;
mod ledger;
mod line;
mod named;
mod outcome;
mod owner;
mod party;
mod places;
mod ranks;
mod refunds;
mod reply;
mod rules;
mod settings;
mod snapshot;
mod wire;

#[cfg(test)]
mod tests;

pub use alarm::alarms;
pub use answers::recall;
#[cfg(feature = "checkin")]
pub(crate) use attempt::catch_up;
pub use attempt::{
    Happened, attempt, booking_stream, history, load_ledger, observe, observe_as_of, occurrence_of, run, save_ledger,
};
pub use audit::{Auditor, Breach, Tally};
pub use chain::{ChainHash, HashError};
pub use command::{Below, BookingCommand, HoldTerm};
pub use count::{SeatCount, SeatsLeft};
pub use decide::{Decision, decide};
pub use event::BookingEvent;
pub use grounds::{Grounds, Terms, Verdict, agenda, agenda_stream};
pub use house::Shortage;
pub use ledger::{Seat, SeatLedger, SeatState, Undo};
pub use line::Waiter;
pub use outcome::BookingOutcome;
pub use owner::{Clash, Owner, Submission, Submitted};
pub use party::{Party, Seats};
pub use refunds::Refund;
pub use reply::BookingReply;
pub use settings::{Settings, Waitlist};
pub use snapshot::SavedLedger;
pub use wire::{WireError, decode, encode};
