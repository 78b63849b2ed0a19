//! Every example of RFC 5545 that says which times a rule comes to.

use jiff::tz::TimeZone;

use super::*;

const SEP_2: &str = "1997-09-02T09:00";

fn new_york(start: &str, rule: &str) -> CalendarEvent {
    event(start, Frame::zoned("America/New_York").unwrap(), rule)
}

#[track_caller]
fn check_table(table: &[(&str, &str, &str, &str)]) {
    for (what, start, rule, list) in table {
        check(&new_york(start, rule), list, &format!("{what}: {rule}"));
    }
}

/// Section 3.8.5.3, DAILY. All examples of the section are in the zone of New York.
#[test]
fn examples_of_daily_rules() {
    check_table(&[
        ("ten days", SEP_2, "FREQ=DAILY;COUNT=10", "1997-09 2..11"),
        (
            "until the night before 24 December",
            SEP_2,
            "FREQ=DAILY;UNTIL=19971224T000000Z",
            "1997-09 2..30 1997-10 1..31 1997-11 1..30 1997-12 1..23",
        ),
        (
            "every second day",
            SEP_2,
            "FREQ=DAILY;INTERVAL=2",
            "1997-09 2..30/2 1997-10 2..30/2 1997-11 1..29/2 1997-12 1 3 ...",
        ),
        ("every tenth day, five times", SEP_2, "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09 2 12 22 1997-10 2 12"),
        (
            "the days of January, three years",
            "1998-01-01T09:00",
            "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
            "1998-01 1..31 1999-01 1..31 2000-01 1..31",
        ),
        (
            "the same, said otherwise",
            "1998-01-01T09:00",
            "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1",
            "1998-01 1..31 1999-01 1..31 2000-01 1..31",
        ),
    ]);
}

/// Section 3.8.5.3, WEEKLY.
#[test]
fn examples_of_weekly_rules() {
    const TEN: &str = "1997-09 2 4 9 11 16 18 23 25 30 1997-10 2";
    check_table(&[
        ("ten weeks", SEP_2, "FREQ=WEEKLY;COUNT=10", "1997-09 2..30/7 1997-10 7..28/7 1997-11 4"),
        (
            "until the night before 24 December",
            SEP_2,
            "FREQ=WEEKLY;UNTIL=19971224T000000Z",
            "1997-09 2..30/7 1997-10 7..28/7 1997-11 4..25/7 1997-12 2..23/7",
        ),
        (
            "every second week",
            SEP_2,
            "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
            "1997-09 2 16 30 1997-10 14 28 1997-11 11 25 1997-12 9 23 1998-01 6 20 1998-02 3 17 ...",
        ),
        ("two days a week, to an end", SEP_2, "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", TEN),
        ("two days a week, ten times", SEP_2, "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", TEN),
        (
            "three days of every second week",
            "1997-09-01T09:00",
            "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
            "1997-09 1 3 5 15 17 19 29 1997-10 1 3 13 15 17 27 29 31 1997-11 10 12 14 24 26 28 1997-12 8 10 12 22",
        ),
        (
            "two days of every second week",
            SEP_2,
            "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
            "1997-09 2 4 16 18 30 1997-10 2 14 16",
        ),
        (
            "weeks from Monday",
            "1997-08-05T09:00",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
            "1997-08 5 10 19 24",
        ),
        (
            "weeks from Sunday",
            "1997-08-05T09:00",
            "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
            "1997-08 5 17 19 31",
        ),
    ]);
}

