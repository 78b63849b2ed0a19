//! `boxoffice order show` and `list`: what is known of orders.

use std::collections::BTreeSet;

use boxoffice::orders::{
    LineState, Order, OrderEnd, OrderEvent, OrderId, PlacedLine, RefundState, SessionState, load_order, open_orders,
    order_events, order_ids,
};
use boxoffice::persist::{Backend, Fault, RecordedEvent, TypedEvent};
use boxoffice::ticket::{Currency, Money};
use serde_json::{Value, json};

use super::args::{ListArgs, OneOrder};
use super::till::missing;
use super::words;
use crate::error::HostError;
use crate::output::{Output, print, visible};

/// Orders whose names are read at a time.
const PAGE: usize = 256;

pub(super) async fn run(args: &OneOrder) -> Result<bool, HostError> {
    let store = args.store.open(false).await?;
    let recorded = order_events(&*store, &args.id).await?;
    let order = Order::fold(&recorded)?.ok_or_else(|| missing(&args.id))?;
    let mut out = Output::new();
    write(&mut out, &if args.json { line_json(&order) } else { head(&order) + "\n" })?;
    for recorded in &recorded {
        let event = read(recorded)?;
        write(&mut out, &if args.json { event_json(recorded, &event) } else { event_line(recorded, &event) })?;
    }
    flush(&mut out)?;
    Ok(true)
}

fn read(recorded: &RecordedEvent) -> Result<OrderEvent, Fault> {
    let place = format!("{} of stream {}", recorded.seq, recorded.stream);
    let corrupt = |reason: &str| Fault::corrupt(&place, reason);
    let event = OrderEvent::from_payload(recorded.event_type.as_str(), &recorded.data);
    event.map_err(|error| corrupt(&error.to_string()))?.ok_or_else(|| corrupt("no event of an order"))
}

fn event_line(recorded: &RecordedEvent, event: &OrderEvent) -> String {
    let (seq, at) = (recorded.seq, recorded.at.to_string());
    visible(&format!("{seq:>4}  {at:<24}  {}", words::event(event))) + "\n"
}

fn event_json(recorded: &RecordedEvent, event: &OrderEvent) -> String {
    format!("{}\n", json!({ "seq": recorded.seq, "at": recorded.at, "event": event }))
}

pub(super) async fn list(args: &ListArgs) -> Result<bool, HostError> {
    let store = args.store.open(false).await?;
    let (mut out, mut after) = (Output::new(), None);
    loop {
        let page = order_ids(&*store, after.as_ref(), PAGE).await?;
        for id in &page {
            let Some(order) = load_order(&*store, id).await? else { continue };
            if !args.open || order.end().is_none() {
                write(&mut out, &if args.json { line_json(&order) } else { row(&order) })?;
            }
        }
        if page.len() < PAGE {
            break;
        }
        after = page.into_iter().last();
    }
    flush(&mut out)?;
    Ok(true)
}

/// All orders that have not ended.
pub(super) async fn all_open(store: &dyn Backend) -> Result<BTreeSet<OrderId>, HostError> {
    let mut open = BTreeSet::new();
    loop {
        let page = open_orders(store, open.last(), PAGE).await?;
        let is_last = page.len() < PAGE;
        open.extend(page);
        if is_last {
            return Ok(open);
        }
    }
}

fn row(order: &Order) -> String {
    let (at, state) = (order.placed_at().to_string(), state_name(order));
    let (total, paid) = (order.total().to_string(), told(order.received(), order.total().currency()));
    visible(&format!("{at:<24}  {state:<12}  {total:>12}  {paid:>12}  {}", order.placed().id)) + "\n"
}

/// Whether it waits for nothing but its buyer.
fn is_payable(order: &Order) -> bool {
    let over = |id| order.purse().sessions().get(id).is_some_and(|state: &SessionState| state.is_over());
    order.end().is_none() && order.session().is_some_and(|session| !over(&session.id))
}

fn state_name(order: &Order) -> &'static str {
    match order.end() {
        Some(end) => end.name(),
        None if is_payable(order) => "to_be_paid",
        None => "under_way",
    }
}

/// What was taken and what went back in one currency. None is more than an amount can be.
struct Moved {
    currency: Currency,
    paid: Option<Money>,
    back: Option<Money>,
}

impl Moved {
    fn of(order: &Order, currency: Currency) -> Self {
        let paid = order.purse().charges().values().filter_map(|charge| charge.captured.as_ref());
        Self { currency, paid: sum(currency, paid), back: sum(currency, went_back(order)) }
    }

    /// In every currency but the order's own.
    fn others(order: &Order) -> Vec<Self> {
        let taken = order.purse().charges().values().filter_map(|charge| charge.captured.as_ref());
        let mut others: BTreeSet<Currency> = taken.chain(went_back(order)).map(Money::currency).collect();
        others.remove(&order.total().currency());
        others.into_iter().map(|currency| Self::of(order, currency)).collect()
    }

    fn json(&self) -> Value {
        json!({ "currency": self.currency, "paid": self.paid, "given_back": self.back })
    }
}

