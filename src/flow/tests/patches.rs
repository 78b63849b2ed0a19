//! Changes of the code with flows under way.

use super::*;

#[test]
fn a_patch_whose_name_no_event_holds_is_no_patch() {
    for (length, fits) in [(3_000, true), (5_000, false)] {
        let flow =
            started(program(move |cx: FlowCx, (): ()| ran::<bool>(async move { Ok(cx.patched(&"p".repeat(length))) })));
        if fits {
            assert!(flow.output::<bool>().unwrap());
        } else {
            assert!(matches!(stuck(&flow), Stuck::Unrecordable { what, .. } if what == "patch"));
        }
    }
}

fn tags(flow: &Rehearsal, kind: &str) -> Vec<String> {
    let of_kind = flow.journal().iter().filter(|event| event.event_type.as_str() == kind);
    let fields = of_kind.map(|event| event.data.read::<serde_json::Value>().unwrap());
    fields.map(|data| data["patch"].as_str().unwrap_or_default().to_owned()).collect()
}

fn patches(flow: &Rehearsal) -> Vec<String> {
    tags(flow, "flow.patched.v1")
}

async fn step(cx: &FlowCx, tag: &str) -> Ran<()> {
    cx.request("w", tag, &0).await
}

/// `first`, then `old` or, since version 2, `new`, then `last`.
fn v1() -> Program {
    version(1, async |cx: FlowCx, (): ()| -> Ran<()> {
        step(&cx, "first").await?;
        step(&cx, "old").await?;
        step(&cx, "last").await
    })
}
fn v2() -> Program {
    version(2, async |cx: FlowCx, (): ()| -> Ran<()> {
        step(&cx, "first").await?;
        step(&cx, if cx.patched("p") { "new" } else { "old" }).await?;
        step(&cx, "last").await
    })
}
/// Patched twice.
fn v3() -> Program {
    version(3, async |cx: FlowCx, (): ()| -> Ran<()> {
        step(&cx, "first").await?;
        match (cx.patched("p"), cx.patched("q")) {
            (true, true) => step(&cx, "newest").await?,
            (true, false) => step(&cx, "new").await?,
            (false, _) => step(&cx, "old").await?,
        }
        step(&cx, "last").await
    })
}
fn deprecated() -> Program {
    version(4, async |cx: FlowCx, (): ()| -> Ran<()> {
        step(&cx, "first").await?;
        cx.deprecate_patch("p");
        step(&cx, "new").await?;
        step(&cx, "last").await
    })
}
fn removed() -> Program {
    version(5, async |cx: FlowCx, (): ()| -> Ran<()> {
        step(&cx, "first").await?;
        step(&cx, "new").await?;
        step(&cx, "last").await
    })
}

fn after(program: Program, steps: &[&str]) -> Rehearsal {
    let mut flow = started(program);
    for step in steps {
        flow.resolve(step, &()).unwrap();
    }
    flow
}

fn with(program: Program, flow: &Rehearsal) -> Rehearsal {
    Rehearsal::of_journal(program, flow.journal()).unwrap()
}

#[test]
fn a_flow_goes_the_way_it_went_or_the_new_one_if_it_comes_there_first() {
    for (name, recorded, now, open) in [
        ("not there yet", after(v1(), &[]), v2(), "first"),
        ("went the old way", after(v1(), &["first"]), v2(), "old"),
        ("past it", after(v1(), &["first", "old"]), v2(), "last"),
        ("went the new way", after(v2(), &["first"]), v2(), "new"),
        ("went the old way, patched twice", after(v1(), &["first"]), v3(), "old"),
        ("went the new way, patched twice", after(v2(), &["first"]), v3(), "new"),
        ("new, patched twice", after(v3(), &["first"]), v3(), "newest"),
        ("went the new way, then deprecated", after(v2(), &["first"]), deprecated(), "new"),
        ("fresh, deprecated", after(deprecated(), &["first"]), deprecated(), "new"),
        ("fresh, deprecated, then removed", after(deprecated(), &["first"]), removed(), "new"),
    ] {
        assert_eq!(with(now, &recorded).open(), [open], "{name}");
    }
}

