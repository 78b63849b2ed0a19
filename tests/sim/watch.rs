//! Whoever watches the store: what must be true of it after every step, and of each answer when it is given.

use core::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use boxoffice_core::booking::{
    Auditor, BookingCommand, BookingEvent, BookingOutcome, BookingReply, ChainHash, SeatCount, SeatLedger, Shortage,
    decode, occurrence_of,
};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Backend, Cursor, Seq};
use boxoffice_core::time::Timestamp;
use futures_util::FutureExt;

use crate::count::Count;
use crate::desk::Plan;
use crate::disk::Disk;

/// The bookings of one occurrence as they are durable.
#[derive(Default)]
pub(crate) struct Log {
    auditor: Auditor,
    events: Vec<BookingEvent>,
    /// At place 0 before the first event; so below.
    hashes: Vec<ChainHash>,
    counts: Vec<Count>,
    /// When, in the time of the world.
    written: Vec<i64>,
}

impl Log {
    fn begun() -> Self {
        Self { hashes: vec![ChainHash::default()], counts: vec![Count::default()], written: vec![0], ..Self::default() }
    }
}

pub(crate) struct Watch {
    disk: Arc<Disk>,
    plan: Rc<Plan>,
    seen: RefCell<Seen>,
}

struct Seen {
    cursor: Cursor,
    logs: BTreeMap<OccurrenceId, Log>,
    /// Until when the holds of a cart may last, by its attendee.
    carts: BTreeMap<AttendeeId, Timestamp>,
}

/// A question and when it was put.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) occurrence: OccurrenceId,
    pub(crate) command: BookingCommand,
    pub(crate) since: i64,
    /// Whether a refusal must be true at some instant between question and answer. So it is, but for what an office refuses
    /// without a key that believes to be alone, and is not: another that has ended writes after its end.
    pub(crate) strict: bool,
}

fn place(seq: Seq) -> usize {
    usize::try_from(seq.get()).unwrap()
}

impl Watch {
    pub(crate) fn new(disk: &Arc<Disk>, plan: &Rc<Plan>) -> Rc<Self> {
        let logs = plan.occurrences.iter().map(|occurrence| (occurrence.clone(), Log::begun())).collect();
        let seen = RefCell::new(Seen { cursor: Cursor::START, logs, carts: BTreeMap::new() });
        Rc::new(Self { disk: Arc::clone(disk), plan: Rc::clone(plan), seen })
    }

    pub(crate) fn expect_cart(&self, attendee: &AttendeeId, deadline: Timestamp) {
        self.seen.borrow_mut().carts.insert(attendee.clone(), deadline);
    }

    /// Looks at what is new in the store.
    pub(crate) fn follow(&self, now: i64) {
        let seen = &mut *self.seen.borrow_mut();
        let page = self.disk.inner.read_all(seen.cursor, 1_000).now_or_never().unwrap().unwrap();
        seen.cursor = page.next;
        for recorded in &page.events {
            let Some(occurrence) = occurrence_of(&recorded.stream) else { continue };
            let event = decode(recorded).unwrap();
            let log = seen.logs.get_mut(&occurrence).unwrap();
            if let Err(breach) = log.auditor.check(recorded.seq, recorded.at, &event) {
                panic!("{occurrence} {breach}: {event:?} after {:?}", log.events);
            }
            let mut count = log.counts.last().unwrap().clone();
            if !matches!(event, BookingEvent::HoldLapsed { .. }) {
                count.check_lapsed(recorded.at);
            }
            if let Some(attendee) = count.follow(recorded.at, &event) {
                count.check_given(&attendee);
            }
            check_cart(&seen.carts, recorded.at, &event);
            log.hashes.push(log.hashes.last().unwrap().then(recorded.at, &event));
            log.counts.push(count);
            log.events.push(event);
            log.written.push(now);
            self.check_clash(&seen.logs);
        }
    }

