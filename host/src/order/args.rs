//! The command line of `boxoffice order`.

use core::str::FromStr;
use std::time::Duration;

use boxoffice::booking::Seats;
use boxoffice::id::{AttendeeId, OccurrenceId, PoolName, PriceListName, TicketType};
use boxoffice::orders::OrderId;
use boxoffice::ticket::Money;
use boxoffice::time::Timestamp;
use clap::{Args, Subcommand};
use jiff::SignedDuration;

use crate::store::Place;

#[derive(Debug, Args)]
pub(crate) struct OrderArgs {
    #[command(subcommand)]
    pub(super) command: OrderCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum OrderCommand {
    /// Put seats of an occurrence on sale by a list of prices
    ///
    /// Pools that the list's tickets are taken from are made as large as the occurrence, but for those that are named. Asked again, it
    /// brings the seats in line with what is asked for, and the kinds of tickets with the list; what would leave fewer seats
    /// than are taken is refused.
    Sell(SellArgs),
    /// Order seats, and print where they can be paid and until when
    ///
    /// Prices are those of the list now, and stay as they are for this order. Waits until the seats are held and there is a
    /// page to pay at; what costs nothing is had at once. The same order may be placed again.
    Place(PlaceArgs),
    /// Print one order: its seats, its money, and what happened to it, oldest first
    ///
    /// `total` is what it cost when it was placed, `costs now` what is to stay with the seller: for the seats that it has or may yet
    /// have, and what was kept of those given up. What was paid beyond that goes back to the buyer. `other` is money in another
    /// currency.
    Show(OneOrder),
    /// List orders by id
    List(ListArgs),
    /// Play the buyer who pays, and the gateway's webhook that tells of it
    ///
    /// A session that can be paid is paid. When its time is over, the buyer pays late, as a slow bank transfer does: the seats are had
    /// again if there are any, or the money goes back.
    Pay(PayArgs),
    /// Give seats up; their money goes back as far as it was paid
    Cancel(CancelArgs),
    /// Give money back, and leave the seats
    Refund(RefundArgs),
    /// Look after an order again: ask once more for refunds that the gateway refused
    Reopen(OneOrder),
    /// Look after open orders until nothing is left to do about them, or the time is over
    ///
    /// Reads first what the gateway has, so that payments of which nothing was told are known. Prints a line for each order that
    /// ends. SIGTERM and ctrl-c end it too; what is left is done by whoever runs next.
    Run(RunArgs),
    /// Compare orders, seats and the gateway's books
    ///
    /// Prints a line for each difference; changes nothing. Orders that are being carried out are compared with the gateway only.
    Reconcile(ReconcileArgs),
}

#[derive(Debug, Args)]
pub(super) struct SellArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(super) store: Place,
    /// The occurrence, as chess@20260105T190000
    #[arg(value_name = "OCCURRENCE")]
    pub(super) occurrence: OccurrenceId,
    /// The list of prices
    #[arg(long, value_name = "NAME")]
    pub(super) list: PriceListName,
    /// How many seats there are
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) seats: u32,
    /// How many of them are in a pool, as stalls=40; may be given again for more
    #[arg(long, value_name = "POOL=SEATS")]
    pub(super) pool: Vec<PoolSize>,
}

#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(super) store: Place,
    /// The list of prices
    #[arg(long, value_name = "NAME")]
    pub(super) list: PriceListName,
    /// So many seats of a kind, as chess@20260105T190000=adult:2, for the buyer or for a holder that is named behind: ...=adult:2:ann.
    /// May be given again for more; each holder has seats of an occurrence once
    #[arg(long, value_name = "OCCURRENCE=TYPE:COUNT[:HOLDER]", required = true)]
    pub(super) buy: Vec<Buy>,
    /// Who buys
    #[arg(long, value_name = "WHO")]
    pub(super) buyer: AttendeeId,
    /// The buyer gives this code; may be given again for more
    #[arg(long, value_name = "CODE")]
    pub(super) code: Vec<String>,
    /// The buyer is this, as member; may be given again for more
    #[arg(long = "as", value_name = "TAG")]
    pub(super) is: Vec<String>,
    /// The name of the order [default: a new one]
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<OrderId>,
    /// What the buyer reads at the gateway
    #[arg(long, value_name = "TEXT", default_value = "Seats")]
    pub(super) title: String,
    /// How long the buyer may pay: minutes, or a length such as 90s
    #[arg(long, value_name = "MINUTES", default_value = "30", value_parser = |text: &str| length(text, 60))]
    pub(super) session: Duration,
    /// How long seats are kept beyond that: seconds, or a length such as 5m
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = |text: &str| length(text, 1))]
    pub(super) grace: Duration,
    /// Print the order as one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct OneOrder {
    /// The store
    #[arg(value_name = "STORE")]
    pub(super) store: Place,
    /// The order
    #[arg(value_name = "ID")]
    pub(super) id: OrderId,
    /// Print JSON lines: the order, and to show it an event each. An amount that is null is more than can be told
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(super) store: Place,
    /// Only those about which something is to be done, or waited for
    #[arg(long)]
    pub(super) open: bool,
    /// Print JSON lines
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct PayArgs {
    #[command(flatten)]
    pub(super) one: OneOrder,
    /// Another amount than is asked for, as '5.00 EUR'
    #[arg(long, value_name = "AMOUNT")]
    pub(super) amount: Option<Money>,
    /// Pay once more than is asked for, perhaps after it was paid already
    #[arg(long)]
    pub(super) twice: bool,
    /// The webhook is lost: the gateway has the money, and nobody is told
    #[arg(long)]
    pub(super) lost: bool,
}

