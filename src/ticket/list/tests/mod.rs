//! The rules as tables, and their laws as properties.

mod quotes;
mod redemptions;
mod rules;
mod wire;

use std::collections::BTreeSet;

use futures_util::FutureExt;

use super::*;
use crate::booking::Party;
use crate::id::{AttendeeId, OccurrenceId, PoolName, PriceListName, TicketType, VoucherCode};
use crate::persist::{AsOf, MemoryBackend, Seq};
use crate::ticket::price::{Effect, Needs, Promotion, Quote, Share};
use crate::ticket::{Currency, Money};
use crate::time::Timestamp;

fn now<T>(ready: impl Future<Output = T>) -> T {
    ready.now_or_never().expect("the memory store answers at once")
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::new("EUR").unwrap())
}

fn kind(name: &str) -> TicketType {
    TicketType::new(name).unwrap()
}

fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

fn code(code: &str) -> VoucherCode {
    VoucherCode::new(code).unwrap()
}

fn season() -> PriceListName {
    PriceListName::new("season").unwrap()
}

fn evening(day: u8) -> OccurrenceId {
    format!("chess@202601{day:02}T190000").parse().unwrap()
}

fn offer(name: &str, price: i64) -> TicketOffer {
    TicketOffer::new(kind(name), eur(price))
}

fn window(from: i64, until: i64) -> SaleWindow {
    SaleWindow { from: Some(at(from)), until: Some(at(until)) }
}

/// Takes half of the list price, for who gives this code.
fn half(name: &str, needs: &str) -> Promotion {
    let needs = Needs { code: Some(needs.to_owned()), ..Needs::default() };
    Promotion::new(name, 1, Effect::Share { per_10_000: 5_000, of: Share::List }).needs(needs)
}

fn start() -> PriceCommand {
    PriceCommand::Start { currency: eur(0).currency() }
}

fn uses(name: &str, uses: u32) -> PriceCommand {
    PriceCommand::SetVoucherPool { pool: pool(name), uses }
}

/// A store with the list after these commands, which all must be accepted.
#[track_caller]
fn store_after(commands: &[PriceCommand]) -> MemoryBackend {
    let store = MemoryBackend::new();
    told(&store, commands);
    store
}

#[track_caller]
fn told(store: &MemoryBackend, commands: &[PriceCommand]) {
    for (command, reply) in commands.iter().zip(now(run(store, &season(), commands, at(0))).unwrap()) {
        assert!(reply.outcome.is_accepted(), "{command:?}: {reply:?}");
    }
}

fn loaded(store: &MemoryBackend, as_of: AsOf) -> PriceList {
    now(load_prices(store, &season(), as_of)).unwrap()
}

/// The list after these commands; every event goes by way of its recorded form.
#[track_caller]
fn list_after(commands: &[PriceCommand]) -> PriceList {
    loaded(&store_after(commands), AsOf::Now)
}

/// A list with adults for 12.00, children for 7.00, tickets for members only, and half for who gives SPRING or AUTUMN.
fn commands() -> Vec<PriceCommand> {
    let press = Voucher { uses: Some(2), window: window(10, 90), ..Voucher::new(code("SPRING"), "spring") };
    let autumn = Voucher { pools: BTreeSet::from([pool("press")]), ..Voucher::new(code("AUTUMN"), "spring") };
    vec![
        start(),
        PriceCommand::set_ticket(TicketOffer { per_person: Some(4), ..offer("adult", 1_200) }),
        PriceCommand::set_ticket(TicketOffer { sale: window(20, 80), ..offer("child", 700) }),
        PriceCommand::set_ticket(TicketOffer { code: Some("CLUB".to_owned()), ..offer("member", 500) }),
        PriceCommand::set_promotion(half("spring", "lock")),
        PriceCommand::set_promotion(Promotion { rank: 2, ..half("friends", "FRIENDS") }),
        uses("press", 3),
        PriceCommand::set_voucher(press),
        PriceCommand::set_voucher(autumn),
    ]
}

fn line(day: u8, holder: &str, seats: u32, ticket: &str) -> BasketLine {
    let party = Party::of(seats).with_ticket(kind(ticket));
    BasketLine { occurrence: evening(day), holder: AttendeeId::new(holder).unwrap(), party }
}

fn basket(lines: Vec<BasketLine>, codes: &[&str]) -> Basket {
    let codes = codes.iter().map(|code| (*code).to_owned()).collect();
    Basket { codes, lines, ..Basket::default() }
}

#[track_caller]
fn quoted(list: &PriceList, basket: &Basket, millis: i64) -> (Quote, Vec<VoucherCode>) {
    match list.quote(basket, at(millis)).unwrap() {
        Priced::Quote { quote, vouchers } => (quote, vouchers),
        Priced::Refused(refusal) => panic!("{refusal:?}"),
    }
}
