//! Delivery of messages, to the letter: tags `deliver ID N`, a bound on attempts, a digest one after the other.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::*;

/// Its id, to whom, what.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Message(String, String, String);

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sent {
    Ok(String),
    Retry(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Delivery {
    Delivered(String, u32),
    Failed(String, String),
}

async fn deliver(cx: &FlowCx, message: &Message, attempts_max: u32) -> Ran<Delivery> {
    let mut n = 1;
    loop {
        match cx.request("transport", format!("deliver {} {n}", message.0), message).await? {
            Sent::Ok(_) => return Ok(Delivery::Delivered(message.0.clone(), n)),
            Sent::Retry(reason) if n >= attempts_max => return Ok(Delivery::Failed(message.0.clone(), reason)),
            Sent::Retry(_) => n += 1,
        }
    }
}

fn reminder(attempts_max: u32) -> Program {
    Program::new("reminder", 1, move |cx: FlowCx, message: Message| async move {
        deliver(&cx, &message, attempts_max).await
    })
    .unwrap()
}

fn digest(attempts_max: u32) -> Program {
    let run = move |cx: FlowCx, messages: Vec<Message>| {
        ran::<Vec<Delivery>>(async move {
            let mut outcomes = Vec::new();
            for message in &messages {
                outcomes.push(deliver(&cx, message, attempts_max).await?);
            }
            Ok(outcomes)
        })
    };
    Program::new("digest", 1, run).unwrap()
}

fn message(id: &str) -> Message {
    Message(id.into(), "ann".into(), "soon".into())
}

/// Plays the transport to the end, and gives every tag that was asked for, in its order. Each crash is a process that
/// dies.
fn play(flow: &mut Rehearsal, transport: impl Fn(&str) -> Sent, crash: Option<fn() -> Program>) -> Vec<String> {
    let mut asked = Vec::new();
    while flow.status() == FlowStatus::Running {
        let open = flow.open();
        assert_eq!(open.len(), 1, "one after the other");
        flow.resolve(&open[0], &transport(&open[0])).unwrap();
        asked.extend(open);
        if let Some(program) = crash {
            *flow = Rehearsal::of_journal(program(), flow.journal()).unwrap();
        }
    }
    asked
}

fn delivered(id: &str, n: u32) -> Delivery {
    Delivery::Delivered(id.into(), n)
}

#[test]
fn a_reminder_is_delivered_or_has_failed_after_so_many_attempts() {
    let failed = || Delivery::Failed("m1".into(), "busy".into());
    for (ok_at, attempts_max, end, attempts) in [
        (1, 3, delivered("m1", 1), 1),
        (2, 3, delivered("m1", 2), 2),
        (3, 3, delivered("m1", 3), 3),
        (4, 3, failed(), 3),
        (2, 1, failed(), 1),
        (2, 0, failed(), 1),
    ] {
        let mut flow = Rehearsal::new(reminder(attempts_max));
        flow.start(&message("m1")).unwrap();
        let transport = |tag: &str| {
            if tag == format!("deliver m1 {ok_at}") { Sent::Ok("250".into()) } else { Sent::Retry("busy".into()) }
        };
        let asked = play(&mut flow, transport, None);
        assert_eq!(asked, (1..=attempts).map(|n| format!("deliver m1 {n}")).collect::<Vec<_>>());
        assert_eq!(flow.output::<Delivery>().unwrap(), end);
    }
}

#[test]
fn the_transport_is_handed_the_whole_message() {
    let mut flow = Rehearsal::new(reminder(3));
    flow.start(&message("m1")).unwrap();
    let What::Request { to, body } = &flow.asks()[0].what else { panic!("a request") };
    assert_eq!((&**to, body.json()), ("transport", r#"["m1","ann","soon"]"#));
}

#[test]
fn a_digest_delivers_one_after_the_other_and_one_failure_keeps_none_back() {
    let transport = |tag: &str| match tag {
        "deliver b 1" => Sent::Retry("slow".into()),
        "deliver c 1" | "deliver c 2" => Sent::Retry("gone".into()),
        _ => Sent::Ok("250".into()),
    };
    for crash in [None, Some((|| digest(2)) as fn() -> Program)] {
        let mut flow = Rehearsal::new(digest(2));
        flow.start(&["a", "b", "c", "d"].map(message)).unwrap();
        let asked = play(&mut flow, transport, crash);
        let tags = ["deliver a 1", "deliver b 1", "deliver b 2", "deliver c 1", "deliver c 2", "deliver d 1"];
        assert_eq!(asked, tags, "crash: {}", crash.is_some());
        let ends =
            [delivered("a", 1), delivered("b", 2), Delivery::Failed("c".into(), "gone".into()), delivered("d", 1)];
        assert_eq!(flow.output::<Vec<Delivery>>().unwrap(), ends);
        let logged: Vec<_> =
            flow.journal().iter().filter(|event| event.event_type.as_str() == "flow.resolved.v1").collect();
        assert_eq!(logged.len(), tags.len(), "each outcome is logged once");
        assert_eq!(
            asked.iter().collect::<BTreeSet<_>>().len(),
            asked.len(),
            "what was logged is never asked for again"
        );
    }
}

#[test]
fn a_digest_of_nothing_asks_for_nothing() {
    let mut flow = Rehearsal::new(digest(2));
    flow.start(&Vec::<Message>::new()).unwrap();
    assert_eq!(flow.output::<Vec<Delivery>>().unwrap(), []);
}
