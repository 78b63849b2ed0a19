//! Tests through the public door of both packages, one file per behaviour.

mod backends;
mod conformance;
mod lifecycle;
mod sale;
mod sled_store;
mod two_owners;
