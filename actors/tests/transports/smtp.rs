//! Mail over SMTP, against a server that is scripted.

use std::time::Duration;

use boxoffice::notify::{Blame, SendOutcome, Transport};
use boxoffice::transport::{MailComposer, SmtpBuilder, SmtpError, SmtpSecurity, SmtpTransport, send_within};
use tokio::net::TcpListener;

use crate::smtp_server::{Script, SmtpServer, Step};
use crate::{letter, told};

pub(crate) fn builder(port: u16) -> SmtpBuilder {
    let composer = MailComposer::new("tickets@club.example").unwrap();
    SmtpTransport::builder("127.0.0.1", composer).port(port).security(SmtpSecurity::Plain)
}

fn transport(port: u16) -> SmtpTransport {
    builder(port).build().unwrap()
}

/// One whose attempts are given up soon.
fn hasty(port: u16) -> SmtpTransport {
    let short = Duration::from_millis(700);
    builder(port).open_timeout(short).timeout(short * 2).build().unwrap()
}

#[tokio::test]
async fn a_letter_that_is_taken_is_ok_with_the_reply_but_without_addresses() {
    let server = SmtpServer::start(Script::default());
    let outcome = transport(server.port).send(&letter("a")).await;
    assert_eq!(outcome, SendOutcome::Ok { info: "250 2.0.0 queued as 7 for (address)".to_owned() });
    let commands = server.look(|seen| seen.commands.clone());
    assert_eq!(
        commands,
        ["EHLO club.example", "MAIL FROM:<tickets@club.example>", "RCPT TO:<ann@club.example>", "DATA"]
    );
}

