//! How a step is taken at the owner of an occurrence: what it is asked, and what its answers come to.
//!
//! Each question has a key that is the same when the step is taken again, so the owner answers it once for ever.

use super::event::{Cut, OrderEvent, Seated};
use super::line::{LineState, PlacedLine};
use super::state::Order;
use crate::booking::{BookingCommand, BookingOutcome, HoldTerm, Party, Seats};
use crate::id::OccurrenceId;
use crate::time::Timestamp;

/// What is to become of a line's seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeatChange {
    /// They are held.
    Hold,
    /// Their hold lasts until then.
    Match {
        /// First instant at which they are held no more.
        until: Timestamp,
    },
    /// Held ones are let go.
    Release,
    /// They become the holder's.
    Confirm,
    /// So many are given up, held or confirmed.
    GiveUp {
        /// How many.
        seats: Seats,
    },
    /// The occurrence hears that the money for them went back.
    Settle,
}

impl SeatChange {
    /// The name of the variant, for spans.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Match { .. } => "match",
            Self::Release => "release",
            Self::Confirm => "confirm",
            Self::GiveUp { .. } => "give_up",
            Self::Settle => "settle",
        }
    }
}

/// How a step at an owner goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatStep {
    /// The owner is to be asked this.
    Ask {
        /// The owner of which occurrence.
        occurrence: OccurrenceId,
        /// Under which idempotency key.
        key: String,
        /// What.
        command: BookingCommand,
    },
    /// The step is taken: to be recorded.
    Record(OrderEvent),
    /// It cannot be taken; why.
    Stuck(String),
}

impl PlacedLine {
    /// What it has left of its party, the first of its places.
    fn party_left(&self) -> Party {
        let left = self.seats.get();
        let places = self.line.party.places.iter().take(usize::try_from(left).unwrap_or(usize::MAX)).cloned();
        Party { seats: self.seats, ticket: self.line.party.ticket.clone(), places: places.collect() }
    }
}

/// A step of a line.
struct Step<'a> {
    order: &'a Order,
    number: u16,
    line: &'a PlacedLine,
}

impl Order {
    /// How a change of a line's seats goes on, after these answers of the owner, the first of them first.
    pub fn seat_step(&self, line: u16, change: SeatChange, answers: &[BookingOutcome]) -> SeatStep {
        let Some(placed) = self.lines.get(usize::from(line)) else {
            return SeatStep::Stuck(format!("there is no line {line}"));
        };
        if answers.last() == Some(&BookingOutcome::KeyReused) {
            return SeatStep::Stuck(format!("line {line}: {} was asked for otherwise", change.name()));
        }
        let step = Step { order: self, number: line, line: placed };
        match change {
            SeatChange::Hold => step.hold(answers),
            SeatChange::Match { until } => step.match_hold(until, answers),
            SeatChange::Release => step.release(answers),
            SeatChange::Confirm => step.confirm(answers),
            SeatChange::GiveUp { seats } => step.give_up(seats, answers),
            SeatChange::Settle => step.settle(answers),
        }
    }
}

