//! Flows, run: functions that outlive the process.

mod actor;
mod builder;
mod handle;
mod list;
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
