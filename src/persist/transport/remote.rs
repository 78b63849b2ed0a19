//! The asking end.

use core::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::serve::{
    CommitArgs, Hello, ImportArgs, KeyArgs, LIMIT_MAX, Nothing, ReadAllArgs, ReadArgs, RecallArgs, ScanArgs,
    StreamArgs, StreamsArgs, TruncateArgs, serve,
};
use super::{Request, Response, ResponseError, Transport};
use crate::persist::backend::{Backend, Durability, Head, Limits, Page, Stats};
use crate::persist::contents::{Cut, Item, Verification};
use crate::persist::error::Fault;
use crate::persist::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use crate::persist::sync::{Mutex, lock};
use crate::persist::transaction::{CommitOutcome, Committed, IdempotencyKey, Transaction};

/// A backend whose every operation is a request to a store elsewhere.
///
/// It promises what that store promises. [`Backend::stats`] counts what this end has asked for; its syncs are the other
/// end's and stay 0.
///
/// ```
/// use boxoffice_core::persist::{MemoryBackend, Remote, Store, StreamName};
/// use boxoffice_core::time::Timestamp;
/// use std::sync::Arc;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let disk = Arc::new(MemoryBackend::new());
/// let store = Store::new(Remote::in_process(disk.clone()).await?);
/// store.stream(&StreamName::new("orders")?).append("placed", Timestamp::EPOCH, &7).await?;
/// assert_eq!(Store::shared(disk).total_events().await?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
#[derive(Debug)]
pub struct Remote<T> {
    transport: T,
    limits: Limits,
    durability: Durability,
    stats: Mutex<Stats>,
}

/// The shortest transport: encodes, serves from a backend of the same process, decodes.
#[derive(Debug)]
pub struct InProcess(Arc<dyn Backend>);

#[async_trait]
impl Transport for InProcess {
    async fn call(&self, request: Request) -> Result<Response, Fault> {
        let lost = |error: &dyn fmt::Display| Fault::Unknown { reason: error.to_string().into() };
        let bytes = serde_json::to_vec(&request).map_err(|error| lost(&error))?;
        let request: Request = serde_json::from_slice(&bytes).map_err(|error| lost(&error))?;
        let bytes = serde_json::to_vec(&serve(&*self.0, &request).await).map_err(|error| lost(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| lost(&error))
    }
}

impl Remote<InProcess> {
    /// A backend that asks `disk`, in this process, through encoded requests.
    ///
    /// # Errors
    /// [`Fault`] when the store does not answer.
    pub async fn in_process(disk: Arc<dyn Backend>) -> Result<Self, Fault> {
        Self::connect(InProcess(disk)).await
    }
}

impl<T: Transport> Remote<T> {
    /// A backend that asks through `transport`, once the other end has said what it accepts.
    ///
    /// # Errors
    /// [`Fault`] when the store does not answer.
    pub async fn connect(transport: T) -> Result<Self, Fault> {
        let Hello { limits, durability } = ask(&transport, "persist/hello", &Nothing {}).await?;
        Ok(Self { transport, limits, durability, stats: Mutex::new(Stats::default()) })
    }

    async fn ask<R: DeserializeOwned>(&self, op: &str, args: &(impl Serialize + Sync)) -> Result<R, Fault> {
        ask(&self.transport, op, args).await
    }
}

async fn ask<R: DeserializeOwned>(
    transport: &impl Transport,
    op: &str,
    args: &(impl Serialize + Sync),
) -> Result<R, Fault> {
    // A read whose answer is lost has happened or not, and it is all the same.
    let writes = matches!(op, "persist/commit" | "persist/truncate" | "persist/import");
    let response = transport.call(Request::new(op, args)?).await.map_err(|fault| match fault {
        Fault::Unknown { reason } if !writes => Fault::Unavailable { reason },
        fault
        @ (Fault::Unknown { .. } | Fault::Unavailable { .. } | Fault::Poisoned { .. } | Fault::Corrupt { .. }) => fault,
    });
    match response? {
        Response::Ok(value) => value.read().map_err(|error| Fault::Unknown { reason: error.to_string().into() }),
        Response::Error(ResponseError::Fault(fault)) => Err(fault),
        Response::Error(refused) => Err(Fault::Unavailable { reason: refused.to_string().into() }),
    }
}

#[async_trait]
impl<T: Transport> Backend for Remote<T> {
    fn limits(&self) -> Limits {
        self.limits
    }

    fn durability(&self) -> Durability {
        self.durability
    }

