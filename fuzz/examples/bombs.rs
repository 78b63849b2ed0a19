//! How long the worst inputs take, in release: `cargo run --release --example bombs`.

use std::time::Instant;

use boxoffice_core::calendar::{
    CalendarEvent, Change, Frame, Length, Range, RecurrenceRule, Select, read_icalendar, read_replies,
};
use boxoffice_core::id::{RecurrenceId, SeriesId};
use jiff::ToSpan;
use jiff::civil::{DateTime, date};

fn event(frame: &str, rules: &[&str]) -> CalendarEvent {
    let frame = if frame == "UTC" { Frame::Utc } else { Frame::zoned(frame).expect("a zone") };
    let start = date(2000, 1, 3).at(9, 0, 0, 0);
    let mut event = CalendarEvent::new(SeriesId::new("s").expect("a name"), "", start, frame, Length::ZERO);
    event.rules = rules.iter().map(|rule| RecurrenceRule::read_lenient(rule).expect("a rule")).collect();
    event
}

fn measure(name: &str, event: &CalendarEvent, from: DateTime, to: DateTime) {
    let mut best = f64::INFINITY;
    let mut answer = String::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let (mut given, mut cut) = (0, None);
        for found in event.occurrences(from, to, Select::Overlapping) {
            match found {
                Ok(_) => given += 1,
                Err(error) => cut = Some(error.resume),
            }
        }
        best = best.min(begun.elapsed().as_secs_f64() * 1e3);
        answer = format!("{given} given{}", cut.map_or(String::new(), |at| format!(", truncated at {at}")));
    }
    let begun = Instant::now();
    let has = event.has_occurrence(&RecurrenceId::utc(to)).is_ok() as u8 + event
        .has_occurrence(&RecurrenceId::local(to)).is_ok() as u8;
    let single = begun.elapsed().as_secs_f64() * 1e3;
    println!("{name:<58} {best:>9.2} ms  has_occurrence {single:>8.2} ms ({has})  {answer}");
}

fn century(name: &str, event: &CalendarEvent) {
    measure(name, event, date(2026, 1, 1).into(), date(2126, 1, 1).into());
}

fn list(to: u32) -> String {
    (0..to).map(|n| n.to_string()).collect::<Vec<_>>().join(",")
}

