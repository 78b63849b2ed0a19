//! Shards under a deterministic shell. See `world` for the shell.
//!
//! Whether these tests see anything was tried by hand, by breaking the shard in one place at a time:
//!
//! - effects leave one batch before they are durable (`emit`);
//! - batches do not demand the epoch (`send`);
//! - what is under way stays so in a new run (`follow_up`);
//! - timers fire early (`fire`);
//! - the key of the place before is not deleted (`move_to`);
//! - `beyond` is forgotten (`note_timer`);
//! - what is not asked for any more stays under way (`let_go`);
//! - a restarted neighbour is not heard (`neighbour_restarted`);
//! - replies of the last batch are not handed back (`into_waiting`).

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
