//! Shards under a deterministic shell. See `world` for the shell.
//!
//! `tests/sim/mutants.sh flow` shows that these tests see something: it breaks the shard in one place at a time, and each is caught:
//!
//! - effects leave one batch before they are durable (`emit`);
//! - batches do not demand the epoch (`send`);
//! - what is under way stays so in a new run (`begin_run`);
//! - timers fire early (`fire`);
//! - the key of the place before is not deleted (`move_to`);
//! - `beyond` is forgotten (`note_timer`);
//! - what is not asked for any more stays under way (`let_go`);
//! - a restarted neighbour is not heard (`neighbour_restarted`);
//! - replies of the last batch are not handed back (`into_waiting`);
//! - a cancellation that is lost on its way to a child is not said again (`let_go`).

#[expect(clippy::print_stderr, reason = "says how many crashes were tried")]
mod crash;
mod due;
mod fence;
mod programs;
mod races;
mod sim;
#[expect(clippy::print_stderr, reason = "a measurement, by hand")]
mod speed;
mod world;

use super::*;
use crate::flow::ask::Ask;
