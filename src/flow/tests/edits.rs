//! What becomes of a flow under way when its code is edited: every edit, in both modes, against a recorded journal.

use std::collections::BTreeMap;

use super::*;

type Edit = (&'static str, Program, fn(&mut Rehearsal), Program, Verdict, Verdict);

/// What the edited code comes to: it fits and waits for these, or is stuck.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Fits(Vec<&'static str>),
    /// What is logged, and what the code asks for in its place.
    Mismatch(&'static str, Option<&'static str>),
    Leftover(&'static str),
}
use Verdict::{Fits, Leftover, Mismatch};

fn verdict(flow: &Rehearsal) -> Verdict {
    fn leaked(ask: &AskName) -> &'static str {
        format!("{} {} {}", ask.ordinal, ask.kind, ask.tag).leak()
    }
    if flow.status() == FlowStatus::Running {
        return Fits(flow.open().into_iter().map(|tag| &*tag.leak()).collect());
    }
    let why = stuck(flow);
    if let Stuck::Leftover { logged } = &why {
        return Leftover(leaked(logged));
    }
    let Stuck::Mismatch { logged, now } = why else { panic!("{why:?}") };
    Mismatch(leaked(&logged), now.as_ref().map(leaked))
}

async fn end(cx: &FlowCx) -> Ran<()> {
    cx.signal("end", "end").await
}

/// Asks for all at once, and waits for all.
fn all(tags: &'static [&'static str]) -> Program {
    program(move |cx: FlowCx, (): ()| {
        ran::<()>(async move {
            join_all(tags.iter().map(|tag| cx.request::<u8>("w", tag, &0))).await;
            end(&cx).await
        })
    })
}

/// Asks for one after the other.
fn each(tags: &'static [&'static str]) -> Program {
    program(move |cx: FlowCx, (): ()| {
        ran::<()>(async move {
            for tag in tags {
                cx.request::<u8>("w", tag, &0).await?;
            }
            end(&cx).await
        })
    })
}

fn body(body: &'static [(&'static str, u8)]) -> Program {
    // A list of members in the order of the code, as a struct has them.
    let run = move |cx: FlowCx, (): ()| {
        ran::<()>(async move {
            let members: Vec<_> = body.iter().map(|(name, value)| format!("{name:?}:{value}")).collect();
            let body = Payload::from_json(&format!("{{{}}}", members.join(","))).unwrap();
            cx.request::<u8>("w", "a", &BTreeMap::from([("nested", [body])])).await?;
            end(&cx).await
        })
    };
    program(run)
}

fn timer(seconds: u64) -> Program {
    program(move |cx: FlowCx, (): ()| {
        ran::<()>(async move {
            cx.sleep_until("a", cx.now() + Duration::from_secs(seconds)).await?;
            end(&cx).await
        })
    })
}

fn paid(name: &'static str) -> Program {
    program(move |cx: FlowCx, (): ()| {
        ran::<()>(async move {
            cx.signal::<()>("a", name).await?;
            cx.request::<u8>("w", "b", &0).await?;
            end(&cx).await
        })
    })
}

fn first_of_two() -> Program {
    program(async |cx: FlowCx, (): ()| -> Ran<()> {
        select(cx.request::<u8>("w", "a", &0), cx.request::<u8>("w", "b", &0)).await;
        cx.request::<u8>("w", "c", &0).await?;
        end(&cx).await
    })
}

fn both() -> Program {
    program(async |cx: FlowCx, (): ()| -> Ran<()> {
        join(cx.request::<u8>("w", "a", &0), cx.request::<u8>("w", "b", &0)).await.0?;
        cx.request::<u8>("w", "c", &0).await?;
        end(&cx).await
    })
}

fn ends_after_a() -> Program {
    program(async |cx: FlowCx, (): ()| -> Ran<()> { cx.request::<()>("w", "a", &0).await })
}

fn resolved(flow: &mut Rehearsal, tags: &[&str]) {
    for tag in tags {
        flow.resolve(tag, &0).unwrap();
    }
}
fn a_b(flow: &mut Rehearsal) {
    resolved(flow, &["a", "b"]);
}
fn a(flow: &mut Rehearsal) {
    resolved(flow, &["a"]);
}
fn b_c(flow: &mut Rehearsal) {
    resolved(flow, &["b", "c"]);
}
fn a_minute(flow: &mut Rehearsal) {
    assert_eq!(flow.pass(MINUTE).unwrap(), 1);
}
fn nothing(_: &mut Rehearsal) {}
fn signalled(flow: &mut Rehearsal) {
    flow.signal("paid", &()).unwrap();
}
fn signalled_and_b(flow: &mut Rehearsal) {
    signalled(flow);
    resolved(flow, &["b"]);
}

