//! `boxoffice price`: what tickets cost by a list of prices, and why.

mod args;
mod file;
mod set;
mod words;

use std::collections::BTreeSet;

use boxoffice::booking::Party;
use boxoffice::clock::{Clock, SystemClock};
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::persist::{AsOf, Seq};
use boxoffice::ticket::Money;
use boxoffice::ticket::list::{
    Basket, BasketLine, PriceCommand, PriceList, PriceOutcome, Priced, Sought, decide, load_prices,
};
use boxoffice::ticket::price::{Found, PriceError, Promotion, Quote};
use boxoffice::time::Timestamp;
use serde_json::json;

pub(crate) use args::PriceArgs;
use args::{Asked, PriceChange};
pub(crate) use words::not_sold as why_not_sold;

use crate::error::HostError;
use crate::output::{complain, print, visible};

/// What is bought here is of one occurrence; which, means nothing.
const OCCURRENCE: &str = "price@19700101";

pub(crate) fn run(args: &PriceArgs) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    runtime.block_on(async {
        match &args.command {
            Some(PriceChange::Set(set)) => set::run(set).await,
            None => price(&args.asked).await,
        }
    })
}

async fn price(asked: &Asked) -> Result<bool, HostError> {
    let (list, now) = (list(asked).await?, asked.at.unwrap_or_else(|| SystemClock.now()));
    let basket = basket(asked)?;
    let too_much = |error: PriceError| HostError::Usage(error.to_string());
    if let Some(total) = asked.which_promotions {
        let sought = list.which_promotions(&basket, now, total, asked.budget).map_err(too_much)?;
        return match sought {
            Sought::Found(found) => which(&found, asked),
            Sought::Refused(refusal) => not_sold(&Priced::Refused(refusal), asked),
        };
    }
    let priced = list.quote(&basket, now).map_err(too_much)?;
    let Priced::Quote { quote, vouchers } = &priced else { return not_sold(&priced, asked) };
    let mut text = if asked.json { json_line(&priced) } else { table(quote) };
    if !asked.json {
        for code in vouchers {
            text += &(visible(&format!("one use of voucher {code}")) + "\n");
        }
        if asked.explain {
            text += &explained(&list, quote);
        }
    }
    print(&text)?;
    Ok(true)
}

async fn list(asked: &Asked) -> Result<PriceList, HostError> {
    if let Some((store, name)) = asked.store.as_ref().zip(asked.list.as_ref()) {
        let list = load_prices(&*store.open(false).await?, name, AsOf::Now).await?;
        let missing = || HostError::Usage(format!("the store has no list {name}"));
        return if list.seq() == Seq::UNWRITTEN { Err(missing()) } else { Ok(list) };
    }
    let Some(path) = &asked.file else { return Err(HostError::Usage("no list is given".to_owned())) };
    let mut list = PriceList::new();
    for command in file::read(path)? {
        if let Err(why) = tried(&mut list, &command) {
            return Err(HostError::Usage(format!("{}: {}: {why}", path.display(), words::subject(&command))));
        }
    }
    Ok(list)
}

/// Carries a command out on a list in memory, or says why not.
fn tried(list: &mut PriceList, command: &PriceCommand) -> Result<(), String> {
    let decision = decide(list, command, Timestamp::EPOCH);
    match (decision.event, decision.reply.outcome) {
        (Some(event), _) => list.evolve(decision.reply.seq, decision.at, &event),
        (None, PriceOutcome::Unchanged) => {}
        (None, refused) => return Err(words::refused(&refused)),
    }
    Ok(())
}

fn basket(asked: &Asked) -> Result<Basket, HostError> {
    let bad = |error: boxoffice::id::IdError| HostError::Usage(error.to_string());
    let occurrence: OccurrenceId = OCCURRENCE.parse().map_err(bad)?;
    let mut lines = Vec::new();
    for (place, buy) in (1..).zip(&asked.buy) {
        let party = Party::of(buy.count).with_ticket(buy.ticket.clone());
        let holder = AttendeeId::new(format!("{place}")).map_err(bad)?;
        lines.push(BasketLine { occurrence: occurrence.clone(), holder, party });
    }
    let (buyer, codes) = (asked.buyer.iter().cloned().collect(), asked.code.iter().cloned().collect());
    Ok(Basket { buyer, codes, lines, ..Basket::default() })
}

fn json_line(priced: &Priced) -> String {
    serde_json::to_string(priced).unwrap_or_default() + "\n"
}

