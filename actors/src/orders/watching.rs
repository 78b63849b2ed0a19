//! Those who wait for something to happen to an order, in this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use boxoffice_core::ticket::payment::OrderId;
use tokio::sync::watch;

/// A channel for each order that somebody waits for.
#[derive(Debug, Default)]
pub(super) struct Watching(Mutex<BTreeMap<OrderId, watch::Sender<()>>>);

impl Watching {
    /// Hears of what is recorded from now on.
    pub(super) fn listen(&self, order: &OrderId) -> watch::Receiver<()> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(order.clone()).or_insert_with(|| watch::Sender::new(())).subscribe()
    }

    /// Something was recorded.
    pub(super) fn tell(&self, order: &OrderId) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = all.get(order)
            && sender.send(()).is_err()
        {
            all.remove(order);
        }
    }
}