    /// That nobody has seats in two occurrences that overlap, offers that nobody took excepted.
    fn check_clash(&self, logs: &BTreeMap<OccurrenceId, Log>) {
        let clashing = &self.plan.occurrences[..self.plan.clashing];
        let mut where_he_sits: BTreeMap<&AttendeeId, &OccurrenceId> = BTreeMap::new();
        for occurrence in clashing {
            let count = logs[occurrence].counts.last().unwrap();
            for (attendee, _) in count.seats.iter().filter(|(_, taken)| !taken.offered) {
                let other = where_he_sits.insert(attendee, occurrence);
                assert!(other.is_none(), "{attendee} has seats in {occurrence} and {other:?}, which overlap");
            }
        }
    }

    /// Events of an occurrence that are durable.
    pub(crate) fn seq(&self, occurrence: &OccurrenceId) -> Seq {
        Seq::new(self.seen.borrow().logs[occurrence].events.len() as u64)
    }

    /// Who has seats in an occurrence, or wants some.
    pub(crate) fn known(&self, occurrence: &OccurrenceId) -> Vec<AttendeeId> {
        self.seen.borrow().logs[occurrence].counts.last().unwrap().known().cloned().collect()
    }

    /// To whom something is due back in an occurrence.
    pub(crate) fn owed(&self, occurrence: &OccurrenceId) -> Vec<AttendeeId> {
        self.seen.borrow().logs[occurrence].counts.last().unwrap().owed.values().cloned().collect()
    }

    /// An owner says something: that it rests on nothing that is not durable.
    pub(crate) fn check_receipt(&self, occurrence: &OccurrenceId, reply: &BookingReply, now: i64) {
        self.follow(now);
        let log = &self.seen.borrow().logs[occurrence];
        let hash = log.hashes.get(place(reply.seq));
        assert_eq!(hash, Some(&reply.hash), "{reply:?} is not in the store, which has {} events", log.events.len());
    }

    /// The counts that an owner shows without being asked are durable, and right.
    pub(crate) fn check_count(&self, occurrence: &OccurrenceId, shown: &SeatCount) {
        let counted = &self.seen.borrow().logs[occurrence].counts[place(shown.seq)];
        assert_eq!(i64::try_from(shown.held + shown.confirmed).unwrap(), counted.taken(), "{shown:?}");
        let free = if shown.capacity.is_some() { counted.free(None).max(0) } else { 0 };
        assert_eq!(i64::try_from(shown.free).unwrap(), free, "{shown:?}");
        let returns = counted.seats.values().filter_map(|taken| taken.until).map(|(until, _)| until).min();
        assert_eq!(shown.returns, returns, "{shown:?}");
    }

    /// What a ledger shows is durable.
    pub(crate) fn check_look(&self, occurrence: &OccurrenceId, ledger: &SeatLedger) {
        let log = &self.seen.borrow().logs[occurrence];
        let seq = place(ledger.seq());
        assert_eq!(log.hashes.get(seq), Some(&ledger.hash()), "a ledger at seq {seq} is not the store's");
        let count = &log.counts[seq];
        assert_eq!(i64::try_from(ledger.taken()).unwrap(), count.taken(), "seats taken at seq {seq}");
        let mut roster: Vec<_> = ledger.roster().map(|seat| seat.attendee.clone()).collect();
        roster.sort();
        assert!(roster.iter().eq(count.seats.keys()), "{roster:?} at seq {seq}");
        let due: Vec<_> = ledger.refunds_due().map(|refund| (refund.seq.get(), refund.attendee.clone())).collect();
        assert_eq!(due, count.owed.clone().into_iter().collect::<Vec<_>>(), "what is due back at seq {seq}");
    }

    /// An answer arrives: that it is what the store says.
    pub(crate) fn check_answer(&self, asked: &Asked, reply: &BookingReply, now: i64) {
        self.check_receipt(&asked.occurrence, reply, now);
        let log = &self.seen.borrow().logs[&asked.occurrence];
        if reply.outcome.is_accepted() {
            let event = &log.events[place(reply.seq) - 1];
            assert!(says(&asked.command, &reply.outcome, event), "{event:?} is no {reply:?} to {:?}", asked.command);
        }
        if let BookingOutcome::Full(Shortage { pool, free, .. }) = &reply.outcome {
            let seq = place(reply.seq);
            let counted = log.counts[seq].free(pool.as_ref()).max(0);
            assert_eq!(i64::try_from(*free).unwrap(), counted, "{reply:?}");
            // It stood so for a while, and that while is not over before the question.
            let gone = log.written.get(seq + 1).copied().unwrap_or(now);
            assert!(!asked.strict || gone >= asked.since, "{reply:?} was no longer true at {}", asked.since);
        }
    }

