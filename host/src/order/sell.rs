//! `boxoffice order sell`: an occurrence on sale by a list of prices.

use std::collections::BTreeMap;

use boxoffice::BoxOffice;
use boxoffice::booking::{Below, BookingCommand, BookingOutcome, BookingReply, Seats};
use boxoffice::id::PoolName;
use boxoffice::persist::Seq;
use boxoffice::ticket::list::vouchers_of;

use super::args::SellArgs;
use super::till::owned;
use crate::error::HostError;
use crate::output::{complain, print, visible};

pub(super) async fn run(args: &SellArgs) -> Result<bool, HostError> {
    let office = BoxOffice::builder().shared_store(owned(&args.store).await?).start()?;
    let sold = sell(&office, args).await;
    office.shutdown().await;
    sold
}

async fn sell(office: &BoxOffice, args: &SellArgs) -> Result<bool, HostError> {
    let (occurrence, seats) = (&args.occurrence, Seats::new(args.seats));
    if let Some(list) = vouchers_of(occurrence) {
        return Err(HostError::Usage(format!("{occurrence} stands for uses of the vouchers of {list}, not for seats")));
    }
    let list = office.price_list(&args.list).await?;
    if list.seq() == Seq::UNWRITTEN {
        return Err(HostError::Usage(format!("the store has no list {}", args.list)));
    }
    let mut pools: BTreeMap<PoolName, Seats> =
        list.tickets().flat_map(|offer| &offer.pools).map(|pool| (pool.clone(), seats)).collect();
    if let Some(unknown) = args.pool.iter().find(|size| !pools.contains_key(&size.pool)) {
        return Err(HostError::Usage(format!("--pool: no ticket of the list draws on {}", unknown.pool)));
    }
    pools.extend(args.pool.iter().map(|size| (size.pool.clone(), size.seats)));
    let mut opened = office.open(occurrence, seats).await?;
    if let BookingOutcome::AlreadyOpen { capacity } = opened.outcome {
        opened = office.run(occurrence, BookingCommand::Resize { capacity: seats, below: Below::Refuse }).await?;
        if let BookingOutcome::Taken { taken } = opened.outcome {
            let stays = format!("has {capacity} seats and stays as it is: {taken} are taken or not for sale");
            complain(&format!("{occurrence} {stays}"));
            return Ok(false);
        }
    }
    let mut all_well = heard(&format!("{occurrence}"), &opened);
    for (pool, capacity) in pools {
        let named = format!("pool {pool}");
        let command = BookingCommand::SetPool { pool, capacity, below: Below::Refuse };
        all_well &= heard(&named, &office.run(occurrence, command).await?);
    }
    let replies = office.set_tickets(occurrence, &args.list).await?;
    for (offer, reply) in list.tickets().zip(&replies) {
        all_well &= heard(&format!("ticket {}", offer.ticket), reply);
    }
    if all_well {
        let count = office.seats(occurrence).await?;
        let kinds: Vec<String> = list.tickets().map(|offer| format!("{} {}", offer.ticket, offer.price)).collect();
        let capacity = count.capacity.unwrap_or(seats);
        let line = format!("{occurrence} is on sale: {} of {capacity} seats; {}", count.free, kinds.join(", "));
        print(&(visible(&line) + "\n"))?;
    }
    Ok(all_well)
}

/// Whether it is so now; complains of it if not.
fn heard(what: &str, reply: &BookingReply) -> bool {
    let outcome = &reply.outcome;
    let is_so = outcome.is_accepted() || *outcome == BookingOutcome::AsBefore;
    if let BookingOutcome::Taken { taken } = outcome {
        complain(&format!("{what}: {taken} of its seats are taken: it stays as it is"));
    } else if !is_so {
        complain(&format!("{what}: {}", outcome.name().replace('_', " ")));
    }
    is_so
}
