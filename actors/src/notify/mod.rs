//! What people are told, and how it reaches them: all of [`boxoffice_core::notify`], and the actors that send.

mod builder;
mod channel;
mod dead;
mod house;
mod invite;
mod ledger;
mod listener;
mod notifier;
mod people;
mod series_change;
mod tell;

pub use boxoffice_core::notify::*;
pub use builder::NotifierBuilder;
pub use channel::*;
pub use dead::*;
pub use ledger::*;
pub use notifier::{Lag, Notifier, UnsubscribeOutcome};
