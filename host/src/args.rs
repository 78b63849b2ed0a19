//! The command line.

use std::path::PathBuf;

use boxoffice::persist::Location;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

use crate::availability::{FreeArgs, NextFreeArgs, WhyNotArgs};
use crate::calendar::CalendarCommand;
use crate::flows::FlowsArgs;
use crate::notify::NotifyArgs;
use crate::order::OrderArgs;
use crate::peers::PeersArgs;
use crate::price::PriceArgs;
use crate::store::StoreCommand;

/// Calendars, ticketing and notification delivery: the host process.
#[derive(Debug, Parser)]
#[command(name = "boxoffice", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    /// Log what happens to standard error, at this level and above
    ///
    /// Spans carry the occurrence, the sequence number and the outcome; attendees are in none of them.
    #[arg(long, global = true, value_enum, value_name = "LEVEL", default_value_t = Log::Off)]
    pub(crate) log: Log,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Log {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Put a calendar on sale, let buyers race for the seats, and audit what was sold
    ///
    /// Imports an iCalendar file, expands it in a window of days, puts every occurrence on sale on a durable store, and
    /// drives buyers through the actor system: they book, or hold a seat and then confirm it, release it or let it
    /// lapse, and some cancel. Afterwards the store is reopened and every stream is audited event by event: free + held
    /// + confirmed = capacity at every sequence number, and every acknowledged reply is there.
    ///
    /// With --crash-after the sale runs in a child process that is killed (SIGKILL) after so many acknowledgements; the
    /// store is reopened, the acknowledgements are compared with it one by one, and the sale goes on.
    ///
    /// The limits are those of `boxoffice expand`; an event that takes too many steps is reported and not sold.
    ///
    /// Exit code: 0 when nothing was oversold or lost, 1 when something was, 2 for a bad file, path or flag.
    Onsale(OnsaleArgs),
    /// Audit a store: every booking stream, event by event
    ///
    /// Reads every record of the store (its checksum is checked with it) and follows every booking stream from its
    /// first event. Changes nothing. Uses of vouchers are kept as seats are, and are counted apart. Exit code: 0 when all is
    /// well, 1 when a rule is broken, 2 when there is no store.
    Verify(VerifyArgs),
    /// List the occurrences of an iCalendar file in a window of days
    ///
    /// Days are meant in each event's own time; an occurrence is listed when it takes place in the window at least in
    /// part. What cannot be read is reported on standard error, line by line; the rest is listed all the same. So it is
    /// with an event that takes more than 500,000 steps to expand.
    ///
    /// Limits: 100,000 occurrences, and 5,000,000 steps for the whole file. Exit code: 0 when all is well, 1 when an event
    /// was passed over, 2 for a bad file or flag and for more than the limits.
    Expand(ExpandArgs),
    /// Keep calendars in a store: import them, list what takes place, look into their past
    ///
    /// STORE as for `boxoffice store`. Exit code: 0 when all is well, 1 when something was refused or cannot be read, 2
    /// for a bad flag, path or file.
    #[command(subcommand)]
    Calendar(CalendarCommand),
    /// List when an attendee is free, alone or together with others
    ///
    /// The longest spans between FROM and TO in which nobody of them has a seat, held or confirmed, and no rule of the
    /// store keeps one of them busy. --json has start, end and the cursor of the last event that was taken into account.
    /// Prints nothing when there is none. An attendee whose name begins with - is named behind --.
    ///
    /// When a seat takes place is known from the series in the store, see `boxoffice calendar import`. Seats in
    /// occurrences of no series there keep nobody busy; how many there are is said on standard error.
    ///
    /// STORE as for `boxoffice store`. Exit code: 0 when it was answered, 1 when the store cannot be read, 2 for a bad flag
    /// or path.
    Free(FreeArgs),
    /// Find the first time that an attendee is free for a while
    ///
    /// Between FROM and TO, both as for `boxoffice free`. Prints nothing when there is none. Exit code as there.
    NextFree(NextFreeArgs),
    /// List what keeps an attendee from being free
    ///
    /// Whatever the attendee has a seat in that takes place between FROM and TO at least in part, and then what rules of
    /// the store put in the way besides; --json has the occurrence, start, end and cursor. Prints nothing when the attendee is free. Exit code as for `boxoffice free`.
    WhyNot(WhyNotArgs),
    /// Run recurrence vectors: rules with the starts that should be found in a window
    ///
    /// Prints each difference, a line for each file, and last `N passed, M failed`. A file whose name says lenient is
    /// read with rules that RFC 5545 forbids; vectors with a policy are verdicts on rules alone; disagreements are shown
    /// and count for nothing. Exit code: 0 when all passed, 1 when one failed, 2 for a bad file.
    CheckVectors(VectorArgs),
    /// Run real calendars against the occurrences that other programs find in them
    ///
    /// DIR holds expected.json, files/ and perhaps `parse_only/`. Prints each difference and last `N passed, M failed`,
    /// counting windows that are confirmed and files that must only do no harm; other windows are listed as advisory.
    /// Exit code: 0 when all passed, 1 when one failed, 2 for a bad file.
    CheckIcs(IcsArgs),
    /// Evaluate a Datalog program over facts, or ask it why
    ///
    /// Reads the program, and for each relation marked `.input` its facts from DIR/NAME.facts: a row on each line, columns
    /// divided by tabs; numbers also as 0x1F, times as RFC 3339 or milliseconds. Other formats, which Souffle names in brackets behind
    /// `.input`, are not read. Prints the relations marked `.output`,
    /// and how many rows those marked `.printsize` have; where nothing is marked, all that rules derive. Sorted by name,
    /// then by row. A relation with a column marked + has no list of rows and is left out.
    ///
    /// A facts file is UTF-8 of at most 256 MiB; a byte order mark at its beginning is passed over. Texts are printed as
    /// they are, as Souffle prints them: where one holds a tab or the end of a line, only --json tells the columns
    /// apart, and a facts file cannot hold it.
    ///
    /// Limits are those of the whole run, whatever the number of relations: what is beyond ends it, and nothing more is
    /// printed. Rows and bytes are those of relations that rules give, facts of theirs included; those that only have facts
    /// do not count.
    ///
    /// Exit code: 0 when it was evaluated, 1 when the evaluation ended early (a limit, an overflow, a division by zero)
    /// and when --why is asked of a fact that does not hold or --why-not of one that does, 2 for a program that is rejected, bad facts,
    /// and a bad file or flag.
    Datalog(DatalogArgs),
    /// Say what tickets cost by a list of prices, and which promotions made it so
    ///
    /// The list is a JSON file, or one that a store keeps, see `boxoffice price set`. In a file amounts are written as
    /// "12.50 EUR" and instants as "2026-12-01T19:00:00Z"; examples/prices/theatre.json has one of everything. Prints what each kind
    /// of ticket costs by the list and with promotions, and the vouchers of which it would be a use. Whether those have uses left
    /// is not looked at.
    ///
    /// STORE as for `boxoffice store`. Exit code: 0 when it was answered, 1 when that is not sold or the store cannot be read, 2 for a
    /// bad flag, path or file.
    Price(Box<PriceArgs>),
    /// Sell seats for money that a sandbox takes: place orders, pay, cancel and refund them, and reconcile
    ///
    /// What is bought is on sale in the store by one of its lists of prices, see `boxoffice price set` and `boxoffice order sell`.
    /// Nobody pays anything: the gateway is a sandbox that keeps its sessions in the same store, and `pay` plays the buyer, and
    /// the webhook that tells of it.
    ///
    /// STORE as for `boxoffice store`. Orders are carried out by whoever has the store open: what changes them is refused over a
    /// socket. Whatever a command finds due about other orders is done as well.
    ///
    /// Exit code: 0 when it is done, 1 when it is refused, books differ or the store cannot be read, 2 for a bad flag or path, and
    /// when there is no such order or list.
    Order(Box<OrderArgs>),
    /// Look after a store: list, read, verify, repair, back up, move
    ///
    /// STORE is sled:DIR, fjall:DIR, DIR for whatever is there, or unix:SOCKET for one that another process serves. Exit
    /// code: 0 when all is well, 1 when something is wrong with the store, 2 for a bad flag, path or file.
    #[command(subcommand)]
    Store(StoreCommand),
    /// See what runs in a store, and pause, resume, cancel or retry it
    ///
    /// STORE as for `boxoffice store`. A flow is something that outlives the process: a reminder on its way, a notice that is
    /// being delivered. Exit code: 0 when all is well, 1 when a flow cannot be changed any more or the store cannot be read, 2
    /// for a bad flag or path, and when there is no such flow.
    Flows(FlowsArgs),
    /// Tell people: send what is to be sent until the process is told to end (SIGTERM, ctrl-c)
    ///
    /// STORE as for `boxoffice store`. Sends mail by --smtp or into --out, and prints counters now and then. What is under way when it
    /// is told to end is waited for; when it is killed, the next one goes on, and a mail of which it is not known whether it was
    /// sent is dealt with as --on-uncertain says.
    ///
    /// Exit code: 0 when all is well, 1 when the store cannot be read, 2 for a bad flag, path or file.
    Notify(Box<NotifyArgs>),
    /// Take part with other systems: follow what they publish, let them and ask them to hold seats
    ///
    /// STORE as for `boxoffice store`; over a socket the commands work while another process serves peers from the same store.
    ///
    /// Exit code: 0 when all is well, 1 when a peer said no or could not be had, or the store cannot be read, 2 for a bad flag, path, file
    /// or name.
    Peers(Box<PeersArgs>),
}

