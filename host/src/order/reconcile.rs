//! `boxoffice order reconcile`.

use core::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::orders::{Difference, OrderDesk, OrderId, Reconciled, load_order};
use boxoffice::persist::Backend;
use boxoffice::ticket::Currency;
use boxoffice::time::Timestamp;

use super::args::ReconcileArgs;
use super::till::gateway;
use super::words;
use crate::error::HostError;
use crate::output::{complain, print, visible};

pub(super) async fn run(args: &ReconcileArgs) -> Result<bool, HostError> {
    let store = args.store.open(false).await?;
    let office = BoxOffice::builder().shared_store(store.clone()).start()?;
    // No flows: what orders are about to do is left to whoever looks after them.
    let desk = OrderDesk::new(&office, gateway(&store)?);
    let from = args.from.unwrap_or(Timestamp::EPOCH);
    let to = args.to.unwrap_or_else(|| SystemClock.now() + Duration::from_millis(1));
    let found = desk.reconcile(from, to).await;
    let done = match found {
        Ok(found) => say(&*store, args, found).await,
        Err(error) => Err(error.into()),
    };
    office.shutdown().await;
    done
}

#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
async fn say(store: &dyn Backend, args: &ReconcileArgs, found: Reconciled) -> Result<bool, HostError> {
    let (orders, unnamed, differences) = match found {
        Reconciled::Done { orders, unnamed, differences } => (orders, unnamed, differences),
        Reconciled::NoStatement(error) => return Err(error.into()),
        Reconciled::TooMany { max } => {
            complain(&format!("there is more to compare than {max} facts"));
            return Ok(false);
        }
        other => {
            complain(&format!("the books were not compared: {other:?}"));
            return Ok(false);
        }
    };
    for difference in &differences {
        let line = if args.json {
            serde_json::to_string(difference).unwrap_or_default()
        } else {
            visible(&words::difference(difference, currency(store, difference).await?))
        };
        if !print(&format!("{line}\n"))? {
            break;
        }
    }
    if unnamed > 0 {
        complain(&format!("charges of no order that is known: {unnamed}"));
    }
    if differences.is_empty() && !args.json {
        print(&format!("orders compared: {orders}, money and seats agree\n"))?;
    }
    Ok(differences.is_empty())
}

/// What an order is sold in.
async fn currency(store: &dyn Backend, difference: &Difference) -> Result<Option<Currency>, HostError> {
    let Ok(id) = OrderId::new(difference.order()) else { return Ok(None) };
    Ok(load_order(store, &id).await?.map(|order| order.total().currency()))
}
