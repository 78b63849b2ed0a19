//! Durable functions by deterministic replay.

mod retry;

#[cfg(test)]
mod tests;

pub use retry::{Jitter, RetryPolicy, RetryPolicyError};
