//! The 201 checks of the reference, suite by suite, each under its own name. Where the reference says "the durable
//! backend" it means the one under test; where it restarts, so do we.

macro_rules! suite {
    ($constant:ident, $name:literal; $($check:literal => |$trial:ident| $body:block)*) => {
        pub(super) const $constant: Suite = Suite {
            name: $name,
            checks: &[$(($check, |$trial| Box::pin(async move $body))),*],
        };
    };
}

mod acl;
mod batch;
mod blob;
mod durable;
mod global;
mod kv;
mod log;
mod project;
mod read;
mod snapshot;
mod subscribe;

use super::subject::Suite;

/// All twenty.
pub(super) const SUITES: [Suite; 20] = [
    log::EVENT,
    log::LOG,
    kv::KV,
    project::PROJECT,
    subscribe::SUBSCRIBE,
    log::CONCURRENCY,
    snapshot::SNAPSHOT,
    snapshot::COMPACTION,
    durable::DURABLE,
    blob::BLOB,
    durable::RECOVERY,
    subscribe::VIEW,
    kv::CAS,
    kv::CATALOG,
    read::QUERY,
    batch::BATCH,
    read::UPCAST,
    batch::IDEMPOTENCY,
    global::GLOBAL,
    acl::EXAMPLE_ACL,
];
