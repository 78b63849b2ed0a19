//! What a cart costs: list prices, promotions in a stated order, and who gave what.
//!
//! Words. The *list* amount of a line is its unit price times its count. What a promotion takes away is its *off*. The *net* amount of
//! a line is what is left of it, never below zero. A promotion *fits* if what it needs is there; one that fits may still be kept out
//! by another of its group, or find nothing to take.
//!
//! Rules, in this order:
//! 1. Promotions are looked at by rank, the lowest first, then by name.
//! 2. Of a group only the first that takes something counts; one that fits and finds nothing to take keeps nobody out. Groups are how
//!    a promotion is made exclusive.
//! 3. A share is worked out once, of all amounts that it is of, and rounded half up; then it is dealt out to the lines by the largest
//!    remainder (see [`Money::allocate`](super::Money::allocate)). So the parts add up to the whole.
//! 4. Nothing is taken from a line beyond what is left of it.
//!
//! ```
//! use boxoffice_core::ticket::price::{Cart, Effect, Line, Promotion, Share};
//! use boxoffice_core::ticket::Money;
//!
//! let cart = Cart::new(vec![
//!     Line::new("evening", 2, "10.00 EUR".parse()?),
//!     Line::new("programme", 1, "3.33 EUR".parse()?),
//! ])?;
//! let tenth = Promotion::new("early", 10, Effect::Share { per_10_000: 1_000, of: Share::List });
//! let quote = cart.quote(&[tenth])?;
//! assert_eq!(quote.total.to_string(), "21.00 EUR");
//! assert_eq!(quote.lines[0].net.to_string(), "18.00 EUR");
//! assert_eq!(quote.offs[0].promotion, "early");
//! # Ok::<(), boxoffice_core::ticket::price::PriceError>(())
//! ```

mod backward;
mod cart;
mod promotion;
mod quote;

#[cfg(test)]
mod tests;

pub use backward::{Found, cheapest, which_promotions};
pub use cart::{Cart, LINES_MAX, Line, PriceError};
pub use promotion::{Effect, Needs, Promotion, Share};
pub use quote::{Off, Quote, QuotedLine, Refusal, Refused};
