//! `boxoffice order place`.

use std::collections::BTreeSet;

use boxoffice::booking::Party;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::orders::{
    Checkout, CheckoutOutcome, Order, OrderEnd, OrderEvent, OrderId, OrderTerms, PlaceOutcome, order_events,
};
use boxoffice::persist::TypedEvent;
use boxoffice::ticket::list::{Basket, BasketLine};

use super::args::PlaceArgs;
use super::till::Till;
use super::{show, words};
use crate::error::HostError;
use crate::output::{complain, print};

pub(super) async fn run(args: &PlaceArgs) -> Result<bool, HostError> {
    let id = match &args.id {
        Some(id) => id.clone(),
        None => new_id()?,
    };
    let till = Till::open(&args.store).await?;
    let done = placed(&till, args, id).await;
    till.close().await;
    done
}

/// A name that no other order has: of one instant, and of one process on this machine.
fn new_id() -> Result<OrderId, HostError> {
    let name = format!("o-{}-{}", SystemClock.now().as_millis(), std::process::id());
    OrderId::new(name).map_err(|error| HostError::Usage(error.to_string()))
}

fn checkout(args: &PlaceArgs, id: OrderId) -> Checkout {
    let line = |buy: &super::args::Buy| BasketLine {
        occurrence: buy.occurrence.clone(),
        holder: buy.holder.clone().unwrap_or_else(|| args.buyer.clone()),
        party: Party::of(buy.count).with_ticket(buy.ticket.clone()),
    };
    let basket = Basket {
        buyer: args.is.iter().cloned().collect(),
        codes: args.code.iter().cloned().collect(),
        lines: args.buy.iter().map(line).collect(),
        ..Basket::default()
    };
    let terms = OrderTerms { session_for: args.session, grace: args.grace, ..OrderTerms::default() };
    let asked = Checkout::new(args.list.clone(), id, args.buyer.clone(), &args.title, basket);
    Checkout { terms, ..asked }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
async fn placed(till: &Till, args: &PlaceArgs, id: OrderId) -> Result<bool, HostError> {
    let mut outcome = till.orders.checkout(checkout(args, id.clone())).await?;
    // What stands in the way may be over by now, and nobody has looked after it since.
    let in_the_way = match &outcome {
        CheckoutOutcome::NotPlaced(PlaceOutcome::HolderTaken { by, .. }) => [by.clone()].into(),
        CheckoutOutcome::NotPlaced(PlaceOutcome::TooMany { .. }) => show::all_open(&*till.store).await?,
        _ => BTreeSet::new(),
    };
    if !in_the_way.is_empty() {
        for order in &in_the_way {
            let _stands = till.rested(order).await?;
        }
        outcome = till.orders.checkout(checkout(args, id.clone())).await?;
    }
    match outcome {
        CheckoutOutcome::Placed { .. } | CheckoutOutcome::Already => {}
        CheckoutOutcome::UnknownList => {
            return Err(HostError::Usage(format!("the store has no list {}", args.list)));
        }
        no => {
            complain(&format!("not placed: {}", words::not_placed(&no)));
            return Ok(false);
        }
    }
    let order = till.rested(&id).await?;
    print(&if args.json { show::line_json(&order) } else { show::head(&order) })?;
    Ok(match order.end() {
        None | Some(OrderEnd::Fulfilled) => true,
        Some(end) => {
            complain(&format!("order {id} ended: {}", why(till, &order, end).await?));
            false
        }
    })
}

/// How it ended, and what was refused.
async fn why(till: &Till, order: &Order, end: &OrderEnd) -> Result<String, HostError> {
    let mut why = vec![words::end(end)];
    for recorded in order_events(&*till.store, &order.placed().id).await? {
        let event = OrderEvent::from_payload(recorded.event_type.as_str(), &recorded.data);
        if let Ok(Some(event @ (OrderEvent::LineRefused { .. } | OrderEvent::SessionRefused { .. }))) = event {
            why.push(words::event(&event));
        }
    }
    Ok(why.join("; "))
}
