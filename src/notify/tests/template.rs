//! Templates: what notices say, and what they never say.

use serde_json::{Value, json};

use super::*;

fn event() -> EventFacts {
    EventFacts {
        summary: "Chess evening".to_owned(),
        starts: at("2026-01-05T18:00:00Z"),
        ends: at("2026-01-05T20:00:00Z"),
        zone: "Europe/Berlin".to_owned(),
        all_day: false,
        location: Some("Hall 2".to_owned()),
        url: Some("https://club.example/chess".to_owned()),
    }
}

fn reader() -> Reader {
    Reader { name: Some("Ann".to_owned()), unsubscribe: None }
}

fn places() -> Vec<String> {
    ["A1", "A2"].map(str::to_owned).to_vec()
}

fn reminder(event: EventFacts) -> ReminderFacts {
    ReminderFacts { reader: reader(), event, seats: 2, places: places() }
}

/// The facts of every kind of boxoffice, about an event.
fn facts(event: &EventFacts, reader: &Reader) -> Vec<(NoticeKind, Value)> {
    let (event, reader, places) = (|| event.clone(), || reader.clone(), places);
    let deadline = at("2026-01-04T11:30:00Z");
    let digest = DigestFacts {
        reader: reader(),
        from: at("2026-01-05T07:00:00Z"),
        to: at("2026-01-06T07:00:00Z"),
        zone: "Europe/Berlin".to_owned(),
        entries: vec![DigestEntry { event: event(), note: Some("2 seats".to_owned()) }],
        left_out: 3,
    };
    let offer =
        OfferFacts { reader: reader(), event: event(), seats: 2, places: places(), deadline, position: Some(3) };
    let hold = HoldLapsingFacts { reader: reader(), event: event(), seats: 1, places: Vec::new(), deadline };
    let rescheduled = RescheduledFacts {
        reader: reader(),
        event: event(),
        was_starts: at("2026-07-06T17:00:00Z"),
        was_zone: "Europe/Berlin".to_owned(),
        was_all_day: false,
        seats: 1,
        places: Vec::new(),
    };
    let reason = Some("The hall is closed.".to_owned());
    let cancelled = CancelledFacts { reader: reader(), event: event(), reason, takes_place: false };
    let reminder = ReminderFacts { reader: reader(), event: event(), seats: 2, places: places() };
    let confirmation = ConfirmationFacts { reader: reader(), event: event(), seats: 2, places: places() };
    vec![
        (NoticeKind::Reminder, json!(reminder)),
        (NoticeKind::Digest, json!(digest)),
        (NoticeKind::Confirmation, json!(confirmation)),
        (NoticeKind::Offer, json!(offer)),
        (NoticeKind::HoldLapsing, json!(hold)),
        (NoticeKind::Rescheduled, json!(rescheduled)),
        (NoticeKind::Cancelled, json!(cancelled)),
    ]
}

#[test]
fn each_kind_says_what_it_is_about() {
    let wanted = [
        "Reminder: Chess evening, Monday, 5 January 2026, 19:00 CET (UTC+01:00)",
        "Coming up: 1 event from Monday, 5 January 2026",
        "Booked: Chess evening, Monday, 5 January 2026, 19:00 CET (UTC+01:00)",
        "2 seats are free for you: Chess evening",
        "Held for you until Sunday, 4 January 2026, 12:30 CET (UTC+01:00): Chess evening",
        "New time: Chess evening, Monday, 5 January 2026, 19:00 CET (UTC+01:00)",
        "Cancelled: Chess evening, Monday, 5 January 2026, 19:00 CET (UTC+01:00)",
    ];
    let further = [
        "You have 2 seats (A1, A2).",
        "And 3 more.",
        "you have 2 seats (A1, A2) for:",
        "number 3 in line",
        "Please confirm until Sunday, 4 January 2026, 12:30 CET (UTC+01:00).",
        "Before, it was Monday, 6 July 2026, 19:00 CEST (UTC+02:00). You keep 1 seat.",
        "The hall is closed.",
    ];
    let templates = Templates::new();
    for (((kind, facts), subject), further) in facts(&event(), &reader()).into_iter().zip(wanted).zip(further) {
        let letter = templates.render(&kind, &facts).unwrap();
        assert_eq!(letter.subject, subject);
        assert!(letter.text.contains("Monday, 5 January 2026, 19:00 CET (UTC+01:00)"), "{}", letter.text);
        assert!(letter.text.starts_with("Hello Ann,\n\n"), "{}", letter.text);
        assert!(letter.text.contains(further), "{kind}: {}", letter.text);
        let html = letter.html.unwrap();
        assert!(html.starts_with("<!doctype html>") && html.contains("<strong>Chess evening</strong>"), "{html}");
    }
}

