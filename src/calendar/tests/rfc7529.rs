//! RFC 7529 as far as the Gregorian calendar goes: what becomes of days that do not exist.

use super::*;

/// The starts of a series that begins at nine.
#[track_caller]
fn check_rule(start: &str, rule: &str, list: &str) {
    check(&event(&format!("{start}T09:00"), Frame::Floating, rule), list, rule);
}

/// Section 4.3, the examples of the Gregorian calendar, and those of section 4.1 for each value of SKIP.
#[test]
fn a_day_that_does_not_exist_is_left_out_or_taken_back_or_forward() {
    let table = [
        ("2012-02-29", "FREQ=YEARLY;COUNT=4", "2012-02 29 2016-02 29 2020-02 29 2024-02 29"),
        ("2012-02-29", "FREQ=YEARLY;SKIP=FORWARD", "2012-02 29 2013-03 1 2014-03 1 2015-03 1 2016-02 29 ..."),
        ("2012-02-29", "FREQ=YEARLY;SKIP=BACKWARD", "2012-02 29 2013-02 28 2014-02 28 2015-02 28 2016-02 29 ..."),
        ("2014-01-31", "FREQ=MONTHLY;SKIP=OMIT;COUNT=4", "2014-01 31 2014-03 31 2014-05 31 2014-07 31"),
        ("2014-01-31", "FREQ=MONTHLY;SKIP=BACKWARD;COUNT=4", "2014-01 31 2014-02 28 2014-03 31 2014-04 30"),
        ("2014-01-31", "FREQ=MONTHLY;SKIP=FORWARD;COUNT=4", "2014-01 31 2014-03 1 2014-03 31 2014-05 1"),
        ("2014-01-31", "FREQ=MONTHLY;SKIP=FORWARD;UNTIL=20140301", "2014-01 31 2014-03 1"),
    ];
    for (start, rule, list) in table {
        check_rule(start, &format!("RSCALE=GREGORIAN;{rule}"), list);
    }
}

/// Facts that two versions of libical agree on.
#[test]
fn days_that_the_rule_names_are_moved_alike() {
    let table = [
        (
            "2015-02-01",
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;SKIP=FORWARD;COUNT=5",
            "2015-02 28 2015-03 1 2016-02 28 29 2017-02 28",
        ),
        (
            "2015-01-31",
            "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=12;SKIP=FORWARD",
            "2015-01 31 2015-03 1 31 2015-05 1 31 2015-07 1 31 2015-08 31 2015-10 1 31 2015-12 1 31",
        ),
        (
            "2015-01-31",
            "FREQ=MONTHLY;BYMONTHDAY=31;COUNT=12;SKIP=BACKWARD",
            "2015-01 31 2015-02 28 2015-03 31 2015-04 30 2015-05 31 2015-06 30 2015-07 31 2015-08 31 2015-09 30
             2015-10 31 2015-11 30 2015-12 31",
        ),
        (
            "2015-01-01",
            "FREQ=MONTHLY;BYMONTHDAY=-31;COUNT=12;SKIP=BACKWARD",
            "2015-01 1 31 2015-03 1 31 2015-05 1 31 2015-07 1 2015-08 1 31 2015-10 1 31 2015-12 1",
        ),
        (
            "2012-01-01",
            "FREQ=YEARLY;BYYEARDAY=-366;SKIP=FORWARD;COUNT=5",
            "2012-01 1 2013-01 1 2014-01 1 2015-01 1 2016-01 1",
        ),
        (
            "2012-01-01",
            "FREQ=YEARLY;BYYEARDAY=-366;SKIP=BACKWARD;COUNT=9",
            "2012-01 1 2012-12 31 2013-12 31 2014-12 31 2016-01 1 2016-12 31 2017-12 31 2018-12 31 2020-01 1",
        ),
    ];
    for (start, rule, list) in table {
        check_rule(start, &format!("RSCALE=GREGORIAN;{rule}"), list);
    }
}

/// Section 4.1: a day is moved before BYDAY looks at it, and two that come to the same day are one.
#[test]
fn a_moved_day_is_one_day_and_the_parts_after_it_see_it_where_it_is() {
    let table = [
        (
            "2015-01-30",
            "FREQ=MONTHLY;BYMONTHDAY=29,30,31;BYMONTH=2;SKIP=BACKWARD",
            "2015-02 28 2016-02 29 2017-02 28 ...",
        ),
        ("2015-01-30", "FREQ=MONTHLY;BYMONTHDAY=1,31;COUNT=4;SKIP=FORWARD", "2015-01 31 2015-02 1 2015-03 1 31"),
        // 1 March 2015 is a Sunday and stands for 31 February.
        ("2015-01-31", "FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=SU;SKIP=OMIT", "2015-05 31 2016-01 31 2016-07 31 ..."),
        ("2015-01-31", "FREQ=MONTHLY;BYMONTHDAY=31;BYDAY=SU;SKIP=FORWARD", "2015-03 1 2015-05 31 2016-01 31 ..."),
    ];
    for (start, rule, list) in table {
        check_rule(start, &format!("RSCALE=GREGORIAN;{rule}"), list);
    }
}

