//! One attempt, held to its time.

use std::panic::AssertUnwindSafe;

use boxoffice_core::notify::{Blame, Letter, SendOutcome, Transport};
use futures_util::FutureExt as _;

/// Makes one attempt, which ends in any case: by its own outcome, by the transport's timeout, or by a panic of the transport.
///
/// The last two leave open whether the letter was taken. Where the other end knows a letter again, another attempt does no
/// harm: it is [`SendOutcome::Retry`]. Everywhere else it is [`SendOutcome::Uncertain`]. What a panic says is not repeated, as
/// it may name the recipient.
///
/// ```
/// use boxoffice::transport::{MemoryTransport, Play, send_within};
/// # use boxoffice::{id::NoticeId, notify::{Letter, SendOutcome}, persist::Payload};
/// # let letter = Letter {
/// #     id: NoticeId::new("reminder-1")?, kind: "reminder".into(), to: "ann@club.example".into(), subject: "Chess".into(),
/// #     text: "At eight.".into(), html: None, calendar: None, unsubscribe: None, data: Payload::new(&())?,
/// # };
/// # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
/// let transport = MemoryTransport::new();
/// transport.play_next([Play::Panic]);
/// assert!(matches!(send_within(&transport, &letter).await, SendOutcome::Uncertain { .. }));
/// # });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub async fn send_within(transport: &dyn Transport, letter: &Letter) -> SendOutcome {
    let limit = transport.timeout();
    // Inside a block of its own, so that a panic before the first await is caught too.
    let attempt = AssertUnwindSafe(async { transport.send(letter).await }).catch_unwind();
    match tokio::time::timeout(limit, attempt).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => lost(transport, "the transport panicked".to_owned()),
        Err(_elapsed) => lost(transport, format!("no answer within {} ms", limit.as_millis())),
    }
}

/// The letter is to blame, not the channel: one recipient's slow server must not stop the letters of all others.
fn lost(transport: &dyn Transport, reason: String) -> SendOutcome {
    if transport.dedupes() {
        SendOutcome::Retry { reason, after: None, blame: Blame::Letter }
    } else {
        SendOutcome::Uncertain { reason }
    }
}
