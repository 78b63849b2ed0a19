//! `boxoffice expand`: the occurrences of a file in a window.

use boxoffice::calendar::{Frame, Occurrence};
use serde::Serialize;

use crate::args::ExpandArgs;
use crate::calendar_file::{Expanded, occurrences};
use crate::error::HostError;
use crate::output::{print, visible};

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    uid: &'a str,
    recurrence_id: String,
    start: String,
    end: String,
    tzid: &'a str,
    all_day: bool,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    cancelled: bool,
}

pub(crate) fn run(args: &ExpandArgs) -> Result<bool, HostError> {
    let Expanded { occurrences, whole } = occurrences(&args.ics, args.from, args.to)?;
    for occurrence in occurrences {
        let text = if args.json { json(&occurrence) } else { human(&occurrence) };
        if !print(&text)? {
            break;
        }
    }
    Ok(whole)
}

fn json(occurrence: &Occurrence) -> String {
    let all_day = *occurrence.frame() == Frame::Date;
    let moment = |at: jiff::civil::DateTime| if all_day { at.date().to_string() } else { at.to_string() };
    let line = Line {
        uid: occurrence.series().as_str(),
        recurrence_id: occurrence.recurrence().to_string(),
        start: moment(occurrence.start),
        end: moment(occurrence.end),
        tzid: occurrence.frame().name(),
        all_day,
        cancelled: occurrence.cancelled,
    };
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

fn human(occurrence: &Occurrence) -> String {
    let (start, end, summary) = (occurrence.start, occurrence.end, occurrence.summary());
    let when = if *occurrence.frame() == Frame::Date {
        format!("{}        all day", start.date())
    } else if start.date() == end.date() {
        format!("{}  {}-{}", start.date(), start.strftime("%H:%M"), end.strftime("%H:%M"))
    } else {
        format!("{}  {}-{}", start.date(), start.strftime("%H:%M"), end.strftime("%Y-%m-%d %H:%M"))
    };
    let cancelled = if occurrence.cancelled { "  (cancelled)" } else { "" };
    visible(&format!("{when}  {:<15} {summary}{cancelled}", occurrence.frame().name())) + "\n"
}
