//! The command line of `boxoffice price`.

use core::str::FromStr;
use std::path::PathBuf;

use boxoffice::id::{PriceListName, TicketType};
use boxoffice::ticket::Money;
use boxoffice::time::Timestamp;
use clap::{Args, Subcommand};

use crate::store::Place;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct PriceArgs {
    #[command(subcommand)]
    pub(super) command: Option<PriceChange>,
    #[command(flatten)]
    pub(super) asked: Asked,
}

#[derive(Debug, Subcommand)]
pub(super) enum PriceChange {
    /// Make a list in a store what a file says
    ///
    /// What the file does not have is taken off the list, and vouchers are withdrawn; pools of uses stay. Where something
    /// would be refused, nothing is changed and that is printed; else a line for each change. What was sold stays sold at its price, and what was redeemed stays counted. Exit code: 0 when the list is as the
    /// file says, 1 when something was refused or the store failed, 2 for a bad flag, path or file.
    Set(SetArgs),
}

#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The list, as JSON
    #[arg(value_name = "FILE.json", required_unless_present = "store")]
    pub(super) file: Option<PathBuf>,
    /// Read the list from this store instead
    #[arg(long, value_name = "STORE", requires = "list", conflicts_with = "file")]
    pub(super) store: Option<Place>,
    /// The name of the list in the store
    #[arg(long, value_name = "NAME", requires = "store")]
    pub(super) list: Option<PriceListName>,
    /// So many tickets of a kind, as adult=2; may be given again for more
    #[arg(long, value_name = "TYPE=COUNT", required = true)]
    pub(super) buy: Vec<Buy>,
    /// The buyer gives this code; may be given again for more
    #[arg(long, value_name = "CODE")]
    pub(super) code: Vec<String>,
    /// The buyer is this, as member; may be given again for more
    #[arg(long, value_name = "TAG")]
    pub(super) buyer: Vec<String>,
    /// When it is bought, as 2026-12-01T19:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    pub(super) at: Option<Timestamp>,
    /// Also print what each promotion gave to which line, in the order in which they were looked at, or why it gave nothing
    #[arg(long, conflicts_with = "which_promotions")]
    pub(super) explain: bool,
    /// Print which promotions together give this total, as '7.00 EUR', and nothing else: all sets of which none is part of
    /// another, one on a line. Codes that they need count as given
    #[arg(long, value_name = "TOTAL")]
    pub(super) which_promotions: Option<Money>,
    /// Sets that --which-promotions tries at most, the small ones first
    #[arg(long, value_name = "N", default_value_t = 100_000, requires = "which_promotions")]
    pub(super) budget: u64,
    /// Print one line of JSON
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SetArgs {
    /// The list, as JSON
    #[arg(value_name = "FILE.json")]
    pub(super) file: PathBuf,
    /// The store; made if there is none
    #[arg(long, value_name = "STORE")]
    pub(super) store: Place,
    /// The name of the list
    #[arg(long, value_name = "NAME")]
    pub(super) list: PriceListName,
}

/// So many tickets of a kind.
#[derive(Clone, Debug)]
pub(super) struct Buy {
    pub(super) ticket: TicketType,
    pub(super) count: u32,
}

impl FromStr for Buy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (ticket, count) = text.rsplit_once('=').ok_or("it is written as adult=2")?;
        let ticket = TicketType::new(ticket).map_err(|error| error.to_string())?;
        Ok(Self { ticket, count: count.parse().map_err(|_| format!("{count:?} is no number of tickets"))? })
    }
}
