//! Letters as messages, read back by a parser of mail.

use std::sync::Arc;

use boxoffice::clock::ManualClock;
use boxoffice::notify::{CalendarPart, Letter, Unsubscribe};
use boxoffice::transport::{MailComposer, MailError};
use mail_parser::{Message, MessageParser, MimeHeaders};

use crate::letter;

fn composer() -> MailComposer {
    let clock = ManualClock::new("2026-01-05T19:00:00Z".parse().unwrap());
    MailComposer::new("tickets@club.example").unwrap().with_clock(Arc::new(clock))
}

fn compose(letter: &Letter) -> Result<String, MailError> {
    composer().compose(letter)
}

fn parse(text: &str) -> Message<'_> {
    MessageParser::default().parse(text).unwrap()
}

fn invitation(method: &str, text: &str) -> Letter {
    let calendar = CalendarPart { method: method.to_owned(), text: text.to_owned() };
    Letter { calendar: Some(calendar), html: Some("<p>At <b>eight</b>.</p>".to_owned()), ..letter("a") }
}

const REQUEST: &str = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Grüße\r\nEND:VCALENDAR\r\n";

/// The types of the parts, depth first.
fn types(message: &Message<'_>) -> Vec<String> {
    let name = |part: &mail_parser::MessagePart<'_>| {
        let found = part.content_type().unwrap();
        format!("{}/{}", found.c_type, found.c_subtype.as_deref().unwrap())
    };
    message.parts.iter().map(name).collect()
}

#[test]
fn a_plain_letter_is_one_part_with_every_header_that_it_needs() {
    let text = compose(&letter("reminder-1")).unwrap();
    let wanted = "Date: Mon, 5 Jan 2026 19:00:00 +0000\r\n\
                  From: tickets@club.example\r\n\
                  To: ann@club.example\r\n\
                  Subject: Chess\r\n\
                  Message-ID: <reminder-1@club.example>\r\n\
                  Auto-Submitted: auto-generated\r\n\
                  MIME-Version: 1.0\r\n\
                  Content-Type: text/plain; charset=UTF-8\r\n\
                  Content-Transfer-Encoding: quoted-printable\r\n\
                  \r\n\
                  At eight.\r\n";
    assert_eq!(text, wanted);
    assert_eq!(compose(&letter("reminder-1")).unwrap(), text);
}

#[test]
fn text_html_and_invitation_are_alternatives_and_the_file_is_attached() {
    let html = Letter { html: Some("<p>Grüße</p>".to_owned()), ..letter("a") };
    let text = compose(&html).unwrap();
    assert_eq!(types(&parse(&text)), ["multipart/alternative", "text/plain", "text/html"]);
    let empty = Letter { html: Some(String::new()), ..letter("a") };
    assert_eq!(types(&parse(&compose(&empty).unwrap())), ["text/plain"]);

    let text = compose(&invitation("REQUEST", REQUEST)).unwrap();
    let message = parse(&text);
    let wanted =
        ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/calendar", "application/ics"];
    assert_eq!(types(&message), wanted);
    let calendar = message.parts[4].content_type().unwrap();
    assert_eq!((calendar.attribute("method"), calendar.attribute("charset")), (Some("REQUEST"), Some("UTF-8")));
    assert_eq!(message.parts[4].text_contents().unwrap().trim_end(), REQUEST.trim_end());
    assert_eq!(message.parts[5].contents(), REQUEST.as_bytes());
    assert_eq!(message.parts[5].attachment_name(), Some("invite.ics"));
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 78));
}

