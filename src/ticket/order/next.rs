//! What is to be done about an order: the whole of its policy, in one place.

use core::time::Duration;

use super::event::{Cut, OrderEnd, OrderEvent};
use super::line::{LineState, OnReversal, PlacedLine};
use super::seats::SeatChange;
use super::state::Order;
use crate::booking::Seats;
use crate::ticket::money::Money;
use crate::ticket::payment::{RefundAsk, SessionAsk, SessionId, SessionState};
use crate::time::Timestamp;

/// A session of which no money came, and that is not over either, is asked about again after so long.
const ASK_AGAIN: Duration = Duration::from_secs(6 * 3_600);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This, now.
    Do(Action),
    /// Nothing before that instant, unless something is told.
    Wait {
        /// When to look again.
        until: Timestamp,
    },
    /// Nothing: to be recorded.
    Close(OrderEnd),
    /// Nothing: it is recorded.
    Done(OrderEnd),
}

/// A step of an order. Each may be done again: it has a name that tells repetitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the owner of a line's occurrence: see [`Order::seat_step`].
    Seats {
        /// Which line.
        line: u16,
        /// What is to become of its seats.
        change: SeatChange,
    },
    /// Open a session.
    Open(SessionAsk),
    /// See to it that a session cannot be paid any more, and hear how it stands.
    Expire(SessionId),
    /// Give money back.
    Refund(RefundAsk),
    /// Record it; there is nothing to do.
    Record(OrderEvent),
}

impl Action {
    /// Its name, for spans.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Seats { change, .. } => change.name(),
            Self::Open(_) => "open",
            Self::Expire(_) => "expire",
            Self::Refund(_) => "refund",
            Self::Record(_) => "record",
        }
    }
}

fn seats(line: u16, change: SeatChange) -> Action {
    Action::Seats { line, change }
}

fn minor(minor: i128, like: Money) -> Money {
    Money::new(i64::try_from(minor).unwrap_or(i64::MAX), like.currency())
}

impl Order {
    /// What is to be done at `now`, by the first of these that applies:
    ///
    /// 1. Seats that are to be given up are.
    /// 2. A refund that was asked for is carried out.
    /// 3. Seats are held: all or none.
    /// 4. What is paid for is confirmed, and what was let go is claimed again.
    /// 5. A session is opened, holds are made to last as long and the grace; it is waited for, ended, and seats are let go.
    /// 6. Seats whose money went back without our doing are given up, if the terms say so.
    /// 7. Money beyond what is owed goes back.
    /// 8. Occurrences hear of refunds that they wait for.
    /// 9. A session that can still be paid is ended.
    pub fn next(&self, now: Timestamp) -> Next {
        if let Some(end) = &self.end {
            return Next::Done(end.clone());
        }
        let act = self
            .giving_up()
            .or_else(|| self.outstanding().cloned().map(Action::Refund))
            .or_else(|| self.holding())
            .or_else(|| self.confirming());
        if let Some(action) = act {
            return Next::Do(action);
        }
        if let Some(next) = self.selling(now) {
            return next;
        }
        let act = self.reversing().or_else(|| self.refunding()).or_else(|| self.settling());
        if let Some(action) = act {
            return Next::Do(action);
        }
        self.ending(now).unwrap_or_else(|| Next::Close(self.ends()))
    }

    fn numbered(&self) -> impl Iterator<Item = (u16, &PlacedLine)> {
        (0_u16..).zip(&self.lines)
    }

    /// The first line in such a state, vouchers before all others.
    fn first(&self, is: impl Fn(LineState) -> bool) -> Option<(u16, &PlacedLine)> {
        self.numbered().filter(|(_, line)| is(line.state)).min_by_key(|(number, line)| (!line.line.voucher, *number))
    }

    fn giving_up(&self) -> Option<Action> {
        // What is about to be held or confirmed is so first: perhaps the owner has been told.
        let may = |state| matches!(state, LineState::Held { .. } | LineState::Confirmed | LineState::Released);
        let asked = self.numbered().find(|(_, line)| line.to_give_up > 0 && may(line.state));
        if let Some((number, line)) = asked {
            let given_up = Seats::new(line.to_give_up);
            // What was let go needs no asking: the holder's seats there may be another order's by now.
            return Some(if line.state == LineState::Released {
                Action::Record(OrderEvent::SeatsGivenUp { cut: Cut { line: number, seats: given_up } })
            } else {
                seats(number, SeatChange::GiveUp { seats: given_up })
            });
        }
        // A voucher without anything that it made cheaper is given back.
        if self
            .lines
            .iter()
            .any(|line| !line.line.voucher && (line.state.is_live() || line.state == LineState::Released))
        {
            return None;
        }
        let has_seats = |line: &PlacedLine| line.has_seats() || matches!(line.state, LineState::Held { .. });
        let (number, line) = self.numbered().find(|(_, line)| has_seats(line) && !line.is_stranded)?;
        Some(seats(number, SeatChange::GiveUp { seats: line.seats }))
    }

    fn holding(&self) -> Option<Action> {
        let held = self.first(|state| matches!(state, LineState::Held { .. }));
        let wanted = self.first(|state| state == LineState::Wanted).map(|(line, _)| line);
        if !self.is_refused() {
            return wanted.map(|line| seats(line, SeatChange::Hold));
        }
        let release = held.map(|(line, _)| seats(line, SeatChange::Release));
        release.or_else(|| wanted.map(|line| Action::Record(OrderEvent::LineReleased { line })))
    }

    fn is_refused(&self) -> bool {
        self.lines.iter().any(|line| line.state == LineState::Refused)
    }

