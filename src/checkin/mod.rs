//! Check-in: signed tickets, and who has come in with them.
//!
//! *What it is.* A [`TicketKey`] signs a [`Ticket`] for each confirmed seat; whoever has the public key can verify it without a
//! network ([`TicketVerifier`], [`TicketRoster`]). Every scan of a genuine ticket at an occurrence is a fact in a stream of its
//! own, refusals included. Folded in order the facts say who is in ([`GateLedger`]). [`decide_scan`] says what a [`Scan`] comes
//! to: whether the ticket is genuine, whether it admits, and only then whether it was used.
//!
//! *Why nobody comes in on a seat that is gone.* The transaction that records a scan demands that the booking stream still
//! stands where the decision saw it. Whoever is second, the scan or the cancellation, sees the first.
//!
//! *Why a scan counts once.* A device names each scan ([`Nonce`](crate::id::Nonce)) and asks again under the same name until it
//! is answered; what was recorded under it before is the answer.
//!
//! *What happened, happened.* Scans made without a network are uploaded later ([`in_order`], [`GateCommand::Record`]) and
//! recorded also where a gate would have refused them: [`ScanReply::conflict`] says so, and who went in is in. A device that
//! decided by itself after an online scan got no answer uploads it under the same nonce: if the answer is a refusal that is
//! not late, somebody went in against it, which is recorded as another scan.
//!
//! *What is absent.* No clock, no randomness: instants and key bytes are arguments. No names, no pictures, no places to sit.
//! What is no genuine ticket is not recorded, so that nobody without a ticket can fill the log; that devices scan within reason
//! is for whoever lets them in.
//!
//! | part | what it does |
//! | --- | --- |
//! | [`Ticket`], [`SignedTicket`], [`TicketKey`], [`TicketVerifier`] | tickets, and how they are written and verified |
//! | [`TicketRoster`] | what a device takes along to where there is no network |
//! | [`decide_scan`], [`decide_late`], [`GateLedger`] | the rules and the state, pure |
//! | [`load_gate`], [`attempt`], [`run`], [`history`] | gates in a store, without an actor |
//! | [`GateAuditor`], [`audit`] | an independent check of a stream, event by event |

mod audit;
mod decide;
mod event;
mod gate;
mod keys;
mod ledger;
mod outcome;
mod roster;
mod scan;
mod settings;
mod ticket;
mod wire;

#[cfg(test)]
mod tests;

pub use audit::{GateAuditor, GateBreach, GateTally};
pub use decide::{GateDecision, decide, decide_late, decide_scan};
pub use event::{GateEvent, Scanned};
pub use gate::{Gate, GateAttempt, attempt, audit, checkin_stream, gate_of, history, load_gate, run};
pub use keys::{KeyId, TicketKey, TicketKeyError, TicketPublicKey, TicketVerifier};
pub use ledger::{GateLedger, GateStatus, Undo};
pub use outcome::{Revocation, ScanOutcome, ScanReply};
pub use roster::TicketRoster;
pub use scan::{Direction, GateCommand, GateReply, LateScan, Scan, ScanRequest, in_order};
pub use settings::GateSettings;
pub use ticket::{SignedTicket, Ticket, TicketError, TicketFlaw, TicketId};
pub use wire::{GateWireError, decode, encode};
