use super::*;
use crate::persist::{Cursor, EventType, NewEvent, Payload, RecordedEvent};

/// Each event, as it has been recorded since its version was made.
fn golden() -> Vec<(PriceEvent, &'static str, &'static str)> {
    let full = TicketOffer {
        tags: BTreeSet::from(["seat".to_owned()]),
        sale: window(20, 80),
        per_person: Some(4),
        code: Some("CLUB".to_owned()),
        pools: BTreeSet::from([pool("balcony")]),
        ..offer("member", 500)
    };
    let pools = BTreeSet::from([pool("press")]);
    let until = SaleWindow { from: None, until: Some(at(90)) };
    let voucher = Voucher { uses: Some(20), pools, window: until, ..Voucher::new(code("SPRING"), "spring") };
    vec![
        (PriceEvent::Started { currency: eur(0).currency() }, "ticket.list_started.v1", r#"{"currency":"EUR"}"#),
        (
            PriceEvent::TicketSet { offer: Box::new(offer("adult", 1_200)) },
            "ticket.offer_set.v1",
            r#"{"offer":{"ticket":"adult","price":{"minor":1200,"currency":"EUR"}}}"#,
        ),
        (
            PriceEvent::TicketSet { offer: Box::new(full) },
            "ticket.offer_set.v1",
            r#"{"offer":{"ticket":"member","price":{"minor":500,"currency":"EUR"},"tags":["seat"],"sale":{"from":20,"until":80},"per_person":4,"code":"CLUB","pools":["balcony"]}}"#,
        ),
        (PriceEvent::TicketRemoved { ticket: kind("adult") }, "ticket.offer_removed.v1", r#"{"ticket":"adult"}"#),
        (
            PriceEvent::PromotionSet { promotion: Box::new(half("spring", "lock").group("one")) },
            "ticket.promotion_set.v1",
            r#"{"promotion":{"name":"spring","rank":1,"group":"one","needs":{"tags":[],"buyer":null,"code":"lock","at_least":null},"effect":{"share":{"per_10_000":5000,"of":"list"}}}}"#,
        ),
        (
            PriceEvent::PromotionRemoved { promotion: "spring".to_owned() },
            "ticket.promotion_removed.v1",
            r#"{"promotion":"spring"}"#,
        ),
        (
            PriceEvent::VoucherPoolSet { pool: pool("press"), uses: 100 },
            "ticket.voucher_pool_set.v1",
            r#"{"pool":"press","uses":100}"#,
        ),
        (
            PriceEvent::VoucherSet { voucher: Box::new(Voucher::new(code("SPRING"), "spring")) },
            "ticket.voucher_set.v1",
            r#"{"voucher":{"code":"SPRING","promotion":"spring"}}"#,
        ),
        (
            PriceEvent::VoucherSet { voucher: Box::new(voucher) },
            "ticket.voucher_set.v1",
            r#"{"voucher":{"code":"SPRING","promotion":"spring","uses":20,"pools":["press"],"window":{"until":90}}}"#,
        ),
        (PriceEvent::VoucherWithdrawn { code: code("SPRING") }, "ticket.voucher_withdrawn.v1", r#"{"code":"SPRING"}"#),
    ]
}

fn recorded(event: NewEvent) -> RecordedEvent {
    let NewEvent { event_type, at, data } = event;
    RecordedEvent { stream: price_stream(&season()), seq: Seq::new(1), cursor: Cursor::START, event_type, at, data }
}

#[test]
fn events_are_recorded_as_ever_and_read_back() {
    for (event, name, data) in golden() {
        let new = encode(at(7), &event);
        assert_eq!((new.event_type.as_str(), new.data.json(), new.at), (name, data, at(7)));
        assert_eq!(decode(&recorded(new)), Ok(event));
    }
}

#[test]
fn what_is_not_known_is_never_passed_over() {
    for (name, data) in [
        ("ticket.offer_set.v2", "{}"),
        ("ticket.offer_set.v1", "{}"),
        ("ticket.offer_set.v1", r#"{"offer":{"ticket":"a","price":{"minor":1,"currency":"XXX"}}}"#),
        ("ticket.voucher_set.v1", r#"{"voucher":{"code":"A","promotion":"b","useless":1}}"#),
        ("ticket.list_started.v1", "null"),
    ] {
        let event_type = EventType::new(name).unwrap();
        let event = NewEvent { event_type, at: at(0), data: Payload::from_json(data).unwrap() };
        let error = decode(&recorded(event)).unwrap_err().to_string();
        assert!(error.starts_with("event 1 of stream prices:season: "), "{error}");
    }
}
