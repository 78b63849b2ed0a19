//! Journals that were recorded once and are kept as files: present code must still fit them.

use std::fs;
use std::path::PathBuf;

use super::*;

/// Waits, then sends until it is told that it arrived. Version 2 waits longer before it tries again.
fn reminder(number: u32) -> Program {
    let run = move |cx: FlowCx, who: String| {
        ran::<u32>(async move {
            cx.sleep_until("due", at(60_000)).await?;
            for n in 1..=3_u32 {
                if cx.request("mail", format!("send {n}"), &who).await? {
                    return Ok(n);
                }
                let longer = number > 1 && cx.patched("longer");
                cx.sleep_until(format!("back off {n}"), cx.now() + MINUTE * if longer { 5 } else { 1 }).await?;
            }
            Err(FlowError::failed("nobody answers"))
        })
    };
    Program::new("reminder", number, run).unwrap()
}

/// Holds seats and charges; version 2 asks for a receipt between the two.
fn order(number: u32) -> Program {
    let run = move |cx: FlowCx, seats: u32| {
        ran::<()>(async move {
            let mut rollback = cx.rollback();
            cx.request::<()>("seats", "hold", &seats).await?;
            rollback.add("seats", "release", &seats);
            if number > 1 && cx.patched("receipt") {
                cx.request::<()>("mail", "receipt", &seats).await?;
            }
            match cx.request::<bool>("money", "charge", &seats).await {
                Ok(true) => Ok(()),
                Ok(false) => rollback.undo_and_fail("no money").await,
                Err(cancelled) => rollback.undo_and(cancelled).await,
            }
        })
    };
    Program::new("order", number, run).unwrap()
}

/// Reads signals, two a run; version 2 writes each down.
fn collector(number: u32) -> Program {
    let run = move |cx: FlowCx, sum: u32| {
        ran::<u32>(async move {
            let mut sum = sum;
            for n in 0..2 {
                let paid: u32 = cx.signal(format!("paid {n}"), "paid").await?;
                sum += paid;
                cx.show(&sum);
                if number > 1 && cx.patched("written") {
                    cx.request::<()>("book", format!("write {n}"), &sum).await?;
                }
                if paid == 0 {
                    return Ok(sum);
                }
            }
            cx.continue_as_new(&sum)
        })
    };
    Program::new("collector", number, run).unwrap()
}

fn story(name: &str, number: u32) -> Rehearsal {
    let mut flow = match name {
        "reminder" => Rehearsal::new(reminder(number)),
        "order" => Rehearsal::new(order(number)),
        _ => Rehearsal::new(collector(number)),
    };
    match name {
        "reminder" => {
            flow.start("ann").unwrap();
            flow.pass(MINUTE).unwrap();
            flow.resolve("send 1", &false).unwrap();
            flow.pass(Duration::from_secs(30)).unwrap();
        }
        "order" => {
            flow.start(&3).unwrap();
            flow.resolve("hold", &()).unwrap();
            if number > 1 {
                flow.resolve("receipt", &()).unwrap();
            }
            flow.resolve("charge", &false).unwrap();
        }
        _ => {
            flow.start(&0).unwrap();
            for paid in [5, 7, 11] {
                flow.signal("paid", &paid).unwrap();
                if number > 1 {
                    let open = flow.open();
                    flow.resolve(&open[0], &()).unwrap();
                }
            }
            flow.signal("other", &"unread").unwrap();
        }
    }
    flow
}

fn file(name: &str, number: u32) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/flow/tests/golden");
    folder.join(format!("{name}.v{number}.jsonl"))
}

const NAMES: [&str; 3] = ["reminder", "order", "collector"];

#[test]
#[ignore = "writes the files anew: only for a new program, never for one whose journals exist"]
fn the_journals_are_recorded() {
    for (name, number) in NAMES.into_iter().flat_map(|name| [(name, 1), (name, 2)]) {
        fs::write(file(name, number), story(name, number).journal_text().unwrap()).unwrap();
    }
}

#[test]
fn the_same_story_is_still_recorded_in_the_same_bytes() {
    for (name, number) in NAMES.into_iter().flat_map(|name| [(name, 1), (name, 2)]) {
        let kept = fs::read_to_string(file(name, number)).unwrap();
        assert_eq!(story(name, number).journal_text().unwrap(), kept, "{name} {number}");
        assert_eq!(events_of(&kept).unwrap(), story(name, number).journal());
    }
}

#[test]
fn present_code_fits_the_journals_of_both_versions() {
    type Finish = fn(&mut Rehearsal);
    type Case = (&'static str, u32, Program, &'static [&'static str], Option<&'static str>, Finish, FlowStatus);
    let completed = |json| FlowStatus::Completed(Payload::from_json(json).unwrap());
    let sent: Finish = |flow| {
        flow.pass(5 * MINUTE).unwrap();
        flow.resolve("send 2", &true).unwrap();
    };
    let released: Finish = |flow| flow.resolve("release", &()).unwrap();
    let closed: Finish = |flow| flow.signal("paid", &0).unwrap();
    let closed_and_written: Finish = |flow| {
        flow.signal("paid", &0).unwrap();
        flow.resolve("write 1", &()).unwrap();
    };
    let no_money = || FlowStatus::Failed("no money".into());
    let cases: [Case; 6] = [
        ("reminder", 1, reminder(2), &["back off 1"], None, sent, completed("2")),
        ("reminder", 2, reminder(2), &["back off 1"], None, sent, completed("2")),
        ("order", 1, order(2), &["release"], None, released, no_money()),
        ("order", 2, order(2), &["release"], None, released, no_money()),
        // Its present run read a signal without the patch: it goes on so.
        ("collector", 1, collector(2), &["paid 1"], Some("23"), closed, completed("23")),
        ("collector", 2, collector(2), &["paid 1"], Some("23"), closed_and_written, completed("23")),
    ];
    for (name, number, program, open, shown, finish, end) in cases {
        let kept = events_of(&fs::read_to_string(file(name, number)).unwrap()).unwrap();
        let mut flow = Rehearsal::of_journal(program, &kept).unwrap();
        assert_eq!(
            (flow.status(), flow.open()),
            (FlowStatus::Running, open.iter().map(|tag| (*tag).to_owned()).collect())
        );
        assert_eq!(flow.shown().as_ref().map(Payload::json), shown);
        finish(&mut flow);
        assert_eq!(flow.status(), end, "{name} {number}");
    }
}

#[test]
fn a_line_that_is_no_event_is_named() {
    let kept = fs::read_to_string(file("order", 1)).unwrap();
    let broken = kept.replacen("\"seq\":2", "\"seq\":\"two\"", 1);
    let error = events_of(&broken).unwrap_err().to_string();
    assert!(error.starts_with("stored record line 2 is corrupt: "), "{error}");
    assert!(Rehearsal::of_journal(order(2), &[]).is_err());
}
