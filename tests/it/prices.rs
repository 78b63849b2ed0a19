//! Lists of prices and their vouchers, through the handle.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use boxoffice::booking::{Auditor, BookingCommand, BookingOutcome, HoldTerm, Seats, Shortage, booking_stream, decode};
use boxoffice::clock::ManualClock;
use boxoffice::id::{PoolName, PriceListName, TicketType, VoucherCode};
use boxoffice::persist::{AsOf, Backend, MemoryBackend, Seq};
use boxoffice::ticket::list::{self, PriceCommand, PriceOutcome, TicketOffer, Voucher, redemption, voucher_occurrence};
use boxoffice::ticket::price::{Effect, Needs, Promotion};
use boxoffice::{BoxOffice, Builder};
use futures_util::future::join_all;

use crate::backends::{at, evening, on_sale};

fn season() -> PriceListName {
    PriceListName::new("season").unwrap()
}

fn code(code: &str) -> VoucherCode {
    VoucherCode::new(code).unwrap()
}

fn pool(name: &str) -> PoolName {
    PoolName::new(name).unwrap()
}

fn spring(uses: Option<u32>, pools: &[&str]) -> PriceCommand {
    let pools = pools.iter().map(|name| pool(name)).collect();
    PriceCommand::set_voucher(Voucher { uses, pools, ..Voucher::new(code("SPRING"), "spring") })
}

/// A list with a promotion that vouchers unlock, and a pool of five uses.
fn begun() -> Vec<PriceCommand> {
    let needs = Needs { code: Some("lock".to_owned()), ..Needs::default() };
    let off = Effect::Fixed { off: "2.00 EUR".parse().unwrap() };
    vec![
        PriceCommand::Start { currency: "EUR".parse().unwrap() },
        PriceCommand::set_promotion(Promotion::new("spring", 1, off).needs(needs)),
        PriceCommand::SetVoucherPool { pool: pool("press"), uses: 5 },
    ]
}

async fn selling(builder: Builder, vouchers: &[PriceCommand]) -> BoxOffice {
    let office = builder.start().unwrap();
    let commands: Vec<PriceCommand> = begun().into_iter().chain(vouchers.iter().cloned()).collect();
    let replies = office.change_prices(&season(), &commands).await.unwrap();
    assert!(replies.iter().all(|reply| reply.outcome.is_accepted()), "{replies:?}");
    office
}

async fn hold(office: &BoxOffice, order: &str, voucher: &str) -> BookingOutcome {
    let (attendee, party) = redemption(order, &code(voucher)).unwrap();
    let term = HoldTerm::For(Duration::from_secs(60));
    office.run(&voucher_occurrence(&season()), BookingCommand::Hold { attendee, party, term }).await.unwrap().outcome
}

fn none_left(outcome: &BookingOutcome, name: &str) -> bool {
    matches!(outcome, BookingOutcome::Full(Shortage { pool: Some(pool), free: 0, .. }) if pool.as_str() == name)
}

#[tokio::test]
async fn of_many_redemptions_at_once_there_are_as_many_as_the_voucher_has_uses() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let office = || BoxOffice::builder().shared_store(Arc::clone(&store));
    let other =
        Voucher { uses: Some(50), pools: BTreeSet::from([pool("press")]), ..Voucher::new(code("OTHER"), "spring") };
    let vouchers = [spring(Some(7), &[]), PriceCommand::set_voucher(other)];
    let (one, two) = (selling(office(), &vouchers).await, office().start().unwrap());
    // Two offices, two vouchers, a hundred orders, each asked twice.
    let asked = (0..200).map(|n| {
        let office = if n % 3 == 0 { one.clone() } else { two.clone() };
        let voucher = if n % 2 == 0 { "SPRING" } else { "OTHER" };
        async move { (voucher, hold(&office, &format!("order {}", n / 2 % 50), voucher).await) }
    });
    let answers = join_all(asked).await;
    let held = |voucher: &str| {
        answers.iter().filter(|(of, outcome)| *of == voucher && matches!(outcome, BookingOutcome::Held { .. })).count()
    };
    assert_eq!((held("SPRING"), held("OTHER")), (7, 5));
    let refused = |voucher: &str, name: &str| {
        let no = answers.iter().filter(|(of, outcome)| *of == voucher && none_left(outcome, name)).count();
        let again =
            answers.iter().filter(|(of, outcome)| *of == voucher && matches!(outcome, BookingOutcome::Already { .. }));
        (no, again.count())
    };
    // Whoever has a use and asks again is told so; all others are told what ran out.
    assert_eq!((refused("SPRING", "code:SPRING"), refused("OTHER", "press")), ((86, 7), (90, 5)));
    // At no event were there more, by the auditor that shares no code with the rules.
    let events = store.read(&booking_stream(&voucher_occurrence(&season())), Seq::FIRST, 10_000).await.unwrap();
    let mut auditor = Auditor::new();
    for recorded in &events {
        assert!(auditor.check(recorded.seq, recorded.at, &decode(recorded).unwrap()).is_ok());
    }
    assert_eq!(auditor.seats().count(), 12);
}

