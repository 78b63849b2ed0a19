//! What fuzzing found (fuzz/README.md), each as the law that it broke.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::{DateTime, date};

use super::super::*;
use super::{event, starts};
use crate::id::RecurrenceId;
use crate::time::Timestamp;

fn moved(event: &CalendarEvent, of: DateTime, start: DateTime) -> Change {
    let (frame, summary, details) = (event.frame.clone(), event.summary.clone(), Arc::default());
    Change { of, range: Range::This, start, frame, length: Length::ZERO, summary, cancelled: false, details }
}

#[test]
fn a_changed_occurrence_keeps_its_place_after_a_start_that_two_sources_give() {
    let mut weekly = event("2026-03-01T12:00", Frame::Utc, "FREQ=WEEKLY");
    weekly.dates.push((weekly.start, None));
    let of = date(2026, 3, 29).at(12, 0, 0, 0);
    weekly.changes.push(moved(&weekly, of, date(2026, 3, 4).at(12, 0, 0, 0)));
    assert_eq!(
        starts(&weekly, "2026-03-01", "2026-03-16"),
        ["2026-03-01T12:00:00", "2026-03-04T12:00:00", "2026-03-08T12:00:00", "2026-03-15T12:00:00"]
    );
}

#[test]
fn an_expansion_cut_short_while_it_counts_goes_on_within_its_window() {
    let (from, to) = (date(2030, 1, 1).at(0, 0, 0, 0), date(2031, 1, 1).at(0, 0, 0, 0));
    for (gap, rule) in [(Gap::Skip, "FREQ=DAILY;COUNT=40000"), (Gap::Shift, "FREQ=MINUTELY;COUNT=4000000;BYHOUR=1")] {
        let mut counted = event("2000-01-01T09:00", Frame::zoned("Europe/Berlin").unwrap(), rule);
        counted.gap = gap;
        let found: Vec<_> = counted.occurrences(from, to, Select::Starting).with_steps(5).collect();
        assert!(matches!(found.as_slice(), [Err(cut)] if cut.resume == from), "{rule}: {found:?}");
    }
}

#[test]
fn the_last_hours_of_time_have_ends_that_fit_their_starts() {
    let (from, to) = (date(9999, 12, 31).at(0, 30, 0, 0), date(9999, 12, 31).at(2, 0, 0, 0));
    let last = event("9999-12-31T00:33:11", Frame::zoned("Africa/Casablanca").unwrap(), "FREQ=DAILY;BYMINUTE=33,44");
    for select in [Select::Starting, Select::Overlapping] {
        let found: Vec<Occurrence> = last.occurrences(from, to, select).map(Result::unwrap).collect();
        assert_eq!(found.len(), 2, "{select:?}");
        assert!(found.iter().all(|found| found.start == found.end), "{found:?}");
    }
}

#[test]
fn a_change_without_its_series_brings_no_exceptions_of_another_frame() {
    let file = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nRECURRENCE-ID:20200914\nDTSTART:20170814T140000Z\n\
                EXDATE:20171218T060000\nEXDATE;VALUE=DATE:20171219\nEND:VEVENT\nEND:VCALENDAR\n";
    let feed = Feed::new("-//Test//EN", Timestamp::from_millis(0));
    let found = read_icalendar(file.as_bytes()).unwrap().events;
    assert_eq!((found[0].excluded.len(), found[0].excluded_days.len()), (0, 0));
    let text = write_icalendar(&feed, &found);
    assert_eq!(write_icalendar(&feed, &read_icalendar(text.as_bytes()).unwrap().events), text);
}

#[test]
fn as_many_lasting_changes_as_dates_lose_none_of_the_dates() {
    let mut daily = event("2026-01-01T09:00", Frame::Utc, "FREQ=YEARLY");
    daily.dates = (0..300).map(|day| (daily.start + (day * 2).days() + 1.hour(), None)).collect();
    let lasting = |at: DateTime| Change { range: Range::ThisAndFuture, ..moved(&daily, at, at) };
    let changes: Vec<Change> = daily.dates.iter().map(|(at, _)| lasting(*at)).collect();
    daily.changes = changes;
    let found = daily.occurrences(daily.start, date(2028, 1, 1).into(), Select::Starting).map(Result::unwrap);
    assert_eq!(found.count(), 302);
    assert_eq!(daily.has_occurrence(&RecurrenceId::utc(daily.dates[77].0)), Ok(true));
}

#[test]
fn a_day_as_a_whole_has_one_start_to_pick_from() {
    for (position, days) in [("1", 7), ("-1", 7), ("2", 0), ("-1,161", 7)] {
        let daily = event("2026-01-05", Frame::Date, &format!("FREQ=DAILY;BYMONTH=1;BYHOUR=3,9;BYSETPOS={position}"));
        assert_eq!(starts(&daily, "2026-01-05", "2026-01-12").len(), days, "{position}");
    }
}

