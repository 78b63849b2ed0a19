//! What the facts of a gateway come to.

use super::event::{Came, OrderEvent};
use super::line::LineState;
use super::state::Order;
use crate::ticket::money::Money;
use crate::ticket::payment::{ChargeId, DisputeState, News, NewsId, PaymentFact, RefundState};

/// Bytes of facts that are recorded at once, as JSON: with what each came to they fit into an event.
const ANSWER_BYTES_MAX: usize = 2_400;

/// What news come to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hearing {
    /// To be recorded.
    New(OrderEvent),
    /// It was told before, under the same name.
    Again,
    /// It has more facts than one piece of news may have, or none.
    Facts {
        /// How many it has.
        count: usize,
        /// The most that it may have.
        limit: usize,
    },
}

impl Order {
    /// What news come to, as the order stands. Told again under the same name, they come to nothing.
    pub fn hear(&self, news: &News) -> Hearing {
        if self.news.contains(&news.id) {
            return Hearing::Again;
        }
        let (count, limit) = (news.facts.len(), News::FACTS_MAX);
        if count == 0 || count > limit {
            return Hearing::Facts { count, limit };
        }
        Hearing::New(self.told_now(Some(news.id.clone()), news.facts.clone()))
    }

    /// What an answer of the gateway to a question of ours comes to: those of its facts that are new, as many as are recorded at once.
    /// Asked again, it says the others.
    pub fn answered(&self, facts: Vec<PaymentFact>) -> OrderEvent {
        let (mut known, mut bytes) = (self.purse.clone(), 0);
        let new = facts.into_iter().filter(|fact| known.put(fact)).take(News::FACTS_MAX);
        let fitting = new.take_while(|fact| {
            bytes += serde_json::to_string(fact).map_or(usize::MAX, |text| text.len());
            bytes <= ANSWER_BYTES_MAX
        });
        self.told_now(None, fitting.collect())
    }

    fn told_now(&self, news: Option<NewsId>, facts: Vec<PaymentFact>) -> OrderEvent {
        let mut after = self.clone();
        let came = facts.iter().map(|fact| after.put(fact)).collect();
        OrderEvent::Told { news, facts, came }
    }

    fn put(&mut self, fact: &PaymentFact) -> Came {
        let before = self.ours();
        if !self.purse.put(fact) {
            return Came::Known;
        }
        match fact {
            PaymentFact::Session { .. } => Came::Session,
            PaymentFact::Charge { captured, .. } => self.charged(*captured, before),
            PaymentFact::Refund { charge, state, .. } => self.refunded(charge, *state),
            PaymentFact::Dispute { state, .. } => match state {
                DisputeState::Open => Came::Disputed,
                DisputeState::Won => Came::DisputeWon,
                DisputeState::Lost => Came::ChargedBack,
            },
        }
    }

    fn charged(&self, captured: Money, before: i128) -> Came {
        if captured.currency() != self.currency {
            return Came::OtherCurrency;
        }
        let (ours, due) = (self.ours(), self.due());
        let was_let_go = self.lines.iter().any(|line| line.state == LineState::Released);
        match () {
            () if ours < due => Came::PaidInPart { missing: self.money(due - ours) },
            () if ours > due => Came::PaidTooMuch { excess: self.money(ours - due) },
            () if was_let_go && before < due => Came::PaidLate,
            () => Came::Paid,
        }
    }

    fn refunded(&self, charge: &ChargeId, state: RefundState) -> Came {
        let asked = self.asks.values().filter(|asked| asked.ask.charge == *charge);
        let asked: i128 = asked.map(|asked| i128::from(asked.ask.amount.minor())).sum();
        let ever = self.purse.charges.get(charge).map_or(0, super::purse::Charge::refunds_ever);
        match state {
            RefundState::Failed => Came::RefundFailed,
            _ if ever > asked => Came::RefundedElsewhere,
            RefundState::Pending => Came::Refunding,
            RefundState::Succeeded => Came::Refunded,
        }
    }
}
