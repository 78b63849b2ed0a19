//! The format of the journal: each type is written as documented, and nothing else is read.

use super::wire::{EVENT_BYTES_MAX, decode, encode, size};
use super::*;
use crate::persist::{EventType, Fault, PayloadError};

fn id() -> FlowId {
    "k/a".parse().unwrap()
}

fn name() -> AskName {
    AskName {
        ordinal: 0,
        tag: "send 1".into(),
        kind: "request".into(),
        fingerprint: "00c0ffee00c0ffee".to_owned().try_into().unwrap(),
    }
}

fn payload(json: &str) -> Payload {
    Payload::from_json(json).unwrap()
}

fn event(event_type: &str, data: &str) -> RecordedEvent {
    let event_type = EventType::new(event_type).unwrap();
    recorded(&id(), Seq::FIRST, NewEvent { event_type, at: at(7), data: payload(data) })
}

#[rustfmt::skip]
fn table() -> Vec<(FlowEvent, &'static str, &'static str)> {
    let parent = Parent { flow: id(), run: 1, ordinal: 0, tag: "t".into() };
    let input = || payload(r#"{"x":1}"#);
    let read = [("paid".into(), Seq::new(17))];
    vec![
        (FlowEvent::Started { version: 1, input: input(), parent: None }, "flow.started.v1", r#"{"v":1,"input":{"x":1}}"#),
        (FlowEvent::Started { version: 1, input: input(), parent: Some(parent.clone()) }, "flow.started.v1",
            r#"{"v":1,"input":{"x":1},"parent":{"flow":"k/a","run":1,"ordinal":0,"tag":"t"}}"#),
        (FlowEvent::Resolved { ask: name(), version: 1, outcome: payload("null") }, "flow.resolved.v1",
            r#"{"v":1,"n":0,"tag":"send 1","kind":"request","fp":"00c0ffee00c0ffee","outcome":null}"#),
        (FlowEvent::Signalled { name: "paid".into(), version: 1, id: Some("evt-1".into()), body: payload("3") }, "flow.signalled.v1",
            r#"{"v":1,"name":"paid","id":"evt-1","body":3}"#),
        (FlowEvent::Signalled { name: "paid".into(), version: 1, id: None, body: payload("3") }, "flow.signalled.v1",
            r#"{"v":1,"name":"paid","body":3}"#),
        (FlowEvent::CancelRequested { version: 1 }, "flow.cancel_requested.v1", r#"{"v":1}"#),
        (FlowEvent::Patched { patch: "jitter-2026".into() }, "flow.patched.v1", r#"{"patch":"jitter-2026"}"#),
        (FlowEvent::Paused, "flow.paused.v1", "{}"),
        (FlowEvent::Resumed, "flow.resumed.v1", "{}"),
        (FlowEvent::Stuck { version: 1, why: Stuck::Mismatch { logged: name(), now: None } }, "flow.stuck.v1",
            r#"{"v":1,"stuck":{"why":"mismatch","logged":{"n":0,"tag":"send 1","kind":"request","fp":"00c0ffee00c0ffee"},"now":null}}"#),
        (FlowEvent::Retried { version: 2 }, "flow.retried.v1", r#"{"v":2}"#),
        (FlowEvent::Completed { output: payload("[1]") }, "flow.completed.v1", r#"{"output":[1]}"#),
        (FlowEvent::Failed { reason: "no".into() }, "flow.failed.v1", r#"{"reason":"no"}"#),
        (FlowEvent::Cancelled, "flow.cancelled.v1", "{}"),
        (FlowEvent::Terminated, "flow.terminated.v1", "{}"),
        (FlowEvent::Continued { run: 2, version: 1, input: input(), parent: None, read: read.clone().into(), cancelled: false, since: Timestamp::EPOCH },
            "flow.continued.v1", r#"{"v":1,"run":2,"input":{"x":1},"read":{"paid":17}}"#),
        (FlowEvent::Continued { run: 2, version: 1, input: input(), parent: Some(parent), read: read.into(), cancelled: true, since: Timestamp::EPOCH },
            "flow.continued.v1",
            r#"{"v":1,"run":2,"input":{"x":1},"parent":{"flow":"k/a","run":1,"ordinal":0,"tag":"t"},"read":{"paid":17},"cancelled":true}"#),
        (FlowEvent::Continued { run: 3, version: 1, input: input(), parent: None, read: [].into(), cancelled: false, since: Timestamp::from_millis(7) },
            "flow.continued.v1", r#"{"v":1,"run":3,"input":{"x":1},"since":7}"#),
    ]
}

#[test]
fn each_event_is_written_as_documented_and_read_back() {
    for (fact, event_type, data) in table() {
        let written = encode(at(7), fact.clone());
        assert_eq!((written.event_type.as_str(), written.data.json(), written.at), (event_type, data, at(7)));
        assert_eq!(decode(&recorded(&id(), Seq::FIRST, written)).unwrap(), fact);
    }
}

#[test]
fn the_names_of_all_reasons_are_part_of_the_format() {
    for (json, why) in [
        (r#"{"why":"no_program"}"#, Stuck::NoProgram),
        (r#"{"why":"no_performer","tag":"t","to":"mail"}"#, Stuck::NoPerformer { tag: "t".into(), to: "mail".into() }),
        (r#"{"why":"leftover_patch","patch":"p"}"#, Stuck::LeftoverPatch { patch: "p".into() }),
        (r#"{"why":"duplicate_tag","tag":"t"}"#, Stuck::DuplicateTag { tag: "t".into() }),
        (r#"{"why":"foreign_await"}"#, Stuck::ForeignAwait),
        (r#"{"why":"foreign_wake"}"#, Stuck::ForeignWake),
        (r#"{"why":"restless"}"#, Stuck::Restless),
        (r#"{"why":"unreadable","what":"a","reason":"b"}"#, Stuck::Unreadable { what: "a".into(), reason: "b".into() }),
        (
            r#"{"why":"unrecordable","what":"a","reason":"b"}"#,
            Stuck::Unrecordable { what: "a".into(), reason: "b".into() },
        ),
        (r#"{"why":"panicked","message":"m"}"#, Stuck::Panicked { message: "m".into() }),
        (r#"{"why":"performer","tag":"t","reason":"b"}"#, Stuck::Performer { tag: "t".into(), reason: "b".into() }),
        (r#"{"why":"too_long","turns":2,"limit":1}"#, Stuck::TooLong { turns: 2, limit: 1 }),
        (r#"{"why":"signal_names","limit":1}"#, Stuck::SignalNames { limit: 1 }),
        (r#"{"why":"journal","reason":"b"}"#, Stuck::Journal { reason: "b".into() }),
    ] {
        assert_eq!(serde_json::to_string(&why).unwrap(), json);
        assert_eq!(serde_json::from_str::<Stuck>(json).unwrap(), why);
    }
}

#[test]
fn what_is_not_in_the_table_is_corrupt() {
    for (event_type, data) in [
        ("flow.started.v2", "{}"),
        ("flow.started", r#"{"v":1,"input":1}"#),
        ("booked.v1", "{}"),
        ("flow.started.v1", r#"{"v":1}"#),
        ("flow.started.v1", r#"{"v":-1,"input":1}"#),
        ("flow.started.v1", r#"{"v":1,"input":1,"parent":{"flow":"noslash","run":1,"ordinal":0,"tag":"t"}}"#),
        ("flow.resolved.v1", r#"{"v":1,"n":0,"tag":"a","kind":"request","fp":"c0ffee","outcome":1}"#),
        ("flow.resolved.v1", r#"{"v":1,"n":0,"tag":"a","kind":"request","fp":"+0c0ffee00c0ffee","outcome":1}"#),
        ("flow.resolved.v1", r#"{"v":1,"n":0,"tag":"a","kind":"request","fp":"00C0FFEE00C0FFEE","outcome":1}"#),
        ("flow.resolved.v1", r#"{"v":1,"n":0,"tag":"a","kind":"request","fp":"00c0ffee00c0ffee"}"#),
        ("flow.signalled.v1", r#"{"v":1,"body":1}"#),
        ("flow.cancel_requested.v1", "{}"),
        ("flow.patched.v1", "{}"),
        ("flow.paused.v1", "17"),
        ("flow.resumed.v1", r#""x""#),
        ("flow.stuck.v1", r#"{"v":1,"stuck":{"why":"bored"}}"#),
        ("flow.retried.v1", "null"),
        ("flow.completed.v1", "{}"),
        ("flow.failed.v1", r#"{"reason":1}"#),
        ("flow.cancelled.v1", "null"),
        ("flow.terminated.v1", "1"),
        ("flow.continued.v1", r#"{"v":1,"input":1}"#),
    ] {
        let read = decode(&event(event_type, data));
        assert!(matches!(read, Err(Fault::Corrupt { .. })), "{event_type} {data}: {read:?}");
    }
}

#[test]
fn an_event_out_of_its_order_or_of_another_flow_is_corrupt() {
    let first = event("flow.started.v1", r#"{"v":1,"input":1}"#);
    let mut journal = Journal::new(id());
    journal.apply(&first).unwrap();
    let again = journal.apply(&first).unwrap_err().to_string();
    assert_eq!(again, "stored record 1 of stream flow:k/a is corrupt: it follows 1 of the journal of k/a");
    assert!(Journal::new("k/b".parse().unwrap()).apply(&first).is_err());
}

#[test]
fn a_journal_without_a_beginning_is_stuck_and_not_silent() {
    let mut journal = Journal::new(id());
    journal.apply(&event("flow.cancel_requested.v1", r#"{"v":1}"#)).unwrap();
    let (live, found) = Live::rebuild(journal, &Programs::new(), at(0));
    assert_eq!(live.status(), FlowStatus::Stuck(Stuck::Journal { reason: "its beginning is missing".into() }));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_fingerprint_is_of_the_content_and_not_of_its_spelling() {
    let of = |json: &str| What::Request { to: "w".into(), body: payload(json) }.fingerprint().to_string();
    for (one, other) in [(r#"{"a":1,"b":{"c":[1],"d":2}}"#, r#"{ "b": {"d":2,"c":[1]}, "a":1 }"#), ("[]", "[ ]")] {
        assert_eq!(of(one), of(other));
    }
    let different = [
        "1",
        "1.0",
        "\"1\"",
        "[1]",
        "[[1]]",
        "{}",
        "[]",
        "null",
        r#"{"a":1}"#,
        r#"{"a":[1]}"#,
        r#"{"a":1,"b":1}"#,
        r#"{"a":{"b":1}}"#,
        r#"["a",1]"#,
        "[1,2]",
        "[2,1]",
        "1180591620717411303424",
        "1180591620717411303425",
    ];
    let all: std::collections::BTreeSet<String> = different.iter().map(|json| of(json)).collect();
    assert_eq!(all.len(), different.len());
}

#[test]
fn fingerprints_are_part_of_the_format() {
    let body = || payload(r#"{"b":[1,"x"],"a":null}"#);
    for (what, wanted) in [
        (What::Request { to: "mail".into(), body: body() }, REQUEST),
        (What::Timer { at: at(60_000) }, TIMER),
        (What::Signal { name: "paid".into() }, SIGNAL),
        (What::Child { flow: id(), input: body() }, CHILD),
    ] {
        assert_eq!(what.fingerprint().to_string(), wanted, "{}", what.name());
    }
}
const REQUEST: &str = "c928484a0fcd1c19";
const TIMER: &str = "5c7525f952015dce";
const SIGNAL: &str = "76c0c27bb90f508f";
const CHILD: &str = "873c0eaddca35318";

#[test]
fn reasons_say_what_was_expected_and_nothing_of_what_was_found() {
    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only to be read")]
    struct Reply {
        at: u32,
    }
    let reason = |error: PayloadError| {
        let why = Stuck::unreadable("send 1", &error);
        let Stuck::Unreadable { reason, .. } = why else { panic!("{why:?}") };
        reason
    };
    let of_number = reason(payload(r#""ann@example.org""#).read::<u32>().unwrap_err());
    assert_eq!(of_number, "it is no u32, expected u32 at line 1 column 17");
    let of_reply = reason(payload("{}").read::<Reply>().unwrap_err());
    assert!(of_reply.ends_with("Reply, missing field `at` at line 1 column 2"), "{of_reply}");
    let of_id = reason(payload(r#""ann@example.org""#).read::<FlowId>().unwrap_err());
    assert!(!of_id.contains("ann"), "{of_id}");
}

/// Everything that holds a text of others.
fn stuck_with(text: &str, tag: &Tag) -> impl Iterator<Item = Stuck> {
    let (text, tag) = (|| text.to_owned(), || Tag::clone(tag));
    [
        Stuck::NoPerformer { tag: tag(), to: text() },
        Stuck::LeftoverPatch { patch: text() },
        Stuck::Unreadable { what: text(), reason: text() },
        Stuck::Unrecordable { what: text(), reason: text() },
        Stuck::Panicked { message: text() },
        Stuck::Performer { tag: tag(), reason: text() },
        Stuck::Journal { reason: text() },
    ]
    .into_iter()
}

#[test]
fn a_reason_is_cut_to_300_characters_and_a_tag_stays_whole() {
    let tag = "t".repeat(TAG_LENGTH_MAX);
    let why = Stuck::Unreadable { what: tag.clone(), reason: "\u{e4}".repeat(301) }.in_short();
    assert_eq!(why, Stuck::Unreadable { what: tag, reason: "\u{e4}".repeat(300) });
    let short = Stuck::NoPerformer { tag: "t".into(), to: "mail".into() };
    assert_eq!(short.clone().in_short(), short);
}

#[test]
fn no_reason_is_too_large_to_be_recorded() {
    let id = FlowId::new(FlowKind::new("k".repeat(64)).unwrap(), "\u{e4}".repeat(200)).unwrap();
    for text in ["\u{1}", "\"", "\u{1f3ad}", "a"].map(|text| text.repeat(5_000)) {
        let (long, tag) = (stuck::shortened(&text), Tag::from("\"".repeat(TAG_LENGTH_MAX)));
        let logged = AskName { tag: Tag::clone(&tag), ..name() };
        for fact in [
            FlowEvent::Failed { reason: long.clone() },
            FlowEvent::Stuck { version: u32::MAX, why: Stuck::unrecordable(&text, &text) },
            FlowEvent::Stuck { version: u32::MAX, why: Stuck::panicked(&text) },
            FlowEvent::Stuck { version: u32::MAX, why: Stuck::Performer { tag: Tag::clone(&tag), reason: long } },
            FlowEvent::Stuck { version: u32::MAX, why: Stuck::Mismatch { logged: logged.clone(), now: Some(logged) } },
        ]
        .into_iter()
        .chain(stuck_with(&text, &tag).map(|why| FlowEvent::Stuck { version: u32::MAX, why: why.in_short() }))
        {
            let bytes = size(&id, &encode(Timestamp::MAX, fact));
            assert!(bytes <= EVENT_BYTES_MAX, "{bytes}");
        }
    }
}