#[derive(Debug, Args)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    pub(super) one: OneOrder,
    /// Only seats of this line, from 0
    #[arg(long, value_name = "N")]
    pub(super) line: Option<u16>,
    /// Only so many of them
    #[arg(long, value_name = "K", requires = "line")]
    pub(super) seats: Option<u32>,
    /// Keep so much of their money, as '2.00 EUR'
    #[arg(long, value_name = "AMOUNT")]
    pub(super) keep: Option<Money>,
    /// Why; not personal
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

#[derive(Debug, Args)]
pub(super) struct RefundArgs {
    #[command(flatten)]
    pub(super) one: OneOrder,
    /// How much, as '2.00 EUR'
    #[arg(value_name = "AMOUNT")]
    pub(super) amount: Money,
    /// Why; not personal
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(super) store: Place,
    /// For so long at most: seconds, or a length such as 5m [default: as long as it takes]
    #[arg(long = "for", value_name = "SECONDS", value_parser = |text: &str| length(text, 1))]
    pub(super) length: Option<Duration>,
}

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(super) store: Place,
    /// Sessions that were opened at this instant or later, as 2026-12-01T19:00:00Z [default: all]
    #[arg(long, value_name = "TIME")]
    pub(super) from: Option<Timestamp>,
    /// Sessions that were opened before this instant [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) to: Option<Timestamp>,
    /// Print JSON lines
    #[arg(long)]
    pub(super) json: bool,
}

/// A length as a number of `unit` seconds, or with units of its own.
fn length(text: &str, unit: u64) -> Result<Duration, String> {
    if let Ok(number) = text.parse::<u64>() {
        return Ok(Duration::from_secs(number.saturating_mul(unit)));
    }
    let length: Option<Duration> = text.parse::<SignedDuration>().ok().and_then(|length| length.try_into().ok());
    length.ok_or_else(|| "neither a number nor a length such as 20s, 1h30m or PT5M".to_owned())
}

/// How many seats a pool has.
#[derive(Clone, Debug)]
pub(super) struct PoolSize {
    pub(super) pool: PoolName,
    pub(super) seats: Seats,
}

impl FromStr for PoolSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (pool, seats) = text.rsplit_once('=').ok_or("it is written as stalls=40")?;
        let pool = PoolName::new(pool).map_err(|error| error.to_string())?;
        let seats = seats.parse().map_err(|_| format!("{seats:?} is no number of seats"))?;
        Ok(Self { pool, seats: Seats::new(seats) })
    }
}

/// Seats that are bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Buy {
    pub(super) occurrence: OccurrenceId,
    pub(super) ticket: TicketType,
    pub(super) count: u32,
    pub(super) holder: Option<AttendeeId>,
}

impl FromStr for Buy {
    type Err = String;

    /// Names may hold what divides them: an occurrence is the first that can be read, and the kind of ticket ends before the first
    /// number.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "it is written as chess@20260105T190000=adult:2, or =adult:2:ann for a holder";
        let equals = text.match_indices('=').map(|(at, _)| text.split_at(at));
        let mut read =
            equals.filter_map(|(before, after)| Some((before.parse::<OccurrenceId>().ok()?, after.strip_prefix('=')?)));
        let (occurrence, seats) = read.next().ok_or(wanted)?;
        let colons = seats.match_indices(':').map(|(at, _)| seats.split_at(at));
        let mut read = colons.filter_map(|(ticket, after)| {
            let after = after.strip_prefix(':')?;
            let (count, holder) = after.split_once(':').map_or((after, None), |(count, holder)| (count, Some(holder)));
            Some((ticket, count.parse::<u32>().ok()?, holder))
        });
        let (ticket, count, holder) = read.next().ok_or(wanted)?;
        let ticket = TicketType::new(ticket).map_err(|error| error.to_string())?;
        let holder = holder.map(AttendeeId::new).transpose().map_err(|error| error.to_string())?;
        Ok(Self { occurrence, ticket, count, holder })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_bought_is_read_though_names_hold_what_divides_them() {
        let evening = "chess@20260105T190000";
        let table = [
            (format!("{evening}=adult:2"), evening, "adult", 2, None),
            (format!("{evening}=adult:2:ann@club.example"), evening, "adult", 2, Some("ann@club.example")),
            (format!("{evening}=early bird:1:a=b:c"), evening, "early bird", 1, Some("a=b:c")),
            (format!("{evening}=vip:row:3"), evening, "vip:row", 3, None),
            (format!("a=b@x:y@{}=adult:1", "20260105T190000Z"), "a=b@x:y@20260105T190000Z", "adult", 1, None),
        ];
        for (text, occurrence, ticket, count, holder) in table {
            let buy: Buy = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let found = (buy.occurrence.to_string(), buy.ticket.to_string(), buy.count, buy.holder.map(String::from));
            let expected = (occurrence.to_owned(), ticket.to_owned(), count, holder.map(str::to_owned));
            assert_eq!(found, expected, "{text}");
        }
        for text in ["", "adult:2", "chess=adult:2", "chess@20260105T190000=adult", "chess@20260105T190000=:2:"] {
            assert!(text.parse::<Buy>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_length_is_a_number_of_units_or_has_its_own() {
        let seconds = Duration::from_secs;
        for (text, unit, expected) in
            [("30", 60, Some(seconds(1_800))), ("90s", 60, Some(seconds(90))), ("0", 1, Some(seconds(0)))]
        {
            assert_eq!(length(text, unit).ok(), expected);
        }
        for text in ["", "-1", "-5s", "soon", "1.5"] {
            assert!(length(text, 1).is_err(), "{text}");
        }
    }
}
