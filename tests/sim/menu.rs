//! What clients ask for.

use core::time::Duration;

use boxoffice_core::booking::{Below, BookingCommand, HoldTerm, Party, Seats, Settings, Waitlist};
use boxoffice_core::id::{AttendeeId, PoolName, TicketType};
use boxoffice_core::time::Timestamp;

use crate::dice::Dice;

/// What the commands of one run are drawn from.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a part of the menu that a run has or has not")]
pub(crate) struct Menu {
    pub(crate) attendees: u64,
    pub(crate) capacity: u64,
    /// In milliseconds.
    pub(crate) hold_max: u64,
    /// In a thousand: commands about the sale rather than about seats.
    pub(crate) manage: u64,
    pub(crate) pools: bool,
    pub(crate) waitlist: bool,
    pub(crate) requests: bool,
    /// Only what the model of the histories knows.
    pub(crate) plain: bool,
}

fn seats(dice: &mut Dice, max: u64) -> Seats {
    Seats::new(u32::try_from(dice.within(0, max)).unwrap())
}

fn pool(dice: &mut Dice) -> PoolName {
    PoolName::new(*dice.pick(&["stalls", "balcony"])).unwrap()
}

fn ticket(dice: &mut Dice) -> TicketType {
    TicketType::new(*dice.pick(&["adult", "child", "unknown"])).unwrap()
}

impl Menu {
    fn who(&self, dice: &mut Dice) -> AttendeeId {
        AttendeeId::new(format!("a{}", dice.below(self.attendees))).unwrap()
    }

    /// One of those, mostly.
    fn one_of(&self, those: &[AttendeeId], dice: &mut Dice) -> AttendeeId {
        if those.is_empty() || dice.permille(400) { self.who(dice) } else { dice.pick(those).clone() }
    }

    fn party(&self, dice: &mut Dice) -> Party {
        let seats = if dice.permille(700) { 1 } else { dice.within(0, 3) };
        let party = Party::of(u32::try_from(seats).unwrap());
        if self.pools && !self.plain && dice.permille(500) { party.with_ticket(ticket(dice)) } else { party }
    }

    fn term(&self, dice: &mut Dice, now: Timestamp) -> HoldTerm {
        let length = Duration::from_millis(dice.within(1, self.hold_max));
        if self.plain || dice.permille(300) { HoldTerm::Until(now + length) } else { HoldTerm::For(length) }
    }

    /// The next command; `now` is what the client's watch shows. Most that comes after a seat is of those `known`, who have
    /// seats or wait for some, and most that is paid back of those who are `owed` something.
    pub(crate) fn draw(
        &self,
        dice: &mut Dice,
        now: Timestamp,
        known: &[AttendeeId],
        owed: &[AttendeeId],
    ) -> BookingCommand {
        if dice.permille(self.manage) {
            return self.manage(dice);
        }
        let attendee = self.one_of(known, dice);
        match dice.below(100) {
            0..15 => BookingCommand::Book { attendee: self.who(dice), party: self.party(dice) },
            15..45 => {
                BookingCommand::Hold { attendee: self.who(dice), party: self.party(dice), term: self.term(dice, now) }
            }
            45..57 => BookingCommand::Confirm { attendee },
            57..60 => BookingCommand::SettleRefund { attendee: self.one_of(owed, dice) },
            60..64 => BookingCommand::Extend { attendee, term: self.term(dice, now) },
            64..70 => BookingCommand::Release { attendee },
            70..80 => BookingCommand::Cancel { attendee },
            80..84 => BookingCommand::Transfer { from: attendee, to: self.who(dice) },
            84..90 => BookingCommand::ChangeSeats { attendee, seats: seats(dice, 3) },
            90..95 if self.requests && !self.plain => match dice.below(3) {
                0 => BookingCommand::Request { attendee, party: self.party(dice) },
                1 => BookingCommand::Approve { attendee },
                _ => BookingCommand::Decline { attendee },
            },
            95..100 if self.waitlist && !self.plain && dice.permille(150) => BookingCommand::StopWaiting { attendee },
            90..100 if self.waitlist && !self.plain => BookingCommand::Wait { attendee, party: self.party(dice) },
            _ => BookingCommand::Book { attendee, party: self.party(dice) },
        }
    }

    fn manage(&self, dice: &mut Dice) -> BookingCommand {
        let below = *dice.pick(&[Below::Refuse, Below::GiveNoMore]);
        match dice.below(if self.plain { 8 } else { 14 }) {
            0 | 1 => BookingCommand::Open { capacity: seats(dice, self.capacity) },
            2..=4 => BookingCommand::Resize { capacity: seats(dice, self.capacity + 1), below },
            5 => BookingCommand::Block { seats: seats(dice, 2) },
            6 => BookingCommand::Close,
            7 | 8 => BookingCommand::Reopen,
            9 | 10 if self.pools => {
                BookingCommand::SetPool { pool: pool(dice), capacity: seats(dice, self.capacity), below }
            }
            11 if self.pools => {
                let pools = (0..dice.below(3)).map(|_| pool(dice)).collect();
                BookingCommand::SetTicket { ticket: ticket(dice), pools }
            }
            _ => BookingCommand::Set { settings: self.settings(dice) },
        }
    }

    /// What makes a sale one that the rest of the menu is about.
    pub(crate) fn preparations(&self, dice: &mut Dice) -> Vec<BookingCommand> {
        let mut prepare = vec![BookingCommand::Set { settings: self.settings(dice) }];
        if self.pools {
            let below = Below::Refuse;
            prepare.push(BookingCommand::SetPool { pool: pool(dice), capacity: seats(dice, self.capacity), below });
            for name in ["adult", "child"] {
                let ticket = TicketType::new(name).unwrap();
                prepare.push(BookingCommand::SetTicket { ticket, pools: [pool(dice)].into() });
            }
        }
        prepare
    }

    /// Settings such as the run is about.
    pub(crate) fn settings(&self, dice: &mut Dice) -> Settings {
        let offer_for = Duration::from_millis(dice.within(1, self.hold_max));
        let waitlist = Waitlist { offer_for, pass_over: dice.permille(300) };
        Settings {
            approval: self.requests && dice.permille(100),
            party_max: dice.permille(200).then(|| Seats::new(2)),
            hold_max: dice.permille(300).then(|| Duration::from_millis(self.hold_max)),
            waitlist: (self.waitlist && dice.permille(850)).then_some(waitlist),
            ..Settings::default()
        }
    }
}