#[tokio::test]
async fn each_reply_has_its_outcome() {
    let (letter_, channel) = (Some(Blame::Letter), Some(Blame::Channel));
    let say = Step::Say;
    let usual = Script::default;
    let cases = [
        (Script { banner: say("554 no service"), ..usual() }, "retry", channel, 0),
        (Script { banner: Step::Close, ..usual() }, "retry", channel, 0),
        (Script { hello: say("502 what"), ..usual() }, "retry", channel, 0),
        (Script { mail: say("421 closing"), ..usual() }, "retry", channel, 0),
        (Script { mail: say("530 log in first"), ..usual() }, "retry", channel, 0),
        (Script { mail: say("550 not from you"), ..usual() }, "retry", channel, 0),
        (Script { mail: Step::Close, ..usual() }, "retry", channel, 0),
        (Script { rcpt: say("421 closing"), ..usual() }, "retry", channel, 0),
        (Script { rcpt: say("450 later"), ..usual() }, "retry", letter_, 0),
        (Script { rcpt: say("451 later"), ..usual() }, "retry", letter_, 0),
        (Script { rcpt: say("452 full"), ..usual() }, "retry", letter_, 0),
        (Script { rcpt: say("550 5.1.1 <ann@club.example> unknown"), ..usual() }, "permanent", None, 0),
        (Script { rcpt: Step::Close, ..usual() }, "retry", channel, 0),
        (Script { data: say("451 later"), ..usual() }, "retry", letter_, 0),
        (Script { data: say("250 what"), ..usual() }, "retry", channel, 0),
        (Script { data: Step::Close, ..usual() }, "retry", channel, 0),
        (Script { end: say("451 later"), ..usual() }, "retry", letter_, 0),
        (Script { end: say("421 closing"), ..usual() }, "retry", channel, 0),
        (Script { end: say("554 spam"), ..usual() }, "permanent", None, 0),
        (Script { end: say("354 what"), ..usual() }, "uncertain", None, 0),
        (Script { end: say("nonsense"), ..usual() }, "uncertain", None, 0),
        (Script { end: Step::Close, ..usual() }, "uncertain", None, 1),
    ];
    for (script, name, blame, arrived) in cases {
        let server = SmtpServer::start(script.clone());
        let outcome = send_within(&transport(server.port), &letter("a")).await;
        assert_eq!((told(&outcome), server.messages().len()), ((name, blame), arrived), "{script:?} {outcome:?}");
        assert!(!format!("{outcome:?}").contains("ann@"), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_after_the_letter_leaves_it_uncertain_and_before_it_is_a_retry() {
    let usual = Script::default;
    let cases = [
        (Script { banner: Step::Hang, ..usual() }, "retry", 0),
        (Script { rcpt: Step::Hang, ..usual() }, "retry", 0),
        (Script { data: Step::Hang, ..usual() }, "retry", 0),
        (Script { end: Step::Hang, ..usual() }, "uncertain", 1),
    ];
    for (script, name, arrived) in cases {
        let server = SmtpServer::start(script.clone());
        let outcome = send_within(&hasty(server.port), &letter("a")).await;
        assert_eq!((outcome.name(), server.messages().len()), (name, arrived), "{script:?} {outcome:?}");
    }
}

#[tokio::test]
async fn a_reply_without_end_is_given_up_after_a_bounded_number_of_bytes() {
    let usual = Script::default;
    let channel = Some(Blame::Channel);
    let cases = [
        (Script { banner: Step::Flood("220-"), ..usual() }, "retry", channel, 0),
        (Script { hello: Step::Flood("250-"), ..usual() }, "retry", channel, 0),
        (Script { auth: Step::Flood("235-"), ..usual() }, "retry", channel, 0),
        (Script { mail: Step::Flood("250-"), ..usual() }, "retry", channel, 0),
        (Script { rcpt: Step::Flood("550 "), ..usual() }, "retry", channel, 0),
        (Script { data: Step::Flood("354 "), ..usual() }, "retry", channel, 0),
        (Script { end: Step::Flood("250 "), ..usual() }, "uncertain", None, 1),
    ];
    for (script, name, blame, arrived) in cases {
        let server = SmtpServer::start(script.clone());
        let transport = builder(server.port).credentials("clerk", "hunter2").build().unwrap();
        let outcome = transport.send(&letter("a")).await;
        assert_eq!((told(&outcome), server.messages().len()), ((name, blame), arrived), "{script:?} {outcome:?}");
        let flooded = server.look(|seen| seen.flooded);
        assert!(flooded < 1 << 20, "{script:?} {flooded}");
    }
}

#[tokio::test]
async fn a_reply_to_a_later_letter_may_be_as_long_as_the_one_before() {
    let server = SmtpServer::start(Script::default());
    let transport = transport(server.port);
    for number in 0..2_000 {
        assert_eq!(transport.send(&letter(&number.to_string())).await.name(), "ok");
    }
    assert_eq!(server.look(|seen| seen.connections), 1);
}

#[tokio::test]
async fn an_attempt_given_up_half_way_leaves_no_connection_to_the_next() {
    let server = SmtpServer::start(Script { end: Step::Hang, ..Script::default() });
    let transport = hasty(server.port);
    assert_eq!(send_within(&transport, &letter("a")).await.name(), "uncertain");
    server.set(Script::default());
    assert_eq!(send_within(&transport, &letter("b")).await.name(), "ok");
    assert!(server.messages()[1].contains("<b@club.example>"));
    assert_eq!(server.look(|seen| seen.connections), 2);
}

#[tokio::test]
async fn a_connection_that_is_refused_or_a_name_without_address_blames_the_channel() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    assert_eq!(told(&transport(port).send(&letter("a")).await), ("retry", Some(Blame::Channel)));
    let composer = MailComposer::new("tickets@club.example").unwrap();
    let nowhere = SmtpTransport::builder("mail.invalid", composer).build().unwrap();
    assert_eq!(told(&nowhere.send(&letter("a")).await), ("retry", Some(Blame::Channel)));
}

#[tokio::test]
async fn a_server_without_the_tls_that_was_asked_for_gets_no_mail() {
    let server = SmtpServer::start(Script::default());
    for security in [SmtpSecurity::StartTls, SmtpSecurity::Tls] {
        let transport = builder(server.port)
            .security(security)
            .credentials("ann", "hunter2")
            .open_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        assert_eq!(told(&transport.send(&letter("a")).await), ("retry", Some(Blame::Channel)));
    }
    assert!(
        server.look(|seen| seen.commands.iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")))
    );
}

#[tokio::test]
async fn credentials_that_are_refused_blame_the_channel_and_those_that_are_taken_do_not_show() {
    for (reply, wanted) in [
        ("235 welcome", ("ok", None)),
        ("535 5.7.8 wrong", ("retry", Some(Blame::Channel))),
        ("534 too weak", ("retry", Some(Blame::Channel))),
        ("454 not now", ("retry", Some(Blame::Channel))),
    ] {
        let server = SmtpServer::start(Script { auth: Step::Say(reply), ..Script::default() });
        let builder = builder(server.port).credentials("clerk", "hunter2");
        let shown = format!("{builder:?}");
        let transport = builder.build().unwrap();
        assert_eq!(told(&transport.send(&letter("a")).await), wanted, "{reply}");
        let shown = format!("{shown} {transport:?}");
        assert!(!shown.contains("hunter2") && !shown.contains("clerk") && !shown.contains("tickets@"), "{shown}");
    }
}

#[tokio::test]
async fn connections_are_kept_and_are_never_more_than_allowed() {
    let server = SmtpServer::start(Script::default());
    let transport = builder(server.port).connections(2).build().unwrap();
    for _ in 0..3 {
        assert_eq!(transport.send(&letter("a")).await.name(), "ok");
    }
    assert_eq!(server.look(|seen| seen.connections), 1);
    let letters: Vec<_> = (0..20).map(|n| letter(&n.to_string())).collect();
    for outcome in futures_util::future::join_all(letters.iter().map(|letter| transport.send(letter))).await {
        assert_eq!(outcome.name(), "ok");
    }
    assert_eq!(server.look(|seen| (seen.connections, seen.messages.len())), (2, 23));
    // A refusal of one recipient costs no connection.
    server.set(Script { rcpt: Step::Say("550 unknown"), ..Script::default() });
    for _ in 0..3 {
        assert_eq!(transport.send(&letter("a")).await.name(), "permanent");
    }
    assert_eq!(server.look(|seen| seen.connections), 2);
}

#[tokio::test]
async fn the_message_id_is_the_same_over_attempts() {
    let server = SmtpServer::start(Script { end: Step::Close, ..Script::default() });
    let transport = transport(server.port);
    for id in ["reminder-1", "with spaces"] {
        assert_eq!(transport.send(&letter(id)).await.name(), "uncertain");
        assert_eq!(transport.send(&letter(id)).await.name(), "uncertain");
    }
    let messages = server.messages();
    let ids: Vec<&str> =
        messages.iter().map(|text| text.lines().find(|line| line.starts_with("Message-ID:")).unwrap()).collect();
    assert_eq!((ids[0], ids[2]), (ids[1], ids[3]));
    assert_eq!(ids[0], "Message-ID: <reminder-1@club.example>");
    assert_ne!(ids[0], ids[2]);
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_takes_it() {
    let wide = boxoffice::notify::Letter { to: "jürgen@club.example".to_owned(), ..letter("a") };
    let server = SmtpServer::start(Script::default());
    let transport = transport(server.port);
    assert_eq!(transport.send(&wide).await.name(), "permanent");
    assert_eq!(transport.send(&letter("b")).await.name(), "ok");
    let hello = Step::Say("250-fake\r\n250-8BITMIME\r\n250 SMTPUTF8");
    let server = SmtpServer::start(Script { hello, ..Script::default() });
    assert_eq!(self::transport(server.port).send(&wide).await.name(), "ok");
    assert!(server.look(|seen| seen.commands[1].ends_with("SMTPUTF8 BODY=8BITMIME")));
}

#[test]
fn what_makes_no_sense_or_is_not_safe_is_refused() {
    let composer = || MailComposer::new("tickets@club.example").unwrap();
    let plain = |host: &str| SmtpTransport::builder(host, composer()).security(SmtpSecurity::Plain);
    let cases = [
        (plain("mail.club.example").credentials("a", "b").build().err(), Some(SmtpError::PlainCredentials)),
        (plain("localhost").credentials("a", "b").build().err(), None),
        (plain("").build().err(), Some(SmtpError::Host)),
        (plain("a b").build().err(), Some(SmtpError::Host)),
        (plain("localhost").hello_name("a\r\nQUIT").build().err(), Some(SmtpError::HelloName)),
        (plain("localhost").hello_name("::1").build().err(), None),
        (plain("localhost").connections(0).build().err(), Some(SmtpError::Connections)),
        (plain("localhost").timeout(Duration::from_secs(1)).build().err(), Some(SmtpError::Timeouts)),
        (
            SmtpTransport::builder("mail.club.example", composer()).root_certificate("-----BEGIN").build().err(),
            Some(SmtpError::Certificate),
        ),
    ];
    for (number, (found, wanted)) in cases.into_iter().enumerate() {
        assert_eq!(found, wanted, "case {number}");
    }
}
