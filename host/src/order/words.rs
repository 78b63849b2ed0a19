//! What orders say, in words.

use boxoffice::orders::{
    BadOrder, Came, Changing, CheckoutOutcome, Cut, Difference, LineState, OrderEnd, OrderEvent, PaymentFact,
    PlaceOutcome, Seated,
};
use boxoffice::ticket::list::PriceRefusal;
use boxoffice::ticket::{Currency, Money};

use crate::price::why_not_sold;

/// How a line stands.
pub(super) fn line_state(state: LineState) -> String {
    if let LineState::Held { until } = state { format!("held until {until}") } else { state.name().replace('_', " ") }
}

/// How an order ended.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
pub(super) fn end(end: &OrderEnd) -> String {
    match end {
        OrderEnd::Refused => "refused, seats could not be had".to_owned(),
        OrderEnd::NoSession => "the gateway opened no session".to_owned(),
        OrderEnd::Unpaid => "not paid in time".to_owned(),
        OrderEnd::TooLate => "paid too late, the money went back".to_owned(),
        OrderEnd::Short { missing } => format!("short of {missing} that went back without us"),
        OrderEnd::RefundStuck { left } => format!("{left} should go back, and the gateway refuses"),
        other => other.name().replace('_', " "),
    }
}

/// What a fact of the gateway came to.
pub(super) fn came(came: &Came) -> String {
    let words = match came {
        Came::Known => "known",
        Came::Session => "the session",
        Came::Paid => "all of it",
        Came::PaidInPart { missing } => return format!("{missing} are missing"),
        Came::PaidTooMuch { excess } => return format!("{excess} too much"),
        Came::PaidLate => "late",
        Came::OtherCurrency => "in another currency",
        Came::Refunding => "on its way",
        Came::Refunded => "as asked",
        Came::RefundedElsewhere => "not asked for by us",
        Came::RefundFailed => "failed",
        Came::Disputed => "until it is decided",
        Came::DisputeWon => "ours again",
        Came::ChargedBack => "gone",
        _ => "something new",
    };
    words.to_owned()
}

fn fact(fact: &PaymentFact) -> String {
    match fact {
        PaymentFact::Session { session, state } => format!("session {session} {}", named(state)),
        PaymentFact::Charge { charge, captured } => format!("{captured} taken by {charge}"),
        PaymentFact::Refund { refund, amount, state, .. } => {
            format!("{amount} given back by {refund}, {}", named(state))
        }
        PaymentFact::Dispute { dispute, amount, state, .. } => {
            format!("{amount} disputed by {dispute}, {}", named(state))
        }
    }
}

/// A state in its one word, as it is recorded.
fn named(state: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(state).unwrap_or_default();
    value.as_str().unwrap_or_default().replace('_', " ")
}

fn cut(cut: Cut) -> String {
    format!("{} of line {}", cut.seats, cut.line)
}

/// What happened to an order.
pub(super) fn event(event: &OrderEvent) -> String {
    match event {
        OrderEvent::Placed { order, gateway } => {
            let total = order.total().ok().flatten().map_or_else(|| "nothing".to_owned(), |total| total.to_string());
            format!("placed: {} lines, {total}, to be paid at {gateway}", order.lines.len())
        }
        OrderEvent::LineHeld { line, until } => format!("line {line}: held until {until}"),
        OrderEvent::LineRefused { line, outcome } => format!("line {line}: refused, {}", outcome.replace('_', " ")),
        OrderEvent::SessionOpened { session, .. } => format!("session {} open until {}", session.id, session.until),
        OrderEvent::SessionRefused { reason } => format!("no session: {reason}"),
        OrderEvent::HoldMatched { line, until } => {
            format!("line {line}: held until {until}, as long as it can be paid")
        }
        OrderEvent::Told { news, facts, came: comes } => {
            let how = if news.is_some() { "told" } else { "asked" };
            let facts = facts.iter().zip(comes).map(|(one, comes)| format!("{}: {}", fact(one), came(comes)));
            let facts = facts.collect::<Vec<_>>().join("; ");
            if facts.is_empty() { format!("{how}: nothing new") } else { format!("{how}: {facts}") }
        }
        OrderEvent::LineReleased { line } => format!("line {line}: let go"),
        OrderEvent::LineReclaimed { line } => format!("line {line}: to have its seats again"),
        OrderEvent::LineConfirmed { line, how: Seated::Held } => format!("line {line}: confirmed"),
        OrderEvent::LineConfirmed { line, how: Seated::Reacquired } => format!("line {line}: had again, and confirmed"),
        OrderEvent::LineLost { line, .. } => format!("line {line}: its seats are gone"),
        OrderEvent::CancelAsked { cuts, kept, reason } => {
            let cuts = cuts.iter().copied().map(cut).collect::<Vec<_>>().join(", ");
            let kept = if kept.minor() > 0 { format!(", {kept} kept") } else { String::new() };
            format!("to be given up: {cuts}{kept}: {reason}")
        }
        OrderEvent::SeatsGivenUp { cut: given } => format!("given up: {}", cut(*given)),
        OrderEvent::GiveUpRefused { line, outcome } => {
            format!("line {line}: not given up, {}: look where its seats are", outcome.replace('_', " "))
        }
        OrderEvent::Allowed { amount, reason } => format!("{amount} to go back: {reason}"),
        OrderEvent::Reversed => "the money went back without us: seats to be given up".to_owned(),
        OrderEvent::RefundAsked { ask } => format!("refund {} asked for: {} of {}", ask.key, ask.amount, ask.charge),
        OrderEvent::RefundRefused { key, reason } => format!("refund {key} refused: {reason}"),
        OrderEvent::NoteSettled { line } => format!("line {line}: the occurrence knows that the money went back"),
        OrderEvent::Closed { end: how } => format!("ended: {}", end(how)),
        OrderEvent::Reopened => "looked after again".to_owned(),
    }
}

