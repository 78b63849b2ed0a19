//! Whoever carries orders out while a command runs.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::orders::{Next, Order, OrderId, Orders};
use boxoffice::payment::SandboxGateway;
use boxoffice::persist::{Backend, Store};

use crate::error::HostError;
use crate::output::complain;
use crate::store::Place;

/// What the sandbox signs its deliveries with. They go from one hand of a process to the other, so there is nothing to keep secret.
const SECRET: &str = "the-sandbox-of-boxoffice";
/// How long a command waits for an order to come as far as it goes.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) struct Till {
    pub(super) store: Arc<dyn Backend>,
    pub(super) office: BoxOffice,
    pub(super) orders: Orders,
    pub(super) gateway: Arc<SandboxGateway>,
}

/// The sandbox whose sessions a store keeps.
pub(super) fn gateway(store: &Arc<dyn Backend>) -> Result<SandboxGateway, HostError> {
    let secret = SECRET.parse().map_err(|error| HostError::Usage(format!("{error}")))?;
    Ok(SandboxGateway::new(Store::shared(Arc::clone(store)), secret))
}

pub(super) fn missing(id: &OrderId) -> HostError {
    HostError::Usage(format!("the store has no order {id}"))
}

/// A store to whose orders something may be done: over a socket, whoever has it open carries them out.
pub(super) async fn owned(place: &Place) -> Result<Arc<dyn Backend>, HostError> {
    if let Place::Socket(_) = place {
        let what = "orders can only be changed where nobody else has the store open, not over a socket";
        return Err(HostError::Usage(what.to_owned()));
    }
    place.open(false).await
}

impl Till {
    pub(super) async fn open(place: &Place) -> Result<Self, HostError> {
        Self::over(owned(place).await?)
    }

    pub(super) fn over(store: Arc<dyn Backend>) -> Result<Self, HostError> {
        let office = BoxOffice::builder().shared_store(Arc::clone(&store)).start()?;
        let gateway = Arc::new(gateway(&store)?);
        let orders = Orders::start(&office, Arc::clone(&gateway))?;
        Ok(Self { store, office, orders, gateway })
    }

    pub(super) async fn close(self) {
        self.orders.shutdown().await;
        self.office.shutdown().await;
    }

    /// An order, once there is nothing to do about it for now.
    pub(super) async fn rested(&self, id: &OrderId) -> Result<Order, HostError> {
        let rests = |order: &Order| matches!(order.next(SystemClock.now()), Next::Wait { .. } | Next::Done(_));
        let waited = tokio::time::timeout(PATIENCE, self.orders.until(id, rests)).await;
        let found = match waited {
            Ok(found) => found?,
            Err(_) => {
                complain(&format!("order {id} is still being carried out: boxoffice order run goes on with it"));
                self.orders.order(id).await?
            }
        };
        found.ok_or_else(|| missing(id))
    }
}
