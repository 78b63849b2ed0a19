//! What makes things cheaper.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::cart::Line;
use crate::ticket::money::Money;

/// What a share is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Of the list amounts, whatever was taken before. Such shares do not depend on their order, as long as nothing runs out.
    List,
    /// Of what is left after those before.
    Left,
}

/// What a promotion does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Takes a share away.
    Share {
        /// Ten-thousandths: 1,000 is a tenth. What is beyond 10,000 counts as 10,000; a [list](crate::ticket::list) takes no more.
        per_10_000: u32,
        /// Of what.
        of: Share,
    },
    /// Takes an amount away, as far as there is so much.
    Fixed {
        /// How much.
        off: Money,
    },
    /// Sells so many of these together at a price, as often as the cart has them. What is in one set is in no other.
    Bundle {
        /// How many of each item make a set. Of nothing there are no sets; a [list](crate::ticket::list) takes none such.
        items: BTreeMap<String, u32>,
        /// What a set costs.
        price: Money,
    },
    /// Sells each at this price, where it costs more: a rate for members.
    Rate {
        /// What one costs.
        unit: Money,
    },
}

/// What a promotion needs. The default: nothing, and it is of all lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Needs {
    /// It is only of lines with one of these tags; of all lines if there are none.
    pub tags: BTreeSet<String>,
    /// The buyer is this.
    pub buyer: Option<String>,
    /// The buyer gave this code: a voucher.
    pub code: Option<String>,
    /// The list amounts of the whole cart are at least so much.
    pub at_least: Option<Money>,
}

/// A rule that makes things cheaper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// Its name; no other has it.
    pub name: String,
    /// When it is looked at: the lowest first.
    pub rank: u32,
    /// Of those of a group one counts at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What it needs.
    #[serde(default)]
    pub needs: Needs,
    /// What it does.
    pub effect: Effect,
}

impl Promotion {
    /// One that needs nothing and is of no group.
    pub fn new(name: impl Into<String>, rank: u32, effect: Effect) -> Self {
        Self { name: name.into(), rank, group: None, needs: Needs::default(), effect }
    }

    /// Only one of this group counts.
    #[must_use]
    pub fn group(self, group: impl Into<String>) -> Self {
        Self { group: Some(group.into()), ..self }
    }

    /// Needs this.
    #[must_use]
    pub fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    /// Whether it is of a line.
    pub(super) fn is_of(&self, line: &Line) -> bool {
        self.needs.tags.is_empty() || !self.needs.tags.is_disjoint(&line.tags)
    }
}
