//! A POST of which only the head of the answer is read.

use core::time::Duration;

use boxoffice_core::time::Timestamp;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{HeaderName, RETRY_AFTER};

use super::wire::{converse, request};
use super::{Fault, HttpClient, Target, retry_after};

/// What a receiver said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<String>,
}

impl Reply {
    /// How long the receiver asks to be left alone, at most a day.
    pub(crate) fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.retry_after.as_deref().and_then(|value| retry_after(value, now))
    }
}

impl HttpClient {
    /// Posts, and reads the head of the answer.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: &[(HeaderName, String)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Fault> {
        let request = request(&Method::POST, target, headers, body.into())?;
        let stream = self.open(target).await?;
        converse(stream, request, async |answer| {
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            Ok(Reply { status: answer.status().as_u16(), retry_after: retry_after.map(str::to_owned) })
        })
        .await
    }
}
