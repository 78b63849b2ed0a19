//! What each event does to a ledger.

use super::event::BookingEvent;
use super::house::House;
use super::ledger::{Change, Lapsed, Seat, SeatLedger, SeatState, set};
use super::line::Waiter;
use super::party::Party;
use super::refunds::Refund;
use crate::id::AttendeeId;
use crate::time::Timestamp;

/// Lapsed holds that are remembered, the latest ones. The payment of one that lapsed before them finds nothing.
const LAPSED_MAX: usize = 10_000;

impl SeatLedger {
    /// Makes the changes of an event, and gives what takes each back, in order.
    pub(super) fn change(&mut self, at: Timestamp, event: &BookingEvent) -> Vec<Change> {
        match event {
            BookingEvent::SeatBooked { attendee, party } | BookingEvent::SeatReacquired { attendee, party } => {
                self.seat(Seat::new(at, attendee, party, SeatState::Confirmed))
            }
            BookingEvent::SeatHeld { attendee, party, hold_for } => {
                self.seat(Seat::new(at, attendee, party, SeatState::Held { until: at + *hold_for }))
            }
            BookingEvent::SeatOffered { attendee, places, hold_for } => match self.line.waiters.of(attendee) {
                Some(Waiter { party, .. }) => {
                    let party = &Party { places: places.clone(), ..party.clone() };
                    let held = SeatState::Held { until: at + *hold_for };
                    self.seat(Seat { offered: true, ..Seat::new(at, attendee, party, held) })
                }
                None => Vec::new(),
            },
            BookingEvent::HoldExtended { attendee, hold_for } => {
                let until = at + *hold_for;
                self.alter(attendee, |seat| Seat { state: SeatState::Held { until }, ..seat })
            }
            BookingEvent::HoldConfirmed { attendee } => {
                self.alter(attendee, |seat| Seat { state: SeatState::Confirmed, offered: false, ..seat })
            }
            BookingEvent::PartyChanged { attendee, seats, places } => self.alter(attendee, |seat| {
                let ticket = seat.party.ticket.clone();
                Seat { party: Party { seats: *seats, ticket, places: places.clone() }, ..seat }
            }),
            BookingEvent::SeatTransferred { from, to } => self.transfer(from, to),
            BookingEvent::HoldLapsed { attendee } => self.lapse(attendee),
            BookingEvent::HoldReleased { attendee } | BookingEvent::SeatCancelled { attendee } => {
                self.leave(attendee).map(|(left, _)| left).into_iter().collect()
            }
            BookingEvent::RefundDue { attendee, party } => self.owe(at, attendee, party),
            BookingEvent::RefundSettled { due, .. } => {
                self.refunds.remove(*due).map(Change::Settled).into_iter().collect()
            }
            BookingEvent::SeatRequested { attendee, party } => {
                let before = set(&mut self.requests, attendee.clone(), Some(party.clone()));
                vec![Change::Requested(attendee.clone(), before)]
            }
            BookingEvent::RequestDeclined { attendee } => self.forget_request(attendee).into_iter().collect(),
            BookingEvent::WaitJoined { attendee, party } if self.line.waiters.find(attendee).is_none() => {
                self.line.push(Waiter { attendee: attendee.clone(), party: party.clone() });
                vec![Change::Waits]
            }
            BookingEvent::WaitLeft { attendee } => self.leave_line(attendee).into_iter().collect(),
            BookingEvent::WaitJoined { .. } | BookingEvent::WaiterPassedOver { .. } => Vec::new(),
            BookingEvent::SaleOpened { capacity } => self.change_house(|house| {
                house.opened = true;
                house.all.capacity = *capacity;
            }),
            BookingEvent::SaleClosed => self.change_house(|house| house.closed = true),
            BookingEvent::SaleReopened => self.change_house(|house| house.closed = false),
            BookingEvent::CapacityChanged { capacity } => self.change_house(|house| house.all.capacity = *capacity),
            BookingEvent::SeatsBlocked { seats } => self.change_house(|house| house.blocked = *seats),
            BookingEvent::PoolSet { pool, capacity } => self.change_house(|house| {
                house.pools.entry(pool.clone()).or_default().capacity = *capacity;
            }),
            BookingEvent::TicketSet { ticket, pools } => {
                self.recounted(|house| drop(house.tickets.insert(ticket.clone(), pools.clone())))
            }
            BookingEvent::SectionSet { section } => self.recounted(|house| house.hall.set(section)),
            BookingEvent::SectionRemoved { section } => self.recounted(|house| house.hall.remove(section)),
            BookingEvent::PlacesBlocked { places } => self.change_house(|house| house.hall.block(places)),
            BookingEvent::PlacesUnblocked { places } => self.change_house(|house| house.hall.unblock(places)),
            BookingEvent::SettingsChanged { settings } => {
                self.change_house(|house| house.settings.clone_from(settings))
            }
        }
    }