#[test]
fn a_reminder_reads_well() {
    let reader = Reader { unsubscribe: Some("https://club.example/u/abc".to_owned()), ..reader() };
    let letter =
        Templates::new().render(&NoticeKind::Reminder, &ReminderFacts { reader, ..reminder(event()) }).unwrap();
    assert_eq!(
        letter.text,
        "Hello Ann,\n\nthis is coming up:\n\nChess evening\nMonday, 5 January 2026, 19:00 CET (UTC+01:00)\nHall 2\n\n\
         You have 2 seats (A1, A2).\n\nDetails: https://club.example/chess\n\n--\n\
         No more mails like this one: https://club.example/u/abc"
    );
}

#[test]
fn whole_days_have_no_hour() {
    let event = EventFacts { all_day: true, starts: at("2026-01-04T23:00:00Z"), location: None, url: None, ..event() };
    for (kind, facts) in facts(&event, &Reader::default()) {
        let letter = Templates::new().render(&kind, &facts).unwrap();
        assert!(letter.text.contains("Monday, 5 January 2026"), "{}", letter.text);
        assert!(!letter.text.contains("00:00 CET"), "{}", letter.text);
        assert!(letter.text.starts_with("Hello,\n"), "{}", letter.text);
    }
}

#[test]
fn times_are_those_of_the_zone() {
    let mut templates = Templates::new();
    let kind = NoticeKind::custom("probe").unwrap();
    templates.set(&kind, TemplatePart::Subject, "{{ t | local(z) }}").unwrap();
    templates.set(&kind, TemplatePart::Text, "{{ t | time(z) }} {{ t | day(z) }} {{ t | rfc3339(z) }}").unwrap();
    let table = [
        ("Europe/Berlin", "2026-10-25T00:30:00Z", "Sunday, 25 October 2026, 02:30 CEST (UTC+02:00)"),
        ("Europe/Berlin", "2026-10-25T01:30:00Z", "Sunday, 25 October 2026, 02:30 CET (UTC+01:00)"),
        ("America/New_York", "2026-07-04T00:00:00Z", "Friday, 3 July 2026, 20:00 EDT (UTC-04:00)"),
        ("Australia/Lord_Howe", "2026-01-01T00:00:00Z", "Thursday, 1 January 2026, 11:00 +11 (UTC+11:00)"),
        ("Mars/Olympus", "2026-01-01T00:00:00Z", "Thursday, 1 January 2026, 00:00 UTC (UTC+00:00)"),
    ];
    for (zone, instant, wanted) in table {
        assert_eq!(templates.render(&kind, &json!({"t": at(instant), "z": zone})).unwrap().subject, wanted);
    }
    let letter = templates.render(&kind, &json!({"t": 0, "z": "Europe/Berlin"})).unwrap();
    assert_eq!(letter.text, "01:00 CET Thursday, 1 January 1970 1970-01-01T01:00:00+01:00");
    let beyond = templates.render(&kind, &json!({"t": i64::MAX, "z": "UTC"}));
    assert!(matches!(beyond, Err(TemplateError::Render { .. })), "{beyond:?}");
}

#[test]
fn what_people_write_is_never_markup() {
    let evil = "<script>alert(1)</script>\"'&";
    let event = EventFacts {
        summary: evil.to_owned(),
        location: Some(evil.to_owned()),
        url: Some("javascript:x".to_owned()),
        ..event()
    };
    let reader = Reader { name: Some(evil.to_owned()), unsubscribe: Some(format!("https://x.example/{evil}")) };
    for (kind, facts) in facts(&event, &reader) {
        let letter = Templates::new().render(&kind, &facts).unwrap();
        let html = letter.html.unwrap();
        assert!(!html.contains("<script") && !html.contains("javascript:"), "{html}");
        assert!(html.contains("&lt;script&gt;"), "{html}");
        assert!(!html.contains("\"'&\""), "no way out of an attribute: {html}");
        assert!(letter.text.contains(evil), "plain text is plain: {}", letter.text);
    }
}

