//! What is bought.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::ticket::money::{Money, MoneyError};

/// Most lines of a cart.
pub const LINES_MAX: usize = 1_000;

/// Why there is no price.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PriceError {
    /// Amounts that cannot be added.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// There is nothing in the cart.
    #[error("a cart without lines has no price")]
    Empty,
    /// There is too much in the cart.
    #[error("a cart has at most {limit} lines, this one {count}")]
    TooLong {
        /// Lines found.
        count: usize,
        /// Lines allowed.
        limit: usize,
    },
    /// Two promotions have one name.
    #[error("two promotions are called {name:?}")]
    TwoOfAName {
        /// The name.
        name: String,
    },
    /// A line costs less than nothing.
    #[error("line {line} has a price below zero")]
    Negative {
        /// Which line, from 0.
        line: usize,
    },
}

/// So many of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is, such as a type of ticket.
    pub item: String,
    /// How many.
    pub count: u32,
    /// What one of it costs by the list.
    pub unit: Money,
    /// Kinds of things that it is one of, for promotions that ask.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
}

impl Line {
    /// A line without tags.
    pub fn new(item: impl Into<String>, count: u32, unit: Money) -> Self {
        Self { item: item.into(), count, unit, tags: BTreeSet::new() }
    }

    /// Also one of this kind of thing.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.insert(tag.into());
        self
    }

    /// What all of it costs by the list.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when it is too much.
    pub fn list(&self) -> Result<Money, MoneyError> {
        self.unit.times(i64::from(self.count))
    }
}

/// What somebody buys at one time: 1 to 1,000 lines of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cart {
    pub(super) lines: Vec<Line>,
    pub(super) list: Vec<Money>,
    /// What the buyer is, such as `member`.
    pub(super) buyer: BTreeSet<String>,
    /// Codes that the buyer gave.
    pub(super) codes: BTreeSet<String>,
}

impl Cart {
    /// Of a buyer of whom nothing is known.
    ///
    /// # Errors
    /// [`PriceError`] when there are no lines or too many, one costs less than nothing, they are of two currencies, or they are too much.
    pub fn new(lines: Vec<Line>) -> Result<Self, PriceError> {
        if lines.len() > LINES_MAX {
            return Err(PriceError::TooLong { count: lines.len(), limit: LINES_MAX });
        }
        if let Some(line) = lines.iter().position(|line| line.unit.minor() < 0) {
            return Err(PriceError::Negative { line });
        }
        let list = lines.iter().map(Line::list).collect::<Result<Vec<_>, _>>()?;
        Money::sum(&list)?.ok_or(PriceError::Empty)?;
        Ok(Self { lines, list, buyer: BTreeSet::new(), codes: BTreeSet::new() })
    }

    /// The buyer is one of these, such as `member`.
    #[must_use]
    pub fn buyer(mut self, tag: impl Into<String>) -> Self {
        self.buyer.insert(tag.into());
        self
    }

    /// The buyer gave this code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.codes.insert(code.into());
        self
    }

    /// The lines, in their order.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }
}
