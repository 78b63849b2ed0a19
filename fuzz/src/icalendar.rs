//! Any bytes as an iCalendar file: read, written, read again, expanded.

use std::sync::Arc;
use std::time::{Duration, Instant};

use boxoffice_core::calendar::{CalendarEvent, Feed, Select, read_icalendar, read_replies, write_icalendar};
use boxoffice_core::time::Timestamp;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

/// Bytes as a file.
pub fn check(data: &[u8]) {
    let begun = Instant::now();
    let import = read_icalendar(data);
    let taken = begun.elapsed();
    // With the fuzzer's own instruments in it, it takes some times as long as it does without.
    let allowed = Duration::from_secs(1) + Duration::from_secs(data.len() as u64 / 100_000);
    assert!(taken < allowed, "{taken:?} for {} bytes", data.len());
    match read_replies(data) {
        Ok(replies) => assert!(!replies.is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    let import = match import {
        Ok(import) => import,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert!(import.diagnostics.len() <= 1_001);
    assert!(import.diagnostics.iter().all(|note| !note.to_string().is_empty()));
    let feed = Feed::new("-//Fuzz//EN", Timestamp::from_millis(1_767_225_600_000));
    let text = write_icalendar(&feed, &import.events);
    for line in text.split("\r\n") {
        assert!(line.len() <= 75, "{line:?}");
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?}");
    }
    import.events.iter().take(20).for_each(expands);
    if text.len() > 10 << 20 {
        return;
    }
    let again = read_icalendar(text.as_bytes()).expect("what was written can be read");
    let wanted: Vec<CalendarEvent> = import.events.into_iter().map(|event| stamped(event, feed.stamp)).collect();
    for (one, other) in wanted.iter().zip(&again.events) {
        assert_eq!(one, other, "{text}");
    }
    assert_eq!(wanted.len(), again.events.len(), "{text}");
    assert_eq!(write_icalendar(&feed, &again.events), text);
}

fn stamped(mut event: CalendarEvent, stamp: Timestamp) -> CalendarEvent {
    Arc::make_mut(&mut event.details).stamp.get_or_insert(stamp);
    for change in &mut event.changes {
        Arc::make_mut(&mut change.details).stamp.get_or_insert(stamp);
    }
    event
}

fn expands(event: &CalendarEvent) {
    let to = event.start.saturating_add(SignedDuration::from_hours(24 * 366));
    for select in [Select::Starting, Select::Overlapping] {
        for found in event.occurrences(event.start, to, select).with_steps(20_000).flatten().take(2_000) {
            assert!(found.window(&TimeZone::UTC).start <= found.window(&TimeZone::UTC).end);
        }
    }
    for reminder in event.reminders() {
        assert!(!reminder.action.is_empty());
    }
}