    fn confirming(&self) -> Option<Action> {
        // What a voucher made cheaper cannot be had without it.
        let is_void = self.lines.iter().any(|line| line.line.voucher && line.state == LineState::Lost);
        let paid = self.first(|state| matches!(state, LineState::Paid | LineState::Reclaimed));
        if let Some((line, stands)) = paid {
            return Some(match (is_void, stands.state) {
                (false, _) => seats(line, SeatChange::Confirm),
                (true, LineState::Paid) => seats(line, SeatChange::Release),
                (true, _) => Action::Record(OrderEvent::LineLost { line, noted: false }),
            });
        }
        if self.is_refused() || self.ours() < self.due() {
            return None;
        }
        let (line, _) = self.first(|state| state == LineState::Released)?;
        let lost = OrderEvent::LineLost { line, noted: false };
        Some(Action::Record(if is_void { lost } else { OrderEvent::LineReclaimed { line } }))
    }

    /// From held seats to a session that is over.
    fn selling(&self, now: Timestamp) -> Option<Next> {
        let (line, held) = self.first(|state| matches!(state, LineState::Held { .. }))?;
        let release = Some(Next::Do(seats(line, SeatChange::Release)));
        let Some(session) = &self.session else {
            let has_lapsed = matches!(held.state, LineState::Held { until } if until <= now);
            if self.session_refused.is_some() || has_lapsed {
                return release;
            }
            return Some(Next::Do(Action::Open(self.session_ask())));
        };
        let deadline = session.until + self.placed.terms.grace;
        if let Some((line, _)) =
            self.numbered().find(|(_, line)| matches!(line.state, LineState::Held { .. }) && !line.is_matched)
        {
            return Some(Next::Do(seats(line, SeatChange::Match { until: deadline })));
        }
        let was_asked = self.asked_at.is_some_and(|at| at >= session.until);
        match self.session_state() {
            Some(SessionState::Expired | SessionState::Failed) => release,
            // Its charge is not told yet, or was of less than is due.
            Some(SessionState::Paid) if was_asked => release,
            _ if now >= deadline => release,
            _ if now < session.until => Some(Next::Wait { until: session.until }),
            _ if was_asked => Some(Next::Wait { until: deadline }),
            _ => Some(Next::Do(Action::Expire(session.id.clone()))),
        }
    }

    fn session_ask(&self) -> SessionAsk {
        SessionAsk {
            order: self.placed.id.clone(),
            attempt: self.attempt + 1,
            amount: self.money(self.owes()),
            title: self.placed.title.clone(),
            until: self.placed_at + self.placed.terms.session_for,
            back_to: self.placed.back_to.clone(),
        }
    }

    fn reversing(&self) -> Option<Action> {
        let has_seats = self.lines.iter().any(PlacedLine::has_seats);
        let is_gone = has_seats && self.owes() > 0 && self.ours_if_won() <= 0;
        (is_gone && self.placed.terms.on_reversal == OnReversal::GiveUp).then_some(Action::Record(OrderEvent::Reversed))
    }

    fn refunding(&self) -> Option<Action> {
        let excess = self.ours() - self.owes();
        let mut found = None;
        for (id, charge) in &self.purse.charges {
            let Some(captured) = charge.captured.filter(|_| !self.is_stuck(id)) else { continue };
            let ours = charge.ours();
            let is_foreign = captured.currency() != self.currency;
            let back = if is_foreign { ours } else { ours.min(excess) };
            if back <= 0 {
                continue;
            }
            let ask = RefundAsk {
                order: self.placed.id.clone(),
                key: format!("{}.r{}", self.placed.id, self.seq.get()),
                charge: id.clone(),
                amount: minor(back, captured),
                before: minor(charge.refunded(), captured),
            };
            // A charge that is too much as a whole goes back as a whole.
            let fits = is_foreign || ours == excess;
            found = Some(ask);
            if fits {
                break;
            }
        }
        found.map(|ask| Action::Record(OrderEvent::RefundAsked { ask }))
    }

    fn settling(&self) -> Option<Action> {
        // Not while money that should go back is still with us.
        let (line, _) = self.numbered().find(|(_, line)| line.is_noted && self.ours() <= self.owes())?;
        Some(seats(line, SeatChange::Settle))
    }

    /// Nothing is held, and yet the session can be paid.
    fn ending(&self, now: Timestamp) -> Option<Next> {
        let session = self.session.as_ref()?;
        if self.session_state().is_none_or(SessionState::is_over) {
            return None;
        }
        let again = self.asked_at.map(|at| at + ASK_AGAIN).filter(|again| now < *again);
        Some(again.map_or_else(|| Next::Do(Action::Expire(session.id.clone())), |until| Next::Wait { until }))
    }

    fn ends(&self) -> OrderEnd {
        let (ours, owes) = (self.ours(), self.owes());
        let some = |state: LineState| self.lines.iter().any(|line| !line.line.voucher && line.state == state);
        let foreign = self.purse.charges.values().filter_map(|charge| {
            charge.captured.filter(|captured| captured.currency() != self.currency && charge.ours() > 0)
        });
        if ours > owes {
            return OrderEnd::RefundStuck { left: self.money(ours - owes) };
        }
        if let Some(left) = foreign.max_by_key(Money::minor) {
            return OrderEnd::RefundStuck { left };
        }
        if ours < owes {
            return OrderEnd::Short { missing: self.money(owes - ours) };
        }
        match () {
            () if some(LineState::Confirmed) => OrderEnd::Fulfilled,
            () if self.is_refused() => OrderEnd::Refused,
            () if some(LineState::Lost) => OrderEnd::TooLate,
            () if some(LineState::GivenUp) => OrderEnd::Cancelled,
            () if self.session_refused.is_some() => OrderEnd::NoSession,
            () => OrderEnd::Unpaid,
        }
    }
}
