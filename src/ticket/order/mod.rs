//! Orders: seats that are paid for.
//!
//! An order is a stream of what happened to it (`order:ID`), folded to an [`Order`]. [`Order::next`] says what is to be done about it,
//! purely; a flow has it done (`order/ID/N`), step after step, and waits in between for the gateway's [news](super::payment::News).
//!
//! ```text
//! placed --> seats held --> session open ----- paid -----> seats confirmed --> closed: fulfilled
//!               |                |                                ^                  |
//!               | refused        | ended, and not paid in time    | had again        | given up, refunded, charged back:
//!               v                v                                |                  v open again, until nothing is due
//!            closed        seats released --> closed: unpaid -- paid late --> gone: the money goes back
//! ```
//!
//! *One rule for money.* What is ours of the charges (taken, not given back, not disputed) is compared with what is owed (the cost of the
//! seats that the order has, what is kept of those given up, less what was allowed). What is beyond it goes back: so a second charge, a
//! capture in part of an order that is over, a late payment without seats and a cancellation are all one case. The cost of each
//! seat is frozen when the order is placed.
//!
//! *News may be late, come twice, in any order, or never.* Facts say how things stand, and putting them together is commutative and
//! idempotent ([`Purse`]); each piece of news is recorded once, with what it [came to](Came). When a session's time is over and
//! nothing was told, the gateway is asked.
//!
//! *Deadlines.* Seats are held until the session's end by the gateway's clock and a grace. At the end the session is ended at the
//! gateway, and seats are let go once it says so, or when the grace is over.
//!
//! *What is absent.* Several currencies in one order; a second session for an order: who could not pay places another.

mod change;
mod claim;
mod event;
mod flow;
mod from_basket;
mod line;
mod next;
mod purse;
mod seats;
mod state;
mod told;
mod wire;

#[cfg(test)]
mod tests;

pub use change::{BadOrder, Changing, OrderChange};
pub use claim::{Bought, Claim, ClaimChanges, bought_key, claim_key, open_key, open_orders};
pub use event::{Came, Cut, OrderEnd, OrderEvent, Seated};
pub use flow::{ORDER, ORDER_NEWS, ORDER_STEPS, OrderInput, StepEnd, order_flow, order_program};
pub use from_basket::{QuoteError, QuotedBasket};
pub use line::{LineState, NewOrder, OnReversal, OrderLine, OrderTerms, PlacedLine};
pub use next::{Action, Next};
pub use purse::{Charge, Purse};
pub use seats::{SeatChange, SeatStep};
pub use state::Order;
pub use told::Hearing;
pub use wire::{load_order, order_events, order_ids, order_of, order_stream};
