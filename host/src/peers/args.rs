//! The command line of `boxoffice peers`.

use std::path::PathBuf;

use boxoffice::federation::{HoldId, Holder, PeerKey, PeerName, PeerUrl};
use boxoffice::id::{OccurrenceId, SeriesId};
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use crate::availability::Span;
use crate::store::Place;

#[derive(Debug, Args)]
pub(crate) struct PeersArgs {
    /// The store
    #[arg(value_name = "STORE")]
    pub(crate) store: Place,
    /// Our own name among peers, such as club.example: always the same
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) us: PeerName,
    #[command(subcommand)]
    pub(crate) command: PeersCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PeersCommand {
    /// Print the public key that peers pin, and make the key first where there is none
    ///
    /// The file can be read by its owner alone (mode 600), and is to be kept as other secrets are. Whoever has it is us.
    Key(KeyArgs),
    /// Make a system known: its name, where it is found, and its public key, which is pinned
    ///
    /// Have name and key from somebody you know, not from the system itself. Nothing is fetched, and nothing granted,
    /// before it is trusted.
    Add(AddArgs),
    /// Change how far a peer is trusted
    Trust(TrustArgs),
    /// Pin another key, after a peer has told you of it in some other way
    Pin(PinArgs),
    /// Look for a peer elsewhere, after it has told you of it
    Move(MoveArgs),
    /// Say what a peer may do once it is allowed; what is not given is not granted
    Grant(GrantArgs),
    /// Forget a peer
    Remove(RemoveArgs),
    /// List peers: how far they are trusted, and what is had of them
    List(ListArgs),
    /// Print what was decided about peers: when, what, by whom and why
    History(HistoryArgs),
    /// Fetch what peers publish, now
    ///
    /// Prints a line for each peer. What was had stays where a fetch fails or is refused. Exit code: 1 when one did.
    Sync(SyncArgs),
    /// List what takes place, here and at peers
    ///
    /// Of peers, what was fetched last; nothing is fetched. With where it comes from, and whether that is too long ago.
    Agenda(AgendaArgs),
    /// Answer peers until the process is told to end (SIGTERM, ctrl-c), and fetch what they publish now and then
    ///
    /// GET /feed and POST /messages, over plain HTTP: put something that speaks TLS before it, which passes the host and
    /// the path on as they are. Prints the address once it is open.
    Serve(ServeArgs),
    /// Ask a peer to keep seats
    ///
    /// HOLD is the name of this request, used once for all, such as the number of an order: asked again under it, nothing
    /// else happens. Prints how the hold stands. Exit code: 0 when the owner gave what was asked, 1 when not, or when no
    /// answer came.
    Hold(HoldArgs),
    /// Make held seats at a peer ones for good; exit code as for hold
    Confirm(AskArgs),
    /// Give held seats at a peer up; exit code as for hold
    Release(AskArgs),
    /// Ask again what was not answered about a hold; exit code as for hold
    Settle(AskArgs),
    /// List holds at peers of which something is still to come
    Holds(ListArgs),
}

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// The file
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
}

/// Who decides, and why.
#[derive(Debug, Args)]
pub(crate) struct Reason {
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
    /// Who decides [default: the user of this process, by the environment]
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AddArgs {
    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    /// Where it is found: the URL before /feed
    #[arg(value_name = "URL")]
    pub(crate) url: PeerUrl,
    /// Its public key, as `boxoffice peers key` prints it there
    #[arg(value_name = "KEY")]
    pub(crate) key: PeerKey,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    /// Fetch what it publishes, to be looked at: it is no part of the agenda
    Invite,
    /// It takes part
    Allow,
    /// It takes no part any more
    Suspend,
}

#[derive(Debug, Args)]
pub(crate) struct TrustArgs {
    /// The peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    /// How far
    #[arg(value_enum, value_name = "LEVEL")]
    pub(crate) level: Level,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Args)]
pub(crate) struct PinArgs {
    /// The peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    /// Its new public key
    #[arg(value_name = "KEY")]
    pub(crate) key: PeerKey,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Args)]
pub(crate) struct MoveArgs {
    /// The peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    /// Where it is found now: the URL before /feed
    #[arg(value_name = "URL")]
    pub(crate) url: PeerUrl,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Args)]
pub(crate) struct GrantArgs {
    /// The peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    /// Not to read what we publish
    #[arg(long)]
    pub(crate) no_feed: bool,
    /// To pass on what others publish
    #[arg(long)]
    pub(crate) relay: bool,
    /// To hold so many seats at a time
    #[arg(long, value_name = "SEATS", requires = "term", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) hold: Option<u32>,
    /// For so long at most, as 10m
    #[arg(long = "for", id = "term", value_name = "TERM", requires = "hold")]
    pub(crate) term: Option<Span>,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Args)]
pub(crate) struct RemoveArgs {
    /// The peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    #[command(flatten)]
    pub(crate) reason: Reason,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only of this peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: Option<PeerName>,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

/// How peers are reached.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// The file of our key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Connect to addresses that are not of the public internet, too
    #[arg(long)]
    pub(crate) allow_private: bool,
    /// Take http: URLs, too: everyone on the way can read what is said
    #[arg(long)]
    pub(crate) allow_plain: bool,
    /// How long a peer has to answer
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) time_limit: Span,
}

#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Only of this peer [default: of all that are invited or allowed]
    #[arg(value_name = "NAME")]
    pub(crate) peer: Option<PeerName>,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct AgendaArgs {
    /// First day of the window, as 2026-12-01
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Date,
    /// Day after the window
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Date,
    /// The zone that days and times are meant and shown in
    #[arg(long, value_name = "TZ", default_value = "UTC")]
    pub(crate) zone: String,
    /// Also what is cancelled
    #[arg(long)]
    pub(crate) cancelled: bool,
    /// Print JSON lines: as `boxoffice calendar agenda`, and of peers' entries also origin, via, `fetched_at`, and "stale"
    /// where that is too long ago
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen, as 127.0.0.1:8420
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: std::net::SocketAddr,
    /// Publish this series, and let peers hold its seats as granted; may be given more than once
    #[arg(long, value_name = "SERIES", required_unless_present = "all")]
    pub(crate) public: Vec<SeriesId>,
    /// Publish every series of the store
    #[arg(long, conflicts_with = "public")]
    pub(crate) all: bool,
    /// How often to fetch what each peer publishes
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub(crate) every: Span,
    /// How many connections one address may have at the same time. Behind something that speaks TLS all peers come from one:
    /// let that limit them, and give as many here as are taken in all
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    pub(crate) per_address: usize,
    /// How many connections are taken at the same time in all
    #[arg(long, value_name = "COUNT", default_value_t = 256)]
    pub(crate) connections: usize,
    #[command(flatten)]
    pub(crate) way: Way,
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    pub(crate) ask: AskArgs,
    /// The occurrence, as the peer names it
    #[arg(value_name = "OCCURRENCE")]
    pub(crate) occurrence: OccurrenceId,
    /// For whom, as we name them; the peer gets to know it
    #[arg(long = "for", value_name = "HOLDER")]
    pub(crate) holder: Holder,
    /// How many seats
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seats: u32,
    /// How long; the peer may give less
    #[arg(long, value_name = "TERM", default_value = "10m")]
    pub(crate) term: Span,
}

#[derive(Debug, Args)]
pub(crate) struct AskArgs {
    /// The peer
    #[arg(value_name = "NAME")]
    pub(crate) peer: PeerName,
    /// The name of the hold
    #[arg(value_name = "HOLD")]
    pub(crate) hold: HoldId,
    #[command(flatten)]
    pub(crate) way: Way,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}
