//! What is recorded of an order.

use serde::{Deserialize, Serialize};

use super::line::NewOrder;
use crate::booking::Seats;
use crate::ticket::money::Money;
use crate::ticket::payment::{NewsId, PaymentFact, RefundAsk, Session};
use crate::time::Timestamp;

/// What a fact of a gateway came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Came {
    /// It was known.
    Known,
    /// The session stands so now, as the fact says.
    Session,
    /// The order is paid.
    Paid,
    /// It is paid in part: so much is missing.
    PaidInPart {
        /// How much.
        missing: Money,
    },
    /// It was paid already, or nothing is due any more: so much is too much, and goes back.
    PaidTooMuch {
        /// How much.
        excess: Money,
    },
    /// It is paid, after its seats were let go: they are had again, or the money goes back.
    PaidLate,
    /// It was paid in another currency than it is in: the money goes back.
    OtherCurrency,
    /// Money goes back, as we asked.
    Refunding,
    /// Money went back, as we asked.
    Refunded,
    /// Money went back, and we did not ask for it.
    RefundedElsewhere,
    /// A refund came to nothing; it is asked for again, at most twice.
    RefundFailed,
    /// Money was taken back from us until a dispute is decided.
    Disputed,
    /// A dispute was decided for us.
    DisputeWon,
    /// A dispute was decided against us.
    ChargedBack,
}

/// How a line came to its seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seated {
    /// They were held until then.
    Held,
    /// They had been let go, and were free still.
    Reacquired,
}

/// So many seats of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Which line, from 0.
    pub line: u16,
    /// How many seats.
    pub seats: Seats,
}

/// How an order ended, as far as that goes: news may open it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderEnd {
    /// Seats could not be had, and nothing was paid.
    Refused,
    /// The gateway opened no session.
    NoSession,
    /// It was not paid, and the seats are free.
    Unpaid,
    /// All lines that are left have their seats, and were paid for.
    Fulfilled,
    /// The money came late, and no seats were left: it went back.
    TooLate,
    /// All seats were given up.
    Cancelled,
    /// Less was left of the money than the seats cost: it went back without our doing.
    Short {
        /// How much is missing.
        missing: Money,
    },
    /// There is money that should go back, and the gateway refuses to take it.
    RefundStuck {
        /// How much.
        left: Money,
    },
}

impl OrderEnd {
    /// The name of the variant, for spans, counters and tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NoSession => "no_session",
            Self::Unpaid => "unpaid",
            Self::Fulfilled => "fulfilled",
            Self::TooLate => "too_late",
            Self::Cancelled => "cancelled",
            Self::Short { .. } => "short",
            Self::RefundStuck { .. } => "refund_stuck",
        }
    }
}

/// Something that happened to an order. Lines are named by their place in it, from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum OrderEvent {
    /// It was placed, for this gateway.
    Placed {
        /// As it was placed.
        order: Box<NewOrder>,
        /// Who takes the money.
        gateway: String,
    },
    /// Seats of a line are held.
    LineHeld {
        /// Which line.
        line: u16,
        /// First instant at which they are held no more.
        until: Timestamp,
    },
    /// Seats of a line could not be had.
    LineRefused {
        /// Which line.
        line: u16,
        /// What the owner of the occurrence said, in one word.
        outcome: String,
    },
    /// A session is open.
    SessionOpened {
        /// Which.
        session: Session,
        /// Which session of the order, from 1.
        attempt: u32,
    },
    /// The gateway opens no session.
    SessionRefused {
        /// Why.
        reason: String,
    },
    /// The seats of a line are held as long as the session can be paid, and the grace; or as long as the sale allows.
    HoldMatched {
        /// Which line.
        line: u16,
        /// First instant at which they are held no more.
        until: Timestamp,
    },
    /// The gateway told facts; what each came to stands in the same place.
    Told {
        /// The name of the news; none if we had asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        news: Option<NewsId>,
        /// What it said.
        facts: Vec<PaymentFact>,
        /// What each came to.
        came: Vec<Came>,
    },
    /// Seats of a line are held no longer.
    LineReleased {
        /// Which line.
        line: u16,
    },
    /// A line that was let go is to have seats again, since it was paid for.
    LineReclaimed {
        /// Which line.
        line: u16,
    },
    /// Seats of a line are the holder's.
    LineConfirmed {
        /// Which line.
        line: u16,
        /// How they were had.
        how: Seated,
    },
    /// The seats of a line are gone.
    LineLost {
        /// Which line.
        line: u16,
        /// Whether the occurrence has noted that money is due back.
        noted: bool,
    },
    /// Seats are to be given up, and their money goes back but for what is kept.
    CancelAsked {
        /// Which seats.
        cuts: Vec<Cut>,
        /// What is kept of their money.
        kept: Money,
        /// Why; not personal.
        reason: String,
    },
    /// Seats of a line were given up at the occurrence.
    SeatsGivenUp {
        /// Which.
        cut: Cut,
    },
    /// The occurrence would not give seats of a line up, most likely since the holder has them no more: they were transferred, or
    /// given up by hand. What they cost stays owed until somebody has looked at it.
    GiveUpRefused {
        /// Which line.
        line: u16,
        /// What the owner of the occurrence said, in one word.
        outcome: String,
    },
    /// Money is to go back, though the seats stay.
    Allowed {
        /// How much.
        amount: Money,
        /// Why; not personal.
        reason: String,
    },
    /// The seats of an order whose money went back are to be given up.
    Reversed,
    /// A refund is about to be asked for.
    RefundAsked {
        /// What is asked.
        ask: RefundAsk,
    },
    /// The gateway refuses a refund.
    RefundRefused {
        /// Which, by its key.
        key: String,
        /// Why.
        reason: String,
    },
    /// The occurrence knows that the money for a lost line went back.
    NoteSettled {
        /// Which line.
        line: u16,
    },
    /// There is nothing more to do, for now.
    Closed {
        /// How it ended.
        end: OrderEnd,
    },
    /// Somebody looks after it again, though nothing new was told.
    Reopened,
}
