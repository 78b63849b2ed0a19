//! `boxoffice free`, `next-free` and `why-not`: who is free, from a store.

mod args;

use core::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::availability::AvailabilityOptions;
use boxoffice::id::OccurrenceId;
use boxoffice::time::{Timestamp, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use args::Asked;
pub(crate) use args::{FreeArgs, NextFreeArgs, WhyNotArgs};

use crate::error::HostError;
use crate::output::print;

/// One line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    start: String,
    end: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurrence: Option<&'a str>,
    cursor: u64,
}

/// What is asked about, and of whom.
struct Question {
    office: BoxOffice,
    window: Window,
    zone: TimeZone,
    json: bool,
}

impl Question {
    async fn open(asked: &Asked) -> Result<Self, HostError> {
        let zone = TimeZone::get(&asked.zone).map_err(|_| HostError::Usage(format!("no time zone {}", asked.zone)))?;
        let window = Window::new(asked.from.instant(&zone)?, asked.to.instant(&zone)?);
        if window.is_empty() {
            return Err(HostError::Usage(format!("{} is not after {}", window.end, window.start)));
        }
        let options = AvailabilityOptions { zone: zone.clone(), ..AvailabilityOptions::default() };
        let builder = BoxOffice::builder().shared_store(asked.store.open(false).await?).availability(options);
        Ok(Self { office: builder.start()?, window, zone, json: asked.json })
    }

    /// A span and what it is, in a line. Says whether anybody reads on.
    fn print(&self, span: Window, occurrence: Option<&OccurrenceId>, cursor: u64) -> Result<bool, HostError> {
        let occurrence = occurrence.map(ToString::to_string);
        if self.json {
            let (start, end) = (span.start.to_string(), span.end.to_string());
            let line = Line { start, end, occurrence: occurrence.as_deref(), cursor };
            return print(&(serde_json::to_string(&line).unwrap_or_default() + "\n"));
        }
        let (start, end) = (shown(span.start, &self.zone), shown(span.end, &self.zone));
        let until = if start.date() == end.date() { "%H:%M" } else { "%Y-%m-%d %H:%M" };
        let what = occurrence.map_or(String::new(), |id| format!("  [{id}]"));
        print(&format!("{}  {}-{}{what}\n", start.date(), start.strftime("%H:%M"), end.strftime(until)))
    }
}

/// What clocks in `zone` show.
fn shown(at: Timestamp, zone: &TimeZone) -> DateTime {
    let instant = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    zone.to_datetime(instant)
}

fn run(answer: impl Future<Output = Result<(), HostError>>) -> Result<bool, HostError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|error| HostError::System { doing: "start the runtime", error })?;
    runtime.block_on(answer)?;
    Ok(true)
}

pub(crate) fn run_free(args: &FreeArgs) -> Result<bool, HostError> {
    run(async {
        let question = Question::open(&args.asked).await?;
        let attendees: Vec<_> = [&args.asked.attendee].into_iter().chain(&args.others).cloned().collect();
        let length = args.length.map_or(Duration::from_millis(1), |length| length.0);
        let found = question.office.free_slots(&attendees, question.window, length, args.limit).await?;
        for span in found.value {
            if !question.print(span, None, found.cursor.position())? {
                break;
            }
        }
        question.office.shutdown().await;
        Ok(())
    })
}

pub(crate) fn run_next_free(args: &NextFreeArgs) -> Result<bool, HostError> {
    run(async {
        let question = Question::open(&args.asked).await?;
        let length = args.length.0;
        let found = question.office.next_free(&args.asked.attendee, question.window, length).await?;
        if let Some(start) = found.value {
            question.print(Window::new(start, start + length), None, found.cursor.position())?;
        }
        question.office.shutdown().await;
        Ok(())
    })
}

pub(crate) fn run_why_not(args: &WhyNotArgs) -> Result<bool, HostError> {
    run(async {
        let question = Question::open(&args.asked).await?;
        let found = question.office.why_not_free(&args.asked.attendee, question.window).await?;
        let (bookings, others) = found.value.map(|why| (why.bookings, why.others)).unwrap_or_default();
        let booked = bookings.iter().map(|(occurrence, span)| (*span, Some(occurrence)));
        for (span, occurrence) in booked.chain(others.iter().map(|span| (*span, None))) {
            if !question.print(span, occurrence, found.cursor.position())? {
                break;
            }
        }
        question.office.shutdown().await;
        Ok(())
    })
}