/// Section 3.8.5.3, MONTHLY by weekday.
#[test]
fn examples_of_monthly_rules_with_weekdays() {
    check_table(&[
        (
            "the first Friday, ten times",
            "1997-09-05T09:00",
            "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
            "1997-09 5 1997-10 3 1997-11 7 1997-12 5 1998-01 2 1998-02 6 1998-03 6 1998-04 3 1998-05 1 1998-06 5",
        ),
        (
            "the first Friday, to an end",
            "1997-09-05T09:00",
            "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
            "1997-09 5 1997-10 3 1997-11 7 1997-12 5",
        ),
        (
            "first and last Sunday of every second month",
            "1997-09-07T09:00",
            "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            "1997-09 7 28 1997-11 2 30 1998-01 4 25 1998-03 1 29 1998-05 3 31",
        ),
        (
            "the last Monday but one",
            "1997-09-22T09:00",
            "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
            "1997-09 22 1997-10 20 1997-11 17 1997-12 22 1998-01 19 1998-02 16",
        ),
        (
            "the Tuesdays of every second month",
            SEP_2,
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
            "1997-09 2..30/7 1997-11 4..25/7 1998-01 6..27/7 1998-03 3..31/7 ...",
        ),
        (
            "Friday the thirteenth",
            SEP_2,
            "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
            "1998-02 13 1998-03 13 1998-11 13 1999-08 13 2000-10 13 ...",
        ),
        (
            "the Saturday after the first Sunday",
            "1997-09-13T09:00",
            "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
            "1997-09 13 1997-10 11 1997-11 8 1997-12 13 1998-01 10 1998-02 7 1998-03 7 1998-04 11 1998-05 9 1998-06 13 ...",
        ),
        (
            "the third of all Tuesdays, Wednesdays and Thursdays",
            "1997-09-04T09:00",
            "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
            "1997-09 4 1997-10 7 1997-11 6",
        ),
        (
            "the last weekday but one",
            "1997-09-29T09:00",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
            "1997-09 29 1997-10 30 1997-11 27 1997-12 30 1998-01 29 1998-02 26 1998-03 30 ...",
        ),
    ]);
}

/// Section 3.8.5.3, MONTHLY by day of the month.
#[test]
fn examples_of_monthly_rules_with_days_of_the_month() {
    check_table(&[
        (
            "the third last day",
            "1997-09-28T09:00",
            "FREQ=MONTHLY;BYMONTHDAY=-3",
            "1997-09 28 1997-10 29 1997-11 28 1997-12 29 1998-01 29 1998-02 26 ...",
        ),
        (
            "the 2nd and the 15th",
            SEP_2,
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
            "1997-09 2 15 1997-10 2 15 1997-11 2 15 1997-12 2 15 1998-01 2 15",
        ),
        (
            "the first and the last day",
            "1997-09-30T09:00",
            "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
            "1997-09 30 1997-10 1 31 1997-11 1 30 1997-12 1 31 1998-01 1 31 1998-02 1",
        ),
        (
            "six days of every eighteenth month",
            "1997-09-10T09:00",
            "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
            "1997-09 10..15 1999-03 10..13",
        ),
        (
            "30 February does not exist, and is not counted",
            "2007-01-15T09:00",
            "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
            "2007-01 15 30 2007-02 15 2007-03 15 30",
        ),
    ]);
}

/// Section 3.8.5.3, YEARLY.
#[test]
fn examples_of_yearly_rules() {
    check_table(&[
        (
            "the 10th of June and July",
            "1997-06-10T09:00",
            "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
            "1997-06 10 1997-07 10 1998-06 10 1998-07 10 1999-06 10 1999-07 10 2000-06 10 2000-07 10 2001-06 10 2001-07 10",
        ),
        (
            "the 10th of three months of every second year",
            "1997-03-10T09:00",
            "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
            "1997-03 10 1999-01 10 1999-02 10 1999-03 10 2001-01 10 2001-02 10 2001-03 10 2003-01 10 2003-02 10 2003-03 10",
        ),
        (
            "three days of every third year",
            "1997-01-01T09:00",
            "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
            "1997-01 1 1997-04 10 1997-07 19 2000-01 1 2000-04 9 2000-07 18 2003-01 1 2003-04 10 2003-07 19 2006-01 1",
        ),
        ("the twentieth Monday", "1997-05-19T09:00", "FREQ=YEARLY;BYDAY=20MO", "1997-05 19 1998-05 18 1999-05 17 ..."),
        (
            "the Monday of week 20",
            "1997-05-12T09:00",
            "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
            "1997-05 12 1998-05 11 1999-05 17 ...",
        ),
        (
            "the Thursdays of March",
            "1997-03-13T09:00",
            "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
            "1997-03 13 20 27 1998-03 5..26/7 1999-03 4..25/7 ...",
        ),
        (
            "the Thursdays of summer",
            "1997-06-05T09:00",
            "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
            "1997-06 5..26/7 1997-07 3..31/7 1997-08 7..28/7 1998-06 4..25/7 1998-07 2..30/7 1998-08 6..27/7
             1999-06 3..24/7 1999-07 1..29/7 1999-08 5..26/7 ...",
        ),
        (
            "the day a president is elected",
            "1996-11-05T09:00",
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
            "1996-11 5 2000-11 7 2004-11 2 ...",
        ),
    ]);
}

