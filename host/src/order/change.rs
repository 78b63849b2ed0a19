//! `boxoffice order cancel`, `refund` and `reopen`.

use boxoffice::booking::Seats;
use boxoffice::orders::{ChangeOutcome, Cut, OrderChange};

use super::args::{CancelArgs, OneOrder, RefundArgs};
use super::till::{Till, missing};
use super::{show, words};
use crate::error::HostError;
use crate::output::complain;

pub(super) async fn cancel(args: &CancelArgs) -> Result<bool, HostError> {
    let till = Till::open(&args.one.store).await?;
    let done = async {
        let change =
            OrderChange::Cancel { cuts: cuts(&till, args).await?, kept: args.keep, reason: args.reason.clone() };
        asked(&till, &args.one, change).await
    };
    let done = done.await;
    till.close().await;
    done
}

/// Which seats; none named means all.
async fn cuts(till: &Till, args: &CancelArgs) -> Result<Vec<Cut>, HostError> {
    let Some(line) = args.line else { return Ok(Vec::new()) };
    let order = till.rested(&args.one.id).await?;
    let left = order.lines().get(usize::from(line)).map(|line| line.seats);
    let left = left.ok_or_else(|| HostError::Usage(format!("order {} has no line {line}", args.one.id)))?;
    Ok(vec![Cut { line, seats: args.seats.map_or(left, Seats::new) }])
}

pub(super) async fn refund(args: &RefundArgs) -> Result<bool, HostError> {
    change(&args.one, OrderChange::Allow { amount: args.amount, reason: args.reason.clone() }).await
}

pub(super) async fn reopen(args: &OneOrder) -> Result<bool, HostError> {
    change(args, OrderChange::Reopen).await
}

async fn change(one: &OneOrder, change: OrderChange) -> Result<bool, HostError> {
    let till = Till::open(&one.store).await?;
    let done = asked(&till, one, change).await;
    till.close().await;
    done
}

#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
async fn asked(till: &Till, one: &OneOrder, change: OrderChange) -> Result<bool, HostError> {
    // What is due is done first: a session that is over cannot be cancelled any more.
    till.rested(&one.id).await?;
    match till.orders.change(&one.id, change).await? {
        ChangeOutcome::Asked => {}
        ChangeOutcome::No(why) => {
            complain(&format!("order {}: {}", one.id, words::not_changed(&why)));
            return Ok(false);
        }
        _ => return Err(missing(&one.id)),
    }
    show::show(&till.rested(&one.id).await?, one.json)?;
    Ok(true)
}
