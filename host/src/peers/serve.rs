//! Peers, answered.

use boxoffice::federation::http::{PeerServer, ServeLimits, serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::args::{PeersArgs, ServeArgs};
use super::link::Open;
use crate::error::HostError;
use crate::output::print;

pub(super) async fn run(args: &PeersArgs, wanted: &ServeArgs) -> Result<bool, HostError> {
    let key = wanted.way.key()?;
    let hear = |kind| signal(kind).map_err(|error| HostError::System { doing: "hear signals", error });
    let (mut terminate, mut interrupt) = (hear(SignalKind::terminate())?, hear(SignalKind::interrupt())?);
    let listener = TcpListener::bind(wanted.listen).await;
    let listener =
        listener.map_err(|error| HostError::Usage(format!("cannot listen at {}: {error}", wanted.listen)))?;
    let address = listener.local_addr().map_err(|error| HostError::System { doing: "listen", error })?;
    let (all, public) = (wanted.all, wanted.public.clone());
    let open = Open::whole(args, &wanted.way, |builder| {
        builder.every(wanted.every.0).public(move |series| all || series.id().is_some_and(|id| public.contains(id)))
    });
    let open = open.await?;
    print(&format!("listening at {address}\n"))?;
    let ended = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let server = PeerServer::new(open.federation.clone(), key);
    let (connections, per_address) = (wanted.connections, wanted.per_address);
    let limits = ServeLimits { connections, per_address, ..ServeLimits::default() };
    serve(listener, server, limits, ended).await;
    open.close(Ok(())).await?;
    Ok(true)
}
