//! Follows what is committed, and starts what it asks for before it moves on: at least once, and by the names of flows once.

use core::panic::AssertUnwindSafe;
use core::time::Duration;
use std::sync::Arc;

use boxoffice_core::booking::{BookingEvent, Party, SeatState, decode, occurrence_of};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::notify::flows::{HoldAsk, LapseInput, SeriesChangeInput, lapse_flow, series_change_flow};
use boxoffice_core::notify::{Happening, NoticeKind, OfferFacts, Reader, Thread};
use boxoffice_core::persist::{EventType, Payload, RecordedEvent, Selection, Seq, StoreError};
use boxoffice_core::schedule::series_of;
use boxoffice_core::time::Timestamp;
use futures_util::future::{Either, select};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;

use super::house::House;
use super::tell::{Word, cancellation, confirmation, id_of, seats_of};
use crate::stats::Counters;

/// The name of the subscription.
pub(super) const NAME: &str = "notify";
/// Events that are dealt with before the place in the log moves on.
const PAGE: usize = 256;
/// Events that are dealt with at the same time.
const AT_ONCE: usize = 32;
/// When to try again after a failure.
const REST: Duration = Duration::from_secs(1);

/// The events that mean something here.
const TYPES: [&str; 22] = [
    "booking.seat_booked.v1",
    "booking.seat_booked.v2",
    "booking.seat_booked.v3",
    "booking.seat_held.v1",
    "booking.seat_held.v2",
    "booking.seat_held.v3",
    "booking.hold_extended.v1",
    "booking.hold_confirmed.v1",
    "booking.hold_released.v1",
    "booking.hold_lapsed.v1",
    "booking.seat_reacquired.v1",
    "booking.seat_reacquired.v2",
    "booking.seat_cancelled.v1",
    "booking.seat_transferred.v1",
    "booking.seat_offered.v1",
    "booking.seat_offered.v2",
    "schedule.series_scheduled.v1",
    "schedule.series_redefined.v1",
    "schedule.occurrence_moved.v1",
    "schedule.series_split.v1",
    "schedule.occurrence_cancelled.v1",
    "schedule.occurrence_reinstated.v1",
];
const SERIES_CANCELLED: &str = "schedule.series_cancelled.v1";

pub(super) fn selection() -> Selection {
    let types = TYPES.into_iter().chain([SERIES_CANCELLED]).filter_map(|name| EventType::new(name).ok());
    types.fold(Selection::all(), Selection::event_type)
}

/// Listens until it is told to stop or the box office is shut down. Begins again after a failure.
pub(super) async fn listen(house: Arc<House>, mut stop: watch::Receiver<bool>) {
    loop {
        let following = Box::pin(AssertUnwindSafe(follow(&house)).catch_unwind());
        let stopped = Box::pin(async { stop.wait_for(|stop| *stop).await.map(drop) });
        match select(following, stopped).await {
            Either::Left((Ok(Ok(())), _)) | Either::Right(_) => return,
            Either::Left((Ok(Err(error)), _)) => tracing::error!(%error, "the notifier begins again"),
            Either::Left((Err(_), _)) => tracing::error!("the notifier panicked, and begins again"),
        }
        Counters::add(&house.counters.notifier_failures);
        let stopped = Box::pin(stop.wait_for(|stop| *stop));
        if let Either::Right(_) = select(house.clock.sleep_until(house.now() + REST), stopped).await {
            return;
        }
    }
}

async fn follow(house: &House) -> Result<(), StoreError> {
    let mut news = house.office.subscribe(NAME, selection()).await?;
    while let Some(delivery) = news.next(PAGE).await? {
        futures_util::stream::iter(&delivery.events)
            .for_each_concurrent(AT_ONCE, async |event| {
                if let Err(reason) = house.hear(event).await {
                    // One event that means nothing must not keep all others from being heard.
                    tracing::error!(stream = %event.stream, seq = %event.seq, reason, "an event was passed over");
                    Counters::add(&house.counters.notifier_passed_over);
                }
            })
            .await;
        // Overtaken by another of the same name: deliveries go on from there.
        let advance = news.acknowledge(&delivery).await?;
        tracing::trace!(?advance, events = delivery.events.len(), "heard");
    }
    Ok(())
}

