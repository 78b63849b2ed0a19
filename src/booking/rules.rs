//! What each command comes to, on a ledger of which nothing is due.

use std::collections::BTreeSet;

use super::command::{Below, BookingCommand, HoldTerm};
use super::decide::Decided;
use super::event::BookingEvent;
use super::ledger::{Seat, SeatLedger, SeatState};
use super::outcome::BookingOutcome;
use super::party::{Party, Seats};
use crate::id::{AttendeeId, PoolName, TicketType};
use crate::time::Timestamp;

/// Room for the names of pools in an event, in bytes. Any store takes 4,000; the rest is for escapes and other names.
const POOLS_BYTES_MAX: usize = 1_800;

/// A ledger at an instant.
pub(super) struct View<'a> {
    pub(super) ledger: &'a SeatLedger,
    pub(super) at: Timestamp,
}

pub(super) fn no(outcome: BookingOutcome) -> Decided {
    (outcome, None)
}

pub(super) fn yes(outcome: BookingOutcome, event: BookingEvent) -> Decided {
    (outcome, Some(event))
}

/// What a party is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Book,
    Hold,
    Request,
    Wait,
}

impl<'a> View<'a> {
    pub(super) fn new(ledger: &'a SeatLedger, at: Timestamp) -> Self {
        Self { ledger, at }
    }

    pub(super) fn decide(&self, command: &BookingCommand) -> Decided {
        let house = &self.ledger.house;
        match command {
            BookingCommand::Book { attendee, party } => self.book(attendee, party),
            BookingCommand::Hold { attendee, party, term } => self.hold(attendee, party, *term),
            BookingCommand::Request { attendee, party } => self.request(attendee, party),
            BookingCommand::Wait { attendee, party } => self.wait(attendee, party),
            BookingCommand::Extend { attendee, term } => self.extend(attendee, *term),
            BookingCommand::Confirm { attendee } => self.confirm(attendee),
            BookingCommand::SettleRefund { attendee } => self.settle_refund(attendee),
            BookingCommand::Release { attendee } => match self.held(attendee) {
                None => no(BookingOutcome::NotHeld),
                Some(_) => yes(BookingOutcome::Released, BookingEvent::HoldReleased { attendee: attendee.clone() }),
            },
            BookingCommand::Cancel { attendee } => match self.ledger.seat_of(attendee) {
                None => no(BookingOutcome::NotBooked),
                Some(_) => yes(BookingOutcome::Cancelled, BookingEvent::SeatCancelled { attendee: attendee.clone() }),
            },
            BookingCommand::Transfer { from, to } => self.transfer(from, to),
            BookingCommand::ChangeSeats { attendee, seats } => self.change_seats(attendee, *seats),
            BookingCommand::MoveTo { attendee, places } => self.move_to(attendee, places),
            BookingCommand::Approve { attendee } => self.approve(attendee),
            BookingCommand::Decline { attendee } if self.ledger.requests.contains_key(attendee) => {
                yes(BookingOutcome::Declined, BookingEvent::RequestDeclined { attendee: attendee.clone() })
            }
            BookingCommand::Decline { .. } => no(BookingOutcome::NotRequested),
            BookingCommand::StopWaiting { attendee } => match self.ledger.waiting_position(attendee) {
                None => no(BookingOutcome::NotWaiting),
                Some(_) => yes(BookingOutcome::LeftWaitlist, BookingEvent::WaitLeft { attendee: attendee.clone() }),
            },
            BookingCommand::Open { capacity } => self.open(*capacity),
            BookingCommand::Close => change(!house.closed, BookingOutcome::Closed, BookingEvent::SaleClosed),
            BookingCommand::Reopen => change(house.closed, BookingOutcome::Reopened, BookingEvent::SaleReopened),
            BookingCommand::Resize { capacity, below } => {
                // Blocked seats are not there for anybody.
                let taken = house.all.taken + u64::from(house.blocked.get());
                let event = BookingEvent::CapacityChanged { capacity: *capacity };
                resized(Some(house.all.capacity), *capacity, taken, *below, event)
            }
            BookingCommand::SetPool { pool, capacity, below } => {
                let (before, taken) = house.pools.get(pool).map(|pool| (pool.capacity, pool.taken)).unzip();
                let event = BookingEvent::PoolSet { pool: pool.clone(), capacity: *capacity };
                resized(before, *capacity, taken.unwrap_or_default(), *below, event)
            }
            BookingCommand::Block { seats } => self.block(*seats),
            BookingCommand::SetTicket { ticket, pools } => self.set_ticket(ticket, pools),
            BookingCommand::SetSection { section } => self.set_section(section),
            BookingCommand::RemoveSection { section } => self.remove_section(section),
            BookingCommand::BlockPlaces { places } => self.block_places(places),
            BookingCommand::UnblockPlaces { places } => self.unblock_places(places),
            BookingCommand::Set { settings } => {
                let event = BookingEvent::SettingsChanged { settings: settings.clone() };
                change(house.settings != *settings, BookingOutcome::Set, event)
            }
        }
    }