impl Step<'_> {
    fn ask(&self, what: &str, command: BookingCommand) -> SeatStep {
        let key = format!("order/{}/{}/{what}", self.order.placed.id, self.number);
        SeatStep::Ask { occurrence: self.line.line.occurrence.clone(), key, command }
    }

    /// What may be asked again when an order goes on that had ended.
    fn ask_now(&self, what: &str, command: BookingCommand) -> SeatStep {
        self.ask(&format!("{what} {}", self.order.closings), command)
    }

    fn hold(&self, answers: &[BookingOutcome]) -> SeatStep {
        let line = self.number;
        let term = HoldTerm::For(self.order.placed.terms.first_hold());
        let attendee = self.line.line.holder.clone();
        SeatStep::Record(match answers {
            [] => {
                return self.ask("hold", BookingCommand::Hold { attendee, party: self.line.line.party.clone(), term });
            }
            [BookingOutcome::Held { until, .. }, ..] => OrderEvent::LineHeld { line, until: *until },
            [refused, ..] => OrderEvent::LineRefused { line, outcome: refused.name().to_owned() },
        })
    }

    fn match_hold(&self, until: Timestamp, answers: &[BookingOutcome]) -> SeatStep {
        let line = self.number;
        let attendee = self.line.line.holder.clone();
        let extend = |until| BookingCommand::Extend { attendee, term: HoldTerm::Until(until) };
        SeatStep::Record(match answers {
            [] => return self.ask("match", extend(until)),
            [BookingOutcome::HoldTooLong { until_max }] => return self.ask("match-max", extend(*until_max)),
            [.., BookingOutcome::NotHeld] => OrderEvent::LineReleased { line },
            [.., BookingOutcome::Extended { until }] => OrderEvent::HoldMatched { line, until: *until },
            // As long as it was: the sale allows no more.
            [..] => {
                let until = if let LineState::Held { until } = self.line.state { until } else { until };
                OrderEvent::HoldMatched { line, until }
            }
        })
    }

    fn release(&self, answers: &[BookingOutcome]) -> SeatStep {
        if answers.is_empty() {
            return self.ask_now("release", BookingCommand::Release { attendee: self.line.line.holder.clone() });
        }
        // Whatever the owner says: the line holds nothing any more.
        SeatStep::Record(OrderEvent::LineReleased { line: self.number })
    }

    fn confirm(&self, answers: &[BookingOutcome]) -> SeatStep {
        use BookingOutcome::{
            AlreadyConfirmed, Booked, Changed, Confirmed, NotHeld, OfferTaken, Reacquired, RefundDue, Unchanged,
        };
        let (line, attendee) = (self.number, self.line.line.holder.clone());
        let how = match answers {
            [] => return self.ask_now("confirm", BookingCommand::Confirm { attendee }),
            // It was released, and did not lapse.
            [NotHeld] => return self.ask_now("book", BookingCommand::Book { attendee, party: self.line.party_left() }),
            [Confirmed | OfferTaken { .. }, ..] => Seated::Held,
            // By hand, or by whoever had the seats from the holder. They are paid for now.
            [AlreadyConfirmed, ..] if self.line.state != LineState::Reclaimed => Seated::Held,
            [Reacquired { .. }, ..] | [NotHeld, Booked { .. }, ..] => Seated::Reacquired,
            [.., lost] => return SeatStep::Record(OrderEvent::LineLost { line, noted: *lost == RefundDue }),
        };
        // A hold that lapsed is remembered with as many seats as it had at first.
        let is_whole = self.line.seats == self.line.line.party.seats || answers.first() == Some(&NotHeld);
        match answers {
            [_] if !is_whole => {
                let seats = self.line.seats;
                self.ask_now(&format!("confirm {seats}"), BookingCommand::ChangeSeats { attendee, seats })
            }
            [_, other] if !is_whole && !matches!(other, Changed { .. } | Unchanged) => {
                SeatStep::Stuck(format!("line {line}: {} seats more than it has are not given up", other.name()))
            }
            _ => SeatStep::Record(OrderEvent::LineConfirmed { line, how }),
        }
    }

    fn give_up(&self, seats: Seats, answers: &[BookingOutcome]) -> SeatStep {
        use BookingOutcome::{Cancelled, Changed, NotBooked, NotHeld, Released, Unchanged};
        let (line, attendee) = (self.number, self.line.line.holder.clone());
        let left = self.line.seats.get().saturating_sub(seats.get());
        let is_held = matches!(self.line.state, LineState::Held { .. });
        let given_up = SeatStep::Record(OrderEvent::SeatsGivenUp { cut: Cut { line, seats } });
        match answers {
            [] if left > 0 => {
                let command = BookingCommand::ChangeSeats { attendee, seats: Seats::new(left) };
                self.ask_now(&format!("keep {left}"), command)
            }
            [] if is_held => self.ask_now("give up", BookingCommand::Release { attendee }),
            // It has lapsed, or was confirmed by hand.
            [] | [NotHeld] => self.ask_now("cancel", BookingCommand::Cancel { attendee }),
            [.., Released | Cancelled | Changed { .. } | Unchanged] => given_up,
            [.., NotBooked] if is_held => given_up,
            // Of seats that somebody else has by now, the money does not go back by itself.
            [.., refused] => SeatStep::Record(OrderEvent::GiveUpRefused { line, outcome: refused.name().to_owned() }),
        }
    }

    fn settle(&self, answers: &[BookingOutcome]) -> SeatStep {
        if answers.is_empty() {
            return self.ask_now("settle", BookingCommand::SettleRefund { attendee: self.line.line.holder.clone() });
        }
        SeatStep::Record(OrderEvent::NoteSettled { line: self.number })
    }
}