/// An event of an occurrence.
struct Heard<'a> {
    occurrence: OccurrenceId,
    seq: Seq,
    at: Timestamp,
    /// Whether people are told of it, or it was too long ago.
    fresh: bool,
    event: &'a BookingEvent,
}

impl House {
    async fn hear(&self, event: &RecordedEvent) -> Result<(), String> {
        let fresh = event.at + self.options.stale_after > self.now();
        if let Some(series) = series_of(&event.stream) {
            let seq = event.seq.get();
            let flow = series_change_flow(&series, seq).map_err(|error| error.to_string())?;
            let input = SeriesChangeInput { series, seq, tell: fresh, after: None, told: 0 };
            return self.start(&flow, &input).await.map(drop);
        }
        let Some(occurrence) = occurrence_of(&event.stream) else { return Ok(()) };
        let decoded = decode(event).map_err(|error| error.to_string())?;
        self.heard(Heard { occurrence, seq: event.seq, at: event.at, fresh, event: &decoded }).await
    }

    async fn heard(&self, heard: Heard<'_>) -> Result<(), String> {
        match heard.event {
            BookingEvent::SeatBooked { attendee, party } | BookingEvent::SeatReacquired { attendee, party } => {
                self.confirmed(&heard, attendee, Some(party.clone())).await
            }
            BookingEvent::HoldConfirmed { attendee } => {
                self.settle(&heard, attendee).await?;
                self.confirmed(&heard, attendee, None).await
            }
            BookingEvent::SeatTransferred { from, to } => {
                self.settle(&heard, from).await?;
                self.gone(&heard, from).await?;
                self.confirmed(&heard, to, None).await
            }
            BookingEvent::SeatHeld { attendee, hold_for, .. } => {
                self.warn_of_lapse(&heard, attendee, heard.at + *hold_for).await
            }
            BookingEvent::SeatOffered { attendee, hold_for, .. } => {
                let deadline = heard.at + *hold_for;
                self.warn_of_lapse(&heard, attendee, deadline).await?;
                self.offered(&heard, attendee, deadline).await
            }
            BookingEvent::HoldExtended { attendee, .. } => {
                let seat = self.seat(&heard.occurrence, attendee).await?;
                match seat {
                    Some(seat) => self.wake_hold(&heard, attendee, seat.granted.get()).await,
                    None => Ok(()),
                }
            }
            BookingEvent::HoldReleased { attendee } => self.settle(&heard, attendee).await,
            BookingEvent::HoldLapsed { attendee } | BookingEvent::SeatCancelled { attendee } => {
                self.settle(&heard, attendee).await?;
                self.gone(&heard, attendee).await
            }
            BookingEvent::SaleOpened { .. }
            | BookingEvent::SaleClosed
            | BookingEvent::SaleReopened
            | BookingEvent::CapacityChanged { .. }
            | BookingEvent::SeatsBlocked { .. }
            | BookingEvent::PoolSet { .. }
            | BookingEvent::TicketSet { .. }
            | BookingEvent::SettingsChanged { .. }
            | BookingEvent::SectionSet { .. }
            | BookingEvent::SectionRemoved { .. }
            | BookingEvent::PlacesBlocked { .. }
            | BookingEvent::PlacesUnblocked { .. }
            | BookingEvent::RefundDue { .. }
            | BookingEvent::RefundSettled { .. }
            | BookingEvent::PartyChanged { .. }
            | BookingEvent::SeatRequested { .. }
            | BookingEvent::RequestDeclined { .. }
            | BookingEvent::WaitJoined { .. }
            | BookingEvent::WaitLeft { .. }
            | BookingEvent::WaiterPassedOver { .. } => Ok(()),
        }
    }

