//! The store at the other end of something: requests as data, whoever carries them.
//!
//! [`serve`] answers one [`Request`] from a backend; [`Remote`] is a backend that makes requests and hands them to a
//! [`Transport`]. In between may be a function call, a socket or a queue. Request and response are JSON:
//!
//! ```json
//! {"op":"persist/read","args":{"stream":"orders","from":1,"limit":100}}
//! {"ok":[{"stream":"orders","seq":1,"cursor":1,"type":"placed","at":0,"data":7}]}
//! {"error":{"request":{"op":"persist/bogus","reason":"unknown op"}}}
//! ```

mod remote;
mod serve;

use core::fmt;

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::{Fault, PayloadError};
use super::record::Payload;

pub use remote::{InProcess, Remote};
pub use serve::serve;

/// What is asked of a store, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The operation, such as `persist/commit`.
    pub op: String,
    /// Its arguments: an object.
    pub args: Payload,
}

/// What a store answers: the value of the operation, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The value.
    Ok(Payload),
    /// There is none.
    Error(ResponseError),
}

/// Why a request has no value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResponseError {
    /// The store failed.
    #[error(transparent)]
    Fault(Fault),
    /// The request is none that this store knows. Nothing was done.
    #[error("request {op:?}: {reason}")]
    Request {
        /// The operation asked for.
        op: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Carries requests to a store and responses back.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Hands over one request and waits for the response.
    ///
    /// # Errors
    /// [`Fault::Unavailable`] when the request was certainly not handed over, [`Fault::Unknown`] when it may have been
    /// and the response was lost.
    async fn call(&self, request: Request) -> Result<Response, Fault>;
}

impl Request {
    fn new<T: Serialize>(op: &str, args: &T) -> Result<Self, Fault> {
        let args = Payload::new(args).map_err(|error| unsendable(&error))?;
        Ok(Self { op: op.to_owned(), args })
    }

    fn read<T: DeserializeOwned>(&self) -> Result<T, ResponseError> {
        self.args.read().map_err(|error| ResponseError::Request { op: self.op.clone(), reason: error.to_string() })
    }
}

fn unsendable(error: &PayloadError) -> Fault {
    Fault::Unavailable { reason: error.to_string().into() }
}
