//! What gateways tell.

use serde::{Deserialize, Serialize};

use super::id::{ChargeId, DisputeId, NewsId, OrderId, RefundId, SessionId};
use crate::ticket::money::Money;

/// How a session of paying stands. Later ones replace earlier ones, never the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It can be paid.
    Open,
    /// The buyer has done what there is to do, and the money is on its way, perhaps for days.
    Pending,
    /// It cannot be paid any more: its time is over, or somebody ended it.
    Expired,
    /// It cannot be paid any more: the payment failed for good.
    Failed,
    /// Its money has been taken; a charge says how much.
    Paid,
}

impl SessionState {
    /// Whether no money can come of it any more beyond what has.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Expired | Self::Failed | Self::Paid)
    }
}

/// How a refund stands. Later ones replace earlier ones: gateways say of a refund that succeeded that it failed after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The gateway has taken it on.
    Pending,
    /// The money is back.
    Succeeded,
    /// It came to nothing: the money is still ours.
    Failed,
}

/// How a dispute stands. Later ones replace earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeState {
    /// The money has been taken back from us, until it is decided.
    Open,
    /// It was decided for us: the money is ours again.
    Won,
    /// It was decided against us: a chargeback.
    Lost,
}

/// One thing that a gateway says about the money of an order.
///
/// A fact says how something stands, not how it changed: amounts are totals so far. So a fact may be told again, and facts in any
/// order, and what they come to together is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PaymentFact {
    /// A session stands so.
    Session {
        /// Which.
        session: SessionId,
        /// How.
        state: SessionState,
    },
    /// So much has been taken by a charge, in all. Less than was asked for is a capture in part.
    Charge {
        /// Which.
        charge: ChargeId,
        /// How much so far; what was given back is in it.
        captured: Money,
    },
    /// A refund of a charge stands so.
    Refund {
        /// Of which charge.
        charge: ChargeId,
        /// Which.
        refund: RefundId,
        /// How much.
        amount: Money,
        /// How it stands.
        state: RefundState,
    },
    /// A dispute of a charge stands so.
    Dispute {
        /// Of which charge.
        charge: ChargeId,
        /// Which.
        dispute: DisputeId,
        /// How much.
        amount: Money,
        /// How it stands.
        state: DisputeState,
    },
}

impl PaymentFact {
    /// The charge that it is about; none if it is about a session.
    pub fn charge(&self) -> Option<&ChargeId> {
        match self {
            Self::Session { .. } => None,
            Self::Charge { charge, .. } | Self::Refund { charge, .. } | Self::Dispute { charge, .. } => Some(charge),
        }
    }
}

/// A piece of news: facts that a gateway told at one time.
///
/// At most 16 facts; more are told in several pieces.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct News {
    /// Its name: under the same name it is recorded once.
    pub id: NewsId,
    /// Whose money it is about; none if the gateway does not say, and could not find out.
    pub order: Option<OrderId>,
    /// What it says; nothing if it is news that does not concern orders.
    pub facts: Vec<PaymentFact>,
}

impl News {
    /// The most facts of one piece.
    pub const FACTS_MAX: usize = 16;
}
