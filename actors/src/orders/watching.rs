//! Those who wait for something to happen to an order, in this process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use boxoffice_core::ticket::payment::OrderId;
use tokio::sync::watch;

/// A channel for each order that somebody waits for, and for no other.
#[derive(Debug, Default)]
pub(super) struct Watching(Mutex<BTreeMap<OrderId, watch::Sender<()>>>);

impl Watching {
    fn all(&self) -> MutexGuard<'_, BTreeMap<OrderId, watch::Sender<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears of what is recorded from now on.
    pub(super) fn listen(&self, order: &OrderId) -> Listener<'_> {
        let receiver = self.all().entry(order.clone()).or_insert_with(|| watch::Sender::new(())).subscribe();
        Listener { watching: self, order: order.clone(), receiver }
    }

    /// Something was recorded.
    pub(super) fn tell(&self, order: &OrderId) {
        if let Some(sender) = self.all().get(order) {
            sender.send_replace(());
        }
    }
}

/// One who waits. The last one of an order takes its channel away.
#[derive(Debug)]
pub(super) struct Listener<'a> {
    watching: &'a Watching,
    order: OrderId,
    receiver: watch::Receiver<()>,
}

impl Listener<'_> {
    /// What was recorded until now is known.
    pub(super) fn is_up_to_date(&mut self) {
        self.receiver.mark_unchanged();
    }

    /// Waits until something is recorded.
    pub(super) async fn recorded(&mut self) {
        // The channel is not closed while somebody listens.
        let _open = self.receiver.changed().await;
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let mut all = self.watching.all();
        // This one still counts.
        if all.get(&self.order).is_some_and(|sender| sender.receiver_count() <= 1) {
            all.remove(&self.order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_there_as_long_as_somebody_listens() {
        let (watching, order) = (Watching::default(), OrderId::new("o-1").unwrap());
        watching.tell(&order);
        let (one, two) = (watching.listen(&order), watching.listen(&order));
        drop(one);
        watching.tell(&order);
        assert!(two.receiver.has_changed().unwrap());
        drop(two);
        assert!(watching.all().is_empty());
    }
}
