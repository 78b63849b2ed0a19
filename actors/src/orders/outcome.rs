//! Answers about orders. "No" is one of them.

use boxoffice_core::persist::Limit;
use boxoffice_core::ticket::order::{BadOrder, Came, Changing};
use boxoffice_core::ticket::payment::OrderId;

/// What placing an order came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlaceOutcome {
    /// It is placed.
    Placed,
    /// It was placed before, as it is.
    Already,
    /// Another order has this id.
    IdTaken,
    /// It is no order that could be placed.
    Bad(BadOrder),
    /// The store takes no event of this size.
    TooLarge(Limit),
    /// The holder of a line has seats there by another order, or may have them yet.
    HolderTaken {
        /// Which line, from 0.
        line: u16,
        /// By which order.
        by: OrderId,
    },
    /// The buyer would have more seats of a kind in an occurrence than are sold to one person.
    TooMany {
        /// The first line with too many, from 0.
        line: u16,
        /// The most that one person may have.
        max: u32,
    },
}

/// What asking for a change of an order came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChangeOutcome {
    /// It is recorded, and is being carried out.
    Asked,
    /// There is no such order.
    Unknown,
    /// It cannot be done. Nothing was written.
    No(Changing),
}

/// What a delivery of a gateway came to.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookOutcome {
    /// It is recorded.
    Told {
        /// Of which order.
        order: OrderId,
        /// What each of its facts came to.
        came: Vec<Came>,
    },
    /// It was recorded before.
    Again {
        /// Of which order.
        order: OrderId,
    },
    /// It is the gateway's, and says nothing about money of orders.
    Nothing,
    /// It is about money of no order that is known here. It is recorded among the strays.
    Stray,
    /// It is not proven to be the gateway's. Nothing was recorded.
    Unproven {
        /// Why.
        reason: String,
    },
    /// It is the gateway's, and cannot be read. Nothing was recorded.
    Unreadable {
        /// Why.
        reason: String,
    },
    /// The gateway had to be asked what it means, and could not be. Nothing was recorded.
    Later {
        /// Why.
        reason: String,
    },
}

impl WebhookOutcome {
    /// What to answer over HTTP: 200, 400, or 503 where it should come again. An `Err` of [`Orders::webhook`](super::Orders::webhook)
    /// is 503 too.
    pub fn status(&self) -> u16 {
        match self {
            Self::Told { .. } | Self::Again { .. } | Self::Nothing | Self::Stray => 200,
            Self::Unproven { .. } | Self::Unreadable { .. } => 400,
            Self::Later { .. } => 503,
        }
    }

    /// The name of the variant, for spans and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Told { .. } => "told",
            Self::Again { .. } => "again",
            Self::Nothing => "nothing",
            Self::Stray => "stray",
            Self::Unproven { .. } => "unproven",
            Self::Unreadable { .. } => "unreadable",
            Self::Later { .. } => "later",
        }
    }
}

/// What reading a statement came to.
#[must_use]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatementRead {
    /// Pieces of news in it.
    pub read: u64,
    /// Of these, those that told an order something that it did not know.
    pub new: u64,
    /// Of these, those about money of no order here.
    pub strays: u64,
}