#[test]
fn a_subject_is_one_line_whatever_is_in_it() {
    let breaks = "Chess\r\nBcc: all@example.org\r\n\r\nbody\u{85}x\u{2028}y\u{2029}z\0\t end ";
    let event = EventFacts { summary: breaks.to_owned(), ..event() };
    for (kind, facts) in facts(&event, &reader()) {
        let subject = Templates::new().render(&kind, &facts).unwrap().subject;
        assert!(!subject.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')), "{subject:?}");
        assert_eq!(subject.trim(), subject);
        assert!(
            kind == NoticeKind::Digest || subject.contains("Chess Bcc: all@example.org body x y z end"),
            "{subject:?}"
        );
    }
    let long = EventFacts { summary: "ä".repeat(10_000), ..self::event() };
    let subject = Templates::new().render(&NoticeKind::Reminder, &reminder(long)).unwrap().subject;
    assert_eq!((subject.chars().count(), subject.chars().last()), (200, Some('…')));
}

#[test]
fn an_error_names_the_template_and_the_line() {
    let mut templates = Templates::new();
    let kind = NoticeKind::Reminder;
    let error = templates.set(&kind, TemplatePart::Html, "a\nb\n{% for x in %}").unwrap_err();
    assert!(error.to_string().starts_with("reminder.html, line 3: "), "{error}");
    let before = templates.render(&kind, &reminder(event())).unwrap();
    assert!(before.html.unwrap().contains("<strong>Chess evening"), "the one before stays");

    templates.set(&kind, TemplatePart::Text, "a\n{{ sumary }}").unwrap();
    let error = templates.render(&kind, &reminder(event())).unwrap_err();
    assert!(error.to_string().starts_with("reminder.txt, line 2: "), "{error}");
    for source in [
        "{% if nothing %}x{% endif %}",
        "{{ summary.nothing.more }}",
        "{{ summary | nothing }}",
        "{{ starts | local('x') | upper(1) }}",
        "{% include 'a' %}",
        "{% macro a() %}{% endmacro %}",
    ] {
        let set = templates.set(&kind, TemplatePart::Text, source);
        assert!(set.is_err() || templates.render(&kind, &reminder(event())).is_err(), "{source}");
    }
    templates.set(&kind, TemplatePart::Text, "{% if nothing is defined %}x{% else %}fine{% endif %}").unwrap();
    assert_eq!(templates.render(&kind, &reminder(event())).unwrap().text, "fine");
}

#[test]
fn a_kind_of_the_host_needs_a_subject_and_a_text() {
    let mut templates = Templates::new();
    let news = NoticeKind::custom("news").unwrap();
    let missing = |part: &str| Err(TemplateError::Missing { template: format!("news.{part}") });
    assert_eq!(templates.render(&news, &json!({})), missing("subject"));
    templates.set(&news, TemplatePart::Subject, "News").unwrap();
    assert_eq!(templates.render(&news, &json!({})), missing("txt"));
    templates.set(&news, TemplatePart::Text, "Tea").unwrap();
    assert_eq!(templates.render(&news, &json!({})).unwrap().html, None);
}

#[test]
fn no_template_runs_or_writes_for_ever() {
    let mut templates = Templates::new();
    let kind = NoticeKind::custom("bomb").unwrap();
    templates.set(&kind, TemplatePart::Subject, "x").unwrap();
    let nested = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let written = "{% for a in range(9999) %}0123456789012345678901234567890123456789{% endfor %}";
    let template = "bomb.txt".to_owned();
    let long = || TemplateError::TooLong { template: template.clone(), limit: 256 * 1_024 };
    for (source, wanted) in [(nested, TemplateError::Endless { template: template.clone() }), (written, long())] {
        templates.set(&kind, TemplatePart::Text, source).unwrap();
        assert_eq!(templates.render(&kind, &json!({})), Err(wanted), "{}", &source[..40]);
    }
    let source = "x".repeat(64 * 1_024 + 1);
    let wanted = Err(TemplateError::TooLong { template: template.clone(), limit: 64 * 1_024 });
    assert_eq!(templates.set(&kind, TemplatePart::Text, &source), wanted);
}

#[test]
fn a_long_digest_has_steps_enough() {
    let entry = DigestEntry { event: event(), note: None };
    let digest = |entries| DigestFacts {
        reader: reader(),
        from: at("2026-01-05T07:00:00Z"),
        to: at("2026-01-06T07:00:00Z"),
        zone: "Europe/Berlin".to_owned(),
        entries: vec![entry.clone(); entries],
        left_out: 0,
    };
    let letter = Templates::new().render(&NoticeKind::Digest, &digest(1_000)).unwrap();
    assert_eq!(letter.text.matches("Chess evening").count(), 1_000);
    let none = Templates::new().render(&NoticeKind::Digest, &digest(0)).unwrap();
    assert!(none.text.contains("nothing is coming up until Tuesday, 6 January 2026."), "{}", none.text);
    assert!(none.subject.starts_with("Coming up: 0 events"));
}

#[test]
fn what_was_written_does_not_appear_in_debug_forms() {
    let letter = Templates::new().render(&NoticeKind::Reminder, &reminder(event())).unwrap();
    assert_eq!(format!("{letter:?}"), "Rendered { .. }");
    assert!(format!("{:?}", Templates::new()).contains("hold_lapsing.html"));
}
