//! Corners that a review found: gaps and folds at the edges of windows, frames that differ, rules that meet.

use jiff::civil::date;

use super::super::*;
use super::{all, event, starts};
use crate::time::Window;

fn zoned(start: &str, zone: &str, rule: &str) -> CalendarEvent {
    event(start, Frame::zoned(zone).unwrap(), rule)
}

/// A change of one occurrence, or of it and all later ones, to another start.
fn moved(of: &str, start: &str, frame: Frame, range: Range) -> Change {
    Change {
        of: of.parse().unwrap(),
        range,
        start: start.parse().unwrap(),
        frame,
        length: Length::ZERO,
        summary: "moved".into(),
        cancelled: false,
        details: std::sync::Arc::default(),
    }
}

#[test]
fn a_window_may_begin_and_end_at_every_corner_of_a_gap() {
    let santiago = zoned("2024-09-01T19:00", "America/Santiago", "FREQ=DAILY");
    assert_eq!(starts(&santiago, "2024-09-01T00:00", "2024-09-08T00:00").len(), 7);
    let berlin = zoned("2026-03-26T01:00", "Europe/Berlin", "FREQ=DAILY");
    for (to, count) in [("T01:59:59", 4), ("T02:00", 4), ("T02:00:01", 4), ("T02:59:59", 4), ("T03:00", 4)] {
        assert_eq!(starts(&berlin, "2026-03-26T00:00", &format!("2026-03-29{to}")).len(), count, "{to}");
        let later = starts(&berlin, &format!("2026-03-29{to}"), "2026-03-31T00:00");
        assert_eq!(later, ["2026-03-30T01:00:00"], "{to}");
    }
}

#[test]
fn a_count_is_right_where_days_are_moved_forward() {
    for rule in ["MONTHLY;BYMONTHDAY=1", "MONTHLY;BYMONTHDAY=31", "YEARLY;BYYEARDAY=366", "DAILY", "WEEKLY"] {
        let rule = format!("RSCALE=GREGORIAN;SKIP=FORWARD;COUNT=6;FREQ={rule}");
        let event = event("2026-01-01T10:00", Frame::Utc, &rule);
        let whole = starts(&event, "2026-01-01", "2100-01-01");
        assert_eq!(whole.len(), 6, "{rule}");
        for start in &whole {
            let later: Vec<&String> = whole.iter().filter(|other| *other >= start).collect();
            assert_eq!(starts(&event, start, "2100-01-01").iter().collect::<Vec<_>>(), later, "{rule} from {start}");
        }
    }
}

#[test]
fn a_lasting_change_given_in_another_zone_moves_by_as_much_as_it_says() {
    let mut daily = zoned("2026-01-05T10:00", "America/New_York", "FREQ=DAILY");
    daily.changes.push(moved("2026-01-07T10:00", "2026-01-07T16:00", Frame::Utc, Range::ThisAndFuture));
    let found = starts(&daily, "2026-01-08T00:00", "2026-01-10T00:00");
    assert_eq!(found, ["2026-01-08T11:00:00", "2026-01-09T11:00:00"]);
}

#[test]
fn an_excluded_rule_ends_at_its_until_and_takes_away_dates_too() {
    let mut daily = zoned("2026-01-03T09:00", "Europe/Berlin", "FREQ=DAILY;COUNT=5");
    daily.excluded_rules.push("FREQ=DAILY;UNTIL=20260105T080000Z".parse().unwrap());
    assert_eq!(starts(&daily, "2026-01-01", "2026-02-01"), ["2026-01-06T09:00:00", "2026-01-07T09:00:00"]);
    let mut weekly = event("2026-01-01T09:00", Frame::Utc, "FREQ=WEEKLY;COUNT=1");
    weekly.dates.push((date(2026, 1, 2).at(9, 0, 0, 0), None));
    weekly.excluded_rules.push("FREQ=DAILY;BYDAY=FR".parse().unwrap());
    assert_eq!(starts(&weekly, "2026-01-01", "2026-02-01"), ["2026-01-01T09:00:00"]);
}