#[derive(Clone, Debug, Args)]
pub(crate) struct OnsaleArgs {
    /// The iCalendar file
    #[arg(long, value_name = "FILE.ics")]
    pub(crate) calendar: PathBuf,
    /// First day of the window, as 2026-12-01 [default: today]
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<Date>,
    /// Day after the window [default: 60 days after --from]
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<Date>,
    /// Seats of each occurrence
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) capacity: u32,
    /// Buyers; each wants a seat at one occurrence
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) buyers: u64,
    /// Buyers at the counter at the same time
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) concurrency: u32,
    /// Keep the store here: sled:DIR, fjall:DIR, or DIR for whatever is there and else sled
    /// [default: a temporary one, removed afterwards]
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<Location>,
    /// How many buyers of a hundred hold a seat first
    #[arg(long, value_name = "P", default_value_t = 30, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) hold_percent: u8,
    /// Kill the selling process after so many acknowledgements, reopen and compare
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) crash_after: Option<u64>,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print each acknowledgement; how the process that is to be killed reports
    #[arg(long, hide = true, requires = "store")]
    pub(crate) acknowledge: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The store: sled:DIR, fjall:DIR or DIR
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Location,
    /// Print the result as one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VectorArgs {
    /// Files of vectors, each a JSON array
    #[arg(required = true, value_name = "FILE.json")]
    pub(crate) files: Vec<PathBuf>,
    /// Accept rules that RFC 5545 forbids in every file: BY parts in the wrong place are filters
    #[arg(long)]
    pub(crate) lenient: bool,
}

