//! Programs to run and copy from, each a file in this folder:
//!
//! * `cargo run --example quickstart`: a weekly event, a paid ticket held and confirmed, a house that sells out.
//! * `cargo run --example two_offices`: two box offices on one store, neither of which knows of the other.
