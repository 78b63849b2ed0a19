//! A request and its answer on a connection.

use core::convert::Infallible;
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

use futures_util::future::{Either, select};
use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderName, USER_AGENT};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;

use super::{Fault, Stream, Target};

/// Most bytes of the head of an answer that are read.
const HEAD_MAX: usize = 16 * 1_024;

/// A body that is there as a whole.
pub(crate) struct Whole(Bytes);

#[cfg(feature = "federation-http")]
impl Whole {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }
}

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = core::mem::take(&mut self.get_mut().0);
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(u64::try_from(self.0.len()).unwrap_or(u64::MAX))
    }
}

pub(super) fn request(
    method: &Method,
    target: &Target,
    headers: &[(HeaderName, String)],
    body: Bytes,
) -> Result<Request<Whole>, Fault> {
    let path = target.uri.path_and_query().map_or("/", |path| path.as_str());
    let authority = target.uri.authority().map_or("", |authority| authority.as_str());
    let agent = concat!("boxoffice/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::builder().method(method).uri(path).header(HOST, authority).header(USER_AGENT, agent);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.header(CONNECTION, "close").body(Whole(body)).map_err(|_| Fault::Url)
}

/// Sends the request, and reads the answer with `read`.
pub(super) async fn converse<T, E: From<Fault>>(
    stream: Stream,
    request: Request<Whole>,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, E>,
) -> Result<T, E> {
    match stream {
        Either::Left(stream) => talk(TokioIo::new(stream), request, read).await,
        Either::Right(stream) => talk(TokioIo::new(stream), request, read).await,
    }
}

async fn talk<T, E: From<Fault>>(
    io: impl hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    request: Request<Whole>,
    read: impl AsyncFnOnce(Response<Incoming>) -> Result<T, E>,
) -> Result<T, E> {
    let mut builder = http1::Builder::new();
    let handshake = builder.max_buf_size(HEAD_MAX).handshake(io).await;
    let (mut sender, connection) = handshake.map_err(|_| Fault::Broken)?;
    let answer = async {
        let answer = sender.send_request(request).await.map_err(|_| Fault::Broken)?;
        read(answer).await
    };
    // The connection does the work and the answer comes out of it; dropped together, as an attempt is that ran out of time.
    match select(pin!(answer), pin!(connection)).await {
        Either::Left((answer, _connection)) => answer,
        Either::Right((_ended, answer)) => answer.await,
    }
}