/// Section 3.8.5.3, HOURLY and MINUTELY.
#[test]
fn examples_of_rules_within_the_day() {
    const OPEN: &str = "1997-09-02 09:00..16:40/20 1997-09-03 09:00..16:40/20 1997-09-04 09:00 ...";
    check_table(&[
        // The standard prints an end of 17:00 in UTC and means 17:00 in New York: it lists 15:00.
        (
            "every third hour, as it is meant",
            SEP_2,
            "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z",
            "1997-09-02 09:00 12:00 15:00",
        ),
        (
            "every third hour, as it is printed",
            SEP_2,
            "FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z",
            "1997-09-02 09:00 12:00",
        ),
        ("every quarter of an hour", SEP_2, "FREQ=MINUTELY;INTERVAL=15;COUNT=6", "1997-09-02 09:00..10:15/15"),
        ("every hour and a half", SEP_2, "FREQ=MINUTELY;INTERVAL=90;COUNT=4", "1997-09-02 09:00..13:30/90"),
        (
            "every twenty minutes of eight hours",
            SEP_2,
            "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40",
            OPEN,
        ),
        ("the same, said otherwise", SEP_2, "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16", OPEN),
    ]);
}

/// Section 3.3.10: the examples in the text.
#[test]
fn examples_of_the_value_type() {
    check_table(&[
        ("every second day, ten times", SEP_2, "FREQ=DAILY;COUNT=10;INTERVAL=2", "1997-09 2..20/2"),
        (
            "the last working day",
            "1997-09-30T09:00",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "1997-09 30 1997-10 31 1997-11 28 1997-12 31 1998-01 30 ...",
        ),
        (
            "BYMINUTE and BYHOUR of the Sundays of every second January",
            "1997-01-05T08:30",
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=1;BYDAY=SU;BYHOUR=8,9;BYMINUTE=30",
            "1997-01-05 08:30 09:30 1997-01-12 08:30 09:30 1997-01-19 08:30 09:30 1997-01-26 08:30 09:30
             1999-01-03 08:30 09:30 ...",
        ),
    ]);
}

