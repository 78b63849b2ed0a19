//! An independent check of a booking stream: shares no code with the ledger or the rules it checks.

use std::collections::BTreeMap;

use super::event::BookingEvent;
use super::outcome::Seats;
use crate::id::AttendeeId;
use crate::persist::Seq;
use crate::time::Timestamp;

/// A stream that the rules cannot have produced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at seq {seq}: {what}")]
pub struct Breach {
    /// Where.
    pub seq: Seq,
    /// What is wrong there.
    pub what: String,
}

/// Seats at one point of a stream. `free + held + confirmed = capacity`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Seats for sale.
    pub capacity: u64,
    /// Seats that nobody has.
    pub free: u64,
    /// Seats held.
    pub held: u64,
    /// Seats confirmed.
    pub confirmed: u64,
}

/// Reads a booking stream event by event and stops at the first that breaks a rule.
///
/// Checked at every sequence number: no gap; time never goes back; seats are only sold after the sale was opened, once;
/// nobody has two seats; only a held seat is confirmed, released or lapses, and it lapses no earlier than its
/// deadline; seats never go below zero free; and the four counts add up.
///
/// ```
/// use boxoffice_core::booking::{Auditor, BookingEvent, Seats};
/// use boxoffice_core::id::AttendeeId;
/// use boxoffice_core::persist::Seq;
/// use boxoffice_core::time::Timestamp;
///
/// let mut auditor = Auditor::new();
/// let seat = |name| AttendeeId::new(name).map(|attendee| BookingEvent::SeatBooked { attendee });
/// auditor.check(Seq::new(1), Timestamp::EPOCH, &BookingEvent::SaleOpened { capacity: Seats::new(1) })?;
/// auditor.check(Seq::new(2), Timestamp::EPOCH, &seat("ann")?)?;
/// let breach = auditor.check(Seq::new(3), Timestamp::EPOCH, &seat("bob")?).unwrap_err();
/// assert_eq!(breach.to_string(), "at seq 3: a seat was sold though none was free");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Auditor {
    tally: Tally,
    opened: bool,
    seq: Seq,
    at: Option<Timestamp>,
    /// The deadline for a held seat, none for a confirmed one.
    seats: BTreeMap<AttendeeId, Option<Timestamp>>,
}

impl Auditor {
    /// An auditor before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// The counts as of the last event checked.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Who has a seat as of the last event checked, by name, with the deadline if it is held.
    pub fn seats(&self) -> impl Iterator<Item = (&AttendeeId, Option<Timestamp>)> {
        self.seats.iter().map(|(attendee, until)| (attendee, *until))
    }

    /// Checks the next event.
    ///
    /// # Errors
    /// [`Breach`] when the rules cannot have produced it.
    pub fn check(&mut self, seq: Seq, at: Timestamp, event: &BookingEvent) -> Result<Tally, Breach> {
        let checked = self.follow(seq, at).and_then(|()| self.apply(at, event)).and_then(|()| self.balance());
        checked.map(|()| self.tally).map_err(|what| Breach { seq, what })
    }

    fn follow(&mut self, seq: Seq, at: Timestamp) -> Result<(), String> {
        if seq != self.seq.next() {
            return Err(format!("follows seq {}", self.seq));
        }
        if let Some(before) = self.at.filter(|before| at < *before) {
            return Err(format!("its time {at} is before {before}"));
        }
        self.seq = seq;
        self.at = Some(at);
        Ok(())
    }

    fn apply(&mut self, at: Timestamp, event: &BookingEvent) -> Result<(), String> {
        match event {
            BookingEvent::SaleOpened { capacity } => self.open(*capacity),
            BookingEvent::SeatBooked { attendee } => self.sell(attendee, None),
            BookingEvent::SeatHeld { attendee, hold_for } => self.sell(attendee, Some(at + *hold_for)),
            BookingEvent::HoldConfirmed { attendee } => {
                let until = self.held_until(attendee)?;
                if until <= at {
                    return Err(format!("a hold that lapsed at {until} was confirmed at {at}"));
                }
                self.seats.insert(attendee.clone(), None);
                self.tally.held -= 1;
                self.tally.confirmed += 1;
                Ok(())
            }
            BookingEvent::HoldReleased { attendee } => {
                self.held_until(attendee)?;
                self.free(attendee)
            }
            BookingEvent::HoldLapsed { attendee } => {
                let until = self.held_until(attendee)?;
                if at < until {
                    return Err(format!("a hold until {until} lapsed at {at}"));
                }
                self.free(attendee)
            }
            BookingEvent::SeatCancelled { attendee } => self.free(attendee),
        }
    }

    fn open(&mut self, capacity: Seats) -> Result<(), String> {
        if core::mem::replace(&mut self.opened, true) {
            return Err("the sale was opened twice".to_owned());
        }
        self.tally.capacity = u64::from(capacity.get());
        self.tally.free = self.tally.capacity;
        Ok(())
    }

    fn sell(&mut self, attendee: &AttendeeId, until: Option<Timestamp>) -> Result<(), String> {
        if !self.opened {
            return Err("a seat was sold before the sale was opened".to_owned());
        }
        if self.seats.contains_key(attendee) {
            return Err("an attendee was given a second seat".to_owned());
        }
        let free = self.tally.free.checked_sub(1);
        self.tally.free = free.ok_or("a seat was sold though none was free")?;
        *self.count(until) += 1;
        self.seats.insert(attendee.clone(), until);
        Ok(())
    }

    fn free(&mut self, attendee: &AttendeeId) -> Result<(), String> {
        let until = self.seats.remove(attendee).ok_or("a seat was freed that nobody had")?;
        *self.count(until) -= 1;
        self.tally.free += 1;
        Ok(())
    }

    fn held_until(&self, attendee: &AttendeeId) -> Result<Timestamp, String> {
        let held = self.seats.get(attendee).copied().flatten();
        held.ok_or_else(|| "a hold was ended that was not there".to_owned())
    }

    fn count(&mut self, until: Option<Timestamp>) -> &mut u64 {
        if until.is_some() { &mut self.tally.held } else { &mut self.tally.confirmed }
    }

    fn balance(&self) -> Result<(), String> {
        let Tally { capacity, free, held, confirmed } = self.tally;
        if free + held + confirmed != capacity || held + confirmed != self.seats.len() as u64 {
            return Err(format!("{free} free + {held} held + {confirmed} confirmed are not {capacity}"));
        }
        Ok(())
    }
}