#[test]
fn the_zone_of_whoever_looks_takes_nothing_away() {
    let mut days = event("2018-11-02T00:00", Frame::Date, "FREQ=DAILY;COUNT=4");
    days.gap = Gap::Skip;
    let here = jiff::tz::TimeZone::get("America/Sao_Paulo").unwrap();
    let window = Window::new("2018-11-01T00:00Z".parse().unwrap(), "2018-11-10T00:00Z".parse().unwrap());
    let found = days.occurrences_within(window, &here, Select::Starting).map(|found| found.unwrap().start.day());
    assert_eq!(found.collect::<Vec<_>>(), [2, 3, 4, 5]);
}

#[test]
fn a_floating_night_of_six_hours_is_found_in_its_last_one() {
    let mut night = event("2026-10-24T23:00", Frame::Floating, "FREQ=DAILY;COUNT=1");
    night.length = Length::exact(jiff::Span::new().hours(5)).unwrap();
    let here = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let window = Window::new("2026-10-25T02:30Z".parse().unwrap(), "2026-10-25T02:45Z".parse().unwrap());
    assert_eq!(night.occurrences_within(window, &here, Select::Overlapping).count(), 1);
}

#[test]
fn a_change_in_a_zone_has_its_place_among_whole_days() {
    let mut days = event("2026-01-01T00:00", Frame::Date, "FREQ=DAILY;COUNT=7");
    let new_york = Frame::zoned("America/New_York").unwrap();
    days.changes.push(moved("2026-01-05T00:00", "2026-01-05T20:00", new_york, Range::This));
    let here = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let window = Window::new("2026-01-01T00:00Z".parse().unwrap(), "2026-02-01T00:00Z".parse().unwrap());
    let found = days.occurrences_within(window, &here, Select::Starting);
    let instants: Vec<_> = found.map(|found| found.unwrap().window(&here).start).collect();
    assert!(instants.is_sorted(), "{instants:?}");
}

#[test]
fn a_change_of_a_start_that_is_skipped_does_not_hide_the_one_after_the_gap() {
    let mut hourly = zoned("2026-03-29T00:30", "Europe/Berlin", "FREQ=HOURLY;COUNT=4");
    hourly.gap = Gap::Skip;
    let berlin = hourly.frame.clone();
    hourly.changes.push(moved("2026-03-29T02:30", "2026-03-29T12:00", berlin, Range::This));
    let found = starts(&hourly, "2026-03-29", "2026-03-30");
    assert!(found.contains(&"2026-03-29T03:30:00".to_owned()), "{found:?}");
}

#[test]
fn hours_step_over_whole_days() {
    for (interval, days) in [(36, [1, 4, 7]), (48, [1, 3, 5]), (24, [1, 2, 3])] {
        let event = event("2026-01-01T00:00", Frame::Date, &format!("FREQ=HOURLY;INTERVAL={interval};COUNT=3"));
        let found = all(&event, date(2026, 1, 1).into(), date(2026, 2, 1).into());
        assert_eq!(found.iter().map(|found| found.start.day()).collect::<Vec<_>>(), days, "{interval}");
    }
}

#[test]
fn of_two_changes_of_one_occurrence_the_last_speaks() {
    let mut daily = event("2026-01-01T09:00", Frame::Utc, "FREQ=DAILY;COUNT=3");
    for hour in ["10", "11"] {
        daily.changes.push(moved("2026-01-02T09:00", &format!("2026-01-02T{hour}:00"), Frame::Utc, Range::This));
    }
    let found = starts(&daily, "2026-01-01", "2026-02-01");
    assert_eq!(found, ["2026-01-01T09:00:00", "2026-01-02T11:00:00", "2026-01-03T09:00:00"]);
}

#[test]
fn what_begins_in_a_window_overlaps_it_though_clocks_are_put_back() {
    let mut late = zoned("2026-10-25T02:45", "Europe/Berlin", "FREQ=DAILY;COUNT=1");
    late.length = Length::exact(jiff::Span::new().minutes(30)).unwrap();
    let window = (date(2026, 10, 25).at(2, 30, 0, 0), date(2026, 10, 25).at(3, 0, 0, 0));
    assert_eq!(late.occurrences(window.0, window.1, Select::Overlapping).count(), 1);
}
