//! One session of the sandbox as it is stored, and what may become of it.

use boxoffice_core::id::IdError;
use boxoffice_core::ticket::payment::{
    ChargeId, DisputeId, DisputeState, News, NewsId, OrderId, PaymentFact, RefundAsk, RefundId, RefundState,
    SessionAsk, SessionId, SessionState,
};
use boxoffice_core::ticket::{Money, MoneyError};
use boxoffice_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most refunds of a charge: with the session, the charge and the dispute they fill a piece of news.
const REFUNDS_MAX: usize = News::FACTS_MAX - 3;

/// What the id of a charge begins with; the rest is its session's.
const CHARGE: &str = "charge.";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sale {
    pub(super) order: OrderId,
    attempt: u32,
    pub(super) amount: Money,
    pub(super) opened: Timestamp,
    pub(super) until: Timestamp,
    state: SessionState,
    captured: Option<Money>,
    refunds: Vec<Given>,
    dispute: Option<Disputed>,
    /// Counts the changes.
    version: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Given {
    key: String,
    amount: Money,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Disputed {
    amount: Money,
    state: DisputeState,
}

/// What becomes of a sale.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Pay(Option<Money>),
    Fail,
    Expire,
    Dispute(Option<Money>),
    Decide { won: bool },
}

/// Why there is no refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoRefund {
    /// It was made before.
    Made,
    Refused(&'static str),
}

/// Which session took a charge.
pub(super) fn session_of(charge: &ChargeId) -> Option<&str> {
    charge.as_str().strip_prefix(CHARGE)
}

impl Sale {
    pub(super) fn new(ask: &SessionAsk, now: Timestamp) -> Self {
        Self {
            order: ask.order.clone(),
            attempt: ask.attempt,
            amount: ask.amount,
            opened: now,
            until: ask.until,
            state: SessionState::Open,
            captured: None,
            refunds: Vec::new(),
            dispute: None,
            version: 1,
        }
    }

    fn name(&self) -> String {
        format!("{}.{}", self.order, self.attempt)
    }

    /// How the session stands. Its time runs out without anybody writing it down.
    pub(super) fn state(&self, now: Timestamp) -> SessionState {
        if self.state == SessionState::Open && self.until <= now { SessionState::Expired } else { self.state }
    }

    /// The sale after a change; none if it cannot be.
    pub(super) fn after(&self, change: &Change, now: Timestamp) -> Option<Self> {
        let is_open = self.state(now) == SessionState::Open;
        let mut next = Self { version: self.version.saturating_add(1), state: self.state(now), ..self.clone() };
        match (change, self.captured, self.dispute) {
            (Change::Pay(amount), ..) if is_open => {
                next.state = SessionState::Paid;
                next.captured = Some(amount.unwrap_or(self.amount)).filter(|amount| amount.minor() > 0);
                next.captured?;
            }
            (Change::Fail, ..) if is_open => next.state = SessionState::Failed,
            (Change::Expire, ..) if is_open => next.state = SessionState::Expired,
            (Change::Dispute(amount), Some(captured), None) => {
                let amount = amount.unwrap_or(captured);
                next.dispute = Some(Disputed { amount, state: DisputeState::Open });
            }
            (Change::Decide { won }, _, Some(Disputed { amount, state: DisputeState::Open })) => {
                let state = if *won { DisputeState::Won } else { DisputeState::Lost };
                next.dispute = Some(Disputed { amount, state });
            }
            _ => return None,
        }
        Some(next)
    }

    /// The sale after a refund.
    pub(super) fn after_refund(&self, ask: &RefundAsk) -> Result<Self, NoRefund> {
        if self.refunds.iter().any(|given| given.key == ask.key) {
            return Err(NoRefund::Made);
        }
        let captured = self.captured.ok_or(NoRefund::Refused("nothing was taken"))?;
        let no_sum = |_: MoneyError| NoRefund::Refused("the charge is of another currency");
        let amounts = self.refunds.iter().map(|given| given.amount).chain([ask.amount]);
        let back = amounts.into_iter().try_fold(Money::new(0, captured.currency()), Money::plus).map_err(no_sum)?;
        if ask.amount.minor() <= 0 || back.minor() > captured.minor() {
            return Err(NoRefund::Refused("nothing to give back, or more than was taken"));
        }
        if self.refunds.len() >= REFUNDS_MAX {
            return Err(NoRefund::Refused("too many refunds of one charge"));
        }
        let mut next = Self { version: self.version.saturating_add(1), ..self.clone() };
        next.refunds.push(Given { key: ask.key.clone(), amount: ask.amount });
        Ok(next)
    }

    pub(super) fn facts(&self, now: Timestamp) -> Result<Vec<PaymentFact>, IdError> {
        let name = self.name();
        let mut said = vec![PaymentFact::Session { session: SessionId::new(&name)?, state: self.state(now) }];
        let Some(captured) = self.captured else { return Ok(said) };
        let charge = ChargeId::new(format!("{CHARGE}{name}"))?;
        said.push(PaymentFact::Charge { charge: charge.clone(), captured });
        for (given, number) in self.refunds.iter().zip(1_u32..) {
            let refund = RefundId::new(format!("refund.{name}.{number}"))?;
            let (charge, amount, state) = (charge.clone(), given.amount, RefundState::Succeeded);
            said.push(PaymentFact::Refund { charge, refund, amount, state });
        }
        if let Some(Disputed { amount, state }) = self.dispute {
            let dispute = DisputeId::new(format!("dispute.{name}"))?;
            said.push(PaymentFact::Dispute { charge, dispute, amount, state });
        }
        Ok(said)
    }

    /// All of it, under a name that changes with it.
    pub(super) fn news(&self, now: Timestamp) -> Result<News, IdError> {
        let late = if self.state(now) == self.state { "" } else { ".late" };
        let id = NewsId::new(format!("{}.{}{late}", self.name(), self.version))?;
        Ok(News { id, order: Some(self.order.clone()), facts: self.facts(now)? })
    }
}
