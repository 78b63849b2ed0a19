//! The way to peers, as far as a command needs one, and the federation that takes it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use boxoffice::federation::http::{HttpLink, LinkKey};
use boxoffice::federation::{
    ETag, Federation, FederationBuilder, LinkError, LinkFault, Peer, PeerLink, PeerMessage, PeerName, PeerReply, Pulled,
};
use boxoffice::http::{HttpClient, HttpSetupError};
use boxoffice::{BoxOffice, BoxOfficeError};

use super::args::{PeersArgs, Way};
use crate::error::HostError;

/// How long a federation may run that fetches nothing.
const IDLE: Duration = Duration::from_secs(365 * 86_400);

/// The way as a command wants it: feeds are not fetched unless it is for that.
#[derive(Debug)]
struct Narrow {
    link: Option<HttpLink>,
}

#[async_trait]
impl PeerLink for Narrow {
    async fn pull(&self, _: &Peer, _: Option<&ETag>, _: usize) -> Result<Pulled, LinkError> {
        // Given up with the federation: that it was not fetched is not written down.
        core::future::pending().await
    }

    async fn send(&self, peer: &Peer, message: &PeerMessage) -> Result<PeerReply, LinkError> {
        match &self.link {
            Some(link) => link.send(peer, message).await,
            None => Err(LinkError::new(LinkFault::Unreachable, "nothing is sent")),
        }
    }
}

impl Way {
    pub(super) fn key(&self) -> Result<Arc<LinkKey>, HostError> {
        Ok(Arc::new(LinkKey::read(&self.key)?))
    }

    fn link(&self, us: &PeerName) -> Result<HttpLink, HostError> {
        let usage = |error: HttpSetupError| HostError::Usage(error.to_string());
        let limit = self.time_limit.0;
        let client = HttpClient::new().map_err(usage)?.with_timeouts(limit, limit);
        let client = client.allow_private(self.allow_private).allow_plain(self.allow_plain);
        Ok(HttpLink::new(us.clone(), self.key()?).map_err(usage)?.with_http(client))
    }
}

/// A box office and what runs beside it.
pub(super) struct Open {
    pub(super) office: BoxOffice,
    pub(super) federation: Federation,
}

impl Open {
    /// One that neither fetches nor asks.
    pub(super) async fn looking(args: &PeersArgs) -> Result<Self, HostError> {
        let builder = Federation::builder(args.us.clone(), Narrow { link: None }).time_limit(IDLE);
        Self::start(args, builder).await
    }

    /// One that asks peers about seats, and fetches nothing.
    pub(super) async fn asking(args: &PeersArgs, way: &Way) -> Result<Self, HostError> {
        let link = Narrow { link: Some(way.link(&args.us)?) };
        Self::start(args, Federation::builder(args.us.clone(), link).time_limit(way.time_limit.0)).await
    }

    /// One that does everything.
    pub(super) async fn whole(
        args: &PeersArgs,
        way: &Way,
        more: impl FnOnce(FederationBuilder) -> FederationBuilder,
    ) -> Result<Self, HostError> {
        let builder = Federation::builder(args.us.clone(), way.link(&args.us)?).time_limit(way.time_limit.0);
        Self::start(args, more(builder)).await
    }

    async fn start(args: &PeersArgs, builder: FederationBuilder) -> Result<Self, HostError> {
        let office = BoxOffice::builder().shared_store(args.store.open(false).await?).start()?;
        let federation = builder.start(&office)?;
        Ok(Self { office, federation })
    }

    /// Ends both, whatever came of the work.
    pub(super) async fn close<T>(self, done: Result<T, BoxOfficeError>) -> Result<T, HostError> {
        self.federation.shutdown().await;
        self.office.shutdown().await;
        Ok(done?)
    }
}