fn rules() {
    let every = format!("BYHOUR={};BYMINUTE={};BYSECOND={}", list(24), list(60), list(60));
    let days = (1..=366).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let odd = "FREQ=HOURLY;INTERVAL=2;BYHOUR=10";
    let table: Vec<(String, Vec<String>)> = [
        ("SECONDLY", "FREQ=SECONDLY".to_owned()),
        ("SECONDLY;COUNT=10^9", "FREQ=SECONDLY;COUNT=1000000000".to_owned()),
        ("DAILY;COUNT=10^9", "FREQ=DAILY;COUNT=1000000000".to_owned()),
        ("MINUTELY;COUNT=4294967295 limited", "FREQ=MINUTELY;INTERVAL=7;COUNT=4294967295;BYHOUR=3,5,9;BYMINUTE=1,8,30".to_owned()),
        ("SECONDLY;INTERVAL=7;COUNT limited", "FREQ=SECONDLY;INTERVAL=7;COUNT=4294967295;BYSECOND=1,9,17".to_owned()),
        ("YEARLY all times BYSETPOS=-1", format!("FREQ=YEARLY;{every};BYSETPOS=-1")),
        ("YEARLY all days and times, BYSETPOS list", format!("FREQ=YEARLY;BYYEARDAY={days};{every};BYSETPOS={days}")),
        ("DAILY all times BYSETPOS list", format!("FREQ=DAILY;{every};BYSETPOS={days}")),
        ("WEEKLY all times BYSETPOS list", format!("FREQ=WEEKLY;{every};BYSETPOS={days}")),
        ("HOURLY all times BYSETPOS=366", format!("FREQ=HOURLY;BYMINUTE={};BYSECOND={};BYSETPOS=366,-366", list(60), list(60))),
        ("YEARLY all times without BYSETPOS", format!("FREQ=YEARLY;{every}")),
        ("no instance: 30 February", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30".to_owned()),
        ("no instance: MONTHLY 31 April", "FREQ=MONTHLY;BYMONTH=4,6,9,11;BYMONTHDAY=31".to_owned()),
        ("no instance: gcd parity", odd.to_owned()),
        ("no instance: SECONDLY gcd parity", "FREQ=SECONDLY;INTERVAL=60;BYSECOND=1".to_owned()),
        ("no instance: MINUTELY, days and parity", "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=10".to_owned()),
        ("no instance: BYSETPOS out of range", "FREQ=DAILY;BYHOUR=1,2;BYSETPOS=3".to_owned()),
        ("no instance: MONTHLY BYSETPOS out of range", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6".to_owned()),
        ("no instance: WEEKLY BYSETPOS out of range", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=2".to_owned()),
        ("no instance: SECONDLY 30 February", "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30".to_owned()),
        ("no instance: SECONDLY;COUNT 30 February", "FREQ=SECONDLY;COUNT=5;BYMONTH=2;BYMONTHDAY=30".to_owned()),
        ("no instance: week 53 day 100", "FREQ=YEARLY;BYWEEKNO=53;BYYEARDAY=100".to_owned()),
        ("SECONDLY;INTERVAL=4294967295", "FREQ=SECONDLY;INTERVAL=4294967295".to_owned()),
        ("YEARLY;INTERVAL=4294967295", "FREQ=YEARLY;INTERVAL=4294967295".to_owned()),
        ("SECONDLY;INTERVAL=86399;BYSECOND=7;BYMINUTE=7;BYHOUR=7", "FREQ=SECONDLY;INTERVAL=86399;BYSECOND=7;BYMINUTE=7;BYHOUR=7".to_owned()),
        ("SECONDLY;INTERVAL=86399 with COUNT", "FREQ=SECONDLY;INTERVAL=86399;COUNT=4294967295;BYSECOND=7;BYMINUTE=7;BYHOUR=7".to_owned()),
    ]
    .into_iter()
    .map(|(name, rule)| (name.to_owned(), vec![rule]))
    .chain([
        ("100 rules that hardly match".to_owned(), (0..100).map(|n| format!("FREQ=SECONDLY;INTERVAL={};BYSECOND=7;BYMINUTE=7;BYHOUR=7;BYMONTHDAY=29;BYMONTH=2", 86_399 - n)).collect()),
        ("100 rules with COUNT".to_owned(), (0..100).map(|n| format!("FREQ=MINUTELY;INTERVAL={};COUNT=4294967295;BYHOUR=3,5", 7 + n)).collect()),
    ])
    .collect();
    for (name, rules) in &table {
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        for zone in ["UTC", "America/New_York"] {
            century(&format!("{name} [{zone}]"), &event(zone, &rules));
        }
        let mut skipping = event("America/New_York", &rules);
        skipping.gap = boxoffice_core::calendar::Gap::Skip;
        century(&format!("{name} [Gap::Skip]"), &skipping);
    }
    let mut excluded = event("UTC", &["FREQ=SECONDLY"]);
    excluded.excluded_rules = vec!["FREQ=SECONDLY".parse().expect("a rule")];
    century("SECONDLY less EXRULE:SECONDLY", &excluded);
    let mut excluded = event("America/New_York", &["FREQ=YEARLY"]);
    excluded.excluded_rules = vec!["FREQ=SECONDLY".parse().expect("a rule"); 100];
    century("YEARLY less 100 EXRULE:SECONDLY", &excluded);
    excluded.excluded_rules = vec!["FREQ=SECONDLY;INTERVAL=7;COUNT=4294967295;BYSECOND=1,9".parse().expect("a rule"); 100];
    century("YEARLY less 100 EXRULE:SECONDLY;COUNT limited", &excluded);
}

fn products() {
    let start = date(2000, 1, 3).at(9, 0, 0, 0);
    let yearly: Vec<String> = (1..=100).map(|n| format!("FREQ=YEARLY;INTERVAL={n}")).collect();
    for (rules, excluded) in [(100, 100), (100, 0), (1, 100), (1, 0)] {
        let rules: Vec<&str> = yearly.iter().take(rules).map(String::as_str).collect();
        let mut bomb = event("UTC", &rules);
        bomb.excluded_rules = yearly.iter().take(excluded).map(|rule| rule.parse().expect("a rule")).collect();
        bomb.length = Length::days(36_500);
        let change = |n: i64| Change {
            of: start + n.seconds(),
            range: Range::ThisAndFuture,
            start: start + n.seconds(),
            frame: Frame::Utc,
            length: bomb.length,
            summary: bomb.summary.clone(),
            cancelled: false,
            details: bomb.details.clone(),
        };
        bomb.changes = (0..4_999).map(change).collect();
        century(&format!("{} rules, {excluded} EXRULEs, 4,999 lasting changes", rules.len()), &bomb);
    }
}

fn lists() {
    let start = date(2000, 1, 3).at(9, 0, 0, 0);
    for zone in ["UTC", "America/New_York"] {
        for rule in ["FREQ=DAILY", "FREQ=DAILY;COUNT=100000", "FREQ=SECONDLY", "FREQ=SECONDLY;INTERVAL=7;COUNT=4294967295;BYSECOND=1,9"] {
            let mut daily = event(zone, &[rule]);
            daily.excluded = (0..10_000).map(|n| start + (n * 3).days()).collect();
            century(&format!("10,000 EXDATEs of {rule} [{zone}]"), &daily);
            daily.excluded.clear();
            daily.dates = (0..10_000).map(|n| (start + (n * 3).days(), None)).collect();
            century(&format!("10,000 RDATEs with {rule} [{zone}]"), &daily);
            for (range, steps) in [(Range::This, 0), (Range::ThisAndFuture, 0), (Range::ThisAndFuture, 5_000)] {
                let change = |n: i64| Change {
                    of: start + (n * 3).days(),
                    range,
                    start: start + (n * 3 + n % (steps + 1)).days() + 1.hour(),
                    frame: daily.frame.clone(),
                    length: Length::ZERO,
                    summary: daily.summary.clone(),
                    cancelled: false,
                    details: daily.details.clone(),
                };
                let mut changed = event(zone, &[rule]);
                changed.changes = (0..10_000).map(change).collect();
                century(&format!("10,000 {range:?} moved {steps} of {rule} [{zone}]"), &changed);
                if range == Range::ThisAndFuture && steps == 0 {
                    changed.dates = daily.dates.clone();
                    changed.excluded = daily.dates.iter().map(|(at, _)| *at + 1.day()).collect();
                    century(&format!("the same with 10,000 RDATEs and EXDATEs of {rule} [{zone}]"), &changed);
                }
            }
        }
    }
}

fn file(name: &str, text: &str) {
    let begun = Instant::now();
    let import = read_icalendar(text.as_bytes());
    let taken = begun.elapsed().as_secs_f64() * 1e3;
    let begun = Instant::now();
    let replies = read_replies(text.as_bytes());
    let replied = begun.elapsed().as_secs_f64() * 1e3;
    let answer = match &import {
        Ok(import) => format!("{} events, {} notes", import.events.len(), import.diagnostics.len()),
        Err(error) => error.to_string(),
    };
    let megabytes = text.len() as f64 / 1e6;
    println!("{name:<44} {megabytes:>6.2} MB {taken:>9.1} ms  {:>8.1} ms/MB  read_replies {replied:>8.1} ms ({})  {answer}", taken / megabytes, replies.is_ok());
}

fn files() {
    let inside = |text: &str| format!("BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T190000Z\r\n{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    for (name, bytes) in [("1 MB", 1_000_000), ("10 MB", 10_000_000)] {
        file(&format!("a line of {name}"), &inside(&format!("SUMMARY:{}", "x".repeat(bytes))));
        file(&format!("a folded line of {name}"), &inside(&format!("SUMMARY:{}", "x\r\n ".repeat(bytes / 4))));
        file(&format!("a line of escapes of {name}"), &inside(&format!("SUMMARY:{}", "\\,".repeat(bytes / 2))));
        file(&format!("{name} of quotes in a parameter"), &inside(&format!("X-A;X-B={}:x", "\",".repeat(bytes / 2))));
        file(&format!("{name} of parameters"), &inside(&format!("X-A{}:x", ";X=\"y\"".repeat(bytes / 6))));
        file(&format!("{name} of components"), &format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", "BEGIN:A\r\nEND:A\r\n".repeat(bytes / 16)));
        file(&format!("{name} of nested components"), &"BEGIN:A\r\n".repeat(bytes / 9));
        file(&format!("{name} nested and ended"), &format!("BEGIN:VCALENDAR\r\n{}{}END:VCALENDAR\r\n", "BEGIN:A\r\n".repeat(90_000), "END:A\r\n".repeat(90_000)));
        file(&format!("{name} of small lines"), &inside(&"X:1\r\n".repeat(bytes / 5)));
        file(&format!("{name} of bad lines"), &inside(&"bad\r\n".repeat(bytes / 5)));
        file(&format!("{name} of events of one UID"), &format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", "BEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260105T190000Z\r\nEND:VEVENT\r\n".repeat(bytes / 62)));
        file(&format!("{name} of events"), &format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", (0..bytes / 68).map(|n| format!("BEGIN:VEVENT\r\nUID:{n}\r\nDTSTART:20260105T190000Z\r\nEND:VEVENT\r\n")).collect::<String>()));
        file(&format!("{name} of changes"), &format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", (0..bytes / 100).map(|n| format!("BEGIN:VEVENT\r\nUID:a\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:{}T{:02}{:02}{:02}Z\r\nDTSTART:20260105T190000Z\r\nEND:VEVENT\r\n", 20_260_101 + n / 86_400, n / 3_600 % 24, n / 60 % 60, n % 60)).collect::<String>()));
        let unknown = |n: usize| format!("DTSTART;TZID=Nowhere/{n}:20260105T190000\r\n");
        file(&format!("{name} of events in unknown zones"), &format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", (0..bytes / 80).map(|n| format!("BEGIN:VEVENT\r\nUID:{n}\r\n{}END:VEVENT\r\n", unknown(n))).collect::<String>()));
        let zone = |n: usize| format!("BEGIN:VTIMEZONE\r\nTZID:Z{n}\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nRRULE:FREQ=DAILY\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:{n}\r\nDTSTART;TZID=Z{n}:20260105T190000\r\nEND:VEVENT\r\n");
        file(&format!("{name} of odd VTIMEZONEs, each used"), &format!("BEGIN:VCALENDAR\r\n{}END:VCALENDAR\r\n", (0..bytes / 250).map(zone).collect::<String>()));
        file(&format!("{name} of RDATEs"), &inside(&format!("RDATE:{}", "20260105T190000Z,".repeat(bytes / 17))));
        file(&format!("{name} of an RRULE"), &inside(&format!("RRULE:FREQ=DAILY;BYMONTH={}", "1,".repeat(bytes / 2))));
        file(&format!("{name} of an RRULE, parts"), &inside(&format!("RRULE:FREQ=DAILY;{}", "X=1;".repeat(bytes / 4))));
    }
}

fn main() {
    let part = std::env::args().nth(1).unwrap_or_default();
    if part != "files" {
        rules();
        products();
        lists();
    }
    if part != "rules" {
        files();
    }
}
