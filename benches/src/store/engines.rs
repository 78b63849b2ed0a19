//! Ours, and the engines underneath with nothing around them.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use boxoffice::persist::{
    Backend, Expect, FjallBackend, MemoryBackend, NewEvent, Payload, SledBackend, StreamName, Transaction,
};
use boxoffice::time::Timestamp;
use futures_util::FutureExt;

use super::{Commit, STREAMS, payload};
use crate::Result;

/// A transaction that appends `batch` events to one of the streams.
pub fn transaction(commit: u64, batch: usize) -> Result<Transaction> {
    let stream = StreamName::new(format!("booking:{}", commit % STREAMS))?;
    let event = |n: u64| -> Result<NewEvent> {
        let event = NewEvent::new("booking.seat_booked.v1", Timestamp::from_millis(1_767_225_600_000), &())?;
        Ok(NewEvent { data: Payload::from_json(&payload(n))?, ..event })
    };
    let first = commit * batch as u64;
    let events = (first..first + batch as u64).map(event).collect::<Result<_>>()?;
    Ok(Transaction::append(&stream, Expect::Any, events))
}

pub fn commit(store: &dyn Backend, transaction: Transaction) -> Result<()> {
    let outcome = store.commit_one(transaction).now_or_never().ok_or("the store did not answer at once")??;
    if outcome.is_done() { Ok(()) } else { Err(format!("{outcome:?}").into()) }
}

fn boxoffice(store: Arc<dyn Backend>) -> Commit {
    Box::new(move |number, batch| commit(&*store, transaction(number, batch)?))
}

pub fn boxoffice_sled(folder: &Path) -> Result<Commit> {
    Ok(boxoffice(Arc::new(SledBackend::open(folder.join("store"))?)))
}

pub fn boxoffice_fjall(folder: &Path) -> Result<Commit> {
    Ok(boxoffice(Arc::new(FjallBackend::open(folder.join("store"))?)))
}

pub fn boxoffice_memory(_: &Path) -> Result<Commit> {
    Ok(boxoffice(Arc::new(MemoryBackend::new())))
}

/// Key and value of each event, and of the index by stream that a store of events cannot do without.
fn entries(commit: u64, batch: usize) -> impl Iterator<Item = [(Vec<u8>, Vec<u8>); 2]> {
    let (stream, first) = (commit % STREAMS, commit * batch as u64);
    (first..first + batch as u64).map(move |n| {
        let record = format!("booking:{stream} {n} booking.seat_booked.v1 1767225600000 {}", payload(n));
        let event = ([b"g", n.to_be_bytes().as_slice()].concat(), record.into_bytes());
        let index = (format!("i{stream}/{n:020}").into_bytes(), n.to_be_bytes().to_vec());
        [event, index]
    })
}

pub fn raw_sled(folder: &Path) -> Result<Commit> {
    let db = sled::Config::new().path(folder.join("raw")).cache_capacity(64 << 20).open()?;
    let data = OpenOptions::new().write(true).open(folder.join("raw").join("db"))?;
    Ok(Box::new(move |number, batch| {
        let mut writes = sled::Batch::default();
        for (key, value) in entries(number, batch).flatten() {
            writes.insert(key, value);
        }
        db.apply_batch(writes)?;
        db.flush()?;
        Ok(data.sync_data()?)
    }))
}

pub fn raw_fjall(folder: &Path) -> Result<Commit> {
    let db = fjall::Database::builder(folder.join("raw")).cache_size(64 << 20).open()?;
    let items = db.keyspace("raw", fjall::KeyspaceCreateOptions::default)?;
    Ok(Box::new(move |number, batch| {
        let mut writes = db.batch().durability(Some(fjall::PersistMode::SyncData));
        for (key, value) in entries(number, batch).flatten() {
            writes.insert(&items, key, value);
        }
        Ok(writes.commit()?)
    }))
}

/// The limit: the same bytes, one write and one sync.
pub fn raw_file(folder: &Path) -> Result<Commit> {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("log"))?;
    Ok(Box::new(move |number, batch| {
        let bytes: Vec<u8> = entries(number, batch).flat_map(|[(_, event), _]| event).collect();
        file.write_all(&bytes)?;
        Ok(file.sync_data()?)
    }))
}
