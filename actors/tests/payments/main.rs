//! Payment gateways against doubles that speak their formats over loopback, and the contract that all of them keep.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "helpers of tests may panic too")]

mod bench;
mod contract;
mod hear;
mod sandbox;
mod server;
mod stripe;
mod stripe_double;
mod sumup;
mod sumup_double;

use std::time::Duration;

use boxoffice::http::HttpClient;
use boxoffice::payment::{OrderId, PaymentFact, RefundState, SessionAsk};
use boxoffice::ticket::{Currency, Money};
use boxoffice::time::Timestamp;

/// When the tests begin: 2026-01-01T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

pub(crate) fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::new("EUR").unwrap())
}

/// 25.00 EUR for an order, within the hour.
pub(crate) fn ask(order: &str) -> SessionAsk {
    SessionAsk {
        order: OrderId::new(order).unwrap(),
        attempt: 1,
        amount: eur(2_500),
        title: "Chess & tea".to_owned(),
        until: NOW + Duration::from_secs(3_600),
        back_to: Some("https://club.example/back?o=1".to_owned()),
    }
}

/// For doubles on this machine.
pub(crate) fn http() -> HttpClient {
    HttpClient::new().unwrap().allow_private(true).allow_plain(true)
}

/// What was taken, and what was given back of it and did not fail, in minor units.
pub(crate) fn sums(facts: &[PaymentFact]) -> (i64, i64) {
    let taken =
        facts.iter().map(|fact| if let PaymentFact::Charge { captured, .. } = fact { captured.minor() } else { 0 });
    let back = facts.iter().map(|fact| match fact {
        PaymentFact::Refund { amount, state: RefundState::Pending | RefundState::Succeeded, .. } => amount.minor(),
        PaymentFact::Session { .. }
        | PaymentFact::Charge { .. }
        | PaymentFact::Refund { .. }
        | PaymentFact::Dispute { .. } => 0,
    });
    (taken.sum(), back.sum())
}
