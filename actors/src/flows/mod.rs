//! Flows: functions that outlive the process.
//!
//! What a flow is, and what its code may do, is said in [`Program`], [`FlowCx`] and
//! [`boxoffice_core::flow`]. Here they run: in the store of a box office, whose syncs they share.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use boxoffice::flows::{FlowCx, FlowError, FlowId, FlowStatus, Flows, Program};
//! use boxoffice::{BoxOffice, persist::MemoryBackend};
//! use std::time::Duration;
//!
//! /// Sends up to three times, a little later each time.
//! async fn deliver(cx: FlowCx, message: String) -> Result<u32, FlowError> {
//!     for n in 1..=3 {
//!         if cx.request("mail", format!("deliver {n}"), &message).await? {
//!             return Ok(n);
//!         }
//!         cx.sleep(format!("back off {n}"), Duration::from_millis(10)).await?;
//!     }
//!     Err(FlowError::failed("nobody answers"))
//! }
//!
//! let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
//! let flows = Flows::builder()
//!     .program(Program::new("deliver", 1, deliver)?)
//!     // Does the work. The key is the same whenever this attempt is made again, as after a crash.
//!     .perform("mail", |request| async move {
//!         println!("sending under {}", request.idempotency_key());
//!         Ok(request.tag.ends_with('2'))
//!     })
//!     .start(&office)?;
//!
//! let flow: FlowId = "deliver/welcome-ann".parse()?;
//! let Ok(FlowStatus::Completed(attempts)) = flows.run(&flow, "welcome").await? else { panic!() };
//! assert_eq!(attempts.read::<u32>()?, 2);
//! flows.shutdown().await;
//! office.shutdown().await;
//! # Ok(()) }) }
//! ```
//!
//! # What holds
//!
//! * Nothing leaves a flow (no request, no answer, no word to another flow) before the events that it rests on are durable. Only a
//!   [look-up](FlowsBuilder::look_up), which has no effect, does not wait.
//! * What is recorded is never asked for again. What was being carried out when the process ended is asked for again, under the
//!   same [`Performance::idempotency_key`]: at least once, and once where the far end, or [`Performed`]'s own writes, tell
//!   repetitions.
//! * One owner: whoever starts the flows of a store takes them over; the former owner's writes conflict, and it says
//!   [`Fenced`](ShardState::Fenced).
//! * A panic in a flow parks that flow, one in a performer the flow that asked it, one in a shard makes that shard anew from the
//!   store; after too many of these in a while it is left alone, and [`Flows::health`] says so.
//! * Flows that wait are not in memory. What is due next is known there, up to a bound; the rest is read when its time comes.
//!
//! # Threads
//!
//! Two: one for the eight shards, which own the flows by the hash of their ids, and one for the performers, which must not block
//! it. Records, keys and limits are those of [`boxoffice_core::flow`] and [`boxoffice_core::flow::shard`].

mod actor;
mod builder;
mod claim;
mod handle;
mod list;
mod messages;
mod performer;
mod shards;
mod supervisor;

pub use boxoffice_core::flow::shard::{
    AskView, FlowAnswer, FlowCommand, FlowOutcome, FlowView, Performance, Performed, Place, StuckNote, change_flow,
    read_places_of, start_flow,
};
pub use boxoffice_core::flow::*;
pub use builder::FlowsBuilder;
pub use handle::Flows;
pub use list::{OpenFilter, OpenFlow, open_flows, search_flows};
pub use performer::Performer;
pub use shards::{ShardHealth, ShardState};
pub use supervisor::RestartIntensity;
