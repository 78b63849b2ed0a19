//! Why a fact holds, why it does not, and what would change that.
//!
//! Nothing is noted while facts are derived. An explanation goes back from the fact to all rule instances that could give
//! it, and picks the smallest derivation (Knuth's generalisation of Dijkstra's algorithm, 1977).

mod closure;
mod graph;
mod ground;
mod lines;
mod moves;
mod order;
mod print;
mod proof;
mod repair;
mod session;
mod why;
mod why_not;

pub use proof::{Counted, Premise, Proof, RuleRef};
pub use repair::{Repair, RepairLimits, Repairs};
pub use why_not::{Attempt, Failure, Missing, Obstacle, Reason, WhyNot};
