//! `boxoffice free`, `next-free` and `why-not`: who is free, from a store.

mod args;

use core::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::availability::AvailabilityOptions;
use boxoffice::datalog::Value;
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::time::{Timestamp, Window};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use args::Asked;
pub(crate) use args::{FreeArgs, NextFreeArgs, Span, WhyNotArgs};

use crate::error::HostError;
use crate::output::{complain, print, visible};

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

    /// Says on standard error how many bookings of these people are of series that the store does not have: with those
    /// nobody is busy.
    async fn note_unknown(&self, attendees: &[AttendeeId]) -> Result<(), HostError> {
        let mut bookings = 0;
        for attendee in attendees {
            let name = Value::from(attendee.as_str());
            let nowhere = self.office.ask_rules(&format!("seat({name}, o, _), !occurrence(o, _, _)")).await?;
            for occurrence in nowhere.value.rows.iter().flatten() {
                bookings += usize::from(self.is_unknown(occurrence).await?);
            }
        }
        if bookings > 0 {
            let many = if bookings == 1 { "1 booking".to_owned() } else { format!("{bookings} bookings") };
            complain(&format!(
                "{many} of occurrences that no series in the store has: when they take place is not known, so they keep \
                 nobody busy; put their series in with `boxoffice calendar import`"
            ));
        }
        Ok(())
    }

    async fn is_unknown(&self, occurrence: &Value) -> Result<bool, HostError> {
        let Value::Symbol(id) = occurrence else { return Ok(false) };
        let Ok(id) = id.parse::<OccurrenceId>() else { return Ok(false) };
        Ok(self.office.series(id.series()).await?.is_none())
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
        let line = format!("{}  {}-{}{what}", start.date(), start.strftime("%H:%M"), end.strftime(until));
        print(&(visible(&line) + "\n"))
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
        let more = args.limit.saturating_add(1);
        let found = question.office.free_slots(&attendees, question.window, length, more).await?;
        for span in found.value.iter().take(args.limit) {
            if !question.print(*span, None, found.cursor.position())? {
                break;
            }
        }
        if found.value.len() > args.limit {
            complain(&format!("there are more than {}: see --limit", args.limit));
        }
        question.note_unknown(&attendees).await?;
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
        question.note_unknown(core::slice::from_ref(&args.asked.attendee)).await?;
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
        question.note_unknown(core::slice::from_ref(&args.asked.attendee)).await?;
        question.office.shutdown().await;
        Ok(())
    })
}