#[derive(Debug, Args)]
pub(crate) struct IcsArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ExpandArgs {
    /// The iCalendar file
    #[arg(long, value_name = "FILE.ics")]
    pub(crate) ics: PathBuf,
    /// First day of the window, as 2026-12-01
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Date,
    /// Day after the window
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Date,
    /// Print JSON lines: uid, `recurrence_id`, start, end, tzid, `all_day`; "cancelled" where it is
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DatalogArgs {
    /// The program
    #[arg(value_name = "PROGRAM.dl")]
    pub(crate) program: PathBuf,
    /// Where the facts of `.input` relations are
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) facts: PathBuf,
    /// Print JSON lines: relation and row; for `.printsize` relation and size, for --query columns and row, for --why and
    /// --why-not the fact, whether it holds, and because of what
    #[arg(long)]
    pub(crate) json: bool,
    /// Print a derivation of this fact, as 'path(1, 3)', and nothing else
    #[arg(long, value_name = "FACT", group = "question")]
    pub(crate) why: Option<String>,
    /// Print what keeps this fact from holding, and nothing else
    #[arg(long, value_name = "FACT", group = "question")]
    pub(crate) why_not: Option<String>,
    /// Print the answers to this conjunction, as 'path(1, x), x > 2', and nothing else
    #[arg(long, value_name = "BODY", group = "question")]
    pub(crate) query: Option<String>,
    /// Stop after so many steps: rows looked at, and for texts that rules make 10 and one more for 16 bytes
    /// [default: 100000000]
    #[arg(long, value_name = "N")]
    pub(crate) limit_steps: Option<u64>,
    /// Stop when so many rows were derived, of all relations together [default: 10000000]
    #[arg(long, value_name = "N")]
    pub(crate) limit_rows: Option<u64>,
    /// Stop after so many rounds of recursion [default: 1000000]
    #[arg(long, value_name = "N")]
    pub(crate) limit_rounds: Option<u64>,
    /// Stop when what was derived takes so many bytes, roughly [default: 1073741824]
    #[arg(long, value_name = "N")]
    pub(crate) limit_bytes: Option<u64>,
}