/// Cut short with every small number of steps: nothing that shows a start before `resume` is missing, and a window from
/// there on has the rest.
fn can_be_resumed(event: &CalendarEvent, (from, to): (DateTime, DateTime)) {
    let whole: Vec<Occurrence> = event.occurrences(from, to, Select::Starting).map(Result::unwrap).collect();
    let (mut cuts, mut steps) = (0, 0);
    loop {
        let found: Vec<_> = event.occurrences(from, to, Select::Starting).with_steps(steps).collect();
        let Some(Err(cut)) = found.last() else { break };
        let given: Vec<&Occurrence> = found.iter().filter_map(|found| found.as_ref().ok()).collect();
        let rest: Vec<Occurrence> = event.occurrences(cut.resume, to, Select::Starting).map(Result::unwrap).collect();
        assert!(given.iter().copied().eq(whole.iter().take(given.len())), "not the beginning with {steps} steps");
        let missed = whole.iter().find(|found| {
            let before = found.start < cut.resume;
            !(given.contains(found) || !before && rest.contains(found))
        });
        assert_eq!(missed, None, "{steps} steps, resumed at {}", cut.resume);
        (cuts, steps) = (cuts + 1, steps + 1);
    }
    assert!(cuts > 5, "cut short {cuts} times");
}

#[test]
fn an_occurrence_moved_to_another_zone_is_not_lost_where_an_expansion_is_cut_short() {
    let window = (date(2026, 6, 1).at(0, 0, 0, 0), date(2026, 6, 20).at(0, 0, 0, 0));
    for (zone, other) in [("Pacific/Apia", "America/New_York"), ("America/New_York", "Pacific/Apia")] {
        for of in [date(2026, 6, 12).at(9, 0, 0, 0), date(2026, 9, 1).at(9, 0, 0, 0)] {
            for start in [date(2026, 6, 1).at(1, 0, 0, 0), date(2026, 6, 8).at(2, 0, 0, 0)] {
                let mut daily = event("2026-01-01T09:00", Frame::zoned(zone).unwrap(), "FREQ=DAILY");
                let change = Change { frame: Frame::zoned(other).unwrap(), ..moved(&daily, of, start) };
                daily.changes.push(change);
                can_be_resumed(&daily, window);
            }
        }
    }
}

#[test]
fn a_cancelled_entry_says_no_other_status() {
    let entry =
        |id: &str, status: &str| format!("BEGIN:VEVENT\nUID:a\n{id}DTSTART:20260105T190000Z\n{status}END:VEVENT\n");
    let feed = Feed::new("-//Test//EN", Timestamp::from_millis(0));
    for (first, second) in [("CANCELLED", "TENTATIVE"), ("cancelled", "X"), ("TENTATIVE", "CANCELLED")] {
        for id in ["", "RECURRENCE-ID:20260105T190000Z\n"] {
            let twice = entry(id, &format!("STATUS:{first}\nSTATUS:{second}\n"));
            let file = format!("BEGIN:VCALENDAR\n{twice}END:VCALENDAR\n");
            let found = read_icalendar(file.as_bytes()).unwrap().events;
            let again = read_icalendar(write_icalendar(&feed, &found).as_bytes()).unwrap().events;
            let statuses = |event: &CalendarEvent| -> Vec<(bool, Vec<Property>)> {
                let changes = event.changes.iter().map(|change| (change.cancelled, &change.details));
                let all = core::iter::once((event.cancelled, &event.details)).chain(changes);
                all.map(|(cancelled, details)| (cancelled, details.properties.clone())).collect()
            };
            assert_eq!(statuses(&found[0]), statuses(&again[0]), "{file}");
            let one = if id.is_empty() { found[0].cancelled } else { found[0].changes[0].cancelled };
            assert_eq!(one, first != "TENTATIVE", "{file}");
        }
    }
}

#[test]
fn an_expansion_cut_short_behind_the_last_of_years_does_not_go_back_to_the_first_start() {
    let mut last = event("9999-12-31T01:00", Frame::zoned("Antarctica/Troll").unwrap(), "FREQ=YEARLY;BYSECOND=19");
    let of = date(9999, 12, 31).at(1, 0, 19, 0);
    last.changes.push(Change { range: Range::ThisAndFuture, ..moved(&last, of, of) });
    for from in [of, date(9999, 12, 31).at(20, 0, 0, 0), date(9999, 12, 31).at(23, 59, 59, 0)] {
        for select in [Select::Starting, Select::Overlapping] {
            for steps in 0..10 {
                let found = last.occurrences(from, DateTime::MAX, select).with_steps(steps);
                let cut = found.filter_map(Result::err).find(|cut| cut.resume < from);
                assert_eq!(cut, None, "from {from} with {steps} steps");
            }
        }
    }
}

#[test]
fn what_is_changed_in_the_last_hours_of_time_comes_in_their_order() {
    let troll = Frame::zoned("Antarctica/Troll").unwrap();
    let at = |hour: i8| date(9999, 12, 31).at(hour, 0, 0, 0);
    let mut hourly = event("9999-12-31T01:00", troll, "FREQ=HOURLY;INTERVAL=4");
    // The second is moved before the first, and the third, as a whole day, before both.
    hourly.changes.push(moved(&hourly, at(5), date(9999, 12, 31).at(0, 30, 0, 0)));
    hourly.changes.push(Change { frame: Frame::Date, ..moved(&hourly, at(9), at(0)) });
    hourly.changes.push(moved(&hourly, at(13), at(15)));
    let found: Vec<_> = hourly.occurrences(at(0), DateTime::MAX, Select::Starting).map(Result::unwrap).collect();
    let shown: Vec<_> = found.iter().map(|found| (found.start.hour(), found.recurrence().at().hour())).collect();
    assert_eq!(shown, [(0, 9), (0, 5), (1, 1), (15, 13), (17, 17), (21, 21)]);
    let instants: Vec<_> =
        found.iter().map(|found| hourly.frame.instant(found.start, &jiff::tz::TimeZone::UTC)).collect();
    assert!(instants.is_sorted_by(|one, other| one < other), "{instants:?}");
}