    /// Somebody has seats for good: says so, and sees that they are reminded. Without a party, if they still have them.
    async fn confirmed(&self, heard: &Heard<'_>, who: &AttendeeId, party: Option<Party>) -> Result<(), String> {
        let Some(found) = self.happening(&heard.occurrence).await?.filter(|found| !found.is_cancelled()) else {
            return Ok(());
        };
        self.arm(&found).await?;
        let party = match party {
            Some(party) => Some(party),
            None => {
                let seat = self.seat(&heard.occurrence, who).await?;
                seat.filter(|seat| seat.state == SeatState::Confirmed).map(|seat| seat.party)
            }
        };
        match party.filter(|_| self.is_news(heard, &found)) {
            Some(party) => self.say(confirmation(&found, (&heard.seq.to_string(), heard.at), who, &party)?).await,
            None => Ok(()),
        }
    }

    /// Somebody has no seats any more. Where the occurrence is cancelled too, they hear of that once.
    async fn gone(&self, heard: &Heard<'_>, who: &AttendeeId) -> Result<(), String> {
        let Some(found) = self.happening(&heard.occurrence).await? else { return Ok(()) };
        if !self.is_news(heard, &found) {
            return Ok(());
        }
        let takes_place = !found.is_cancelled();
        let moment = if takes_place { heard.seq.to_string() } else { format!("r{}", found.revision()) };
        self.say(cancellation(&found, (&moment, heard.at), who, takes_place)?).await
    }

    /// Whether what was heard is worth saying: it is not long ago, and what it is about is not over.
    fn is_news(&self, heard: &Heard<'_>, found: &Happening) -> bool {
        if !heard.fresh {
            Counters::add(&self.counters.notices_stale);
        }
        heard.fresh && found.window().end > self.now()
    }

    async fn say(&self, word: Word) -> Result<(), String> {
        self.tell(word).await.map(drop)
    }

    /// Seats are held: sees that their holder hears of it before they lapse.
    async fn warn_of_lapse(&self, heard: &Heard<'_>, who: &AttendeeId, deadline: Timestamp) -> Result<(), String> {
        let granted = heard.seq.get();
        self.remember_hold((heard.occurrence.clone(), who.clone()), granted);
        if deadline <= self.now() {
            return Ok(());
        }
        let hold = HoldAsk { occurrence: heard.occurrence.clone(), attendee: who.clone(), granted };
        let flow = lapse_flow(&hold).map_err(|error| error.to_string())?;
        let lead = u64::try_from(self.options.hold_lead.as_millis()).unwrap_or(u64::MAX);
        self.start(&flow, &LapseInput { hold, lead }).await.map(drop)
    }

    /// A hold was confirmed or given up. What is not remembered finds out when it wakes.
    async fn settle(&self, heard: &Heard<'_>, who: &AttendeeId) -> Result<(), String> {
        match self.forget_hold(&(heard.occurrence.clone(), who.clone())) {
            Some(granted) => self.wake_hold(heard, who, granted).await,
            None => Ok(()),
        }
    }

    async fn wake_hold(&self, heard: &Heard<'_>, who: &AttendeeId, granted: u64) -> Result<(), String> {
        let hold = HoldAsk { occurrence: heard.occurrence.clone(), attendee: who.clone(), granted };
        let flow = lapse_flow(&hold).map_err(|error| error.to_string())?;
        self.look_again(&flow, &format!("event {}", heard.seq)).await.map(drop)
    }

    async fn offered(&self, heard: &Heard<'_>, who: &AttendeeId, deadline: Timestamp) -> Result<(), String> {
        let found = self.happening(&heard.occurrence).await?;
        let seat = self.seat(&heard.occurrence, who).await?.filter(|seat| seat.granted == heard.seq);
        let (Some(found), Some(seat)) = (found, seat) else { return Ok(()) };
        if !self.is_news(heard, &found) || deadline <= self.now() {
            return Ok(());
        }
        let (seats, places) = seats_of(&seat.party);
        let (reader, event) = (Reader::default(), found.facts());
        let facts = OfferFacts { reader, event, seats, places, deadline, position: None };
        self.say(Word {
            kind: NoticeKind::Offer,
            id: id_of("offer", &heard.occurrence, &heard.seq.to_string(), who)?,
            to: who.clone(),
            facts: Payload::new(&facts).map_err(|error| error.to_string())?,
            until: Some(deadline),
            thread: Thread::of(&heard.occurrence, heard.at).passing(),
            entry: None,
        })
        .await
    }
}
