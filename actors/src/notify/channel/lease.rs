//! How far the token bucket of a channel is leased, in the store: so a restart does not loosen the rate.

use std::sync::Arc;

use boxoffice_core::persist::{Backend, CommitOutcome, Fault, Key, KvWrite, Payload, Transaction};
use boxoffice_core::time::Timestamp;

use super::prepare::House;

/// The key under which the lease of a channel's bucket is kept: a number of milliseconds.
fn lease_key(channel: &str) -> Result<Key, Fault> {
    Key::new(format!("channel/{channel}")).map_err(|error| Fault::Unknown { reason: error.to_string().into() })
}

pub(super) async fn read_lease(house: Arc<House>) -> Result<Option<Timestamp>, Fault> {
    let key = lease_key(&house.name)?;
    let Some(leased) = house.store.get(&key).await? else { return Ok(None) };
    let read = leased.read().map_err(|error| error.to_string().into());
    read.map(Some).map_err(|reason| Fault::Corrupt { place: format!("key {key}").into(), reason })
}

pub(super) async fn write_lease(house: &House, lease: Timestamp) -> Result<(), Fault> {
    let value = Payload::new(&lease).map_err(|error| Fault::Unknown { reason: error.to_string().into() })?;
    let write = KvWrite::Put(lease_key(&house.name)?, value);
    match house.store.commit_one(Transaction::new().write(write)).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(()),
        other @ (CommitOutcome::Conflict(_) | CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
            Err(Fault::Unknown { reason: format!("a lease was answered {other:?}").into() })
        }
    }
}
