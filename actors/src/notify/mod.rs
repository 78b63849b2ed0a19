//! What people are told, and how it reaches them: all of [`boxoffice_core::notify`], and the actors that send.

mod channel;
mod dead;
mod ledger;

pub use boxoffice_core::notify::*;
pub use channel::*;
pub use dead::*;
pub use ledger::*;
