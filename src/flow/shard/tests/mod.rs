//! Shards under a deterministic shell. See `world` for the shell.

mod crash;
mod due;
mod fence;
mod programs;
mod races;
mod sim;
mod speed;
mod world;

use super::*;
use crate::flow::ask::Ask;