/// Why an order is not placed.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
pub(super) fn not_placed(outcome: &CheckoutOutcome) -> String {
    match outcome {
        CheckoutOutcome::Refused(PriceRefusal::HolderTwice { occurrence, holder }) => {
            format!("{holder} stands there twice for {occurrence}: name a holder for each kind")
        }
        CheckoutOutcome::Refused(refusal) => why_not_sold(refusal),
        CheckoutOutcome::NoPrice(error) => error.to_string(),
        CheckoutOutcome::NotPlaced(PlaceOutcome::IdTaken) => "another order has this id".to_owned(),
        CheckoutOutcome::NotPlaced(PlaceOutcome::HolderTaken { line, by }) => {
            format!("the holder of line {line} has seats there by order {by}")
        }
        CheckoutOutcome::NotPlaced(PlaceOutcome::TooMany { line, max }) => {
            format!("line {line}: one buyer may have {max} of them, those of other orders counted")
        }
        CheckoutOutcome::NotPlaced(PlaceOutcome::Bad(bad)) => bad_order(bad),
        CheckoutOutcome::NotPlaced(PlaceOutcome::TooLarge(limit)) => limit.to_string(),
        other => other.name().replace('_', " "),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
fn bad_order(bad: &BadOrder) -> String {
    match bad {
        BadOrder::LineCount { lines } => format!("{lines} lines, those of vouchers among them; 40 are allowed"),
        BadOrder::Line { line } => format!("line {line} has no seats, or costs less than nothing"),
        BadOrder::TooLarge { bytes } => {
            format!("the order has {bytes} bytes as JSON, its title and names included; 3600 are allowed")
        }
        BadOrder::Terms => "30 days to pay and 7 of grace are the most".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Why an order is not changed.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
pub(super) fn not_changed(why: &Changing) -> String {
    match why {
        Changing::NoSeats { line: Some(line) } => format!("line {line} has not so many seats to give up"),
        Changing::NoSeats { line: None } => "it has no seats to give up".to_owned(),
        Changing::Amount { max } => format!("an amount from nothing to {max} is possible"),
        Changing::Reason { max } => format!("a reason has at most {max} bytes"),
        other => format!("{other:?}"),
    }
}

/// Where books differ.
pub(super) fn difference(difference: &Difference, currency: Option<Currency>) -> String {
    let money = |minor: i64| {
        currency.map_or_else(|| format!("{minor} minor units"), |currency| Money::new(minor, currency).to_string())
    };
    let of = |minor: i64, currency: &str| {
        let amount = currency.parse().map(|currency| Money::new(minor, currency).to_string());
        amount.unwrap_or_else(|_| format!("{minor} {currency}"))
    };
    let order = difference.order();
    let what = match difference {
        Difference::PaidNotOrdered { minor, .. } => format!("{} too much, and not given back", money(*minor)),
        Difference::OrderedNotPaid { minor, .. } => format!("{} are owed for its seats", money(*minor)),
        Difference::OtherMoney { charge, currency, minor, .. } => {
            format!("{} by {charge}, not given back", of(*minor, currency))
        }
        Difference::GatewayDiffers { charge, currency, ours, theirs, .. } => {
            format!("the gateway has {} by {charge}, the order was told {}", of(*theirs, currency), of(*ours, currency))
        }
        Difference::NoSuchOrder { charge, minor, .. } => {
            format!("{} by {charge}, and there is no such order", money(*minor))
        }
        Difference::SeatsMissing { line, occurrence, holder, .. } => {
            format!("line {line}: {holder} has not its seats of {occurrence}")
        }
        Difference::SeatsUnpaid { line, occurrence, holder, .. } => {
            format!("line {line}: {holder} has seats of {occurrence} that no order has")
        }
        other => other.name().replace('_', " "),
    };
    format!("{order}: {what}")
}
