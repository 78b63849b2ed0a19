//! Invitations, cancellations and answers, with the properties that RFC 5546 demands of each.

use std::sync::Arc;

use jiff::civil::date;

use super::super::*;
use crate::id::SeriesId;
use crate::time::Timestamp;

fn chess() -> CalendarEvent {
    let start = date(2026, 1, 5).at(19, 0, 0, 0);
    let berlin = Frame::zoned("Europe/Berlin").unwrap();
    let mut chess = CalendarEvent::new(SeriesId::new("chess").unwrap(), "", start, berlin, Length::ZERO)
        .repeating("FREQ=WEEKLY;COUNT=9".parse().unwrap());
    let attendee = |address: &str| Property::new("ATTENDEE", address).with_parameter("CN", "Ann");
    chess.details = Arc::new(Details {
        sequence: 3,
        properties: vec![
            attendee("MAILTO:ann@club.example"),
            attendee("mailto:gone@club.example"),
            Property::new("ORGANIZER", "mailto:old@club.example"),
        ],
        ..Details::default()
    });
    chess
}

fn invitation(event: &CalendarEvent) -> Invitation<'_> {
    let attendees = &["mailto:ann@club.example", "bob@club.example\r\nX:1"];
    Invitation { event, product_id: "-//Club//EN", stamp: Timestamp::EPOCH, organizer: "club@club.example", attendees }
}

/// The lines, unfolded; all are whole, and the names of the last component come out.
fn lines(text: &str) -> Vec<String> {
    assert!(text.split("\r\n").all(|line| line.len() <= 75));
    text.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()
}

#[track_caller]
fn check_has(text: &str, wanted: &[&str]) {
    let lines = lines(text);
    for line in wanted {
        assert_eq!(lines.iter().filter(|found| found == line).count(), 1, "{line}:\n{text}");
    }
}

#[test]
fn a_request_names_organizer_and_attendees_and_asks_those_who_are_new() {
    let mut event = chess();
    let cancelled = Change {
        of: date(2026, 1, 12).at(19, 0, 0, 0),
        range: Range::This,
        start: date(2026, 1, 12).at(19, 0, 0, 0),
        frame: event.frame.clone(),
        length: Length::ZERO,
        summary: "".into(),
        cancelled: true,
        details: Arc::default(),
    };
    event.changes.push(cancelled);
    let text = invitation(&event).request();
    check_has(
        &text,
        &[
            "METHOD:REQUEST",
            "BEGIN:VTIMEZONE",
            "BEGIN:VEVENT",
            "UID:chess",
            "DTSTAMP:19700101T000000Z",
            "SEQUENCE:3",
            "SUMMARY:",
            "DTSTART;TZID=Europe/Berlin:20260105T190000",
            "RRULE:FREQ=WEEKLY;COUNT=9",
            "ORGANIZER:mailto:club@club.example",
            "EXDATE;TZID=Europe/Berlin:20260112T190000",
            "ATTENDEE;CN=Ann:MAILTO:ann@club.example",
            "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:bob@club.example\\nX:1",
        ],
    );
    assert!(!text.contains("gone@") && !text.contains("old@") && !text.contains("CANCELLED"), "{text}");
}

#[test]
fn a_cancellation_is_of_the_whole_or_of_one_occurrence() {
    let event = chess();
    let common = [
        "METHOD:CANCEL",
        "UID:chess",
        "SEQUENCE:3",
        "STATUS:CANCELLED",
        "ORGANIZER:mailto:club@club.example",
        "ATTENDEE:mailto:ann@club.example",
        "DTSTAMP:19700101T000000Z",
    ];
    let whole = invitation(&event).cancel(None);
    check_has(&whole, &common);
    assert!(!whole.contains("RECURRENCE-ID") && !whole.contains("VALARM"));
    let one = invitation(&event).cancel(Some(date(2026, 1, 12).at(19, 0, 0, 0)));
    check_has(&one, &common);
    check_has(&one, &["RECURRENCE-ID;TZID=Europe/Berlin:20260112T190000"]);
    let read = read_icalendar(one.as_bytes()).unwrap();
    assert!(read.events[0].changes[0].cancelled && read.diagnostics.is_empty());
}

#[test]
fn an_answer_reads_back_as_it_was_given() {
    let event = chess();
    let text =
        invitation(&event).reply(Some(date(2026, 1, 12).at(19, 0, 0, 0)), "ann@club.example", Participation::Declined);
    check_has(
        &text,
        &["METHOD:REPLY", "ATTENDEE;PARTSTAT=DECLINED:mailto:ann@club.example", "ORGANIZER:mailto:club@club.example"],
    );
    let replies = read_replies(text.as_bytes()).unwrap();
    assert_eq!(replies.len(), 1);
    let reply = &replies[0];
    assert_eq!(
        (reply.series.as_str(), reply.attendee.as_str(), reply.sequence),
        ("chess", "mailto:ann@club.example", 3)
    );
    assert_eq!((reply.participation, reply.stamp), (Participation::Declined, Some(Timestamp::EPOCH)));
    assert_eq!(reply.recurrence_in(&event).unwrap().to_string(), "20260112T190000");
    let in_utc = text.replace("RECURRENCE-ID;TZID=Europe/Berlin:20260112T190000", "RECURRENCE-ID:20260112T180000Z");
    assert_eq!(read_replies(in_utc.as_bytes()).unwrap()[0].recurrence_in(&event), reply.recurrence_in(&event));
    let whole = read_replies(invitation(&event).reply(None, "x:y", Participation::Tentative).as_bytes()).unwrap();
    assert_eq!((whole[0].recurrence_in(&event), whole[0].attendee.as_str()), (None, "x:y"));
}

#[test]
fn what_is_no_answer_is_refused_by_the_property_that_is_wrong() {
    let event = chess();
    let text = invitation(&event).reply(None, "ann@club.example", Participation::Accepted);
    let table = [
        ("METHOD:REPLY", "METHOD:REQUEST", "METHOD is \"REQUEST\", not REPLY"),
        ("METHOD:REPLY", "X-A:b", "METHOD is \"\", not REPLY"),
        ("UID:chess", "X-A:b", "UID is missing, or says nothing sensible"),
        ("PARTSTAT=ACCEPTED", "PARTSTAT=MAYBE", "ATTENDEE is missing, or says nothing sensible"),
        ("SEQUENCE:3", "SEQUENCE:x", "SEQUENCE is missing, or says nothing sensible"),
        ("DTSTAMP:19700101T000000Z", "DTSTAMP:x", "DTSTAMP is missing, or says nothing sensible"),
        ("ORGANIZER:", "RECURRENCE-ID:", "RECURRENCE-ID is missing, or says nothing sensible"),
        ("ORGANIZER:", "ATTENDEE:", "ATTENDEE is missing, or says nothing sensible"),
        ("VEVENT", "VTODO", "there is no VEVENT in it"),
    ];
    for (from, to, message) in table {
        assert!(text.contains(from), "{from}");
        let error = read_replies(text.replace(from, to).as_bytes()).unwrap_err().to_string();
        assert!(error.ends_with(message), "{error} / {message}");
    }
}
