//! Durable functions by deterministic replay.
