//! What may be asked of an order: to place it, to give seats up, to give money back.

use std::collections::BTreeSet;

use serde::Serialize;

use super::event::{Cut, OrderEvent};
use super::line::{NewOrder, PlacedLine};
use super::state::Order;
use crate::booking::Seats;
use crate::ticket::money::Money;

/// Longest reason, in bytes.
const REASON_MAX: usize = 300;

/// Why an order is not placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BadOrder {
    /// There is nothing in it that could be sat on, or more than 40 lines.
    LineCount {
        /// How many lines it has.
        lines: usize,
    },
    /// A line has no seats, or costs less than nothing.
    Line {
        /// Which, from 0.
        line: u16,
    },
    /// The lines are of several currencies, or cost more than can be kept.
    Money,
    /// Two lines are for the same holder in the same occurrence.
    HolderTwice {
        /// The second of them, from 0.
        line: u16,
    },
    /// It is more than is recorded at once.
    TooLarge {
        /// Bytes as JSON.
        bytes: usize,
    },
    /// A session of more than 30 days, or a grace of more than 7: seats cannot be held so long.
    Terms,
}

impl NewOrder {
    /// What is wrong with it; nothing if it may be placed.
    pub fn check(&self) -> Option<BadOrder> {
        let seats = self.lines.iter().filter(|line| !line.voucher).count();
        if seats == 0 || self.lines.len() > Self::LINES_MAX {
            return Some(BadOrder::LineCount { lines: self.lines.len() });
        }
        let mut holders = BTreeSet::new();
        for (number, line) in (0_u16..).zip(&self.lines) {
            if line.party.seats == Seats::new(0) || line.net.minor() < 0 {
                return Some(BadOrder::Line { line: number });
            }
            if !holders.insert((&line.occurrence, &line.holder)) {
                return Some(BadOrder::HolderTwice { line: number });
            }
        }
        if !matches!(self.total(), Ok(Some(_))) {
            return Some(BadOrder::Money);
        }
        let day = core::time::Duration::from_secs(86_400);
        if self.terms.session_for > day * 30 || self.terms.grace > day * 7 {
            return Some(BadOrder::Terms);
        }
        let bytes = serde_json::to_string(self).map_or(usize::MAX, |text| text.len());
        (bytes > Self::BYTES_MAX).then_some(BadOrder::TooLarge { bytes })
    }
}

/// What is asked of an order that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderChange {
    /// Give seats up. Their money goes back, as far as it was paid, but for what is kept. Seats that were let go since nobody paid
    /// are given up for good: a late payment does not bring them back.
    Cancel {
        /// Which seats; all that are left if none are named.
        cuts: Vec<Cut>,
        /// What is kept, at most what was paid for the seats.
        kept: Option<Money>,
        /// Why; not personal, at most 300 bytes.
        reason: String,
    },
    /// Give money back, and leave the seats: of what was paid for them first, then of what was kept of others.
    Allow {
        /// How much, at most what is ours and owed.
        amount: Money,
        /// Why; not personal, at most 300 bytes.
        reason: String,
    },
    /// Look after the order again: ask again for refunds that were refused (not for a charge of which three came to nothing), give up
    /// seats again that could not be, and go on where its flow was ended.
    Reopen,
}

/// What asking comes to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Changing {
    /// To be recorded.
    Do(OrderEvent),
    /// There are no such seats, they were given up, or cannot be.
    NoSeats {
        /// Of which line; none if the order has none at all.
        line: Option<u16>,
    },
    /// More is to be kept or given back than there is, or it is of another currency, or less than nothing.
    Amount {
        /// The most that is possible.
        max: Money,
    },
    /// The reason has too many bytes.
    Reason {
        /// The most that is allowed.
        max: usize,
    },
}

impl Order {
    /// What asking for a change comes to, as the order stands.
    pub fn change_asked(&self, asked: OrderChange) -> Changing {
        match asked {
            OrderChange::Reopen => Changing::Do(OrderEvent::Reopened),
            OrderChange::Cancel { reason, .. } | OrderChange::Allow { reason, .. } if reason.len() > REASON_MAX => {
                Changing::Reason { max: REASON_MAX }
            }
            OrderChange::Allow { amount, reason } => {
                // Of money that has not come, nothing can go back.
                let max = self.money(self.owes().min(self.ours()).max(0));
                let is_possible = (1..=max.minor()).contains(&amount.minor()) && amount.currency() == max.currency();
                if is_possible {
                    Changing::Do(OrderEvent::Allowed { amount, reason })
                } else {
                    Changing::Amount { max }
                }
            }
            OrderChange::Cancel { cuts, kept, reason } => self.cancel(cuts, kept, reason),
        }
    }

    fn cancel(&self, cuts: Vec<Cut>, kept: Option<Money>, reason: String) -> Changing {
        let cuts = if cuts.is_empty() { self.all_seats() } else { cuts };
        if cuts.is_empty() {
            return Changing::NoSeats { line: None };
        }
        let mut after = self.clone();
        for cut in &cuts {
            let line = after.lines.get_mut(usize::from(cut.line));
            let left = line.filter(|line| line.may_be_given_up()).map(|line| {
                let left = line.seats.get().saturating_sub(line.to_give_up);
                line.to_give_up += cut.seats.get().min(left);
                left
            });
            if cut.seats.get() == 0 || left.is_none_or(|left| left < cut.seats.get()) {
                return Changing::NoSeats { line: Some(cut.line) };
            }
        }
        // Of money that has not come, nothing can be kept.
        let max = self.money((self.owes() - after.owes()).min(self.ours() - after.owes()).max(0));
        let kept = kept.unwrap_or_else(|| self.money(0));
        if kept.currency() != max.currency() || !(0..=max.minor()).contains(&kept.minor()) {
            return Changing::Amount { max };
        }
        Changing::Do(OrderEvent::CancelAsked { cuts, kept, reason })
    }

    /// All seats that can be given up, vouchers left out: they follow by themselves.
    fn all_seats(&self) -> Vec<Cut> {
        let is_there = |line: &PlacedLine| !line.line.voucher && line.may_be_given_up();
        let lines = (0_u16..).zip(&self.lines).filter(|(_, line)| is_there(line));
        let left = lines.map(|(number, line)| (number, line.seats.get().saturating_sub(line.to_give_up)));
        left.filter(|(_, left)| *left > 0).map(|(line, left)| Cut { line, seats: Seats::new(left) }).collect()
    }
}
