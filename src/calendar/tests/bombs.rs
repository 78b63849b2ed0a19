//! Rules and files made to be expensive: each ends in an answer that says what it is. How long each takes is measured
//! by fuzz/examples/bombs.rs.

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::date;

use super::super::*;
use super::event;
use crate::id::RecurrenceId;

fn every_value(count: u32) -> String {
    (0..count).map(|value| value.to_string()).collect::<Vec<_>>().join(",")
}

/// How many are given over a century, and whether the steps ran out.
fn century(event: &CalendarEvent) -> (usize, bool) {
    let (mut given, mut cut) = (0, false);
    for found in event.occurrences(date(2026, 1, 1).into(), date(2126, 1, 1).into(), Select::Overlapping) {
        assert!(!cut, "nothing after the end");
        match found {
            Ok(_) => given += 1,
            Err(Truncated { steps, .. }) => cut = steps == STEPS_MAX,
        }
    }
    (given, cut)
}

fn utc(rule: &str) -> CalendarEvent {
    event("2000-01-03T09:00", Frame::Utc, rule)
}

#[test]
fn rules_with_too_many_starts_are_cut_short() {
    let every = format!("BYHOUR={};BYMINUTE={1};BYSECOND={1}", every_value(24), every_value(60));
    let positions = (1..=366).map(|value| value.to_string()).collect::<Vec<_>>().join(",");
    let table = [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;COUNT=1000000000",
        "FREQ=SECONDLY;INTERVAL=7;COUNT=4294967295;BYSECOND=1,9,17",
        "FREQ=MINUTELY;INTERVAL=7;COUNT=4294967295;BYHOUR=3,5,9;BYMINUTE=1,8,30",
        &format!("FREQ=YEARLY;{every}"),
        &format!("FREQ=DAILY;{every};BYSETPOS={positions}"),
        &format!("FREQ=WEEKLY;{every};BYSETPOS={positions}"),
    ];
    for rule in table {
        for gap in [Gap::Shift, Gap::Skip] {
            let mut bomb = utc(rule);
            bomb.gap = gap;
            let (given, cut) = century(&bomb);
            assert!(cut && given as u64 <= STEPS_MAX, "{rule}: {given}");
        }
    }
    let picked = utc(&format!("FREQ=YEARLY;{every};BYSETPOS=-1"));
    assert_eq!(century(&picked), (100, false));
    assert_eq!(century(&utc("FREQ=DAILY;COUNT=1000000000")), (36_524, false));
}

#[test]
fn rules_without_any_start_end_by_themselves() {
    let table = [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4,6,9,11;BYMONTHDAY=31",
        "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;COUNT=5;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;INTERVAL=2;BYHOUR=10",
        "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1",
        "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=10",
        "FREQ=DAILY;BYHOUR=1,2;BYSETPOS=3",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2",
        "FREQ=YEARLY;INTERVAL=4294967295",
        "FREQ=SECONDLY;INTERVAL=4294967295",
        "FREQ=SECONDLY;INTERVAL=86399;COUNT=4294967295;BYSECOND=7;BYMINUTE=7;BYHOUR=7;BYMONTH=2;BYMONTHDAY=30",
    ];
    for rule in table {
        assert_eq!(century(&utc(rule)), (0, false), "{rule}");
        assert_eq!(utc(rule).has_occurrence(&RecurrenceId::utc(date(2030, 3, 7).at(5, 0, 1, 0))), Ok(false), "{rule}");
    }
}

#[test]
fn numbers_that_no_rule_can_have_are_refused() {
    for rule in [
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=4294967296",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=99999999999999999999",
        &format!("FREQ=DAILY;BYHOUR={}", "1,".repeat(100_000)),
        &format!("FREQ=DAILY;BYMONTH={}1", "1,".repeat(1_000)),
        &format!("FREQ=DAILY;BYDAY={}MO", "MO,".repeat(1_000)),
    ] {
        let refused = rule.parse::<RecurrenceRule>();
        assert!(matches!(refused, Err(RuleError::Invalid { .. })), "{refused:?}");
        assert!(refused.unwrap_err().to_string().len() < 200);
    }
}