/// Section 3.3.10: a date that does not exist is passed over and not counted, whichever part names it.
#[test]
fn a_date_that_does_not_exist_is_passed_over_and_not_counted() {
    check_table(&[
        ("31", "2026-01-31T09:00", "FREQ=MONTHLY;COUNT=4", "2026-01 31 2026-03 31 2026-05 31 2026-07 31"),
        ("30", "2026-01-30T09:00", "FREQ=MONTHLY;COUNT=3", "2026-01 30 2026-03 30 2026-04 30"),
        ("29 February", "2024-02-29T09:00", "FREQ=YEARLY;COUNT=3", "2024-02 29 2028-02 29 2032-02 29"),
        ("over 1900 and 2100, which have none", "2096-02-29T09:00", "FREQ=YEARLY;COUNT=2", "2096-02 29 2104-02 29"),
        ("day 366", "2024-12-31T09:00", "FREQ=YEARLY;BYYEARDAY=366;COUNT=2", "2024-12 31 2028-12 31"),
        ("day -366", "2024-01-01T09:00", "FREQ=YEARLY;BYYEARDAY=-366;COUNT=2", "2024-01 1 2028-01 1"),
        ("the fifth Monday", "2026-03-30T09:00", "FREQ=MONTHLY;BYDAY=5MO;COUNT=3", "2026-03 30 2026-06 29 2026-08 31"),
        ("week 53", "2026-12-31T09:00", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH;COUNT=2", "2026-12 31 2032-12 30"),
        (
            "every sixth month from the 31st",
            "2026-08-31T09:00",
            "FREQ=MONTHLY;INTERVAL=6;COUNT=2",
            "2026-08 31 2027-08 31",
        ),
    ]);
    let never = new_york("2026-01-01T09:00", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30");
    check(&never, "", "30 February");
}

/// The lists of section 3.8.5.3 say EDT before 26 October 1997 and EST after it.
#[test]
fn the_clock_stays_and_the_offset_changes() {
    let weekly = new_york(SEP_2, "FREQ=WEEKLY;COUNT=10");
    let found = all(&weekly, DateTime::MIN, DateTime::MAX);
    let hours: Vec<_> = found.iter().map(|o| o.window(&TimeZone::UTC).start.to_string()[5..13].to_owned()).collect();
    assert_eq!(hours[6..9], ["10-14T13", "10-21T13", "10-28T14"]);
}

/// Section 3.8.5.1.
#[test]
fn example_of_excluded_times() {
    let evenings = from_file(&[
        "DTSTART;TZID=America/New_York:19960401T200000",
        "RRULE:FREQ=DAILY;COUNT=5",
        "EXDATE:19960402T010000Z,19960403T010000Z,19960404T010000Z",
    ]);
    check(&evenings, "1996-04-04 20:00 1996-04-05 20:00", "given in UTC, they match the same instants");
    let thirteenth = from_file(&[
        "DTSTART;TZID=America/New_York:19970902T090000",
        "EXDATE;TZID=America/New_York:19970902T090000",
        "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
    ]);
    let list = "1998-02 13 1998-03 13 1998-11 13 1999-08 13 2000-10 13 ...";
    check(&thirteenth, list, "Friday the thirteenth, as the standard writes it");
}

/// Section 3.8.5.2: the four forms.
#[test]
fn examples_of_further_times() {
    let start = "DTSTART;TZID=America/New_York:19960402T090000";
    let list = "1996-04-02 09:00 1997-07-14 08:30";
    for (lines, list) in [
        (&["RDATE:19970714T123000Z"][..], list),
        (&["RDATE;TZID=America/New_York:19970714T083000"], list),
        // Both are one instant, so it happens once.
        (&["RDATE:19970714T123000Z", "RDATE;TZID=America/New_York:19970714T083000"], list),
        (
            &["RDATE;VALUE=PERIOD:19960403T020000Z/19960403T040000Z,19960404T010000Z/PT3H"],
            "1996-04-02 09:00 21:00 1996-04-03 20:00",
        ),
    ] {
        let lines = [&[start, "DURATION:PT1H"], lines].concat();
        check(&from_file(&lines), list, &lines.join(" "));
    }
    let periods = ["RDATE;VALUE=PERIOD:19960403T020000Z/19960403T040000Z,19960404T010000Z/PT3H"];
    let found = all(&from_file(&[&[start, "DURATION:PT1H"], &periods[..]].concat()), DateTime::MIN, DateTime::MAX);
    let hours: Vec<i32> = found.iter().map(|o| (o.end - o.start).get_hours()).collect();
    assert_eq!(hours, [1, 2, 3], "a period brings its own length");
}

/// Section 3.8.5.2: public holidays as a list of dates.
#[test]
fn example_of_further_dates() {
    let holidays = from_file(&[
        "DTSTART;VALUE=DATE:19970101",
        "RDATE;VALUE=DATE:19970101,19970120,19970217,19970421,19970526,19970704,19970901,19971014,19971128,19971129,19971225",
    ]);
    let found = all(&holidays, DateTime::MIN, DateTime::MAX);
    let days: Vec<_> = found.iter().map(|o| o.recurrence().to_string()).collect();
    let expected = "19970101 19970120 19970217 19970421 19970526 19970704 19970901 19971014 19971128 19971129 19971225";
    assert_eq!(days.join(" "), expected);
    assert!(found.iter().all(|o| o.end == o.start.checked_add(1.day()).unwrap()));
}
