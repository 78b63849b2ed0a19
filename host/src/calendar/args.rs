//! The command line of `boxoffice calendar`.

use std::path::PathBuf;

use boxoffice::id::{AttendeeId, SeriesId};
use clap::{Args, Subcommand};
use jiff::civil::Date;

use crate::store::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum CalendarCommand {
    /// Put the series of an iCalendar file into a store
    ///
    /// Each series is scheduled, or defined anew where the file says something else than the store: what was moved or
    /// cancelled in the store is then as the file says. A first start that its rule does not give is moved to the first one
    /// that it gives. Bookings of occurrences that are gone are listed.
    ///
    /// Only events are kept. A file that is a message about events (RFC 5546: METHOD other than PUBLISH, REQUEST and ADD)
    /// is refused.
    Import(ImportArgs),
    /// List what takes place
    ///
    /// Whatever takes place in the window at least in part, in the order in which it starts.
    Agenda(AgendaArgs),
    /// Print the calendar as an iCalendar feed
    ///
    /// Every series with its changes and the rules of its zones, for other programs to read. Bytes are the same as long as
    /// nothing changes: DTSTAMP is when a series last did.
    Export(ExportArgs),
    /// Print what happened to a series
    ///
    /// A line for each event: when, what and the revision since then. A definition is shown as its summary, the start and
    /// end of its first occurrence, whether it is cancelled, how many further dates, exceptions and changes it has, its
    /// seats and its rules; --json has all of it.
    History(HistoryArgs),
    /// List the bookings of occurrences that do not take place
    Orphans(OrphansArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The iCalendar file
    #[arg(value_name = "FILE.ics")]
    pub(crate) file: PathBuf,
    /// The store, which is made when there is none
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// What the calendar is called
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AgendaArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// First day of the window, as 2026-12-01
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Date,
    /// Day after the window
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Date,
    /// Only what this attendee has a seat in
    #[arg(long, value_name = "ID")]
    pub(crate) attendee: Option<AttendeeId>,
    /// The zone that days and times are meant and shown in
    #[arg(long, value_name = "TZ", default_value = "UTC")]
    pub(crate) zone: String,
    /// Also what is cancelled
    #[arg(long)]
    pub(crate) cancelled: bool,
    /// Entries at most
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) limit: usize,
    /// Print JSON lines: id, start, end, `all_day`, summary; capacity, seat and "cancelled" where there is one
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The series, by its UID
    #[arg(value_name = "SERIES")]
    pub(crate) series: SeriesId,
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// Print JSON lines: seq, at, event, revision; `definition` (iCalendar) of a series, and `recurrence` where it was
    /// split; summary, of, start, tzid of a change, and "following" where it is one of all later ones too
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct OrphansArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
}