#[test]
fn an_invitation_whose_method_differs_from_its_text_is_refused() {
    let twice = format!("{REQUEST}METHOD:REQUEST\r\n");
    let cases = [
        ("REQUEST", REQUEST, None),
        ("CANCEL", REQUEST, Some(MailError::CalendarMethod)),
        ("request", REQUEST, Some(MailError::CalendarMethod)),
        ("REQUEST", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", Some(MailError::CalendarMethod)),
        ("REQUEST", &twice, Some(MailError::CalendarMethod)),
        ("REQUEST\r\nX: y", "METHOD:REQUEST\r\nX: y\r\n", Some(MailError::CalendarMethod)),
        ("CANCEL", "BEGIN:VCALENDAR\nmethod: CANCEL\nEND:VCALENDAR\n", None),
    ];
    for (method, text, wanted) in cases {
        assert_eq!(compose(&invitation(method, text)).err(), wanted, "{method} {text}");
    }
}

#[test]
fn a_letter_that_may_be_refused_says_how_in_one_click() {
    let with = |url: &str, mail: Option<&str>| {
        let unsubscribe = Unsubscribe { url: url.to_owned(), mail: mail.map(str::to_owned) };
        compose(&Letter { unsubscribe: Some(unsubscribe), ..letter("a") })
    };
    let text = with("https://club.example/u/token?a=b", Some("off+a%b@club.example")).unwrap();
    assert!(text.contains(
        "\r\nList-Unsubscribe: <https://club.example/u/token?a=b>,\r\n <mailto:off+a%25b@club.example>\r\n\
         List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    ));
    assert!(
        with("HTTPS://club.example/u", None).unwrap().contains("\r\nList-Unsubscribe: <HTTPS://club.example/u>\r\n")
    );
    assert!(!compose(&letter("a")).unwrap().contains("List-Unsubscribe"));
    let long = format!("https://{}", "x".repeat(900));
    for url in ["http://club.example/u", "https://", "https://a/>\r\nX: y", "https://a/ü", "https://a b", &long] {
        assert_eq!(with(url, None).err(), Some(MailError::UnsubscribeUrl), "{url}");
    }
    assert!(with("https://a/", Some("off@club.example\r\nX: y")).is_err());
}

#[test]
fn nothing_in_a_letter_or_a_sender_can_add_a_header() {
    for text in ["a\r\nX: y", "a\nX: y", "a\rX: y", "a\0"] {
        assert!(compose(&Letter { subject: text.to_owned(), ..letter("a") }).is_err(), "{text:?}");
        assert!(compose(&Letter { to: format!("ann@club.example{text}"), ..letter("a") }).is_err(), "{text:?}");
        assert!(MailComposer::new(&format!("{text}@club.example")).is_err(), "{text:?}");
        assert!(composer().with_name(text).is_err() && composer().with_id_domain(text).is_err(), "{text:?}");
        assert!(composer().with_reply_to(text).is_err(), "{text:?}");
    }
}

#[test]
fn only_one_bare_address_is_an_address() {
    let to = |address: &str| compose(&Letter { to: address.to_owned(), ..letter("a") }).is_ok();
    let long = format!("{}@club.example", "x".repeat(65));
    for address in ["ann@club.example", "ann+chess@localhost", "o'neil@club.example", "jürgen@größe.example"] {
        assert!(to(address), "{address}");
    }
    for address in [
        "",
        "ann",
        "@club.example",
        "ann@",
        "Ann <ann@club.example>",
        "a@b, c@d",
        "a@b@c",
        "a..b@c",
        ".a@c",
        "a.@c",
        "a b@c",
        "a@b c",
        "a@b..c",
        "a@-b",
        "\"a b\"@c",
        "a@[127.0.0.1]",
        "a(x)@c",
        "a@c>",
        "a\u{a0}@c",
        "a@c\u{2028}",
        &long,
    ] {
        assert!(!to(address), "{address}");
    }
}

#[test]
fn long_and_wide_subjects_and_names_read_back_as_they_were() {
    let subject = "Schach am Dienstag: 将棋 und Grüße ".repeat(8);
    let composer = composer().with_name("Größenwahn \"e.V.\"").unwrap().with_reply_to("office@club.example").unwrap();
    let text = composer.compose(&Letter { subject: subject.clone(), ..letter("a") }).unwrap();
    let message = parse(&text);
    assert_eq!(message.subject().map(str::trim), Some(subject.trim()));
    let from = message.from().unwrap().first().unwrap();
    assert_eq!((from.name(), from.address()), (Some("Größenwahn \"e.V.\""), Some("tickets@club.example")));
    assert_eq!(message.reply_to().unwrap().first().unwrap().address(), Some("office@club.example"));
    assert!(text.is_ascii() && text.lines().all(|line| line.len() <= 78));
    assert!(!format!("{composer:?}").contains("tickets@"));
}
