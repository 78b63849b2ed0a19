//! Amounts.

use core::cmp::Reverse;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::currency::Currency;

/// Why there is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// There is no such currency.
    #[error("{code:?} is no code of ISO 4217")]
    Currency {
        /// The text found, at most ten characters of it.
        code: String,
    },
    /// The text is no amount.
    #[error("{text:?} is no amount of a currency, such as 12.50 EUR")]
    Shape {
        /// The text found, at most 40 characters of it.
        text: String,
    },
    /// Amounts of two currencies.
    #[error("{left} and {right} cannot be added")]
    Currencies {
        /// The one.
        left: Currency,
        /// The other.
        right: Currency,
    },
    /// It is beyond `i64` minor units.
    #[error("an amount beyond what can be kept")]
    Overflow,
    /// There is nobody to deal an amount out to.
    #[error("an amount cannot be dealt out to weights that add up to nothing")]
    NoWeights,
}

/// An amount of money: a whole number of minor units. May be negative, as a refund or a discount is.
///
/// Written as `12.50 EUR`, with exactly the decimal places of its currency; recorded as JSON `{"minor":1250,"currency":"EUR"}`.
///
/// ```
/// use boxoffice_core::ticket::{Currency, Money};
/// let price = Money::new(1_250, Currency::new("EUR")?);
/// assert_eq!(price.times(3)?.to_string(), "37.50 EUR");
/// assert_eq!("500 JPY".parse::<Money>()?.minor(), 500);
/// # Ok::<(), boxoffice_core::ticket::MoneyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// So many minor units.
    pub fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Minor units: cents of EUR, yen of JPY.
    pub fn minor(&self) -> i64 {
        self.minor
    }

    /// Of which currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// Both together.
    ///
    /// # Errors
    /// [`MoneyError::Currencies`] when they are of two currencies, [`MoneyError::Overflow`] when they are too much.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies { left: self.currency, right: other.currency });
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// What is left when `other` is taken away.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.plus(other.times(-1)?)
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when it is too much.
    pub fn times(self, count: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(count).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// All of them together; none if there are none, since nobody can say of which currency nothing is.
    ///
    /// # Errors
    /// As [`Money::plus`].
    pub fn sum<'a>(amounts: impl IntoIterator<Item = &'a Self>) -> Result<Option<Self>, MoneyError> {
        let mut amounts = amounts.into_iter().copied();
        let Some(first) = amounts.next() else { return Ok(None) };
        amounts.try_fold(first, Self::plus).map(Some)
    }

    /// Deals the amount out by weights, by the largest remainder (Hamilton): each part is its exact share, less than one minor unit up or
    /// down, and the parts add up to the whole. Of equal remainders the first gets the unit. A weight of 0 gets nothing.
    ///
    /// One part for each weight, in their order.
    ///
    /// # Errors
    /// [`MoneyError::NoWeights`] when the weights add up to 0.
    pub fn allocate(self, weights: &[u64]) -> Result<Vec<Self>, MoneyError> {
        let all: u128 = weights.iter().copied().map(u128::from).sum();
        if all == 0 {
            return Err(MoneyError::NoWeights);
        }
        let whole = u128::from(self.minor.unsigned_abs());
        // At most 64 bits times 64 bits.
        let shares = weights.iter().map(|weight| whole * u128::from(*weight));
        let mut parts: Vec<u128> = shares.clone().map(|share| share / all).collect();
        let mut remainders: Vec<(usize, u128)> = shares.map(|share| share % all).enumerate().collect();
        remainders.sort_by_key(|(_, remainder)| Reverse(*remainder));
        let left = whole - parts.iter().sum::<u128>();
        for (at, _) in remainders.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            if let Some(part) = parts.get_mut(*at) {
                *part += 1;
            }
        }
        let signed = |part: u128| {
            let part = i128::try_from(part).unwrap_or(i128::MAX);
            i64::try_from(if self.minor < 0 { -part } else { part }).map_err(|_| MoneyError::Overflow)
        };
        parts.into_iter().map(|part| Ok(Self { minor: signed(part)?, ..self })).collect()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let (minor, digits) = (self.minor.unsigned_abs(), u32::from(self.currency.digits()));
        let one = 10_u64.pow(digits);
        match digits {
            0 => write!(f, "{sign}{minor} {}", self.currency),
            digits => {
                let width = usize::try_from(digits).unwrap_or_default();
                write!(f, "{sign}{}.{:0width$} {}", minor / one, minor % one, self.currency)
            }
        }
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads `12.50 EUR`: digits, exactly as many decimal places as the currency has, one space, the code.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let shape = || MoneyError::Shape { text: text.chars().take(40).collect() };
        let (number, code) = text.split_once(' ').ok_or_else(shape)?;
        let currency = Currency::new(code)?;
        let digits = usize::from(currency.digits());
        let (sign, unsigned) = number.strip_prefix('-').map_or(("", number), |unsigned| ("-", unsigned));
        let (major, minor) = match unsigned.split_once('.') {
            Some((major, minor)) if digits > 0 => (major, minor),
            None if digits == 0 => (unsigned, ""),
            Some(_) | None => return Err(shape()),
        };
        let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if major.is_empty() || minor.len() != digits || !is_number(major) || !is_number(minor) {
            return Err(shape());
        }
        let minor = format!("{sign}{major}{minor}").parse().map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, currency })
    }
}
