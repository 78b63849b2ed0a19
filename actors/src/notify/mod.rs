//! What people are told, and how it reaches them: all of [`boxoffice_core::notify`], and the actors that send.

mod house;
mod invite;
mod listener;
mod notifier;
mod people;
mod series_change;
mod tell;

pub use boxoffice_core::notify::*;
pub use notifier::{Lag, Notifier, NotifierBuilder, UnsubscribeOutcome};
