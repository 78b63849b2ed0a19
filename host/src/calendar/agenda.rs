//! `boxoffice calendar agenda`: what takes place, from a store.

use boxoffice::booking::SeatState;
use boxoffice::calendar::Frame;
use boxoffice::schedule::{AgendaEntry, AgendaOptions, Incomplete};
use boxoffice::time::{Timestamp, Window};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::Serialize;

use super::args::AgendaArgs;
use crate::error::HostError;
use crate::output::{complain, print, visible};

/// One line of JSON.
#[derive(Serialize)]
pub(crate) struct Line<'a> {
    id: String,
    start: String,
    end: String,
    all_day: bool,
    summary: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seat: Option<&'a str>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    cancelled: bool,
}

pub(super) async fn run(args: &AgendaArgs) -> Result<bool, HostError> {
    let AgendaArgs { from, to, cancelled, limit, .. } = *args;
    if to <= from {
        return Err(HostError::Usage(format!("--to {to} is not after --from {from}")));
    }
    let zone = TimeZone::get(&args.zone).map_err(|_| HostError::Usage(format!("no time zone {}", args.zone)))?;
    let window = Window::new(midnight(from, &zone)?, midnight(to, &zone)?);
    let office = super::office(args.store.open(false).await?)?;
    let options = AgendaOptions { cancelled, limit };
    let (entries, truncated) = if let Some(attendee) = &args.attendee {
        let found = office.agenda_for(attendee, window, &zone, options).await?;
        (found.entries.into_iter().map(|(entry, state)| (entry, Some(state))).collect(), found.truncated)
    } else {
        let found = office.agenda(window, &zone, options).await?;
        (found.entries.into_iter().map(|entry| (entry, None)).collect::<Vec<_>>(), found.truncated)
    };
    for (entry, seat) in &entries {
        let line = if args.json { json(entry, *seat) } else { human(entry, *seat, &zone) };
        if !print(&line)? {
            break;
        }
    }
    office.shutdown().await;
    for gap in &truncated {
        complain(&format!("warning: the agenda is not complete: {}", missing(gap)));
    }
    // A limit was asked for; what cannot be read was not.
    Ok(truncated.iter().all(|gap| matches!(gap, Incomplete::Limit { .. })))
}

pub(crate) fn missing(gap: &Incomplete) -> String {
    match gap {
        Incomplete::Limit { from } => format!("there is more from {from} on"),
        Incomplete::TooManySteps(truncated) => truncated.to_string(),
        Incomplete::Unreadable { series, reason } => format!("series {series} cannot be read: {reason}"),
        other => format!("{other:?}"),
    }
}

pub(crate) fn midnight(day: Date, zone: &TimeZone) -> Result<Timestamp, HostError> {
    let instant = zone.to_ambiguous_zoned(day.to_datetime(Time::midnight())).compatible();
    let instant = instant.map_err(|_| HostError::Usage(format!("{day} lies outside the years that can be listed")))?;
    Ok(Timestamp::from_millis(instant.timestamp().as_millisecond()))
}

/// What clocks in `zone` show.
fn shown(at: Timestamp, zone: &TimeZone) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    zone.to_datetime(instant)
}

pub(crate) fn human(entry: &AgendaEntry, seat: Option<SeatState>, zone: &TimeZone) -> String {
    let (start, end) = (shown(entry.window.start, zone), shown(entry.window.end, zone));
    let occurrence = &entry.occurrence;
    let when = if *occurrence.frame() == Frame::Date {
        format!("{}  all day    ", occurrence.start.date())
    } else if start.date() == end.date() {
        format!("{}  {}-{}", start.date(), start.strftime("%H:%M"), end.strftime("%H:%M"))
    } else {
        format!("{}  {}-{}", start.date(), start.strftime("%H:%M"), end.strftime("%Y-%m-%d %H:%M"))
    };
    let seat = seat.map_or(String::new(), |state| format!("  ({})", super::seat(state)));
    let cancelled = if occurrence.cancelled { "  (cancelled)" } else { "" };
    visible(&format!("{when}  {}{seat}{cancelled}  [{}]", occurrence.summary(), occurrence.id())) + "\n"
}

fn json(entry: &AgendaEntry, seat: Option<SeatState>) -> String {
    serde_json::to_string(&Line::of(entry, seat)).unwrap_or_default() + "\n"
}

impl<'a> Line<'a> {
    pub(crate) fn of(entry: &'a AgendaEntry, seat: Option<SeatState>) -> Self {
        let occurrence = &entry.occurrence;
        Self {
            id: occurrence.id().to_string(),
            start: entry.window.start.to_string(),
            end: entry.window.end.to_string(),
            all_day: *occurrence.frame() == Frame::Date,
            summary: occurrence.summary(),
            capacity: entry.capacity,
            seat: seat.map(super::seat),
            cancelled: occurrence.cancelled,
        }
    }
}
