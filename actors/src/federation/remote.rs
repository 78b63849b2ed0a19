//! What the handle offers for holds at peers.

use std::sync::Arc;

use boxoffice_core::federation::{HoldId, PeerName, RemoteAnswer, RemoteHold, Wanted, open_remote};

use super::asker::Ask;
use super::handle::Federation;
use crate::error::BoxOfficeError;

impl Federation {
    /// Asks a peer to keep seats. `hold` names the request, once for all: asked again under it, nothing else happens.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the store failed or the federation is shut down.
    pub async fn hold(&self, peer: &PeerName, hold: &HoldId, wanted: Wanted) -> Result<RemoteAnswer, BoxOfficeError> {
        self.ask(peer, hold, Ask::Hold(wanted.in_millis())).await
    }

    /// Asks a peer to make held seats ones for good.
    ///
    /// # Errors
    /// As [`Federation::hold`].
    pub async fn confirm(&self, peer: &PeerName, hold: &HoldId) -> Result<RemoteAnswer, BoxOfficeError> {
        self.ask(peer, hold, Ask::Confirm).await
    }

    /// Gives held seats at a peer up. While a confirmation is out it changes nothing: settle that first.
    ///
    /// # Errors
    /// As [`Federation::hold`].
    pub async fn release(&self, peer: &PeerName, hold: &HoldId) -> Result<RemoteAnswer, BoxOfficeError> {
        self.ask(peer, hold, Ask::Release).await
    }

    /// Asks again whatever is out about a hold.
    ///
    /// # Errors
    /// As [`Federation::hold`].
    pub async fn settle(&self, peer: &PeerName, hold: &HoldId) -> Result<RemoteAnswer, BoxOfficeError> {
        self.ask(peer, hold, Ask::Settle).await
    }

    async fn ask(&self, peer: &PeerName, hold: &HoldId, ask: Ask) -> Result<RemoteAnswer, BoxOfficeError> {
        let house = Arc::clone(&self.inner.house);
        self.on_thread(house.ask(peer.clone(), hold.clone(), ask)).await?
    }

    /// The holds at peers of which something is open: not answered, or held and neither confirmed nor given up. After a crash:
    /// what to settle, confirm or release.
    ///
    /// # Errors
    /// As [`Federation::change`].
    pub async fn open_holds(&self) -> Result<Vec<RemoteHold>, BoxOfficeError> {
        Ok(open_remote(&**self.inner.house.store.backend()).await?)
    }
}