#[test]
fn rules_that_exclude_every_second_are_passed_in_steps() {
    let mut bomb = utc("FREQ=YEARLY");
    bomb.excluded_rules = vec!["FREQ=SECONDLY".parse().unwrap(); 100];
    assert_eq!(century(&bomb), (0, false));
    let mut bomb = utc("FREQ=SECONDLY");
    bomb.excluded_rules = vec!["FREQ=SECONDLY".parse().unwrap()];
    assert_eq!(century(&bomb), (0, true));
    bomb.rules = (0..100)
        .map(|n| format!("FREQ=MINUTELY;INTERVAL={};COUNT=4294967295;BYHOUR=3", n + 7))
        .map(|rule| rule.parse().unwrap())
        .collect();
    assert_eq!(century(&bomb), (0, true));
    bomb.excluded_rules.clear();
    let hardly = |n: u32| {
        format!("FREQ=SECONDLY;INTERVAL={};BYSECOND=7;BYMINUTE=7;BYHOUR=7;BYMONTHDAY=29;BYMONTH=2", 86_399 - n)
    };
    bomb.rules = (0..100).map(|n| hardly(n).parse().unwrap()).collect();
    assert!(!century(&bomb).1);
}

#[test]
fn ten_thousand_dates_and_changes_are_all_heeded() {
    for lasting in [false, true] {
        let mut daily = event("2000-01-03T09:00", Frame::zoned("America/New_York").unwrap(), "FREQ=DAILY");
        let at = |n: i64| date(2000, 1, 3).at(9, 0, 0, 0) + (n * 3).days();
        daily.excluded = (0..10_000).map(|n| at(n) + 1.day()).collect();
        daily.dates = (0..10_000).map(|n| (at(n) + 2.days(), None)).collect();
        let change = |n: i64| Change {
            of: at(n),
            range: if lasting { Range::ThisAndFuture } else { Range::This },
            start: at(n) + 1.hour(),
            frame: daily.frame.clone(),
            length: Length::ZERO,
            summary: daily.summary.clone(),
            cancelled: false,
            details: Arc::default(),
        };
        let changes: Vec<Change> = (0..10_000).map(change).collect();
        daily.changes = changes;
        let excluded = daily.excluded.iter().filter(|at| (2026..2126).contains(&at.year())).count();
        assert_eq!(century(&daily), (36_524 - excluded, false), "{lasting}");
    }
}

#[test]
fn rules_times_changes_times_rules_that_exclude_are_not_all_kept_open() {
    let mut bomb = event("2026-01-05T09:00", Frame::Utc, "FREQ=DAILY");
    let rules = |count: u32| (0..count).map(|n| format!("FREQ=YEARLY;INTERVAL={}", n + 1).parse().unwrap());
    bomb.length = Length::days(36_500);
    bomb.changes = (0..4_999_i64)
        .map(|n| Change {
            of: bomb.start + n.seconds(),
            range: Range::ThisAndFuture,
            start: bomb.start + n.seconds(),
            frame: Frame::Utc,
            length: bomb.length,
            summary: bomb.summary.clone(),
            cancelled: false,
            details: Arc::default(),
        })
        .collect();
    for (repeats, excluded) in [(100, 100), (100, 0), (1, 100)] {
        (bomb.rules, bomb.excluded_rules) = (rules(repeats).collect(), rules(excluded).collect());
        let mut found = bomb.occurrences(date(2026, 1, 6).into(), date(2027, 1, 1).into(), Select::Overlapping);
        let cut = found.find_map(Result::err).unwrap();
        assert_eq!((cut.steps, cut.resume < date(2027, 1, 1).into()), (STEPS_MAX, true), "{repeats} {excluded}");
    }
    (bomb.rules, bomb.excluded_rules) = (rules(1).collect(), Vec::new());
    let (given, cut) = century(&bomb);
    assert!(given > 0 && !cut, "one rule and as many changes are no bomb: {given}");
}