    /// Once all is quiet: that nothing is held, and the store shows all that it ever showed.
    pub(crate) fn check_end(&self, abandoned: &[AttendeeId]) {
        let seen = self.seen.borrow();
        for (occurrence, log) in &seen.logs {
            let count = log.counts.last().unwrap();
            for (attendee, taken) in &count.seats {
                assert!(taken.until.is_none(), "{attendee} still holds seats in {occurrence}");
                assert!(!abandoned.contains(attendee), "{attendee} has seats in {occurrence} of a cart that is none");
            }
            let stream = boxoffice_core::booking::booking_stream(occurrence);
            let events = self.disk.inner.read(&stream, Seq::FIRST, usize::MAX).now_or_never().unwrap().unwrap();
            let events: Vec<_> = events.iter().map(|event| decode(event).unwrap()).collect();
            assert_eq!(events, log.events, "{occurrence}");
        }
    }
}

fn check_cart(carts: &BTreeMap<AttendeeId, Timestamp>, at: Timestamp, event: &BookingEvent) {
    if let BookingEvent::SeatHeld { attendee, hold_for, .. } = event
        && let Some(deadline) = carts.get(attendee)
    {
        assert!(
            at + *hold_for <= *deadline.max(&at),
            "a hold of the cart {attendee} outlasts its deadline {deadline:?}"
        );
    }
}

/// Whether an event is what an accepted command came to.
fn says(command: &BookingCommand, outcome: &BookingOutcome, event: &BookingEvent) -> bool {
    use BookingEvent as Event;
    let kind = match outcome {
        BookingOutcome::Booked { .. } | BookingOutcome::Approved { .. } => matches!(event, Event::SeatBooked { .. }),
        BookingOutcome::Held { .. } => matches!(event, Event::SeatHeld { .. }),
        BookingOutcome::Confirmed | BookingOutcome::OfferTaken { .. } => matches!(event, Event::HoldConfirmed { .. }),
        BookingOutcome::Reacquired { .. } => matches!(event, Event::SeatReacquired { .. }),
        BookingOutcome::RefundSettled { .. } => matches!(event, Event::RefundSettled { .. }),
        BookingOutcome::Extended { .. } => matches!(event, Event::HoldExtended { .. }),
        BookingOutcome::Released => matches!(event, Event::HoldReleased { .. }),
        BookingOutcome::Cancelled => matches!(event, Event::SeatCancelled { .. }),
        BookingOutcome::Transferred { .. } => matches!(event, Event::SeatTransferred { .. }),
        BookingOutcome::Changed { .. } => matches!(event, Event::PartyChanged { .. }),
        BookingOutcome::Requested => matches!(event, Event::SeatRequested { .. }),
        BookingOutcome::Declined => matches!(event, Event::RequestDeclined { .. }),
        BookingOutcome::Waiting { .. } => matches!(event, Event::WaitJoined { .. }),
        BookingOutcome::LeftWaitlist => matches!(event, Event::WaitLeft { .. }),
        BookingOutcome::Opened => matches!(event, Event::SaleOpened { .. }),
        BookingOutcome::Closed => matches!(event, Event::SaleClosed),
        BookingOutcome::Reopened => matches!(event, Event::SaleReopened),
        BookingOutcome::Resized { .. } => matches!(event, Event::CapacityChanged { .. } | Event::PoolSet { .. }),
        BookingOutcome::Set => {
            matches!(event, Event::SeatsBlocked { .. } | Event::TicketSet { .. } | Event::SettingsChanged { .. })
        }
        _ => false,
    };
    kind && command.attendee().is_none_or(|attendee| event.is_about(attendee))
}