    /// Changes of the house are rare, so all of it is kept to take them back.
    fn change_house(&mut self, change: impl FnOnce(&mut House)) -> Vec<Change> {
        let before = Box::new(self.house.clone());
        change(&mut self.house);
        vec![Change::House(before)]
    }

    /// A change of the house after which seats are counted otherwise.
    fn recounted(&mut self, change: impl FnOnce(&mut House)) -> Vec<Change> {
        let changes = self.change_house(change);
        self.house.recount(self.seats.iter().map(|(join, seat)| seat.counted(join)));
        changes
    }

    /// Gives seats, or others in the place of those that an attendee has.
    fn seat(&mut self, seat: Seat) -> Vec<Change> {
        let (attendee, granted) = (seat.attendee.clone(), self.seq());
        let seat = Seat { granted, ..seat };
        let mut changes = match self.seats.find(&attendee) {
            Some(join) => {
                let since = self.seats.get(join).map_or(seat.since, |before| before.since);
                self.put(join, Seat { since, ..seat }).map(|before| Change::Seat(join, before)).into_iter().collect()
            }
            None => {
                self.restore(seat);
                vec![Change::Joined]
            }
        };
        changes.extend(self.forget_wishes(&attendee));
        changes
    }

    /// Whoever has seats asks and waits no more, and what he lost is made good. What is due back to him still is.
    fn forget_wishes(&mut self, attendee: &AttendeeId) -> Vec<Change> {
        let request = self.forget_request(attendee);
        let waited = self.leave_line(attendee);
        let lapsed = self.forget_lapse(attendee);
        request.into_iter().chain(waited).chain(lapsed).collect()
    }

    fn transfer(&mut self, from: &AttendeeId, to: &AttendeeId) -> Vec<Change> {
        let granted = self.seq();
        let mut changes = self.alter(from, |seat| Seat { attendee: to.clone(), granted, ..seat });
        if !changes.is_empty() {
            changes.extend(self.forget_wishes(to));
        }
        changes
    }

    fn alter(&mut self, attendee: &AttendeeId, how: impl FnOnce(Seat) -> Seat) -> Vec<Change> {
        let Some(join) = self.seats.find(attendee) else { return Vec::new() };
        let Some(seat) = self.seats.get(join).cloned().map(how) else { return Vec::new() };
        if seat.attendee != *attendee && self.seats.find(&seat.attendee).is_some() {
            return Vec::new();
        }
        self.put(join, seat).map(|before| Change::Seat(join, before)).into_iter().collect()
    }

    fn leave(&mut self, attendee: &AttendeeId) -> Option<(Change, Party)> {
        let join = self.seats.find(attendee)?;
        let seat = self.seats.remove(join)?;
        self.house.give_back(seat.counted(join));
        let party = seat.party.clone();
        Some((Change::Left(join, seat), party))
    }

    /// Frees the seats of a hold, and remembers what they were: its payment may be on its way.
    fn lapse(&mut self, attendee: &AttendeeId) -> Vec<Change> {
        let Some((left, party)) = self.leave(attendee) else { return Vec::new() };
        let mut changes = vec![left];
        changes.extend(self.lose(attendee, party));
        changes
    }

    /// Notes what an attendee lost, instead of what he lost before. The oldest note goes when there are too many.
    fn lose(&mut self, attendee: &AttendeeId, party: Party) -> Vec<Change> {
        let mut changes: Vec<Change> = self.forget_lapse(attendee).into_iter().collect();
        if self.lapsed.len() >= LAPSED_MAX {
            let oldest = self.lapsed.iter().next().map(|(_, lapsed)| lapsed.attendee.clone());
            changes.extend(oldest.and_then(|oldest| self.forget_lapse(&oldest)));
        }
        self.lapsed.push(Lapsed { attendee: attendee.clone(), party });
        changes.push(Change::Lapsed);
        changes
    }

    /// Notes what is due back, besides what was before. It takes the place of the lapse.
    fn owe(&mut self, at: Timestamp, attendee: &AttendeeId, party: &Party) -> Vec<Change> {
        let refund = Refund { attendee: attendee.clone(), party: party.clone(), seq: self.seq(), at };
        let lapse = self.forget_lapse(attendee);
        let owed = Change::Owed(refund.seq);
        self.refunds.add(refund);
        lapse.into_iter().chain([owed]).collect()
    }

    fn forget_lapse(&mut self, attendee: &AttendeeId) -> Option<Change> {
        let join = self.lapsed.find(attendee)?;
        self.lapsed.remove(join).map(|lapsed| Change::Forgotten(join, lapsed))
    }

    fn forget_request(&mut self, attendee: &AttendeeId) -> Option<Change> {
        self.requests.remove(attendee).map(|party| Change::Requested(attendee.clone(), Some(party)))
    }

    fn leave_line(&mut self, attendee: &AttendeeId) -> Option<Change> {
        let join = self.line.waiters.find(attendee)?;
        self.line.remove(join).map(|waiter| Change::WaitLeft(join, waiter))
    }
}