    /// What stands against a party of an attendee before it is looked at which seats there are.
    fn refused(&self, attendee: &AttendeeId, party: &Party, wish: Wish) -> Option<BookingOutcome> {
        let house = &self.ledger.house;
        if !house.opened {
            return Some(BookingOutcome::NotOnSale);
        }
        if house.closed {
            return Some(BookingOutcome::SaleClosed);
        }
        if let Some(ticket) = party.ticket.as_ref().filter(|ticket| !house.tickets.contains_key(*ticket)) {
            return Some(BookingOutcome::UnknownTicket { ticket: ticket.clone() });
        }
        if let Some(seat) = self.ledger.seat_of(attendee) {
            return Some(self.already(seat));
        }
        if let Some(size) = self.wrong_size(party.ticket.as_ref(), party.seats) {
            return Some(size);
        }
        if let Some(misnamed) = self.misnamed(party, wish) {
            return Some(misnamed);
        }
        let settings = &house.settings;
        match wish {
            Wish::Book | Wish::Hold | Wish::Wait if settings.approval => Some(BookingOutcome::NeedsApproval),
            Wish::Request if self.ledger.requests.contains_key(attendee) => Some(BookingOutcome::AlreadyRequested),
            Wish::Wait if settings.waitlist.is_none() => Some(BookingOutcome::NoWaitlist),
            Wish::Wait => {
                let position = self.ledger.waiting_position(attendee)?;
                Some(BookingOutcome::AlreadyWaiting { position })
            }
            Wish::Book | Wish::Hold | Wish::Request => None,
        }
    }

    fn already(&self, seat: &Seat) -> BookingOutcome {
        let number = self.ledger.seat_number(&seat.attendee).unwrap_or_default();
        BookingOutcome::Already { seat: number, state: seat.state }
    }

    /// No seats at all, more than one attendee may have, or more than there are.
    fn wrong_size(&self, ticket: Option<&TicketType>, seats: Seats) -> Option<BookingOutcome> {
        let house = &self.ledger.house;
        let pools = house.drawn_on(ticket).map(|(_, pool)| pool.capacity);
        let pools = pools.chain(house.hall.is_named().then(|| house.hall.seats_for(ticket)));
        let there_are = pools.fold(house.all.capacity, Ord::min);
        let max = house.settings.party_max.unwrap_or(Seats::new(u32::MAX)).min(house.hall.named_at_once());
        // One seat of a house without any is not too many: it is full.
        let too_many = seats > max || (seats > there_are && seats > Seats::ONE);
        (seats == Seats::default() || too_many).then(|| BookingOutcome::PartySize { max: max.min(there_are) })
    }

    /// What keeps a party that may have seats from having them now.
    fn lacking(&self, party: &Party) -> Option<BookingOutcome> {
        let house = &self.ledger.house;
        let ticket = party.ticket.as_ref();
        if let Some(short) = house.shortage(ticket, party.seats.get().into()) {
            return Some(BookingOutcome::Full(short));
        }
        let line = &self.ledger.line;
        // Without a waitlist nobody is served before others, whoever joined it when there was one.
        let serves = house.settings.waitlist.is_some() && !line.waiters.is_empty();
        let before = serves && line.is_before(house, ticket);
        before.then(|| BookingOutcome::Queued { waiting: line.waiters.len() as u64 })
    }

    /// The number that seats have which are taken now.
    fn next_seat(&self) -> u64 {
        self.ledger.taken() + 1
    }

    /// The party with its places, if it can have seats now.
    fn given(&self, attendee: &AttendeeId, party: &Party, wish: Wish) -> Result<Party, BookingOutcome> {
        let against = self.refused(attendee, party, wish).or_else(|| self.lacking(party));
        against.map_or_else(|| self.placed(party), Err)
    }

