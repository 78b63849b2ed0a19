//! What the models share: the shell around an owner, as tasks that hand over through mailboxes, so that Shuttle may switch
//! between any two steps.
//!
//! The code under test is the core's own: `Owner`, `MemoryBackend`, `Auditor`. The box office's actors cannot run under
//! Shuttle, as their runtime has threads and timers of its own: [`office`] takes the same steps in the same order.

#[cfg(boxoffice_loom)]
compile_error!("loom's locks work only inside loom: build in this folder, where its .cargo/config.toml counts");

mod mailbox;
mod office;

pub use mailbox::Mailbox;
pub use office::{Answer, Mail, Shell, office, writer};

use boxoffice_core::booking::{Auditor, BookingCommand, Seats, booking_stream, decode, run};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Backend, MemoryBackend, RecordedEvent, Seq};
use boxoffice_core::time::Timestamp;

/// The occurrence that everybody wants.
///
/// # Panics
/// Never: the id is well formed.
#[must_use]
pub fn evening() -> OccurrenceId {
    "chess@20260105T190000".parse().expect("a well-formed id")
}

/// An attendee.
///
/// # Panics
/// When the name is no id.
#[must_use]
pub fn who(name: &str) -> AttendeeId {
    AttendeeId::new(name).expect("a well-formed id")
}

/// The instant at which all happens.
pub const NOW: Timestamp = Timestamp::EPOCH;

/// A store with the evening on sale and `given` already done.
///
/// # Panics
/// When one of `given` is not accepted.
pub async fn store(capacity: u32, given: &[BookingCommand]) -> MemoryBackend {
    let store = MemoryBackend::new();
    let open = BookingCommand::Open { capacity: Seats::new(capacity) };
    for command in [open].iter().chain(given) {
        let reply = run(&store, &evening(), command, NOW).await.expect("memory does not fail");
        assert!(reply.outcome.is_accepted(), "{command:?}: {reply:?}");
    }
    store
}

/// The whole log of the evening.
///
/// # Panics
/// When the store fails.
pub async fn log(store: &MemoryBackend) -> Vec<RecordedEvent> {
    store.read(&booking_stream(&evening()), Seq::FIRST, 1_000).await.expect("memory does not fail")
}

/// Follows the log with the core's auditor, which shares no code with the rules, and gives the seats taken.
///
/// # Panics
/// With "oversold" when the log breaks a rule.
#[must_use]
pub fn audit(log: &[RecordedEvent]) -> u64 {
    let mut auditor = Auditor::new();
    for event in log {
        let decoded = decode(event).expect("a booking event");
        if let Err(breach) = auditor.check(event.seq, event.at, &decoded) {
            panic!("oversold or worse: {breach}");
        }
    }
    auditor.tally().held + auditor.tally().confirmed
}
