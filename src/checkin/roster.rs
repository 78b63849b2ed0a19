//! What a device takes along to where there is no network.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decide::revocation;
use super::keys::TicketVerifier;
use super::ledger::GateLedger;
use super::outcome::{Revocation, ScanOutcome};
use super::settings::GateSettings;
use super::ticket::SignedTicket;
use crate::booking::{SeatLedger, SeatState, Seats};
use crate::id::{AttendeeId, OccurrenceId};
use crate::persist::Seq;
use crate::time::Timestamp;

/// All tickets of an occurrence that admit, as of an event of its booking stream: so that a device without a network refuses
/// those whose seats were cancelled, transferred or given anew.
///
/// In JSON: `{"occurrence":"chess@20260105T190000","booking":7,"settings":{},"parties":{"ann":[2,1]}}`, for each attendee the
/// receipt of the seats and their number. Some thirty bytes a party; it names attendees, so treat it as personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRoster {
    /// Of which occurrence.
    pub occurrence: OccurrenceId,
    /// Where its booking stream stood.
    pub booking: Seq,
    /// What its gate goes by.
    pub settings: GateSettings,
    /// Confirmed seats: the event that gave them, and how many.
    pub parties: BTreeMap<AttendeeId, (Seq, Seats)>,
}

impl TicketRoster {
    /// The roster of a gate.
    pub fn of(gate: &GateLedger, seats: &SeatLedger) -> Self {
        let confirmed = seats.roster().filter(|seat| seat.state == SeatState::Confirmed);
        let parties = confirmed.map(|seat| (seat.attendee.clone(), (seat.granted, seat.party.seats)));
        Self {
            occurrence: gate.occurrence().clone(),
            booking: seats.seq(),
            settings: *gate.settings(),
            parties: parties.collect(),
        }
    }

    /// What a device without a network can say of somebody who wants in: [`TicketVerifier::verify`], and whether the gate is
    /// open and the seat was still there as of the roster. Whether the ticket was used, the device must know by itself.
    ///
    /// # Errors
    /// The first of the [`ScanOutcome`]s that applies.
    pub fn verify(&self, verifier: &TicketVerifier, text: &str, now: Timestamp) -> Result<SignedTicket, ScanOutcome> {
        let ticket = verifier.verify(text, &self.occurrence, now)?;
        if let Some(shut) = self.settings.shut(now) {
            return Err(shut);
        }
        let why = match self.parties.get(&ticket.attendee) {
            Some((granted, seats)) => revocation(*granted, seats.get(), &ticket),
            None => Some(Revocation::NoSeats),
        };
        why.map_or(Ok(ticket), |why| Err(ScanOutcome::Revoked { why }))
    }
}