    fn stats(&self) -> Stats {
        lock(&self.stats).map(|stats| *stats).unwrap_or_default()
    }

    async fn commit(&self, transactions: Vec<Transaction>) -> Result<Vec<CommitOutcome>, Fault> {
        let outcomes: Vec<CommitOutcome> = self.ask("persist/commit", &CommitArgs { transactions }).await?;
        let mut stats = lock(&self.stats)?;
        let mut wrote = false;
        for committed in outcomes.iter().filter(|outcome| outcome.is_done()).filter_map(CommitOutcome::committed) {
            wrote = true;
            stats.transactions += 1;
            stats.events += committed.written.iter().map(|one| one.last.get() + 1 - one.first.get()).sum::<u64>();
        }
        stats.commits += u64::from(wrote);
        Ok(outcomes)
    }

    async fn head(&self, stream: &StreamName) -> Result<Head, Fault> {
        self.ask("persist/head", &StreamArgs { stream: stream.clone() }).await
    }

    async fn read(&self, stream: &StreamName, from: Seq, limit: usize) -> Result<Vec<RecordedEvent>, Fault> {
        let (mut events, mut from): (Vec<RecordedEvent>, Seq) = (Vec::new(), from);
        while events.len() < limit {
            let limit = (limit - events.len()).min(LIMIT_MAX);
            let args = ReadArgs { stream: stream.clone(), from, limit };
            let page: Vec<RecordedEvent> = self.ask("persist/read", &args).await?;
            let whole = page.len() == limit;
            events.extend(page);
            match events.last() {
                Some(last) if whole => from = last.seq.next(),
                Some(_) | None => break,
            }
        }
        Ok(events)
    }

    async fn read_all(&self, after: Cursor, limit: usize) -> Result<Page, Fault> {
        let mut all = Page { events: Vec::new(), next: after };
        while all.events.len() < limit {
            let limit = (limit - all.events.len()).min(LIMIT_MAX);
            let page: Page = self.ask("persist/read-all", &ReadAllArgs { after: all.next, limit }).await?;
            let whole = page.events.len() == limit;
            all.events.extend(page.events);
            all.next = page.next;
            if !whole {
                break;
            }
        }
        Ok(all)
    }

    async fn streams(&self, after: Option<&StreamName>, limit: usize) -> Result<Vec<StreamName>, Fault> {
        let mut names: Vec<StreamName> = Vec::new();
        while names.len() < limit {
            let limit = (limit - names.len()).min(LIMIT_MAX);
            let after = names.last().or(after).cloned();
            let page: Vec<StreamName> = self.ask("persist/streams", &StreamsArgs { after, limit }).await?;
            let whole = page.len() == limit;
            names.extend(page);
            if !whole {
                break;
            }
        }
        Ok(names)
    }

    async fn recall(&self, key: &IdempotencyKey) -> Result<Option<Committed>, Fault> {
        self.ask("persist/recall", &RecallArgs { key: key.clone() }).await
    }

    async fn get(&self, key: &Key) -> Result<Option<Payload>, Fault> {
        let found: Vec<Payload> = self.ask("persist/kv-get", &KeyArgs { key: key.clone() }).await?;
        Ok(found.into_iter().next())
    }

    async fn scan(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<(Key, Payload)>, Fault> {
        let mut found: Vec<(Key, Payload)> = Vec::new();
        while found.len() < limit {
            let limit = (limit - found.len()).min(LIMIT_MAX);
            let after = found.last().map(|(key, _)| key).or(after).cloned();
            let args = ScanArgs { prefix: prefix.to_owned(), after, limit };
            let page: Vec<(Key, Payload)> = self.ask("persist/kv-scan", &args).await?;
            let whole = page.len() == limit;
            found.extend(page);
            if !whole {
                break;
            }
        }
        Ok(found)
    }

    async fn truncate(&self, stream: &StreamName, through: Seq) -> Result<(), Fault> {
        self.ask("persist/truncate", &TruncateArgs { stream: stream.clone(), through }).await
    }

    async fn verify(&self) -> Result<Verification, Fault> {
        self.ask("persist/verify", &Nothing {}).await
    }

    async fn truncated(&self) -> Result<Vec<(StreamName, Head)>, Fault> {
        self.ask("persist/truncated", &Nothing {}).await
    }

    async fn cut(&self) -> Result<Cut, Fault> {
        self.ask("persist/cut", &Nothing {}).await
    }

    async fn import(&self, items: Vec<Item>) -> Result<(), Fault> {
        self.ask("persist/import", &ImportArgs { items }).await
    }
}