#[test]
fn rules_that_are_looked_at_only_for_a_note_take_the_steps_of_one_event_in_a_whole_file() {
    let entry = |uid: &str, rules: &[&str]| {
        let rules: String = rules.iter().map(|rule| ["RRULE:", rule, "\n"].concat()).collect();
        format!("BEGIN:VEVENT\nUID:{uid}\nDTSTART:20260105T190000Z\n{rules}END:VEVENT\n")
    };
    let noted = |entries: [&str; 2]| {
        let file = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\n", entries.concat());
        let import = read_icalendar(file.as_bytes()).unwrap();
        let noted: Vec<String> = import.diagnostics.iter().map(|note| note.component.clone()).collect();
        (import.events.len(), noted)
    };
    let bombs: String = (0..400).map(|n| entry(&format!("bomb-{n}"), &["FREQ=YEARLY"; 100])).collect();
    let tuesdays = entry("tea", &["FREQ=WEEKLY;BYDAY=TU"]);
    assert_eq!(noted([&tuesdays, &bombs]), (401, vec!["tea".to_owned()]));
    assert_eq!(noted([&bombs, &tuesdays]), (401, vec![]), "who gets no steps is given the benefit of the doubt");
}

#[test]
fn files_with_too_much_in_them_are_refused_or_read_with_a_note() {
    let inside = |text: &str| {
        format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260105T190000Z\n{text}\nEND:VEVENT\nEND:VCALENDAR\n")
    };
    let long = inside(&format!("DESCRIPTION:{}", "x".repeat(10_000_000)));
    let import = read_icalendar(long.as_bytes()).unwrap();
    let note = import.diagnostics[0].to_string();
    assert_eq!((import.events.len(), import.diagnostics.len()), (1, 1));
    assert_eq!(note, "line 5: a: DESCRIPTION: is longer than 1048576 bytes: read as empty");
    let larger = inside(&format!("DESCRIPTION:{}", "x".repeat(11_000_000)));
    assert!(matches!(read_icalendar(larger.as_bytes()), Err(ImportError::TooLarge { limit: 10_485_760, .. })));
    assert!(matches!(read_replies(larger.as_bytes()), Err(ReplyError::File(ImportError::TooLarge { .. }))));
    let many = inside(&"BEGIN:A\nEND:A\n".repeat(700_000));
    assert_eq!(
        read_icalendar(many.as_bytes()),
        Err(ImportError::TooManyComponents { line: 5 + 2 * 99_998, limit: 100_000 })
    );
    let million = "BEGIN:A\n".repeat(1_000_000);
    assert!(matches!(read_icalendar(million.as_bytes()), Err(ImportError::TooManyComponents { line: 100_001, .. })));
    let nested = inside(&format!("{}{}", "BEGIN:A\n".repeat(90_000), "END:A\n".repeat(90_000)));
    let import = read_icalendar(nested.as_bytes()).unwrap();
    assert_eq!((import.events.len(), import.diagnostics.len()), (1, 1));
    assert!(import.diagnostics[0].to_string().contains("stands too deep"), "{}", import.diagnostics[0]);
    let dates = inside(&format!("EXDATE:{}20260105T190000Z", "20260105T190000Z,".repeat(10_000)));
    let import = read_icalendar(dates.as_bytes()).unwrap();
    assert!(import.diagnostics[0].to_string().contains("more than 10,000"), "{:?}", import.diagnostics);
    let rules = inside(&"RRULE:FREQ=DAILY\n".repeat(101));
    let import = read_icalendar(rules.as_bytes()).unwrap();
    assert!(import.diagnostics[0].to_string().contains("more than 100 times"), "{:?}", import.diagnostics);
}