#[test]
fn a_flow_that_was_not_there_yet_goes_the_new_way_when_it_comes_there() {
    let mut flow = with(v2(), &after(v1(), &[]));
    flow.resolve("first", &()).unwrap();
    assert_eq!((flow.open(), patches(&flow)), (vec!["new".to_owned()], vec!["p".to_owned()]));
    flow.resolve("new", &()).unwrap();
    flow.resolve("last", &()).unwrap();
    assert!(flow.status().is_over());
}

#[test]
fn two_patches_are_recorded_with_one_turn() {
    assert_eq!(patches(&after(v3(), &["first"])), ["p", "q"]);
}

#[test]
fn a_patch_that_is_removed_without_being_deprecated_is_named() {
    let flow = after(v2(), &["first"]);
    for (name, program) in [("removed", removed()), ("rolled back", v1())] {
        let now = with(program, &flow);
        assert_eq!(stuck(&now), Stuck::LeftoverPatch { patch: "p".into() }, "{name}");
        assert_eq!(with(v2(), &now).open(), ["new"], "{name}, and forward again");
    }
}

#[test]
fn a_version_that_is_rolled_back_fits_flows_that_came_to_no_patch() {
    let mut flow = with(v1(), &after(v2(), &[]));
    flow.resolve("first", &()).unwrap();
    assert_eq!(flow.open(), ["old"]);
    // And forward again: version 1 has taken that turn.
    let flow = with(v2(), &flow);
    assert_eq!((flow.open(), patches(&flow)), (vec!["old".to_owned()], vec![]));
}

#[test]
fn a_patch_in_a_loop_is_asked_for_once_and_stays() {
    let looped = |number: u32| {
        version(number, move |cx: FlowCx, (): ()| {
            ran::<()>(async move {
                for n in 0..4 {
                    let new = number > 1 && cx.patched("p");
                    step(&cx, &format!("{} {n}", if new { "new" } else { "old" })).await?;
                }
                Ok(())
            })
        })
    };
    // One that went the old way in its first round goes it in each.
    let mut old = with(looped(2), &after(looped(1), &["old 0"]));
    for tag in ["old 1", "old 2", "old 3"] {
        old.resolve(tag, &()).unwrap();
    }
    assert!(old.status().is_over());
    assert_eq!(patches(&old), Vec::<String>::new());
    let mut new = after(looped(2), &["new 0", "new 1"]);
    new = with(looped(3), &new);
    for tag in ["new 2", "new 3"] {
        new.resolve(tag, &()).unwrap();
    }
    assert!(new.status().is_over());
    assert_eq!(patches(&new), ["p"]);
}

#[test]
fn a_turn_that_was_recorded_before_its_patch_could_be_takes_the_new_way_after_a_crash() {
    let flow = after(v2(), &["first"]);
    let (last, before) = flow.journal().split_last().unwrap();
    assert_eq!(last.event_type.as_str(), "flow.patched.v1");
    let again = Rehearsal::of_journal(v2(), before).unwrap();
    assert_eq!((again.open(), patches(&again)), (vec!["new".to_owned()], vec!["p".to_owned()]));
    assert_eq!(again.journal(), flow.journal());
    // Other code cannot know whether the old way was dispatched: it goes on with that.
    assert_eq!(Rehearsal::of_journal(v3(), before).unwrap().open(), ["old"]);
}

#[test]
fn what_is_deprecated_in_one_place_is_taken_in_all() {
    let run = async |cx: FlowCx, (): ()| -> Ran<()> {
        cx.deprecate_patch("p");
        step(&cx, "first").await?;
        step(&cx, if cx.patched("p") { "new" } else { "old" }).await
    };
    let mut before = started(version(1, async |cx: FlowCx, (): ()| -> Ran<()> {
        let new = cx.patched("p");
        step(&cx, "first").await?;
        step(&cx, if new { "new" } else { "old" }).await
    }));
    before.resolve("first", &()).unwrap();
    assert_eq!(with(version(2, run), &before).open(), ["new"]);
}

#[test]
fn a_patch_asked_for_in_another_turn_is_named() {
    let run = async |cx: FlowCx, (): ()| -> Ran<()> {
        let new = cx.patched("p");
        step(&cx, "first").await?;
        step(&cx, if new { "new" } else { "old" }).await
    };
    assert_eq!(stuck(&with(version(3, run), &after(v2(), &["first"]))), Stuck::LeftoverPatch { patch: "p".into() });
}
