//! A list of prices in a file: JSON, with amounts and instants as people write them.

use core::fmt::Display;
use core::str::FromStr;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use boxoffice::id::{PoolName, TicketType, VoucherCode};
use boxoffice::ticket::list::{PriceCommand, SaleWindow, TicketOffer, Voucher};
use boxoffice::ticket::price::{Effect, Needs, Promotion, Share};
use boxoffice::ticket::{Currency, Money};
use boxoffice::time::Timestamp;
use serde::{Deserialize, Deserializer, de};

use crate::error::HostError;

/// Bytes of a file at most.
const BYTES_MAX: u64 = 16 << 20;

/// A value as its text.
#[derive(Clone, Copy, Debug)]
struct Text<T>(T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(de::Error::custom)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    currency: Currency,
    #[serde(default)]
    tickets: Vec<TicketEntry>,
    #[serde(default)]
    promotions: Vec<PromotionEntry>,
    #[serde(default)]
    voucher_pools: BTreeMap<PoolName, u32>,
    #[serde(default)]
    vouchers: Vec<VoucherEntry>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WindowEntry {
    from: Option<Text<Timestamp>>,
    until: Option<Text<Timestamp>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketEntry {
    ticket: TicketType,
    price: Text<Money>,
    #[serde(default)]
    tags: BTreeSet<String>,
    #[serde(default)]
    sale: WindowEntry,
    per_person: Option<u32>,
    code: Option<String>,
    #[serde(default)]
    pools: BTreeSet<PoolName>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NeedsEntry {
    tags: BTreeSet<String>,
    buyer: Option<String>,
    code: Option<String>,
    at_least: Option<Text<Money>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum EffectEntry {
    Share { per_10_000: u32, of: Share },
    Fixed { off: Text<Money> },
    Bundle { items: BTreeMap<String, u32>, price: Text<Money> },
    Rate { unit: Text<Money> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromotionEntry {
    name: String,
    rank: u32,
    group: Option<String>,
    #[serde(default)]
    needs: NeedsEntry,
    effect: EffectEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VoucherEntry {
    code: VoucherCode,
    promotion: String,
    uses: Option<u32>,
    #[serde(default)]
    pools: BTreeSet<PoolName>,
    #[serde(default)]
    window: WindowEntry,
}

impl From<WindowEntry> for SaleWindow {
    fn from(entry: WindowEntry) -> Self {
        Self { from: entry.from.map(|Text(from)| from), until: entry.until.map(|Text(until)| until) }
    }
}

impl From<TicketEntry> for TicketOffer {
    fn from(entry: TicketEntry) -> Self {
        let TicketEntry { ticket, price: Text(price), tags, sale, per_person, code, pools } = entry;
        Self { ticket, price, tags, sale: sale.into(), per_person, code, pools }
    }
}

impl From<PromotionEntry> for Promotion {
    fn from(entry: PromotionEntry) -> Self {
        let NeedsEntry { tags, buyer, code, at_least } = entry.needs;
        let needs = Needs { tags, buyer, code, at_least: at_least.map(|Text(least)| least) };
        let effect = match entry.effect {
            EffectEntry::Share { per_10_000, of } => Effect::Share { per_10_000, of },
            EffectEntry::Fixed { off: Text(off) } => Effect::Fixed { off },
            EffectEntry::Bundle { items, price: Text(price) } => Effect::Bundle { items, price },
            EffectEntry::Rate { unit: Text(unit) } => Effect::Rate { unit },
        };
        Self { name: entry.name, rank: entry.rank, group: entry.group, needs, effect }
    }
}

impl From<VoucherEntry> for Voucher {
    fn from(entry: VoucherEntry) -> Self {
        let VoucherEntry { code, promotion, uses, pools, window } = entry;
        Self { code, promotion, uses, pools, window: window.into() }
    }
}

/// The commands that make a list what a file says, in an order in which all can be carried out on a new list.
pub(super) fn read(path: &Path) -> Result<Vec<PriceCommand>, HostError> {
    let bytes = bytes_of(path)?;
    let wrong = |reason: String| HostError::Usage(format!("{}: {reason}", path.display()));
    let ListFile { currency, tickets, promotions, voucher_pools, vouchers } =
        serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
    let mut commands = vec![PriceCommand::Start { currency }];
    commands.extend(tickets.into_iter().map(|entry| PriceCommand::set_ticket(entry.into())));
    commands.extend(promotions.into_iter().map(|entry| PriceCommand::set_promotion(entry.into())));
    commands.extend(voucher_pools.into_iter().map(|(pool, uses)| PriceCommand::SetVoucherPool { pool, uses }));
    commands.extend(vouchers.into_iter().map(|entry| PriceCommand::set_voucher(entry.into())));
    let mut named = BTreeSet::new();
    match commands.iter().map(super::words::subject).find(|subject| !named.insert(subject.clone())) {
        Some(twice) => Err(wrong(format!("{twice} stands there twice"))),
        None => Ok(commands),
    }
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, HostError> {
    let failed = |error| HostError::Read { path: path.to_owned(), error };
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return Err(failed(std::io::Error::from(std::io::ErrorKind::IsADirectory)));
    }
    let mut bytes = Vec::new();
    // One byte more than is allowed shows that there is too much, also of a pipe that never ends.
    File::open(path).map_err(failed)?.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(HostError::Usage(format!("{} has more than {} MiB", path.display(), BYTES_MAX >> 20)));
    }
    Ok(bytes)
}