fn fits() -> Verdict {
    Fits(vec!["end"])
}

#[rustfmt::skip]
fn edits() -> Vec<Edit> {
    let kind = || program(async |cx: FlowCx, (): ()| -> Ran<()> {
        assert_eq!(cx.child::<u8>("a", "t/child".parse().unwrap(), &0).await?, ChildEnd::Cancelled);
        end(&cx).await
    });
    let lost = |logged| Mismatch(logged, None);
    let other = |logged, now| Mismatch(logged, Some(now));
    vec![
        ("nothing", all(&["a", "b"]), a_b, all(&["a", "b"]), fits(), fits()),
        ("reorder", all(&["a", "b"]), a_b, all(&["b", "a"]), other("0 request a", "0 request b"), fits()),
        ("reorder, one after the other", each(&["a", "b"]), a_b, each(&["b", "a"]),
            other("0 request a", "0 request b"), lost("0 request a")),
        ("rename", all(&["a", "b"]), a_b, all(&["x", "b"]), other("0 request a", "0 request x"), lost("0 request a")),
        ("remove the first", all(&["a", "b"]), a_b, all(&["b"]), other("0 request a", "0 request b"), lost("0 request a")),
        ("remove the last", each(&["a", "b"]), a_b, each(&["a"]), other("1 request b", "1 signal end"), lost("1 request b")),
        ("remove what is still open", each(&["a", "b"]), a, each(&["a"]), fits(), fits()),
        ("add before", all(&["a", "b"]), a_b, all(&["x", "a", "b"]), other("0 request a", "0 request x"), Fits(vec!["x"])),
        ("add between", all(&["a", "b"]), a_b, all(&["a", "x", "b"]), other("1 request b", "1 request x"), Fits(vec!["x"])),
        ("add after what is logged", all(&["a", "b"]), a_b, all(&["a", "b", "x"]), Fits(vec!["x"]), Fits(vec!["x"])),
        ("add an await", each(&["a", "b"]), a_b, each(&["a", "x", "b"]), other("1 request b", "1 request x"), lost("1 request b")),
        ("add an await at the end", each(&["a", "b"]), a_b, each(&["a", "b", "x"]), Fits(vec!["x"]), Fits(vec!["x"])),
        ("body", body(&[("p", 1)]), a, body(&[("p", 2)]), other("0 request a", "0 request a"), other("0 request a", "0 request a")),
        ("body while it is open", body(&[("p", 1)]), nothing, body(&[("p", 2)]), Fits(vec!["a"]), Fits(vec!["a"])),
        ("order of members", body(&[("p", 1), ("q", 2)]), a, body(&[("q", 2), ("p", 1)]), fits(), fits()),
        ("kind", each(&["a"]), a, kind(), other("0 request a", "0 child a"), other("0 request a", "0 child a")),
        ("select to join", first_of_two(), b_c, both(), lost("2 request c"), lost("2 request c")),
        ("join to select", both(), a_b, first_of_two(), lost("1 request b"), lost("1 request b")),
        ("duration", timer(60), a_minute, timer(30), other("0 timer a", "0 timer a"), other("0 timer a", "0 timer a")),
        ("duration while it is open", timer(60), nothing, timer(30), Fits(vec!["a"]), Fits(vec!["a"])),
        ("name of a signal", paid("paid"), signalled_and_b, paid("settled"), lost("1 request b"), lost("1 request b")),
        ("name of a signal, nothing after it", paid("paid"), signalled, paid("settled"), Fits(vec!["a"]), Fits(vec!["a"])),
    ]
}

#[test]
fn an_edit_fits_or_is_named_with_both_sides() {
    for (name, before, story, after, strict, by_tag) in edits() {
        let mut flow = started(before.clone());
        story(&mut flow);
        for (mode, wanted) in [(Mode::Strict, strict), (Mode::ByTag, by_tag)] {
            let edited = after.clone().mode(mode);
            let edited = Rehearsal::of_journal(edited, flow.journal()).unwrap();
            assert_eq!(verdict(&edited), wanted, "{name}, {mode:?}");
            // Nothing is lost: with the code of before it goes on where it stood.
            let back = Rehearsal::of_journal(before.clone(), edited.journal()).unwrap();
            assert_eq!((back.status(), back.open()), (flow.status(), flow.open()), "{name}, {mode:?}, back");
        }
    }
}