#[test]
fn a_moved_day_keeps_its_place_in_the_interval_and_in_what_is_asked_for() {
    let rule = "RSCALE=GREGORIAN;FREQ=MONTHLY;INTERVAL=3;SKIP=FORWARD;COUNT=4";
    check_rule("2014-01-31", rule, "2014-01 31 2014-05 1 2014-07 31 2014-10 31");
    let quarterly = event("2014-01-31T09:00", Frame::Floating, rule);
    assert_eq!(starts(&quarterly, "2014-05-01", "2014-05-02"), ["2014-05-01T09:00:00"]);
}

#[test]
fn what_is_left_of_a_count_is_the_same_from_wherever_it_is_asked() {
    let table = [
        ("2024-11-29", "FREQ=MONTHLY;SKIP=FORWARD;COUNT=22"),
        ("2024-11-29", "FREQ=MONTHLY;SKIP=BACKWARD;COUNT=22"),
        ("2024-11-29", "FREQ=WEEKLY;BYDAY=MO,TH;BYSETPOS=1,-1;SKIP=FORWARD;COUNT=50"),
        ("2023-12-31", "FREQ=MONTHLY;BYMONTHDAY=31,-31;BYSETPOS=1,-1;SKIP=FORWARD;COUNT=30"),
        // The day before the first of a year of 365 days is of the year before.
        ("2012-01-01", "FREQ=YEARLY;BYYEARDAY=-366,200;BYHOUR=9,12;SKIP=BACKWARD;COUNT=17"),
        ("2012-01-01", "FREQ=YEARLY;BYYEARDAY=366,200;BYHOUR=9,12;SKIP=FORWARD;COUNT=17"),
    ];
    for (start, rule) in table {
        let event = event(&format!("{start}T09:00"), Frame::Floating, &format!("RSCALE=GREGORIAN;{rule}"));
        let found = all(&event, DateTime::MIN, DateTime::MAX);
        for (place, first) in found.iter().enumerate() {
            assert_eq!(all(&event, first.start, DateTime::MAX), found[place..], "{rule} from {}", first.start);
            let later = first.start + 1.hour();
            assert_eq!(all(&event, later, DateTime::MAX), found[place + 1..], "{rule} from {later}");
        }
    }
}

#[test]
fn other_scales_are_refused_by_name() {
    for scale in ["CHINESE", "HEBREW", "ETHIOPIC", "ISLAMIC-CIVIL", "INDIAN", ""] {
        let error = format!("RSCALE={scale};FREQ=YEARLY").parse::<RecurrenceRule>().unwrap_err();
        assert_eq!(error.to_string(), format!("rule part RSCALE={scale} is not supported yet"));
    }
    let table = [
        ("FREQ=MONTHLY;SKIP=BACKWARD", "rule SKIP: needs RSCALE"),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=SIDEWAYS", "rule part SKIP=SIDEWAYS: is not OMIT, BACKWARD or FORWARD"),
        // A leap month (section 4.2) is of calendars that have one.
        ("RSCALE=GREGORIAN;FREQ=YEARLY;BYMONTH=5L", "rule part BYMONTH=5L: has a number out of range"),
        ("RSCALE=HEBREW;FREQ=YEARLY;BYMONTH=5L", "rule part RSCALE=HEBREW is not supported yet"),
    ];
    for (rule, message) in table {
        assert_eq!(rule.parse::<RecurrenceRule>().unwrap_err().to_string(), message, "{rule}");
    }
}

#[test]
fn a_rule_without_a_day_to_move_is_the_same_with_and_without_a_scale() {
    let plain = event("2026-01-05T09:00", Frame::Floating, "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=20");
    let scaled = "RSCALE=gregorian;FREQ=WEEKLY;BYDAY=MO,TH;COUNT=20;SKIP=FORWARD";
    let scaled = event("2026-01-05T09:00", Frame::Floating, scaled);
    assert_eq!(all(&plain, DateTime::MIN, DateTime::MAX), all(&scaled, DateTime::MIN, DateTime::MAX));
}
