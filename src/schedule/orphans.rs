//! Bookings whose occurrence is gone: they are listed, never dropped.

use super::series::{Series, Standing};
use super::stream::streams_with;
use crate::booking::{Seat, SeatState, booking_stream, load_ledger, occurrence_of};
use crate::id::{AttendeeId, OccurrenceId, RecurrenceId, SeriesId};
use crate::persist::{Backend, Fault, Seq};
use crate::time::Timestamp;

/// Seats taken of an occurrence that does not take place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Which occurrence.
    pub occurrence: OccurrenceId,
    /// Why it does not take place: it is cancelled, the series no longer has it, or nobody can say.
    pub standing: Standing,
    /// Who has a seat, held or confirmed, in join order.
    pub seats: Vec<Seat>,
}

/// The occurrences of a series that have a booking stream.
async fn booked(backend: &dyn Backend, id: &SeriesId) -> Result<Vec<OccurrenceId>, Fault> {
    let names = streams_with(backend, &format!("booking:{id}@")).await?;
    // Another series may have an id that begins with this one and an @.
    Ok(names.iter().filter_map(occurrence_of).filter(|occurrence| occurrence.series() == id).collect())
}

/// The seats taken of an occurrence at `now`. A hold whose time is up is none.
async fn seats(backend: &dyn Backend, occurrence: &OccurrenceId, now: Timestamp) -> Result<Vec<Seat>, Fault> {
    let (ledger, _) = load_ledger(backend, occurrence).await?;
    Ok(ledger.roster().filter(|seat| counts(seat.state, now)).cloned().collect())
}

fn counts(state: SeatState, now: Timestamp) -> bool {
    !matches!(state, SeatState::Held { until } if until <= now)
}

/// The state of an attendee's seat at `now`, as it is recorded. An occurrence that nobody ever booked costs one look.
///
/// # Errors
/// [`Fault`] when storage failed or an event is not readable.
pub async fn recorded_seat(
    backend: &dyn Backend,
    occurrence: &OccurrenceId,
    attendee: &AttendeeId,
    now: Timestamp,
) -> Result<Option<SeatState>, Fault> {
    if backend.head(&booking_stream(occurrence)).await?.last == Seq::UNWRITTEN {
        return Ok(None);
    }
    let (ledger, _) = load_ledger(backend, occurrence).await?;
    Ok(ledger.seat_state(attendee).filter(|state| counts(*state, now)))
}

/// All bookings of a series whose occurrence does not take place. None for a series that was never scheduled: its
/// occurrences are known to nobody here.
///
/// # Errors
/// [`Fault`] when storage failed or an event is not readable.
pub async fn orphans(backend: &dyn Backend, series: &Series, now: Timestamp) -> Result<Vec<Orphan>, Fault> {
    let Some(id) = series.id() else { return Ok(Vec::new()) };
    gather(backend, id, now, |recurrence| series.standing(recurrence)).await
}

/// Bookings that a change took the occurrence from: it took place before, and does not after.
///
/// # Errors
/// [`Fault`] when storage failed or an event is not readable.
pub async fn orphaned(
    backend: &dyn Backend,
    before: &Series,
    after: &Series,
    now: Timestamp,
) -> Result<Vec<Orphan>, Fault> {
    let Some(id) = before.id() else { return Ok(Vec::new()) };
    let standing = |recurrence: &RecurrenceId| match before.standing(recurrence) {
        Standing::Stands | Standing::Unsure(_) => after.standing(recurrence),
        // It was an orphan before.
        Standing::Cancelled | Standing::Gone => Standing::Stands,
    };
    gather(backend, id, now, standing).await
}

async fn gather(
    backend: &dyn Backend,
    id: &SeriesId,
    now: Timestamp,
    standing: impl Fn(&RecurrenceId) -> Standing,
) -> Result<Vec<Orphan>, Fault> {
    let mut found = Vec::new();
    for occurrence in booked(backend, id).await? {
        let standing = standing(occurrence.recurrence());
        if standing == Standing::Stands {
            continue;
        }
        let seats = seats(backend, &occurrence, now).await?;
        if !seats.is_empty() {
            found.push(Orphan { occurrence, standing, seats });
        }
    }
    Ok(found)
}
