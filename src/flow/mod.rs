//! Functions that outlive the process, by deterministic replay of a journal.
//!
//! A *flow* is an async function that waits for work that others do, for instants, for signals and for other flows,
//! over days and over restarts. Nothing of its memory is stored. What is stored is its *journal*, a stream of what it
//! was told: its input, the outcome of each ask, signals, a cancellation. To go on, its code is run again from the
//! start and is handed the same outcomes in the same order; so it comes to stand where it stood.
//!
//! **The law.** The code is a pure function of what its [`FlowCx`] gives it: no clock, no randomness, no order of a
//! hash map, and no waiting for anything else. One recorded fact is one turn, and one turn is one poll, in the order of
//! the journal: so the winner of a race is the same in every replay. An outcome is recorded before the code hears of
//! it, and what was recorded is never asked for again. An ask is named by its place, its tag and its content; should
//! code and journal differ in one of them, the flow is [`Stuck`]: it names both sides, loses nothing, and goes on once
//! there is code that fits.
//!
//! ```
//! use boxoffice_core::flow::{FlowCx, FlowError, Program, Rehearsal};
//! use core::time::Duration;
//!
//! /// Sends up to three times, an hour apart.
//! async fn deliver(cx: FlowCx, message: String) -> Result<u32, FlowError> {
//!     for n in 1..=3 {
//!         if cx.request("mail", format!("deliver {n}"), &message).await? {
//!             return Ok(n);
//!         }
//!         cx.sleep(format!("back off {n}"), Duration::from_secs(3_600)).await?;
//!     }
//!     Err(FlowError::failed("nobody answers"))
//! }
//!
//! // The host's part, played by hand; every step is checked against a cold replay.
//! let mut flow = Rehearsal::new(Program::new("deliver", 1, deliver)?);
//! flow.start("doors open at seven")?;
//! flow.resolve("deliver 1", &false)?;
//! flow.pass(Duration::from_secs(3_600))?;
//! flow.resolve("deliver 2", &true)?;
//! assert_eq!(flow.output::<u32>()?, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Changing code with flows under way
//!
//! Only what has an outcome in the journal binds: an ask that is still open may be changed at will, and so may what is
//! asked for after it. Of what has an outcome:
//!
//! | edit | [`Mode::Strict`] | [`Mode::ByTag`] | what to do |
//! | --- | --- | --- | --- |
//! | add an ask after all that are logged | fits | fits | nothing |
//! | add an ask between or before those | stuck | fits, if it is not waited for first | [`FlowCx::patched`] |
//! | reorder asks that are made together | stuck | fits | `ByTag`, or `patched` |
//! | reorder asks that wait for each other | stuck | stuck | `patched` |
//! | rename or remove an ask | stuck | stuck | `patched` |
//! | change its body, its performer, its kind, its instant | stuck | stuck | `patched` |
//! | change the order of members of its body | fits | fits | nothing |
//! | change the name of a signal that was read | waits anew, or stuck | waits anew, or stuck | `patched` |
//! | select to join, join to select | stuck | stuck | `patched` |
//! | end before the journal does | stuck | stuck | `patched` |
//! | take another type as an answer | fits if it reads what is there | the same | a type that reads both |
//!
//! A change with [`FlowCx::patched`] raises the version of the [`Program`]. Flows that come there for the first time go
//! the new way, and this is recorded; the others go the old way for the rest of their run. Later
//! [`FlowCx::deprecate_patch`] takes its place, and once no flow with the mark is left, nothing does. What comes in
//! while a flow is stuck counts as seen by the old code. Keep journals of each version as files and let
//! [`Rehearsal::of_journal`] read them.
//!
//! # States
//!
//! | state | from | to |
//! | --- | --- | --- |
//! | `unknown` | | `running` by `started` |
//! | `running` | `started`, `continued`, `resumed`, `retried` | all below |
//! | `paused` | `paused`; signals and outcomes are still recorded | `running` by `resumed`, `stuck`, the ends |
//! | `stuck` | `stuck`; signals are still recorded | `running` by `retried`, `cancelled` by `terminated` |
//! | `completed` | `completed` | none |
//! | `failed` | `failed` | none |
//! | `cancelled` | `cancelled`, `terminated` | none |
//!
//! # Limits
//!
//! | what | how much | beyond it |
//! | --- | --- | --- |
//! | an event: names of stream and type, and data | 4,000 bytes ([`wire::EVENT_BYTES_MAX`]) | a result: [`Stuck::Unrecordable`]; a signal, an outcome: refused by who records it |
//! | a tag | 1 to 400 bytes, no control characters | [`Stuck::Unrecordable`] |
//! | a key of a flow | 1 to 400 bytes, no control characters | an [`IdError`](crate::id::IdError) |
//! | turns of a run | 1,000 advised, 50,000 ([`Program::turns`]) | [`Stuck::TooLong`]: use [`FlowCx::continue_as_new`] in time |
//! | polls of a turn that the code asks for itself | 1,000 | [`Stuck::Restless`] |
//! | runs in a row that neither wait nor read a signal | 100 | [`Stuck::Restless`] |
mod ask;
mod combine;
mod cx;
mod event;
mod id;
mod journal;
mod live;
mod program;
mod rehearsal;
mod rehearsal_error;
mod retry;
mod rollback;
pub mod shard;
mod slots;
mod stuck;
mod task;
#[cfg(test)]
mod tests;
pub mod wire;

pub use ask::{Ask, AskName, ChildEnd, Fingerprint, TAG_LENGTH_MAX, Tag, What};
pub use combine::{Either, join, join_all, select, select_all};
pub use cx::{Asked, FlowCx, FlowError};
pub use event::{FlowEvent, Parent};
pub use id::{FlowId, FlowKind, SHARDS};
pub use journal::{FlowStatus, Journal};
pub use program::{Mode, Program, Programs};
pub use rehearsal::{Rehearsal, events_of};
pub use rehearsal_error::RehearsalError;
pub use retry::{Jitter, RetryPolicy, RetryPolicyError};
pub use rollback::Rollback;
pub use stuck::Stuck;