fn went_back(order: &Order) -> impl Iterator<Item = &Money> {
    let refunds = order.purse().charges().values().flat_map(|charge| charge.refunds.values());
    refunds.filter(|(_, state)| *state != RefundState::Failed).map(|(amount, _)| amount)
}

fn sum<'a>(currency: Currency, amounts: impl Iterator<Item = &'a Money>) -> Option<Money> {
    let sum = Money::sum(amounts.filter(|amount| amount.currency() == currency)).ok()?;
    Some(sum.unwrap_or_else(|| Money::new(0, currency)))
}

fn told(amount: Option<Money>, currency: Currency) -> String {
    amount.map_or_else(|| format!("more {currency} than can be told"), |amount| amount.to_string())
}

/// An order as it stands, one thing a line.
pub(super) fn head(order: &Order) -> String {
    let placed = order.placed();
    let mut lines = vec![
        ("order", placed.id.to_string()),
        ("buyer", placed.buyer.to_string()),
        ("title", placed.title.clone()),
        ("placed", order.placed_at().to_string()),
        ("state", order.end().map_or_else(|| state_name(order).replace('_', " "), words::end)),
    ];
    if let Some(session) = order.session().filter(|_| is_payable(order)) {
        lines.push(("pay at", session.url.clone()));
        lines.push(("until", session.until.to_string()));
    }
    let seats =
        order.lines().iter().enumerate().map(|(number, line)| ("line", format!("{number}  {}", line_words(line))));
    lines.extend(seats);
    let Moved { currency, paid, back } = Moved::of(order, order.total().currency());
    lines.push(("total", order.total().to_string()));
    lines.push(("paid", told(paid, currency)));
    lines.push(("given back", told(back, currency)));
    for Moved { currency, paid, back } in Moved::others(order) {
        lines.push(("other", format!("{} paid, {} given back", told(paid, currency), told(back, currency))));
    }
    lines.push(("costs now", order.owed().to_string()));
    if order.kept().minor() > 0 {
        lines.push(("kept", order.kept().to_string()));
    }
    lines.iter().map(|(name, value)| visible(&format!("{name:<10}  {value}")) + "\n").collect()
}

fn line_words(line: &PlacedLine) -> String {
    let ordered = &line.line;
    let (had, left) = (ordered.party.seats, line.seats);
    let count = if had == left { had.to_string() } else { format!("{left} of {had}") };
    let kind = ordered.party.ticket.as_ref().map_or("seats", |ticket| ticket.as_str());
    let state = words::line_state(line.state);
    let what = if ordered.voucher { "voucher" } else { kind };
    let (at, holder) = (&ordered.occurrence, &ordered.holder);
    if ordered.voucher {
        return format!("{what} {kind}: {state}");
    }
    format!("{count} {what}  {at}  for {holder}: {state}  {}", ordered.net)
}

pub(super) fn line_json(order: &Order) -> String {
    let placed = order.placed();
    let session = order.session().filter(|_| is_payable(order));
    let Moved { paid, back, .. } = Moved::of(order, order.total().currency());
    let others: Vec<Value> = Moved::others(order).iter().map(Moved::json).collect();
    let missing = if let Some(OrderEnd::Short { missing }) = order.end() { Some(missing) } else { None };
    let lines: Vec<Value> = order.lines().iter().map(seats_json).collect();
    let line = json!({
        "order": placed.id, "buyer": placed.buyer, "title": placed.title, "placed_at": order.placed_at(),
        "state": state_name(order), "ended": order.end().is_some(), "missing": missing,
        "pay_at": session.map(|session| &session.url), "pay_until": session.map(|session| session.until),
        "lines": lines, "total": order.total(), "paid": paid, "given_back": back, "received": order.received(),
        "other_money": others, "costs_now": order.owed(), "kept": order.kept(), "allowed": order.allowed(),
        "seq": order.seq(),
    });
    format!("{line}\n")
}

fn seats_json(line: &PlacedLine) -> Value {
    let until = if let LineState::Held { until } = line.state { Some(until) } else { None };
    let ordered = &line.line;
    json!({
        "occurrence": ordered.occurrence, "holder": ordered.holder, "ticket": ordered.party.ticket,
        "ordered": ordered.party.seats, "seats": line.seats, "state": line.state.name(), "until": until,
        "net": ordered.net, "voucher": ordered.voucher,
    })
}

/// A line into the output.
pub(super) fn write(out: &mut Output, line: &str) -> Result<(), HostError> {
    std::io::Write::write_all(out, line.as_bytes())
        .map_err(|error| HostError::System { doing: "write the output", error })
}

pub(super) fn flush(out: &mut Output) -> Result<(), HostError> {
    std::io::Write::flush(out).map_err(|error| HostError::System { doing: "write the output", error })
}

/// The order, after something was done about it.
pub(super) fn show(order: &Order, json: bool) -> Result<(), HostError> {
    print(&if json { line_json(order) } else { head(order) })?;
    Ok(())
}
