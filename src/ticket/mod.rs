//! What tickets cost.
//!
//! *What it is.* [`Money`] is a whole number of a currency's minor units (cents, pence, yen), never a fraction of one and never a
//! floating-point number. What does not divide evenly is dealt out unit by unit: [`Money::allocate`].
//!
//! [`price`] says what a cart costs, and which promotions made it so. [`list`] keeps what is sold, when and to whom, and vouchers with
//! limits. [`payment`] is the contract with whoever takes the money.
//!
//! An [`order`] is what a buyer owes for: seats are held, paid for, confirmed or given back, and its stream says what is to be done
//! next. [`reconcile`] finds by rules where money, seats and orders differ.
//!
//! *What is absent.* Rates of exchange: amounts of two currencies are never added.
//!
//! ```
//! use boxoffice_core::ticket::Money;
//!
//! let total: Money = "10.00 EUR".parse()?;
//! let thirds = total.allocate(&[1, 1, 1])?;
//! assert_eq!(thirds.iter().map(Money::to_string).collect::<Vec<_>>(), ["3.34 EUR", "3.33 EUR", "3.33 EUR"]);
//! assert_eq!(Money::sum(&thirds)?, Some(total));
//! # Ok::<(), boxoffice_core::ticket::MoneyError>(())
//! ```

mod currency;
pub mod list;
mod money;
pub mod order;
pub mod payment;
pub mod price;
pub mod reconcile;

#[cfg(test)]
mod tests;

pub use currency::Currency;
pub use money::{Money, MoneyError};
