//! The serving end.

use serde::{Deserialize, Serialize};

use super::{Request, Response, ResponseError};
use crate::persist::backend::{Backend, Durability, Limits};
use crate::persist::contents::Item;
use crate::persist::record::{Cursor, Key, Payload, Seq, StreamName};
use crate::persist::transaction::{IdempotencyKey, Transaction};

/// What a store says of itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    pub(super) limits: Limits,
    pub(super) durability: Durability,
}

/// Nothing: `{}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CommitArgs {
    pub(super) transactions: Vec<Transaction>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamArgs {
    pub(super) stream: StreamName,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadArgs {
    pub(super) stream: StreamName,
    pub(super) from: Seq,
    pub(super) limit: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadAllArgs {
    pub(super) after: Cursor,
    pub(super) limit: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamsArgs {
    pub(super) after: Option<StreamName>,
    pub(super) limit: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyArgs {
    pub(super) key: Key,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecallArgs {
    pub(super) key: IdempotencyKey,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScanArgs {
    pub(super) prefix: String,
    pub(super) after: Option<Key>,
    pub(super) limit: usize,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TruncateArgs {
    pub(super) stream: StreamName,
    pub(super) through: Seq,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportArgs {
    pub(super) items: Vec<Item>,
}

/// Items that one response lists at most, whatever the request asks for: who wants more asks again.
pub(super) const LIMIT_MAX: usize = 65_536;

/// Answers one request from `backend`. An unknown operation or a malformed argument is an error that names it, and does
/// nothing.
///
/// Whoever may send requests may do everything to the store: put this behind a door of your own.
///
/// ```
/// use boxoffice_core::persist::{MemoryBackend, Payload, Request, Response, serve};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let store = MemoryBackend::new();
/// let head = Request { op: "persist/head".into(), args: Payload::from_json(r#"{"stream":"orders"}"#)? };
/// let Response::Ok(found) = serve(&store, &head).await else { panic!() };
/// assert_eq!(found.json(), r#"{"last":0,"truncated_through":0}"#);
///
/// let bogus = Request { op: "persist/bogus".into(), args: Payload::new(&())? };
/// let Response::Error(error) = serve(&store, &bogus).await else { panic!() };
/// assert_eq!(error.to_string(), r#"request "persist/bogus": unknown op"#);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
pub async fn serve(backend: &dyn Backend, request: &Request) -> Response {
    answer(backend, request).await.map_or_else(Response::Error, Response::Ok)
}

async fn answer(backend: &dyn Backend, request: &Request) -> Result<Payload, ResponseError> {
    match request.op.as_str() {
        "persist/hello" => {
            let Nothing {} = request.read()?;
            value(request, &Hello { limits: backend.limits(), durability: backend.durability() })
        }
        "persist/commit" => {
            let CommitArgs { transactions } = request.read()?;
            value(request, &backend.commit(transactions).await?)
        }
        "persist/head" => {
            let StreamArgs { stream } = request.read()?;
            value(request, &backend.head(&stream).await?)
        }
        "persist/read" => {
            let ReadArgs { stream, from, limit } = request.read()?;
            value(request, &backend.read(&stream, from, limit.min(LIMIT_MAX)).await?)
        }
        "persist/read-all" => {
            let ReadAllArgs { after, limit } = request.read()?;
            value(request, &backend.read_all(after, limit.min(LIMIT_MAX)).await?)
        }
        "persist/streams" => {
            let StreamsArgs { after, limit } = request.read()?;
            value(request, &backend.streams(after.as_ref(), limit.min(LIMIT_MAX)).await?)
        }
        "persist/recall" => {
            let RecallArgs { key } = request.read()?;
            value(request, &backend.recall(&key).await?)
        }
        "persist/kv-get" => {
            let KeyArgs { key } = request.read()?;
            // A list of one or none: `null` is a value too.
            value(request, &backend.get(&key).await?.as_slice())
        }
        "persist/kv-scan" => {
            let ScanArgs { prefix, after, limit } = request.read()?;
            value(request, &backend.scan(&prefix, after.as_ref(), limit.min(LIMIT_MAX)).await?)
        }
        "persist/truncate" => {
            let TruncateArgs { stream, through } = request.read()?;
            value(request, &backend.truncate(&stream, through).await?)
        }
        op => maintain(backend, request, op).await,
    }
}

/// What only tools ask for.
async fn maintain(backend: &dyn Backend, request: &Request, op: &str) -> Result<Payload, ResponseError> {
    match op {
        "persist/verify" => {
            let Nothing {} = request.read()?;
            value(request, &backend.verify().await?)
        }
        "persist/stats" => {
            let Nothing {} = request.read()?;
            value(request, &backend.stats())
        }
        "persist/truncated" => {
            let Nothing {} = request.read()?;
            value(request, &backend.truncated().await?)
        }
        "persist/cut" => {
            let Nothing {} = request.read()?;
            value(request, &backend.cut().await?)
        }
        "persist/import" => {
            let ImportArgs { items } = request.read()?;
            value(request, &backend.import(items).await?)
        }
        _ => Err(ResponseError::Request { op: op.to_owned(), reason: "unknown op".to_owned() }),
    }
}

fn value<T: Serialize>(request: &Request, found: &T) -> Result<Payload, ResponseError> {
    let wrong = |reason: String| ResponseError::Request { op: request.op.clone(), reason };
    Payload::new(found).map_err(|error| wrong(error.to_string()))
}

impl From<crate::persist::Fault> for ResponseError {
    fn from(fault: crate::persist::Fault) -> Self {
        Self::Fault(fault)
    }
}