#[test]
fn code_that_ends_before_its_journal_does_is_named() {
    let before = program(async |cx: FlowCx, (): ()| -> Ran<()> {
        cx.request::<()>("w", "a", &0).await?;
        cx.request::<()>("w", "b", &0).await?;
        end(&cx).await
    });
    let mut flow = started(before);
    flow.resolve("a", &()).unwrap();
    flow.resolve("b", &()).unwrap();
    for mode in [Mode::Strict, Mode::ByTag] {
        let edited = Rehearsal::of_journal(ends_after_a().mode(mode), flow.journal()).unwrap();
        assert_eq!(verdict(&edited), Leftover("1 request b"));
    }
}

#[test]
fn code_that_ends_before_late_signals_and_cancellations_has_ended() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        cx.request::<()>("w", "a", &0).await?;
        end(&cx.shielded()).await
    }));
    flow.resolve("a", &()).unwrap();
    flow.signal("later", &1).unwrap();
    flow.cancel().unwrap();
    let edited = Rehearsal::of_journal(ends_after_a(), flow.journal()).unwrap();
    assert_eq!(edited.status(), FlowStatus::Completed(Payload::new(&()).unwrap()));
}

fn name(n: u32, tag: &str) -> AskName {
    let what = What::Signal { name: tag.into() };
    Ask { ordinal: n, tag: tag.into(), fingerprint: what.fingerprint(), what }.name()
}

#[test]
fn every_reason_says_in_words_what_does_not_fit() {
    let (tag, reason) = (|| Tag::from("send 1"), || "it is so".to_owned());
    let fingerprint = name(0, "a").fingerprint;
    let other = name(1, "b").fingerprint;
    for (why, words) in [
        (Stuck::NoProgram, "no program of this kind is registered".to_owned()),
        (
            Stuck::NoPerformer { tag: tag(), to: "mail".into() },
            r#""send 1" asks the performer "mail", and none of that name is registered"#.into(),
        ),
        (
            Stuck::Mismatch { logged: name(0, "a"), now: Some(name(1, "b")) },
            format!(
                r#"the journal has an outcome for signal "a" (number 0, content {fingerprint}), but the code asks signal "b" (number 1, content {other}) there"#
            ),
        ),
        (
            Stuck::Mismatch { logged: name(0, "a"), now: None },
            format!(
                r#"the journal has an outcome for signal "a" (number 0, content {fingerprint}), but the code does not wait for it"#
            ),
        ),
        (
            Stuck::Leftover { logged: name(0, "a") },
            format!(
                r#"the code has ended, but the journal goes on with an outcome for signal "a" (number 0, content {fingerprint})"#
            ),
        ),
        (
            Stuck::LeftoverPatch { patch: "p".into() },
            r#"the journal has the patch "p" here, and the code does not ask for it (deprecate it before removing it)"#
                .into(),
        ),
        (Stuck::DuplicateTag { tag: tag() }, r#"two asks have the tag "send 1""#.into()),
        (
            Stuck::ForeignAwait,
            "the code waits for something that it did not ask the flow for (a timer, a channel or a lock of its own)"
                .into(),
        ),
        (Stuck::ForeignWake, "the flow was woken by something that it did not ask the flow for".into()),
        (Stuck::Restless, "the code yields without end".into()),
        (
            Stuck::Unreadable { what: "input".into(), reason: reason() },
            "input is not what the code reads it as: it is so".into(),
        ),
        (Stuck::Unrecordable { what: "result".into(), reason: reason() }, "result cannot be recorded: it is so".into()),
        (Stuck::Panicked { message: reason() }, "the code panicked: it is so".into()),
        (Stuck::Performer { tag: tag(), reason: reason() }, r#"the performer of "send 1" failed: it is so"#.into()),
        (
            Stuck::TooLong { turns: 8, limit: 7 },
            "the run has 8 turns, and 7 are allowed: continue as new in time".into(),
        ),
        (Stuck::Journal { reason: reason() }, "the journal cannot be read: it is so".into()),
    ] {
        assert_eq!(why.to_string(), words);
        let json = serde_json::to_string(&why).unwrap();
        assert_eq!(serde_json::from_str::<Stuck>(&json).unwrap(), why, "read back from {json}");
    }
}
