//! What every gateway must do, through the trait.

use std::collections::BTreeSet;
use std::time::Duration;

use boxoffice::clock::Clock as _;
use boxoffice::payment::{
    ChargeId, DisputeState, GatewayError, News, OrderId, PaymentFact, RefundAsk, Session, SessionAsk, SessionState,
};
use boxoffice::time::Timestamp;

use crate::bench::{Bench, benches};
use crate::{NOW, ask, eur, sums};

fn state(facts: &[PaymentFact]) -> SessionState {
    let states =
        facts.iter().filter_map(|fact| if let PaymentFact::Session { state, .. } = fact { Some(*state) } else { None });
    let states: Vec<SessionState> = states.collect();
    assert_eq!(states.len(), 1, "{facts:?}");
    states[0]
}

fn charge(facts: &[PaymentFact]) -> ChargeId {
    facts
        .iter()
        .find_map(|fact| if let PaymentFact::Charge { charge, .. } = fact { Some(charge.clone()) } else { None })
        .unwrap()
}

async fn paid(bench: &dyn Bench, order: &str) -> (Session, ChargeId) {
    let session = bench.gateway().open(&ask(order)).await.unwrap();
    assert!(bench.pay(&session.id, None).await);
    let charge = charge(&bench.gateway().look(&session.id).await.unwrap());
    (session, charge)
}

fn back(charge: &ChargeId, key: &str, amount: i64, before: i64) -> RefundAsk {
    let (order, charge) = (OrderId::new("o-1").unwrap(), charge.clone());
    RefundAsk { order, key: key.to_owned(), charge, amount: eur(amount), before: eur(before) }
}

#[tokio::test]
async fn a_session_that_is_asked_for_again_is_the_same() {
    for bench in benches().await {
        let gateway = bench.gateway();
        let first = gateway.open(&ask("o-1")).await.unwrap();
        assert_eq!(gateway.open(&ask("o-1")).await.unwrap(), first, "{}", gateway.name());
        assert_eq!(first.until, ask("o-1").until);
        assert!(first.url.starts_with("https://"));
        let second = gateway.open(&SessionAsk { attempt: 2, ..ask("o-1") }).await.unwrap();
        let other = gateway.open(&ask("o-1.1")).await.unwrap();
        assert_eq!(BTreeSet::from([&first.id, &second.id, &other.id]).len(), 3, "{}", gateway.name());
        // Under the same name nothing else can be asked for.
        let dearer = SessionAsk { amount: eur(9_900), ..ask("o-1") };
        assert!(matches!(gateway.open(&dearer).await, Err(GatewayError::Refused { .. })), "{}", gateway.name());
        for useless in [SessionAsk { amount: eur(0), ..ask("o-2") }, SessionAsk { until: NOW, ..ask("o-3") }] {
            assert!(matches!(gateway.open(&useless).await, Err(GatewayError::Refused { .. })), "{}", gateway.name());
        }
    }
}

#[tokio::test]
async fn a_session_is_open_until_it_is_paid_and_then_says_what_was_taken() {
    for bench in benches().await {
        let gateway = bench.gateway();
        for (order, amount) in [("o-1", None), ("o-2", Some(1_001))] {
            let session = gateway.open(&ask(order)).await.unwrap();
            let open = PaymentFact::Session { session: session.id.clone(), state: SessionState::Open };
            assert_eq!(gateway.look(&session.id).await.unwrap(), [open], "{}", gateway.name());
            assert!(bench.pay(&session.id, amount.map(eur)).await);
            let facts = gateway.look(&session.id).await.unwrap();
            assert_eq!((state(&facts), sums(&facts)), (SessionState::Paid, (amount.unwrap_or(2_500), 0)), "{facts:?}");
            assert!(!bench.pay(&session.id, None).await);
        }
        let unknown = "nothing".parse().unwrap();
        assert!(matches!(gateway.look(&unknown).await, Err(GatewayError::Refused { .. })), "{}", gateway.name());
    }
}

#[tokio::test]
async fn a_session_that_was_ended_cannot_be_paid_and_one_that_was_paid_cannot_be_ended() {
    for bench in benches().await {
        let gateway = bench.gateway();
        let session = gateway.open(&ask("o-1")).await.unwrap();
        for _ in 0..2 {
            assert_eq!(state(&gateway.expire(&session.id).await.unwrap()), SessionState::Expired, "{}", gateway.name());
            assert!(!bench.pay(&session.id, None).await, "{}", gateway.name());
        }
        let (session, charge_id) = paid(&*bench, "o-2").await;
        let facts = gateway.expire(&session.id).await.unwrap();
        assert_eq!((state(&facts), charge(&facts)), (SessionState::Paid, charge_id), "{}", gateway.name());
    }
}

