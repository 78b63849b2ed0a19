//! The crates `rrule` and `calcard`. Each gives a way to expand a case again and again; reading the rule is not timed.

use calcard::common::timezone::Tz as CalcardTz;
use calcard::icalendar::ICalendar;
use chrono::{NaiveDateTime, TimeZone as _};
use jiff::civil::DateTime;
use rrule::{RRuleSet, Tz};

use super::cases::{Case, compact};
use crate::Result;

/// Expands one case.
pub(crate) type Expand = Box<dyn FnMut() -> Result<Vec<i64>>>;

/// The name of DTSTART with its zone, a colon and the time.
fn dtstart(case: &Case) -> String {
    let start = compact(case.start);
    if case.zone == "UTC" { format!("DTSTART:{start}Z") } else { format!("DTSTART;TZID={}:{start}", case.zone) }
}

fn instant(at: DateTime, zone: chrono_tz::Tz) -> Result<chrono::DateTime<chrono_tz::Tz>> {
    let civil = NaiveDateTime::parse_from_str(&compact(at), "%Y%m%dT%H%M%S")?;
    zone.from_local_datetime(&civil).earliest().ok_or_else(|| "the window ends in a gap".into())
}

/// `after`, `before` and all there is in between: `all` stops at 65,535, which its own pages say to pass by.
pub(crate) fn rrule(case: &Case) -> Result<Expand> {
    let set: RRuleSet = format!("{}\nRRULE:{}", dtstart(case), case.rule).parse()?;
    let zone: chrono_tz::Tz = case.zone.parse()?;
    let (from, to) = (instant(case.from, zone)?, instant(case.to, zone)?);
    // Both ends belong to its window.
    let to = to - chrono::TimeDelta::seconds(1);
    let set = set.after(from.with_timezone(&Tz::Tz(zone))).before(to.with_timezone(&Tz::Tz(zone)));
    Ok(Box::new(move || {
        let found = set.clone().all_unchecked();
        Ok(found.into_iter().map(|start| start.timestamp()).collect())
    }))
}

/// It has no window, only a limit on how many starts there are from the first on. The limit that fits is looked for
/// beforehand, and not timed: a program would have to guess it.
pub(crate) fn calcard(case: &Case) -> Result<Expand> {
    let lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "BEGIN:VEVENT", "UID:1", &dtstart(case)].join("\r\n");
    let text = format!("{lines}\r\nRRULE:{}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n", case.rule);
    let calendar = ICalendar::parse(text).map_err(|entry| format!("calcard read {entry:?}"))?;
    let zone: chrono_tz::Tz = case.zone.parse()?;
    let (from, to) = (instant(case.from, zone)?.timestamp(), instant(case.to, zone)?.timestamp());
    let expand = move |limit: usize| -> Result<Vec<i64>> {
        let found = calendar.expand_dates(CalcardTz::UTC, limit);
        match found.errors.first() {
            Some(error) => Err(format!("{:?}", error.error).into()),
            None => Ok(found.events.into_iter().map(|event| event.start.timestamp()).collect()),
        }
    };
    let mut limit = 256;
    let fits = loop {
        let starts = expand(limit)?;
        if starts.len() < limit || starts.last().is_some_and(|last| *last >= to) {
            break starts.partition_point(|start| *start < to);
        }
        limit *= 4;
    };
    Ok(Box::new(move || {
        let mut starts = expand(fits)?;
        starts.retain(|start| (from..to).contains(start));
        Ok(starts)
    }))
}
