//! Tests through the public door of both packages, one file per behaviour.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unreachable,
    clippy::wildcard_enum_match_arm,
    clippy::needless_pass_by_value,
    reason = "helpers of tests may panic too"
)]

mod availability;
mod backends;
mod blobs;
mod bookings;
mod channels;
mod checkin;
mod conformance;
mod damage;
mod engine;
mod federation;
mod federation_feeds;
mod federation_holds;
mod flow_supervisors;
mod flows;
mod lifecycle;
mod model;
mod notifier;
mod orders;
mod policies;
mod prices;
mod runtime;
mod sale;
mod schedule;
mod shred;
mod sled_store;
mod subscription;
mod tidy;
mod two_owners;
