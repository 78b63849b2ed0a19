//! What the handle offers at the doors.

use core::num::NonZeroU32;

use boxoffice_core::booking::{SeatLedger, SeatState};
use boxoffice_core::checkin::{
    self, GateCommand, GateReply, GateSettings, GateStatus, ScanReply, ScanRequest, Scanned, SignedTicket, Ticket,
    TicketRoster, in_order,
};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Fault, Seq};
use boxoffice_core::time::Timestamp;
use tracing::{Instrument, field};

use super::actor::{COMMANDS_MAX, View};
use crate::error::BoxOfficeError;
use crate::office::BoxOffice;

/// Signatures that are verified before others of the caller's runtime get their turn.
const TURN: usize = 64;

/// What became of a wish for tickets, checked in this order.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketsOutcome {
    /// The box office has no key to sign with: see [`Builder::checkin`](crate::Builder::checkin).
    NoKey,
    /// The attendee has no seats.
    NotBooked,
    /// The attendee's seats are held, and not confirmed yet.
    NotConfirmed,
    /// One ticket for each seat, in their order.
    Issued(Vec<SignedTicket>),
}

impl BoxOffice {
    /// Signs a ticket for each confirmed seat of an attendee. Nothing is recorded: tickets can be made out again, and all of
    /// a seat let in one person. They are void once the seats are given up or go to somebody else.
    ///
    /// `expires` is the first instant at which they no longer admit; none: they never expire.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use boxoffice::booking::Seats;
    /// use boxoffice::checkin::{CheckinOptions, Direction, ScanOutcome, ScanRequest, TicketKey, TicketsOutcome};
    /// use boxoffice::id::{AttendeeId, DeviceId, Nonce, OccurrenceId};
    /// use boxoffice::time::Timestamp;
    /// use boxoffice::{BoxOffice, persist::MemoryBackend};
    ///
    /// // 32 random bytes, which the host keeps as it keeps other secrets.
    /// let options = CheckinOptions::signing(TicketKey::new([7; 32]));
    /// let office = BoxOffice::builder().store(MemoryBackend::new()).checkin(options).start()?;
    /// let (evening, ann): (OccurrenceId, _) = ("chess@20260105T190000".parse()?, AttendeeId::new("ann")?);
    /// office.open(&evening, Seats::new(1)).await?;
    /// assert!(office.book(&evening, &ann).await?.outcome.is_accepted());
    ///
    /// let TicketsOutcome::Issued(tickets) = office.issue_tickets(&evening, &ann, None).await? else { panic!() };
    /// let scan = ScanRequest {
    ///     ticket: tickets[0].text().to_owned(),
    ///     direction: Direction::Entry,
    ///     device: DeviceId::new("gate-1")?,
    ///     device_at: Timestamp::EPOCH,
    ///     nonce: Nonce::new("1")?,
    /// };
    /// assert_eq!(office.scan(&evening, scan.clone()).await?.outcome, ScanOutcome::Admitted);
    /// // The same scan again, because the answer was lost: the same answer.
    /// assert_eq!(office.scan(&evening, scan).await?.outcome, ScanOutcome::Admitted);
    /// assert_eq!(office.gate_status(&evening).await?.inside, 1);
    /// office.shutdown().await;
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn issue_tickets(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
        expires: Option<Timestamp>,
    ) -> Result<TicketsOutcome, BoxOfficeError> {
        let Some(key) = &self.inner.gatekeeper.options.key else { return Ok(TicketsOutcome::NoKey) };
        let whose = attendee.clone();
        let look = move |ledger: &SeatLedger| ledger.seat_of(&whose).cloned();
        let Some(seat) = self.inspect(occurrence, look).await? else { return Ok(TicketsOutcome::NotBooked) };
        if seat.state != SeatState::Confirmed {
            return Ok(TicketsOutcome::NotConfirmed);
        }
        let issued_at = self.now();
        let sign = |place| {
            let ticket = Ticket::new(occurrence.clone(), attendee.clone(), place, seat.granted, issued_at);
            key.sign(Ticket { expires, ..ticket })
        };
        let places = (1..=seat.party.seats.get()).filter_map(NonZeroU32::new);
        Ok(TicketsOutcome::Issued(places.map(sign).collect()))
    }

    /// Decides a scan at an open door. A scan that was recorded before, by device and nonce, is answered as it was then; so
    /// whoever got no answer asks again.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the gate could not be asked: busy, shut down, or the store failed.
    pub async fn scan(&self, occurrence: &OccurrenceId, scan: ScanRequest) -> Result<ScanReply, BoxOfficeError> {
        let span = tracing::debug_span!("scan", %occurrence, seq = field::Empty, outcome = field::Empty);
        let result = self.scan_one(occurrence, scan).instrument(span.clone()).await;
        match &result {
            Ok(reply) => span.record("seq", reply.seq.get()).record("outcome", reply.outcome.name()),
            Err(error) => span.record("outcome", field::display(error)),
        };
        result
    }

