//! Tests through the public door of both packages, one file per behaviour.

mod conformance;
mod sled_store;