    fn book(&self, attendee: &AttendeeId, party: &Party) -> Decided {
        match self.given(attendee, party, Wish::Book) {
            Err(against) => no(against),
            Ok(party) => {
                let attendee = attendee.clone();
                yes(BookingOutcome::Booked { seat: self.next_seat() }, BookingEvent::SeatBooked { attendee, party })
            }
        }
    }

    fn hold(&self, attendee: &AttendeeId, party: &Party, term: HoldTerm) -> Decided {
        let party = match self.given(attendee, party, Wish::Hold) {
            Err(against) => return no(against),
            Ok(party) => party,
        };
        let wanted = term.from(self.at);
        let hold_for = self.ledger.settings().hold_max.map_or(wanted, |max| wanted.min(max));
        let outcome = BookingOutcome::Held { seat: self.next_seat(), until: self.at + hold_for };
        yes(outcome, BookingEvent::SeatHeld { attendee: attendee.clone(), party, hold_for })
    }

    fn request(&self, attendee: &AttendeeId, party: &Party) -> Decided {
        if let Some(against) = self.refused(attendee, party, Wish::Request) {
            return no(against);
        }
        let (attendee, party) = (attendee.clone(), party.clone());
        yes(BookingOutcome::Requested, BookingEvent::SeatRequested { attendee, party })
    }

    fn approve(&self, attendee: &AttendeeId) -> Decided {
        let Some(party) = self.ledger.requests.get(attendee) else { return no(BookingOutcome::NotRequested) };
        if self.ledger.house.closed {
            return no(BookingOutcome::SaleClosed);
        }
        if let Some(lacking) = self.lacking(party) {
            return no(lacking);
        }
        let against = self.misnamed(party, Wish::Request);
        let party = match against.map_or_else(|| self.placed(party), Err) {
            Err(against) => return no(against),
            Ok(party) => party,
        };
        let attendee = attendee.clone();
        yes(BookingOutcome::Approved { seat: self.next_seat() }, BookingEvent::SeatBooked { attendee, party })
    }

    fn wait(&self, attendee: &AttendeeId, party: &Party) -> Decided {
        if let Some(against) = self.refused(attendee, party, Wish::Wait) {
            return no(against);
        }
        if self.lacking(party).is_none() && self.placed(party).is_ok() {
            return no(BookingOutcome::SeatsFree);
        }
        let (attendee, party) = (attendee.clone(), party.clone());
        let position = self.ledger.line.waiters.len() as u64 + 1;
        yes(BookingOutcome::Waiting { position }, BookingEvent::WaitJoined { attendee, party })
    }

    fn held(&self, attendee: &AttendeeId) -> Option<&Seat> {
        let held = |seat: &&Seat| matches!(seat.state, SeatState::Held { .. });
        self.ledger.seat_of(attendee).filter(held)
    }

    fn extend(&self, attendee: &AttendeeId, term: HoldTerm) -> Decided {
        let Some(seat) = self.held(attendee) else { return no(BookingOutcome::NotHeld) };
        let hold_for = term.from(self.at);
        let until = self.at + hold_for;
        if let Some(until_max) = self.ledger.settings().hold_max.map(|max| seat.since + max)
            && until > until_max
        {
            return no(BookingOutcome::HoldTooLong { until_max });
        }
        yes(BookingOutcome::Extended { until }, BookingEvent::HoldExtended { attendee: attendee.clone(), hold_for })
    }

    fn confirm(&self, attendee: &AttendeeId) -> Decided {
        let who = || attendee.clone();
        if let Some(seat) = self.ledger.seat_of(attendee) {
            let confirmed = BookingEvent::HoldConfirmed { attendee: who() };
            return match seat.state {
                SeatState::Confirmed => no(BookingOutcome::AlreadyConfirmed),
                SeatState::Held { .. } if seat.offered => {
                    let seat = self.ledger.seat_number(attendee).unwrap_or_default();
                    yes(BookingOutcome::OfferTaken { seat }, confirmed)
                }
                SeatState::Held { .. } => yes(BookingOutcome::Confirmed, confirmed),
            };
        }
        let Some(lapsed) = self.ledger.lapsed.of(attendee) else {
            let due = self.ledger.refunds_due_to(attendee).next().is_some();
            return no(if due { BookingOutcome::RefundDue } else { BookingOutcome::NotHeld });
        };
        let party = lapsed.party.clone();
        let free = self.lacking(&party).is_none() && !self.ledger.house.closed;
        let Some(party) = free.then(|| self.placed_again(&party)).flatten() else {
            return yes(BookingOutcome::RefundDue, BookingEvent::RefundDue { attendee: who(), party });
        };
        let outcome = BookingOutcome::Reacquired { seat: self.next_seat() };
        yes(outcome, BookingEvent::SeatReacquired { attendee: who(), party })
    }

