//! A request of any method, and its whole answer, within limits.

use core::future::poll_fn;
use core::pin::Pin;

use hyper::body::{Body as _, Bytes, Incoming};
use hyper::header::HeaderName;
use hyper::{HeaderMap, Method};

use super::wire::{converse, request};
use super::{Fault, HttpClient, Target};

/// An answer, of whatever status: a redirect is one too.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// Why there is no whole answer. Names no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The request was begun, and may have been taken.
    #[error("the host gave no whole answer in time")]
    Slow,
    /// The request was taken.
    #[error("the answer of the host is too long")]
    Long,
}

impl HttpClient {
    /// Asks, and reads the whole answer, if its body has no more than so many bytes.
    pub(crate) async fn exchange(
        &self,
        method: &Method,
        target: &Target,
        headers: &[(HeaderName, String)],
        body: impl Into<Bytes>,
        body_max: usize,
    ) -> Result<Answer, NoAnswer> {
        let request = request(method, target, headers, body.into())?;
        let mut is_begun = false;
        // On the heap: it holds the buffers of TLS, and whoever awaits it would hold them too.
        let work = Box::pin(async {
            let stream = self.open(target).await?;
            is_begun = true;
            converse(stream, request, async |answer| {
                let (head, body) = answer.into_parts();
                let body = whole(body, body_max).await?;
                Ok(Answer { status: head.status.as_u16(), headers: head.headers, body })
            })
            .await
        });
        match tokio::time::timeout(self.timeout(), work).await {
            Ok(answer) => answer,
            Err(_) if is_begun => Err(NoAnswer::Slow),
            Err(_) => Err(Fault::ConnectTime.into()),
        }
    }
}

/// All of a body, if it is not longer than `most`. What it says of its length is believed only where that is too much.
pub(crate) async fn whole(mut body: Incoming, most: usize) -> Result<Vec<u8>, NoAnswer> {
    if body.size_hint().lower() > u64::try_from(most).unwrap_or(u64::MAX) {
        return Err(NoAnswer::Long);
    }
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| Fault::Broken)?;
        let data = frame.data_ref().map_or(&[][..], |data| data);
        if data.len() > most - read.len() {
            return Err(NoAnswer::Long);
        }
        read.extend_from_slice(data);
    }
    Ok(read)
}