#[tokio::test]
async fn a_use_is_held_with_the_order_kept_with_the_payment_and_given_back_with_the_refund() {
    let clock = ManualClock::new(at(0));
    let builder = BoxOffice::builder().store(MemoryBackend::new()).clock(clock.clone());
    let office = selling(builder, &[spring(Some(1), &["press"])]).await;
    let (uses, ann) = (voucher_occurrence(&season()), redemption("ann", &code("SPRING")).unwrap().0);
    let is_held = |outcome: &BookingOutcome| matches!(outcome, BookingOutcome::Held { .. });
    assert!(is_held(&hold(&office, "ann", "SPRING").await));
    assert!(none_left(&hold(&office, "bob", "SPRING").await, "code:SPRING"));
    // An order that is never paid: the use is there again.
    clock.advance(Duration::from_secs(60));
    assert!(is_held(&hold(&office, "bob", "SPRING").await));
    let bob = redemption("bob", &code("SPRING")).unwrap().0;
    assert_eq!(office.release(&uses, &bob).await.unwrap().outcome, BookingOutcome::Released);
    // One that is paid keeps it, and its refund gives it back.
    assert!(is_held(&hold(&office, "ann", "SPRING").await));
    assert_eq!(office.confirm(&uses, &ann).await.unwrap().outcome, BookingOutcome::Confirmed);
    clock.advance(Duration::from_secs(600));
    assert!(none_left(&hold(&office, "cyd", "SPRING").await, "code:SPRING"));
    assert_eq!(office.cancel(&uses, &ann).await.unwrap().outcome, BookingOutcome::Cancelled);
    assert!(is_held(&hold(&office, "cyd", "SPRING").await));
}

#[tokio::test]
async fn changes_at_once_leave_redemptions_by_the_list_as_it_stands() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let office = || BoxOffice::builder().shared_store(Arc::clone(&store));
    let (one, two) = (selling(office(), &[]).await, office().start().unwrap());
    let changes = (1..=20).map(|n| {
        let office = if n % 2 == 0 { one.clone() } else { two.clone() };
        let commands =
            [spring(Some(n), &["press"]), PriceCommand::SetVoucherPool { pool: pool("press"), uses: 100 + n }];
        async move { office.change_prices(&season(), &commands).await.unwrap() }
    });
    join_all(changes).await;
    let list = one.price_list(&season()).await.unwrap();
    let wanted: Vec<(String, u32)> = list
        .vouchers()
        .map(|voucher| (format!("code:{}", voucher.code), voucher.uses.unwrap()))
        .chain(list.voucher_pools().map(|(pool, uses)| (pool.to_string(), uses)))
        .collect();
    let found = one.ledger_as_of(&voucher_occurrence(&season()), AsOf::Now).await.unwrap();
    let found: Vec<(String, u32)> = found.pools().map(|(pool, size, _)| (pool.to_string(), size.get())).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn what_was_changed_without_an_office_counts_once_redemptions_are_told() {
    let store: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
    let office = selling(BoxOffice::builder().shared_store(Arc::clone(&store)), &[spring(Some(1), &[])]).await;
    assert!(matches!(hold(&office, "ann", "SPRING").await, BookingOutcome::Held { .. }));
    let more = [spring(Some(2), &[])];
    assert_eq!(list::run(&*store, &season(), &more, at(0)).await.unwrap()[0].outcome, PriceOutcome::Set);
    assert!(none_left(&hold(&office, "bob", "SPRING").await, "code:SPRING"));
    // To say it again is enough, though the list is as wanted.
    let replies = office.change_prices(&season(), &more).await.unwrap();
    assert_eq!(replies[0].outcome, PriceOutcome::Unchanged);
    assert!(matches!(hold(&office, "bob", "SPRING").await, BookingOutcome::Held { .. }));
    // As it was before.
    let before = office.price_list_as_of(&season(), AsOf::Seq(Seq::new(4))).await.unwrap();
    assert_eq!(before.vouchers().map(|voucher| voucher.uses).collect::<Vec<_>>(), [Some(1)]);
}

#[tokio::test]
async fn kinds_of_tickets_are_sold_in_an_occurrence_once_its_pools_are_there() {
    let office = on_sale(BoxOffice::builder().store(MemoryBackend::new()), 9).await;
    let price = "7.00 EUR".parse().unwrap();
    let offer = |name: &str| TicketOffer::new(TicketType::new(name).unwrap(), price);
    let child = TicketOffer { pools: BTreeSet::from([pool("balcony")]), ..offer("child") };
    let tickets = [PriceCommand::set_ticket(offer("adult")), PriceCommand::set_ticket(child)];
    let commands: Vec<PriceCommand> = begun().into_iter().take(1).chain(tickets).collect();
    assert_eq!(office.change_prices(&season(), &commands).await.unwrap().len(), 3);
    let outcomes = async || -> Vec<&'static str> {
        let replies = office.set_tickets(&evening(), &season()).await.unwrap();
        replies.iter().map(|reply| reply.outcome.name()).collect()
    };
    assert_eq!(outcomes().await, ["set", "unknown_pool"]);
    let below = boxoffice::booking::Below::Refuse;
    let balcony = BookingCommand::SetPool { pool: pool("balcony"), capacity: Seats::new(2), below };
    assert!(office.run(&evening(), balcony).await.unwrap().outcome.is_accepted());
    assert_eq!(outcomes().await, ["as_before", "set"]);
    // A list without vouchers opens nothing.
    let uses = office.ledger_as_of(&voucher_occurrence(&season()), AsOf::Now).await.unwrap();
    assert_eq!(uses.capacity(), None);
}