    fn settle_refund(&self, attendee: &AttendeeId) -> Decided {
        let mut due = self.ledger.refunds_due_to(attendee);
        let Some(oldest) = due.next() else { return no(BookingOutcome::NoRefundDue) };
        let event = BookingEvent::RefundSettled { attendee: attendee.clone(), due: oldest.seq };
        yes(BookingOutcome::RefundSettled { left: due.count() as u64 }, event)
    }

    fn transfer(&self, from: &AttendeeId, to: &AttendeeId) -> Decided {
        let Some(seat) = self.ledger.seat_number(from) else { return no(BookingOutcome::NotBooked) };
        if let Some(seat) = self.ledger.seat_of(to) {
            return no(self.already(seat));
        }
        let (from, to) = (from.clone(), to.clone());
        yes(BookingOutcome::Transferred { seat }, BookingEvent::SeatTransferred { from, to })
    }

    fn change_seats(&self, attendee: &AttendeeId, seats: Seats) -> Decided {
        let Some(seat) = self.ledger.seat_of(attendee) else { return no(BookingOutcome::NotBooked) };
        let (has, ticket) = (seat.party.seats, seat.party.ticket.as_ref());
        if seats == has {
            return no(BookingOutcome::Unchanged);
        }
        if let Some(size) = self.wrong_size(ticket, seats).filter(|_| seats > has || seats == Seats::default()) {
            return no(size);
        }
        if let Some(more) = seats.get().checked_sub(has.get()) {
            if self.ledger.house.closed {
                return no(BookingOutcome::SaleClosed);
            }
            if self.ledger.settings().approval {
                return no(BookingOutcome::NeedsApproval);
            }
            let more = Party { seats: Seats::new(more), ticket: seat.party.ticket.clone(), ..Party::default() };
            if let Some(lacking) = self.lacking(&more) {
                return no(lacking);
            }
        }
        match self.resized(&seat.party, seats) {
            Err(against) => no(against),
            Ok(places) => {
                let event = BookingEvent::PartyChanged { attendee: attendee.clone(), seats, places };
                yes(BookingOutcome::Changed { seats }, event)
            }
        }
    }

    fn open(&self, capacity: Seats) -> Decided {
        let house = &self.ledger.house;
        if house.opened {
            return no(BookingOutcome::AlreadyOpen { capacity: house.all.capacity });
        }
        yes(BookingOutcome::Opened, BookingEvent::SaleOpened { capacity })
    }

    fn block(&self, seats: Seats) -> Decided {
        let house = &self.ledger.house;
        if house.free() + u64::from(house.blocked.get()) < seats.get().into() {
            return no(BookingOutcome::Taken { taken: house.all.taken });
        }
        change(house.blocked != seats, BookingOutcome::Set, BookingEvent::SeatsBlocked { seats })
    }

    fn set_ticket(&self, ticket: &TicketType, pools: &BTreeSet<PoolName>) -> Decided {
        let house = &self.ledger.house;
        if pools.iter().map(|pool| pool.as_str().len() + 3).sum::<usize>() > POOLS_BYTES_MAX {
            return no(BookingOutcome::TooManyPools { bytes_max: POOLS_BYTES_MAX as u64 });
        }
        if let Some(pool) = pools.iter().find(|pool| !house.pools.contains_key(*pool)) {
            return no(BookingOutcome::UnknownPool { pool: pool.clone() });
        }
        let event = BookingEvent::TicketSet { ticket: ticket.clone(), pools: pools.clone() };
        change(house.tickets.get(ticket) != Some(pools), BookingOutcome::Set, event)
    }
}

/// A change of the sale, or none if all is as it shall be.
pub(super) fn change(changes: bool, outcome: BookingOutcome, event: BookingEvent) -> Decided {
    if changes { yes(outcome, event) } else { no(BookingOutcome::AsBefore) }
}

fn resized(before: Option<Seats>, capacity: Seats, taken: u64, below: Below, event: BookingEvent) -> Decided {
    let over = taken.saturating_sub(capacity.get().into());
    if before == Some(capacity) {
        no(BookingOutcome::AsBefore)
    } else if over > 0 && below == Below::Refuse {
        no(BookingOutcome::Taken { taken })
    } else {
        yes(BookingOutcome::Resized { over }, event)
    }
}
