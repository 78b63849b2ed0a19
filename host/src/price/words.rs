//! What lists say, in words.

use boxoffice::ticket::list::{PriceCommand, PriceOutcome, PriceRefusal};
use boxoffice::ticket::price::{Promotion, Refusal};

/// What a command is about, as `ticket adult`.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
pub(super) fn subject(command: &PriceCommand) -> String {
    match command {
        PriceCommand::SetTicket { offer } => format!("ticket {}", offer.ticket),
        PriceCommand::RemoveTicket { ticket } => format!("ticket {ticket}"),
        PriceCommand::SetPromotion { promotion } => format!("promotion {}", promotion.name),
        PriceCommand::RemovePromotion { promotion } => format!("promotion {promotion}"),
        PriceCommand::SetVoucherPool { pool, .. } => format!("voucher pool {pool}"),
        PriceCommand::SetVoucher { voucher } => format!("voucher {}", voucher.code),
        PriceCommand::WithdrawVoucher { code } => format!("voucher {code}"),
        _ => "the list".to_owned(),
    }
}

/// Why a command was refused.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
pub(super) fn refused(outcome: &PriceOutcome) -> String {
    match outcome {
        PriceOutcome::AlreadyStarted { currency } => format!("it is in {currency} and stays so"),
        PriceOutcome::Invalid(flaw) => flaw.to_string(),
        PriceOutcome::TooMany { max } => format!("there are {max} already, as many as a list may have"),
        PriceOutcome::UnknownPromotion { promotion } => format!("there is no promotion {promotion}"),
        PriceOutcome::NeedsNoCode { promotion } => format!("promotion {promotion} needs no code"),
        PriceOutcome::UnknownPool { pool } => format!("there is no voucher pool {pool}"),
        PriceOutcome::Unlocked { by } => format!("voucher {by} unlocks it"),
        other => other.name().replace('_', " "),
    }
}

/// Why a basket is not sold.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
pub(crate) fn not_sold(refusal: &PriceRefusal) -> String {
    match refusal {
        PriceRefusal::TooLong { max } => format!("more than {max} kinds"),
        PriceRefusal::NoSeats { .. } => "nothing is bought of a kind".to_owned(),
        PriceRefusal::UnknownTicket { ticket } => format!("there is no ticket {ticket}"),
        PriceRefusal::UnknownCode { code } => format!("nothing goes by the code {code}"),
        PriceRefusal::CodeNotYet { code, from } => format!("the voucher {code} is not taken before {from}"),
        PriceRefusal::CodeNoLonger { code, until } => format!("the voucher {code} was taken until {until}"),
        PriceRefusal::NeedsCode { ticket } => format!("{ticket} needs its code"),
        PriceRefusal::NotYetOnSale { ticket, from } => format!("{ticket} is not on sale before {from}"),
        PriceRefusal::NoLongerOnSale { ticket, until } => format!("{ticket} was on sale until {until}"),
        PriceRefusal::TooMany { ticket, max, .. } => format!("one buyer may have {max} of {ticket}"),
        other => other.name().replace('_', " "),
    }
}

/// Why a promotion took nothing.
pub(super) fn took_nothing(promotion: &Promotion, why: &Refusal) -> String {
    match (why, &promotion.needs.buyer, &promotion.needs.at_least) {
        (Refusal::Buyer, Some(tag), _) => format!("the buyer is no {tag}"),
        (Refusal::AtLeast, _, Some(least)) => format!("less than {least} is bought"),
        (Refusal::Group { by }, ..) => format!("{by} counts instead"),
        (Refusal::Code, ..) => "its code was not given".to_owned(),
        (Refusal::Buyer, ..) => "the buyer is not what it needs".to_owned(),
        (Refusal::AtLeast, ..) => "too little is bought".to_owned(),
        (Refusal::Nothing, ..) => "there is nothing to take from".to_owned(),
    }
}
