//! A server for hosts that have none of their own.

use core::convert::Infallible;
use core::future::Future;
use core::pin::pin;
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use boxoffice_core::federation::PeerMessage;
use futures_util::future::{Either, select};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::server::{PeerServer, bare};
use crate::http::{NoAnswer, Whole, whole};

/// Most bytes of the head of a request.
const HEAD_MAX: usize = 16 * 1_024;
/// Most fields of a request.
const FIELDS_MAX: usize = 64;
/// How long to wait when the system has no connection to give.
const PAUSE: Duration = Duration::from_millis(100);

/// What strangers may cost [`serve`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at the same time; more wait to be taken. Default: 256.
    pub connections: usize,
    /// The same from one address (of IPv6, from one network of 64 bits); more are closed. Default: 64. Behind something that
    /// speaks TLS all are from one.
    pub per_address: usize,
    /// How long the head of a request may take. Default: 5 seconds.
    pub head: Duration,
    /// How long a connection may take as a whole, its answer included. Default: 30 seconds.
    pub whole: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self { connections: 256, per_address: 64, head: Duration::from_secs(5), whole: Duration::from_secs(30) }
    }
}

/// Answers peers on `listener` until `until` ends, and then finishes what is under way, which takes [`ServeLimits::whole`] at
/// most. Dropped, it drops its connections.
///
/// Plain HTTP/1.1, one request for each connection, and a body of at most [`PeerMessage::BYTES_MAX`].
///
/// ```no_run
/// use boxoffice::federation::http::{PeerServer, ServeLimits, serve};
/// # async fn example(server: PeerServer) -> Result<(), Box<dyn std::error::Error>> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:8420").await?;
/// serve(listener, server, ServeLimits::default(), std::future::pending()).await;
/// # Ok(()) }
/// ```
pub async fn serve(listener: TcpListener, server: PeerServer, limits: ServeLimits, until: impl Future<Output = ()>) {
    let (server, room) = (Arc::new(server), Arc::new(Semaphore::new(limits.connections.max(1))));
    let guests = Arc::new(Guests::default());
    let (mut connections, mut until) = (JoinSet::new(), pin!(until));
    let accept = async |connections: &mut JoinSet<()>| {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) => {
                let Some(guest) = guests.enter(from.ip(), limits.per_address) else { return };
                let server = Arc::clone(&server);
                connections.spawn(async move {
                    attend(stream, server, limits).await;
                    drop((guest, place));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                let clock = server.clock();
                clock.sleep_until(clock.now() + PAUSE).await;
            }
        }
    };
    loop {
        if let Either::Right(_) = select(pin!(accept(&mut connections)), &mut until).await {
            break;
        }
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn attend(stream: TcpStream, server: Arc<PeerServer>, limits: ServeLimits) {
    let service = service_fn(move |request| {
        let server = Arc::clone(&server);
        async move { Ok::<_, Infallible>(answer(&server, request).await.map(Whole::new)) }
    });
    let connection = http1::Builder::new()
        .keep_alive(false)
        .max_buf_size(HEAD_MAX)
        .max_headers(FIELDS_MAX)
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(stream), service);
    match tokio::time::timeout(limits.whole, connection).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a connection ended early"),
        Err(_) => tracing::debug!("a connection took too long"),
    }
}

async fn answer(server: &PeerServer, request: Request<Incoming>) -> Response<Bytes> {
    let (parts, body) = request.into_parts();
    match whole(body, PeerMessage::BYTES_MAX).await {
        Ok(body) => server.answer(Request::from_parts(parts, body.into())).await,
        Err(NoAnswer::Long) => bare(StatusCode::PAYLOAD_TOO_LARGE),
        Err(NoAnswer::Slow | NoAnswer::Fault(_)) => bare(StatusCode::BAD_REQUEST),
    }
}

/// How many connections there are from where.
#[derive(Debug, Default)]
struct Guests(Mutex<BTreeMap<IpAddr, usize>>);

impl Guests {
    /// Lets one more in; none if there are too many.
    fn enter(self: &Arc<Self>, from: IpAddr, most: usize) -> Option<Guest> {
        let from = network(from);
        let mut guests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there = guests.entry(from).or_default();
        if *there >= most.max(1) {
            return None;
        }
        *there += 1;
        Some(Guest { guests: Arc::clone(self), from })
    }
}

/// A connection that is there.
#[derive(Debug)]
struct Guest {
    guests: Arc<Guests>,
    from: IpAddr,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut guests = self.guests.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = guests.get_mut(&self.from) {
            *there -= 1;
            if *there == 0 {
                guests.remove(&self.from);
            }
        }
    }
}

/// Where an address belongs to: one of IPv4 to itself, one of IPv6 to its network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_network_has_a_share_of_the_connections_and_gives_it_back() {
        let guests = Arc::new(Guests::default());
        let from = |text: &str| text.parse::<IpAddr>().unwrap();
        let first = guests.enter(from("2001:db8::1"), 2).unwrap();
        let second = guests.enter(from("2001:db8::2"), 2).unwrap();
        assert!(guests.enter(from("2001:db8::3"), 2).is_none());
        let others = [from("2001:db8:0:1::1"), from("192.0.2.1"), from("192.0.2.2")];
        assert!(others.into_iter().all(|other| guests.enter(other, 2).is_some()));
        drop(first);
        assert!(guests.enter(from("2001:db8::3"), 2).is_some());
        drop(second);
        assert!(guests.0.lock().unwrap().is_empty());
        let mapped = guests.enter(from("::ffff:192.0.2.1"), 1).unwrap();
        assert!(guests.enter(from("192.0.2.1"), 1).is_none());
        drop(mapped);
    }
}
