//! Other systems, followed and asked: all of [`boxoffice_core::federation`], and what runs it beside a box office.
//!
//! ```text
//! Federation (handle) --- agenda: our schedule, and what is had of peers, merged; waits for nobody
//!      |              --- receive: a peer's message --> BoxOffice::run_once (the owner decides)
//!      v
//! one thread: a pull for each peer that is due, a few at a time, each held to its time --> PeerLink
//!             what we ask of peers, written down before it is sent                     --> PeerLink
//! ```

mod asker;
mod builder;
mod handle;
mod house;
#[cfg(feature = "federation-http")]
pub mod http;
mod memory;
mod owner;
mod publisher;
mod remote;
mod sync;

pub use boxoffice_core::federation::*;
pub use builder::FederationBuilder;
pub use handle::{Federation, FeedAnswer, PeerStanding};
pub use house::HOLDS_NEW_MAX;
pub use memory::{MemoryLink, MemoryNet};
