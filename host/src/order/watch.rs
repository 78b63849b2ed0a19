//! `boxoffice order run`: orders are looked after until nothing is left to do.

use core::time::Duration;
use std::collections::BTreeSet;

use boxoffice::clock::{Clock, SystemClock};
use boxoffice::orders::OrderId;
use boxoffice::time::Timestamp;
use tokio::time::Instant;

use super::args::RunArgs;
use super::till::{Till, owned};
use super::{show, words};
use crate::ends::Ends;
use crate::error::HostError;
use crate::output::{print, visible};

/// How often it is looked which orders have ended.
const LOOK: Duration = Duration::from_millis(100);

pub(super) async fn run(args: &RunArgs) -> Result<bool, HostError> {
    let mut ends = Ends::new()?;
    let store = owned(&args.store).await?;
    // Before the till is open: what is due is done as soon as it is.
    let open = show::all_open(&*store).await?;
    let till = Till::over(store)?;
    let done = look_after(&till, &mut ends, open, args.length).await;
    till.close().await;
    let left = done?;
    print(&if left == 0 { "nothing is left to do\n".to_owned() } else { format!("open orders: {left}\n") })?;
    Ok(true)
}

/// How many orders are open when the time is over.
async fn look_after(
    till: &Till,
    ends: &mut Ends,
    mut open: BTreeSet<OrderId>,
    length: Option<Duration>,
) -> Result<usize, HostError> {
    let now = SystemClock.now();
    // Orders that ended may be told something too: all that the sandbox has is read.
    let read = till.orders.statement(Timestamp::EPOCH, now + Duration::from_millis(1)).await??;
    tracing::debug!(read = read.read, new = read.new, strays = read.strays, "the statement was read");
    open.extend(show::all_open(&*till.store).await?);
    let end = length.and_then(|length| Instant::now().checked_add(length));
    let mut look = tokio::time::interval(LOOK);
    loop {
        open = ended(till, open).await?;
        if open.is_empty() || end.is_some_and(|end| end <= Instant::now()) {
            return Ok(open.len());
        }
        tokio::select! {
            () = ends.told() => return Ok(open.len()),
            _ = look.tick() => {}
        }
    }
}

/// Prints which of them have ended; those that have not are left.
async fn ended(till: &Till, open: BTreeSet<OrderId>) -> Result<BTreeSet<OrderId>, HostError> {
    let left = show::all_open(&*till.store).await?;
    for id in open.difference(&left) {
        if let Some(end) = till.orders.order(id).await?.as_ref().and_then(|order| order.end()) {
            print(&(visible(&format!("{id}: {}", words::end(end))) + "\n"))?;
        }
    }
    Ok(open.intersection(&left).cloned().collect())
}
