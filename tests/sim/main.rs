//! The evidence that no seat is sold twice, whatever goes wrong.
//!
//! A run is a world of its own: offices, clients, a store and bad luck in one thread and virtual time, all drawn from one seed.
//! The code under test is the core's own: `Owner`, the rules, the ledger, snapshots, answers under keys, policies. The shell
//! around it (`owner`, `office`, `writer`) is that of `actors/src`, step by step, with a task wherever something is handed
//! over there. What a run shows is watched after each step (`watch`), and what clients saw is held against a model that was
//! written for it (`spec`, `history`).
//!
//! A failure names its seed, and the same seed fails in the same way:
//! `BOXOFFICE_SIM_SEED=17 cargo test -p boxoffice-core --test sim`. By hand, for longer: `BOXOFFICE_SIM_SEEDS=100000` and
//! `BOXOFFICE_HISTORIES=100000`, with `--release`. Whether the runs see anything: `tests/sim/mutants.sh`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "tests may panic; how many runs there are is told by the environment"
)]

mod client;
mod count;
mod desk;
mod dice;
mod disk;
mod histories;
mod history;
mod menu;
mod office;
mod owner;
mod real;
mod reply;
mod runs;
mod sim;
mod spec;
mod watch;
mod world;
mod writer;
