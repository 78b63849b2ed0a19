//! Flows of notices: pure programs, for whoever runs flows.

mod deliver;

pub use deliver::*;