    async fn scan_one(&self, occurrence: &OccurrenceId, scan: ScanRequest) -> Result<ScanReply, BoxOfficeError> {
        let gatekeeper = &self.inner.gatekeeper;
        let scan = match scan.check(&gatekeeper.options.verifier) {
            Ok(scan) => scan,
            Err(refused) => {
                gatekeeper.count_unread();
                return Ok(ScanReply::unread(refused));
            }
        };
        let told = gatekeeper.ask(occurrence, vec![GateCommand::Scan(scan)], View::Nothing).await?;
        scanned(told.replies).pop().ok_or_else(lost)
    }

    /// Records scans that a device made offline: people went through, whether they should have or not. Each is answered in
    /// its place; [`ScanReply::conflict`] says what was not in order. They are recorded in the order in which they happened,
    /// by the device's clock. An upload that comes again changes nothing. What is no genuine ticket is not recorded.
    ///
    /// A thousand are recorded at a time. When it fails in the middle, those before are recorded: upload all of it again.
    ///
    /// # Errors
    /// As [`BoxOffice::scan`].
    pub async fn upload_scans(
        &self,
        occurrence: &OccurrenceId,
        scans: Vec<ScanRequest>,
    ) -> Result<Vec<ScanReply>, BoxOfficeError> {
        let span = tracing::debug_span!("upload", %occurrence, scans = scans.len(), conflicts = field::Empty);
        let replies = self.upload(occurrence, scans).instrument(span.clone()).await?;
        let conflicts = replies.iter().filter(|reply| reply.conflict().is_some()).count();
        span.record("conflicts", conflicts);
        Ok(replies)
    }

    async fn upload(
        &self,
        occurrence: &OccurrenceId,
        scans: Vec<ScanRequest>,
    ) -> Result<Vec<ScanReply>, BoxOfficeError> {
        let gatekeeper = &self.inner.gatekeeper;
        let mut replies: Vec<Option<ScanReply>> = Vec::with_capacity(scans.len());
        let mut genuine = Vec::with_capacity(scans.len());
        for (place, scan) in scans.into_iter().enumerate() {
            if place % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            match scan.check(&gatekeeper.options.verifier) {
                Ok(scan) => {
                    genuine.push((place, scan));
                    replies.push(None);
                }
                Err(refused) => {
                    gatekeeper.count_unread();
                    replies.push(Some(ScanReply::unread(refused)));
                }
            }
        }
        genuine.sort_by_key(|(_, scan)| scan.device_at);
        let (places, scans): (Vec<_>, Vec<_>) = genuine.into_iter().unzip();
        // In order already, so each stays at its place.
        let commands: Vec<_> = in_order(scans).into_iter().map(GateCommand::Record).collect();
        for (places, commands) in places.chunks(COMMANDS_MAX).zip(commands.chunks(COMMANDS_MAX)) {
            let told = gatekeeper.ask(occurrence, commands.to_vec(), View::Nothing).await?;
            for (place, reply) in places.iter().zip(scanned(told.replies)) {
                if let Some(empty) = replies.get_mut(*place) {
                    *empty = Some(reply);
                }
            }
        }
        replies.into_iter().collect::<Option<_>>().ok_or_else(lost)
    }

    /// Changes what a gate goes by, and gives the event that says so.
    ///
    /// # Errors
    /// As [`BoxOffice::scan`].
    pub async fn set_gate(&self, occurrence: &OccurrenceId, settings: GateSettings) -> Result<Seq, BoxOfficeError> {
        let told = self.inner.gatekeeper.ask(occurrence, vec![GateCommand::Set(settings)], View::Nothing).await?;
        let set = told.replies.into_iter().find_map(|reply| match reply {
            GateReply::Set(seq) => Some(seq),
            GateReply::Scanned(_) => None,
        });
        set.ok_or_else(lost)
    }

    /// Who is in, who was refused and why, in numbers, as of all that is recorded.
    ///
    /// # Errors
    /// As [`BoxOffice::scan`].
    pub async fn gate_status(&self, occurrence: &OccurrenceId) -> Result<GateStatus, BoxOfficeError> {
        Ok(self.inner.gatekeeper.ask(occurrence, Vec::new(), View::Status).await?.status)
    }

    /// What a device takes along to where there is no network: all tickets that admit now.
    ///
    /// # Errors
    /// As [`BoxOffice::scan`].
    pub async fn ticket_roster(&self, occurrence: &OccurrenceId) -> Result<TicketRoster, BoxOfficeError> {
        self.inner.gatekeeper.ask(occurrence, Vec::new(), View::Roster).await?.roster.ok_or_else(lost)
    }

    /// All scans of an attendee's tickets, oldest first: as which event each is recorded, when, and what it says.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when the store failed.
    pub async fn scans_of(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<Vec<(Seq, Timestamp, Scanned)>, BoxOfficeError> {
        let backend = self.shared_writer();
        Ok(checkin::history(&backend, occurrence, attendee).await?)
    }
}

fn scanned(replies: Vec<GateReply>) -> Vec<ScanReply> {
    let scanned = replies.into_iter().filter_map(|reply| match reply {
        GateReply::Scanned(reply) => Some(reply),
        GateReply::Set(_) => None,
    });
    scanned.collect()
}

/// Each command has a reply, so this is never seen.
fn lost() -> BoxOfficeError {
    Fault::Unknown { reason: "the gate left a command without an answer".into() }.into()
}