#[tokio::test]
async fn a_refund_is_made_once_under_one_key_and_refunds_add_up() {
    for bench in benches().await {
        let gateway = bench.gateway();
        let (session, charge) = paid(&*bench, "o-1").await;
        let steps =
            [("a", 1_000, 0, 1_000), ("a", 1_000, 0, 1_000), ("b", 700, 1_000, 1_700), ("c", 800, 1_700, 2_500)];
        for (key, amount, before, wanted) in steps {
            let facts = gateway.refund(&back(&charge, key, amount, before)).await.unwrap();
            assert_eq!(sums(&facts), (2_500, wanted), "{} {key}", gateway.name());
            assert_eq!(sums(&gateway.look(&session.id).await.unwrap()), (2_500, wanted), "{} {key}", gateway.name());
        }
        // The first one is told late once more.
        assert_eq!(sums(&gateway.refund(&back(&charge, "a", 1_000, 0)).await.unwrap()), (2_500, 2_500));
        let nothing = gateway.refund(&back(&charge, "d", 0, 2_500)).await;
        assert!(matches!(nothing, Err(GatewayError::Refused { .. })), "{}", gateway.name());
    }
}

#[tokio::test]
async fn a_refund_whose_answer_was_lost_is_not_made_again_not_even_days_later() {
    for days in [0, 3] {
        for bench in benches().await {
            let gateway = bench.gateway();
            let (_, charge) = paid(&*bench, "o-1").await;
            bench.lose_refund();
            let lost = gateway.refund(&back(&charge, "a", 1_000, 0)).await;
            assert!(matches!(lost, Ok(_) | Err(GatewayError::Unavailable { .. })), "{} {lost:?}", gateway.name());
            bench.clock().advance(Duration::from_secs(days * 86_400));
            let facts = gateway.refund(&back(&charge, "a", 1_000, 0)).await.unwrap();
            assert_eq!(sums(&facts), (2_500, 1_000), "{}", gateway.name());
        }
    }
}

#[tokio::test]
async fn a_dispute_is_told_as_it_stands() {
    for bench in benches().await {
        let gateway = bench.gateway();
        for (order, won, wanted) in [("o-1", true, DisputeState::Won), ("o-2", false, DisputeState::Lost)] {
            let (session, _) = paid(&*bench, order).await;
            for (decided, wanted) in [(None, DisputeState::Open), (Some(won), wanted)] {
                bench.dispute(&session.id, decided).await;
                let facts = gateway.look(&session.id).await.unwrap();
                let disputes = facts.iter().filter_map(|fact| match fact {
                    PaymentFact::Dispute { amount, state, .. } => Some((amount.minor(), *state)),
                    PaymentFact::Session { .. } | PaymentFact::Charge { .. } | PaymentFact::Refund { .. } => None,
                });
                assert_eq!(disputes.collect::<Vec<_>>(), [(2_500, wanted)], "{}", gateway.name());
            }
        }
    }
}

async fn statement(bench: &dyn Bench, from: Timestamp, until: Timestamp) -> (Vec<News>, usize) {
    let (mut news, mut page, mut pages) = (Vec::new(), None::<String>, 0);
    loop {
        let found = bench.gateway().statement(from, until, page.as_deref()).await.unwrap();
        news.extend(found.news);
        pages += 1;
        match found.next {
            Some(next) => page = Some(next),
            None => return (news, pages),
        }
    }
}

#[tokio::test]
async fn a_statement_tells_all_of_a_window_page_by_page_and_the_same_under_the_same_names() {
    for bench in benches().await {
        let (hour, count) = (Duration::from_secs(3_600), bench.many());
        paid(&*bench, "before").await;
        bench.clock().advance(hour);
        let from = bench.clock().now();
        for number in 0..count {
            let until = from + Duration::from_secs(7_200);
            let session = bench.gateway().open(&SessionAsk { until, ..ask(&format!("o-{number}")) }).await.unwrap();
            assert!(bench.pay(&session.id, None).await);
        }
        bench.clock().advance(hour);
        let until = bench.clock().now();
        let late = SessionAsk { until: until + Duration::from_secs(7_200), ..ask("after") };
        let session = bench.gateway().open(&late).await.unwrap();
        assert!(bench.pay(&session.id, None).await);

        let (news, pages) = statement(&*bench, from, until).await;
        let orders: BTreeSet<&str> = news.iter().map(|news| news.order.as_ref().unwrap().as_str()).collect();
        let wanted: BTreeSet<String> = (0..count).map(|number| format!("o-{number}")).collect();
        assert_eq!(orders, wanted.iter().map(String::as_str).collect(), "{}", bench.gateway().name());
        assert!(pages > 2 && news.iter().all(|news| sums(&news.facts) == (2_500, 0)), "{}", bench.gateway().name());
        assert_eq!(news.iter().map(|news| &news.id).collect::<BTreeSet<_>>().len(), count);
        assert_eq!(statement(&*bench, from, until).await.0, news, "{}", bench.gateway().name());
    }
}

#[tokio::test]
async fn a_delivery_tells_what_looking_tells_and_has_one_name_however_often_it_comes() {
    for bench in benches().await {
        let gateway = bench.gateway();
        let (session, _) = paid(&*bench, "o-1").await;
        let delivery = bench.delivery(&session.id).await;
        let news = gateway.hear(delivery.at(bench.clock().now())).await.unwrap();
        assert_eq!(news.order, Some(OrderId::new("o-1").unwrap()), "{}", gateway.name());
        assert_eq!(news.facts, gateway.look(&session.id).await.unwrap(), "{}", gateway.name());
        assert_eq!(gateway.hear(delivery.at(bench.clock().now())).await.unwrap(), news, "{}", gateway.name());
    }
}
