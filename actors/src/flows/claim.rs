//! How a shard is taken over, and how journals are read for it.

use std::sync::Arc;

use boxoffice_core::flow::shard::{Claim, FlowAnswer, FlowCommand, Place, Shard};
use boxoffice_core::flow::{FlowId, Journal, Program};
use boxoffice_core::persist::{Backend, Fault};

use super::list::{OpenFilter, OpenFlow, flows_at};
use super::messages::Surroundings;
use crate::reply::ReplyTo;

/// Attempts to claim a shard in a row; somebody else is quicker each time.
const CLAIMS_MAX: u32 = 16;

pub(super) type Reply = ReplyTo<FlowAnswer>;

/// A journal, or why it cannot be read.
pub(super) type Loaded = Result<Journal, (FlowId, String)>;

pub(super) async fn load(backend: Arc<dyn Backend>, flows: Vec<FlowId>) -> Result<Vec<Loaded>, Fault> {
    let mut journals = Vec::with_capacity(flows.len());
    for flow in flows {
        journals.push(match Journal::load(&*backend, &flow).await {
            Ok(journal) => Ok(journal),
            Err(fault @ Fault::Corrupt { .. }) => Err((flow, fault.to_string())),
            Err(fault) => return Err(fault),
        });
    }
    Ok(journals)
}

/// Becomes the owner of a shard. None if somebody else is quicker each time.
pub(super) async fn claim(house: Surroundings, number: u8) -> Result<Option<Shard<Reply>>, Fault> {
    for _ in 0..CLAIMS_MAX {
        let claim = Claim::new(number, house.backend.get(&Claim::key(number)).await?);
        let committed = house.backend.commit_one(claim.transaction()).await?;
        if committed.is_done() {
            let shard = Shard::new(claim.epoch(), Arc::clone(&house.programs), house.limits);
            let mut shard = shard.with_lookups(house.performers.lookups());
            retry_stuck(&house, number, &mut shard).await?;
            return Ok(Some(shard));
        }
    }
    Ok(None)
}

/// Flows that were stuck on other code are tried again with the present one.
async fn retry_stuck(house: &Surroundings, number: u8, shard: &mut Shard<Reply>) -> Result<(), Fault> {
    for OpenFlow { id, stuck, .. } in flows_at(&house.backend, Place::Stuck, number, &OpenFilter::default()).await? {
        let version = house.programs.get(id.kind()).map(Program::version);
        if version.is_some() && version != stuck.map(|note| note.version) {
            shard.command(house.clock.now(), id, FlowCommand::Retry, ReplyTo::channel().0);
        }
    }
    Ok(())
}
