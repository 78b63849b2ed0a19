//! What orders ask the owners of occurrences.

use boxoffice_core::booking::{BookingCommand, BookingOutcome, HoldTerm, Seats};
use boxoffice_core::persist::IdempotencyKey;
use boxoffice_core::ticket::order::{Cut, LineState, Order, OrderEvent, OrderLine, Seated};
use boxoffice_core::time::Timestamp;

use super::desk::{Hindrance, House};
use crate::error::BoxOfficeError;

impl House {
    /// Asks the owner of a line's occurrence, once for each `what` of a line.
    async fn ask(
        &self,
        order: &Order,
        number: u16,
        what: &str,
        command: impl FnOnce(&OrderLine) -> BookingCommand,
    ) -> Result<BookingOutcome, Hindrance> {
        let line = order.lines().get(usize::from(number)).ok_or("there is no such line")?;
        let key = IdempotencyKey::new(format!("order/{}/{number}/{what}", order.placed().id));
        let key = key.map_err(|error| error.to_string())?;
        let asked = self.office.run_once(&line.line.occurrence, command(&line.line), key).await;
        asked.map(|reply| reply.outcome).map_err(|error: BoxOfficeError| error.to_string())
    }

    pub(super) async fn hold(&self, order: &Order, line: u16) -> Result<OrderEvent, Hindrance> {
        let term = HoldTerm::For(order.placed().terms.first_hold());
        let hold =
            |line: &OrderLine| BookingCommand::Hold { attendee: line.holder.clone(), party: line.party.clone(), term };
        let outcome = self.ask(order, line, "hold", hold).await?;
        Ok(if let BookingOutcome::Held { until, .. } = outcome {
            OrderEvent::LineHeld { line, until }
        } else {
            OrderEvent::LineRefused { line, outcome: outcome.name().to_owned() }
        })
    }

    pub(super) async fn match_hold(&self, order: &Order, line: u16, until: Timestamp) -> Result<OrderEvent, Hindrance> {
        let extend = |term: Timestamp| {
            move |line: &OrderLine| BookingCommand::Extend {
                attendee: line.holder.clone(),
                term: HoldTerm::Until(term),
            }
        };
        let mut outcome = self.ask(order, line, "match", extend(until)).await?;
        if let BookingOutcome::HoldTooLong { until_max } = outcome {
            outcome = self.ask(order, line, "match-max", extend(until_max)).await?;
        }
        if outcome == BookingOutcome::NotHeld {
            return Ok(OrderEvent::LineReleased { line });
        }
        if let BookingOutcome::Extended { until } = outcome {
            return Ok(OrderEvent::HoldMatched { line, until });
        }
        // As long as it was: the sale allows no more.
        let held = order.lines().get(usize::from(line)).map(|line| line.state);
        let until = if let Some(LineState::Held { until }) = held { until } else { until };
        Ok(OrderEvent::HoldMatched { line, until })
    }

    pub(super) async fn release(&self, order: &Order, line: u16) -> Result<OrderEvent, Hindrance> {
        let what = format!("release {}", order.closings());
        let release = |line: &OrderLine| BookingCommand::Release { attendee: line.holder.clone() };
        // Whatever the owner says: the line holds nothing any more.
        let outcome = self.ask(order, line, &what, release).await?;
        tracing::trace!(outcome = outcome.name(), "released");
        Ok(OrderEvent::LineReleased { line })
    }

    pub(super) async fn confirm(&self, order: &Order, number: u16) -> Result<OrderEvent, Hindrance> {
        let what = format!("confirm {}", order.closings());
        let confirm = |line: &OrderLine| BookingCommand::Confirm { attendee: line.holder.clone() };
        let mut outcome = self.ask(order, number, &what, confirm).await?;
        if outcome == BookingOutcome::NotHeld {
            // It was released, and did not lapse.
            let what = format!("book {}", order.closings());
            let book =
                |line: &OrderLine| BookingCommand::Book { attendee: line.holder.clone(), party: line.party.clone() };
            outcome = self.ask(order, number, &what, book).await?;
        }
        let was_held = order.lines().get(usize::from(number)).is_some_and(|line| line.state != LineState::Reclaimed);
        // Confirmed already: by hand, or by whoever had the seats from the holder. They are paid for now.
        let is_held = matches!(outcome, BookingOutcome::Confirmed | BookingOutcome::OfferTaken { .. })
            || (outcome == BookingOutcome::AlreadyConfirmed && was_held);
        let is_had_again = matches!(outcome, BookingOutcome::Reacquired { .. } | BookingOutcome::Booked { .. });
        Ok(match (is_held, is_had_again) {
            (true, _) => OrderEvent::LineConfirmed { line: number, how: Seated::Held },
            (false, true) => OrderEvent::LineConfirmed { line: number, how: Seated::Reacquired },
            (false, false) => {
                tracing::debug!(outcome = outcome.name(), "paid for, and without seats");
                OrderEvent::LineLost { line: number, noted: outcome == BookingOutcome::RefundDue }
            }
        })
    }

    pub(super) async fn give_up(&self, order: &Order, cut: Cut) -> Result<OrderEvent, Hindrance> {
        let Some(line) = order.lines().get(usize::from(cut.line)) else {
            return Err("there is no such line".to_owned());
        };
        let left = line.seats.get().saturating_sub(cut.seats.get());
        let is_confirmed = line.state == LineState::Confirmed;
        let give_up = move |line: &OrderLine| {
            let attendee = line.holder.clone();
            match (left, is_confirmed) {
                (0, true) => BookingCommand::Cancel { attendee },
                (0, false) => BookingCommand::Release { attendee },
                _ => BookingCommand::ChangeSeats { attendee, seats: Seats::new(left) },
            }
        };
        let what = format!("give up {} to {left}", line.seats);
        let outcome = self.ask(order, cut.line, &what, give_up).await?;
        tracing::trace!(outcome = outcome.name(), "given up");
        Ok(OrderEvent::SeatsGivenUp { cut })
    }

    pub(super) async fn settle(&self, order: &Order, line: u16) -> Result<OrderEvent, Hindrance> {
        let what = format!("settle {}", order.closings());
        let settle = |line: &OrderLine| BookingCommand::SettleRefund { attendee: line.holder.clone() };
        let outcome = self.ask(order, line, &what, settle).await?;
        tracing::trace!(outcome = outcome.name(), "settled");
        Ok(OrderEvent::NoteSettled { line })
    }
}