fn not_sold(priced: &Priced, asked: &Asked) -> Result<bool, HostError> {
    if asked.json {
        print(&json_line(priced))?;
    }
    if let Priced::Refused(refusal) = priced {
        complain(&format!("not sold: {}", words::not_sold(refusal)));
    }
    Ok(false)
}

/// A line for each kind, and the total.
fn table(quote: &Quote) -> String {
    let head = ["", "count", "list", "price"].map(str::to_owned);
    let row =
        |item: &str, count: String, list: Money, net: Money| [visible(item), count, list.to_string(), net.to_string()];
    let lines = quote.lines.iter().map(|line| row(&line.item, line.count.to_string(), line.list, line.net));
    let total = row("total", String::new(), quote.list, quote.total);
    let rows: Vec<[String; 4]> = [head].into_iter().chain(lines).chain([total]).collect();
    let width = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..4)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let shown = |row: &[String; 4]| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, widest))| {
            let space = " ".repeat(widest - width(cell));
            if column == 0 { format!("{cell}{space}") } else { format!("{space}{cell}") }
        });
        cells.collect::<Vec<_>>().join("  ") + "\n"
    };
    rows.iter().map(shown).collect()
}

/// What each promotion did, in the order in which they were looked at.
fn explained(list: &PriceList, quote: &Quote) -> String {
    let mut promotions: Vec<&Promotion> = list.promotions().collect();
    promotions.sort_by(|one, other| (one.rank, &one.name).cmp(&(other.rank, &other.name)));
    let mut lines = vec![String::new()];
    for promotion in promotions {
        let name = &promotion.name;
        if let Some(off) = quote.offs.iter().find(|off| off.promotion == *name) {
            lines.push(format!("{name}: {} off", off.off));
            let parts = quote.lines.iter().zip(&off.lines).filter(|(_, part)| part.minor() > 0);
            lines.extend(parts.map(|(line, part)| format!("  {part} of {} {}", line.count, line.item)));
        } else if let Some(refused) = quote.refused.iter().find(|refused| refused.promotion == *name) {
            lines.push(format!("{name}: nothing, {}", words::took_nothing(promotion, &refused.why)));
        }
    }
    lines.iter().map(|line| visible(line) + "\n").collect()
}

fn which(found: &Found, asked: &Asked) -> Result<bool, HostError> {
    if asked.json {
        let line = json!({ "sets": found.sets, "complete": found.complete, "quotes": found.quotes });
        print(&format!("{line}\n"))?;
        return Ok(true);
    }
    let shown = |set: &BTreeSet<String>| {
        let names: Vec<&str> = set.iter().map(String::as_str).collect();
        visible(&if names.is_empty() { "no promotion".to_owned() } else { names.join(" + ") }) + "\n"
    };
    print(&found.sets.iter().map(shown).collect::<String>())?;
    if !found.complete {
        complain(&format!("the budget ended after {} sets: there may be more, see --budget", found.quotes));
    } else if found.sets.is_empty() {
        complain("no set of promotions gives this total");
    }
    Ok(true)
}

/// The commands of a file and what takes off the list what it does not have, in an order in which all can be carried out.
fn in_order(list: &PriceList, wanted: Vec<PriceCommand>) -> Vec<PriceCommand> {
    let there: BTreeSet<String> = wanted.iter().map(words::subject).collect();
    let vouchers = list.vouchers().map(|voucher| PriceCommand::WithdrawVoucher { code: voucher.code.clone() });
    let tickets = list.tickets().map(|offer| PriceCommand::RemoveTicket { ticket: offer.ticket.clone() });
    let promotions = list.promotions().map(|known| PriceCommand::RemovePromotion { promotion: known.name.clone() });
    let gone: Vec<PriceCommand> =
        vouchers.chain(tickets).chain(promotions).filter(|command| !there.contains(&words::subject(command))).collect();
    let mut all: Vec<PriceCommand> = gone.into_iter().chain(wanted).collect();
    all.sort_by_key(step);
    all
}

/// Vouchers come after what they unlock, and what they unlocked loses its code or goes after them.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
fn step(command: &PriceCommand) -> u8 {
    match command {
        PriceCommand::WithdrawVoucher { .. } => 1,
        PriceCommand::SetPromotion { promotion } if promotion.needs.code.is_some() => 2,
        PriceCommand::SetVoucherPool { .. } => 3,
        PriceCommand::SetVoucher { .. } => 4,
        PriceCommand::SetPromotion { .. } => 5,
        PriceCommand::RemovePromotion { .. } | PriceCommand::RemoveTicket { .. } => 6,
        PriceCommand::SetTicket { .. } => 7,
        _ => 0,
    }
}
