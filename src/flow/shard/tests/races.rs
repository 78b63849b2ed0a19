//! What is told to flows at the wrong moment.

use super::programs::{programs, script, seconds};
use super::world::{Disk, Job, Verdict, World, append, at, id, key, note, payload, ready};
use super::*;
use crate::flow::{FlowCx, FlowError, FlowStatus, Mode, Program, SHARDS, Stuck};
use crate::persist::{Append, Backend, KvWrite, Limit, Seq};

fn world() -> World {
    let mut world = World::new(programs(), script);
    world.boot();
    world
}

fn signal(number: u32, id: &str) -> FlowCommand {
    let body = payload(&number.to_string());
    FlowCommand::Signal { name: "number".into(), id: (!id.is_empty()).then(|| id.into()), body }
}

/// Steps until the next job is of this kind.
fn until(world: &mut World, wanted: impl Fn(&Job) -> bool) {
    while !world.jobs.front().is_some_and(&wanted) {
        assert!(world.step(), "no such job");
    }
}

fn later(world: &mut World, by: u64) {
    let end = world.now + seconds(by);
    world.run_until(end);
}

#[test]
fn a_sleep_of_no_time_after_work_is_over_at_once() {
    let mut world = world();
    world.start("dozy/a", "null");
    world.run();
    assert_eq!(world.status("dozy/a"), FlowStatus::Completed(payload("null")));
}

#[test]
fn a_timeout_beyond_the_due_flows_in_memory_runs_out() {
    let mut world = world();
    world.limits.due_max = 2;
    world.owners.clear();
    for number in 0..9 {
        world.start(&format!("alarm/{number}"), &format!("{}", 1_001_000 + number));
    }
    world.boot();
    world.settle();
    world.start("patient/a", r#"["hang",3600]"#);
    world.run();
    assert_eq!(world.status("patient/a"), FlowStatus::Completed(payload("false")));
    assert_eq!(world.disk.keys("flow/due/"), [""; 0]);
}

#[test]
fn timeouts_run_out_also_when_there_is_no_room() {
    let mut world = World::new(programs(), script);
    world.limits.live_max = 2;
    world.shards = vec![0];
    world.boot();
    let names: Vec<String> = (0..200).map(|n| format!("patient/{n}")).filter(|name| id(name).shard() == 0).collect();
    for name in &names {
        world.start(name, r#"["hang",30]"#);
    }
    let alarms: Vec<String> = (0..200).map(|n| format!("alarm/{n}")).filter(|name| id(name).shard() == 0).collect();
    for name in &alarms {
        world.start(name, "1002000");
    }
    world.run();
    for name in names {
        assert_eq!(world.status(&name), FlowStatus::Completed(payload("false")), "{name}");
    }
    for name in alarms {
        assert!(world.status(&name).is_over(), "{name}");
    }
}

#[test]
fn flows_kept_for_a_timer_of_soon_make_room_for_others() {
    let mut world = World::new(programs(), script);
    world.limits.live_max = 3;
    world.shards = vec![0];
    world.boot();
    for n in 0..100 {
        let name = format!("alarm/{n}");
        if id(&name).shard() == 0 {
            world.start(&name, &format!("{}", 1_001_500 + n));
            world.settle();
        }
    }
    world.run();
    assert_eq!(world.disk.keys("flow/due/"), [""; 0]);
}

#[test]
fn a_clock_put_back_while_a_due_flow_is_read_loses_nothing() {
    for forward in [1, 5_000] {
        let mut world = world();
        world.start("alarm/a", "1500000");
        world.settle();
        world.owners.clear();
        world.boot();
        world.settle();
        world.now = at(1_500_000);
        let owners: Vec<u64> = world.owners.keys().copied().collect();
        for owner in owners {
            world.with(owner, Shard::tick);
        }
        world.now = at(1_500_000 - forward);
        world.run();
        assert_eq!(world.status("alarm/a"), FlowStatus::Completed(payload("1500000")));
    }
}

#[test]
fn a_cancellation_while_backing_off_wakes_the_flow_at_once() {
    let mut world = world();
    world.start("deliver/a", "3");
    later(&mut world, 10);
    assert_eq!(world.outcome("deliver/a", FlowCommand::Cancel), FlowOutcome::Done);
    assert_eq!(world.status("deliver/a"), FlowStatus::Cancelled);
    assert_eq!(world.outcome("deliver/a", FlowCommand::Cancel), FlowOutcome::Over(FlowStatus::Cancelled));
    world.run();
    assert_eq!(world.disk.keys("flow/due/"), [""; 0]);
}

#[test]
fn what_comes_back_after_a_cancellation_changes_nothing() {
    let mut world = world();
    world.start("one/a", "\"echo\"");
    until(&mut world, |job| matches!(job, Job::Sent(..)));
    let Some(sent) = world.jobs.pop_front() else { panic!() };
    assert_eq!(world.outcome("one/a", FlowCommand::Cancel), FlowOutcome::Done);
    world.jobs.push_back(sent);
    world.run();
    assert_eq!(world.status("one/a"), FlowStatus::Cancelled);
    assert_eq!(world.outside.sent.len(), 2, "the work and the cleaning up");
}

#[test]
fn a_cancellation_that_overtakes_the_sync_of_an_outcome_keeps_the_outcome() {
    let mut world = world();
    world.start("one/a", "\"echo\"");
    until(&mut world, |job| matches!(job, Job::Sent(..)));
    world.step();
    // The outcome is taken, its batch not committed.
    until(&mut world, |job| matches!(job, Job::Commit(..)));
    let reply = world.say("one/a", FlowCommand::Cancel);
    let Some(say) = world.jobs.pop_back() else { panic!() };
    world.jobs.push_front(say);
    world.run();
    assert_eq!(world.status("one/a"), FlowStatus::Completed(payload("true")));
    let over = FlowOutcome::Over(FlowStatus::Completed(payload("true")));
    assert_eq!(world.client.answers[&reply], FlowAnswer::Outcome(over));
}

#[test]
fn pause_and_resume_within_a_wait_leave_its_end_as_it_was() {
    let mut world = world();
    world.start("deliver/a", "1");
    later(&mut world, 10);
    assert_eq!(world.outcome("deliver/a", FlowCommand::Pause), FlowOutcome::Done);
    assert_eq!(world.outcome("deliver/a", FlowCommand::Pause), FlowOutcome::Unchanged);
    assert_eq!(world.disk.keys("flow/due/"), [""; 0]);
    world.check();
    assert_eq!(world.outcome("deliver/a", FlowCommand::Resume), FlowOutcome::Done);
    assert_eq!(world.outcome("deliver/a", FlowCommand::Resume), FlowOutcome::Unchanged);
    world.run();
    assert_eq!(world.status("deliver/a"), FlowStatus::Completed(payload("2")));
    assert_eq!(world.now, at(1_000_000 + 5_000 + 120_000));
}

#[test]
fn a_timer_that_runs_out_in_a_pause_is_over_when_it_ends() {
    let mut world = world();
    world.start("alarm/a", "1001000");
    world.settle();
    assert_eq!(world.outcome("alarm/a", FlowCommand::Pause), FlowOutcome::Done);
    later(&mut world, 100);
    assert_eq!(world.status("alarm/a"), FlowStatus::Paused);
    assert_eq!(world.outcome("alarm/a", FlowCommand::Resume), FlowOutcome::Done);
    world.run();
    assert_eq!(world.status("alarm/a"), FlowStatus::Completed(payload("1100000")));
}

#[test]
fn outcomes_that_come_in_a_pause_are_recorded_and_nothing_new_is_asked() {
    let mut world = world();
    world.start("join3/a", "null");
    until(&mut world, |job| matches!(job, Job::Send(..)));
    let held: Vec<Job> = world.jobs.drain(..).collect();
    assert_eq!(world.outcome("join3/a", FlowCommand::Pause), FlowOutcome::Done);
    world.jobs.extend(held);
    later(&mut world, 100);
    assert_eq!(world.disk.journal(&id("join3/a")).turn_count(), 4);
    assert_eq!(world.outside.sent.len(), 3);
    world.check();
    assert_eq!(world.outcome("join3/a", FlowCommand::Resume), FlowOutcome::Done);
    world.run();
    assert_eq!(world.status("join3/a"), FlowStatus::Completed(payload("6")));
}

#[test]
fn a_flow_stuck_on_one_of_three_asks_again_for_what_came_meanwhile_when_retried() {
    let mut world =
        World::new(programs(), |asked| if &*asked.tag == "part 2" { Verdict::Missing } else { script(asked) });
    world.boot();
    world.start("join3/a", "null");
    world.settle();
    assert!(matches!(world.status("join3/a"), FlowStatus::Stuck(Stuck::NoPerformer { .. })));
    assert_eq!(world.disk.journal(&id("join3/a")).turn_count(), 2, "the third came after that");
    world.check();
    world.outside.script = Box::new(script);
    assert_eq!(world.outcome("join3/a", FlowCommand::Retry), FlowOutcome::Done);
    assert_eq!(world.outcome("join3/a", FlowCommand::Retry), FlowOutcome::Unchanged);
    world.run();
    assert_eq!(world.status("join3/a"), FlowStatus::Completed(payload("6")));
    assert!(world.outside.effects.values().all(|effects| *effects == 1));
}

/// Two versions of the code of one kind.
fn versions(mode: Mode) -> [Program; 2] {
    let old = async |cx: FlowCx, (): ()| -> Result<u32, FlowError> {
        let number: u32 = cx.signal("number", "number").await?;
        cx.request::<u32>("echo", "work", &number).await
    };
    let new = async |cx: FlowCx, (): ()| -> Result<u32, FlowError> {
        let asked = cx.sleep("a long wait", seconds(500));
        let number: u32 = cx.signal("number", "number").await?;
        asked.await?;
        cx.request::<u32>("echo", "work", &(number + 1)).await
    };
    [Program::new("v", 1, old).unwrap().mode(mode), Program::new("v", 2, new).unwrap().mode(mode)]
}

#[test]
fn flows_that_wait_find_their_place_again_under_new_code() {
    let [old, new] = versions(Mode::Strict);
    let mut world = World::new(Programs::new().with(old), script);
    world.boot();
    world.start("v/a", "null");
    world.start("v/b", "null");
    world.settle();
    assert_eq!(world.disk.keys("flow/waiting/").len(), 2);
    world.programs = Arc::new(Programs::new().with(new));
    world.crash();
    assert_eq!(world.outcome("v/a", signal(1, "")), FlowOutcome::Done);
    drop(world.outcome("v/b", FlowCommand::Pause));
    world.check();
    assert_eq!((world.disk.keys("flow/due/").len(), world.disk.keys("flow/paused/").len()), (1, 1));
    assert_eq!(world.disk.keys("flow/waiting/"), [""; 0]);
    drop(world.outcome("v/b", FlowCommand::Resume));
    drop(world.outcome("v/b", signal(2, "")));
    world.run();
    assert_eq!(world.status("v/a"), FlowStatus::Completed(payload("2")));
    assert_eq!(world.status("v/b"), FlowStatus::Completed(payload("3")));
}

#[test]
fn a_flow_without_a_program_waits_for_one() {
    let mut world = World::new(Programs::new(), script);
    world.boot();
    assert_eq!(world.outcome("listener/a", FlowCommand::Start { input: payload("null") }), FlowOutcome::Started);
    assert_eq!(world.status("listener/a"), FlowStatus::Stuck(Stuck::NoProgram));
    assert_eq!(world.outcome("listener/a", signal(7, "")), FlowOutcome::Done);
    assert_eq!(world.outcome("listener/a", FlowCommand::Retry), FlowOutcome::Done);
    assert_eq!(world.status("listener/a"), FlowStatus::Stuck(Stuck::NoProgram));
    world.check();
    world.programs = Arc::new(programs());
    world.crash();
    assert_eq!(world.outcome("listener/a", FlowCommand::Retry), FlowOutcome::Done);
    drop(world.outcome("listener/a", signal(0, "")));
    world.run();
    assert_eq!(world.status("listener/a"), FlowStatus::Completed(payload("[7]")));
}

#[test]
fn a_performer_writes_along_with_its_outcome_what_it_may() {
    let may = Performed::new(payload("1")).append(note("other")).write(KvWrite::Put(key("other"), payload("1")));
    let large = payload(&format!("{:?}", "x".repeat(5_000)));
    let many = Append { stream: note("other").stream, events: append("other", 9_000).appends[0].events.clone() };
    let table = [
        (may, None),
        (Performed::new(payload("1")).append(note("flow:one/b")), Some("flow:one/b")),
        (Performed::new(payload("1")).append(note("$global")), Some("$global")),
        (Performed::new(payload("1")).write(KvWrite::Delete(key("flow/epoch/0"))), Some("flow/epoch/0")),
        (Performed::new(payload("1")).write(KvWrite::Put(key("other"), large.clone())), Some("over the limit")),
        (Performed::new(payload("1")).append(many), Some("over the limit")),
        (Performed::new(large), Some("over the limit")),
    ];
    for (performed, forbidden) in table {
        let mut world = World::new(programs(), move |_| Verdict::Writes(performed.clone()));
        world.boot();
        world.start("one/a", "\"any\"");
        world.run();
        let other = ready(world.disk.memory.head(&note("other").stream)).unwrap().last;
        match (world.status("one/a"), forbidden) {
            (FlowStatus::Completed(_), None) => assert_eq!(other, Seq::FIRST),
            (FlowStatus::Stuck(why), Some(word)) => {
                assert!(why.to_string().contains(word), "{why}");
                assert_eq!(other, Seq::UNWRITTEN);
            }
            (status, _) => panic!("{status:?}"),
        }
    }
}

#[test]
fn a_performer_that_says_a_lot_does_not_take_the_shard_down() {
    let mut world = world();
    world.start("one/a", "\"hang\"");
    world.settle();
    let owner = *world.owners.iter().find(|(_, own)| own.number() == id("one/a").shard()).unwrap().0;
    let why = |tag| Stuck::Performer { tag, reason: "x".repeat(10_000) };
    world.with(owner, |shard, now| shard.unperformed(now, &id("one/a"), 1, 0, why));
    world.run();
    assert!(matches!(world.status("one/a"), FlowStatus::Stuck(_)));
}

#[test]
fn an_outcome_as_large_as_the_store_takes_is_recorded() {
    // All of the event but the outcome takes 107 bytes of the 4,000.
    for (length, fits) in [(3_000, true), (3_860, true), (3_990, false)] {
        let mut world = World::new(programs(), move |_| Verdict::Outcome(format!("[{:?},1]", "x".repeat(length))));
        world.boot();
        world.start("child/a", "1");
        world.settle();
        let stuck = matches!(world.status("child/a"), FlowStatus::Stuck(Stuck::Unrecordable { .. }));
        assert_eq!(stuck, !fits, "{length}: {:?}", world.status("child/a"));
        world.check();
    }
}

#[test]
fn a_signal_repeated_under_its_name_counts_once() {
    let mut world = world();
    assert_eq!(world.outcome("listener/a", signal(1, "x")), FlowOutcome::Unknown);
    world.start("listener/a", "null");
    world.settle();
    assert_eq!(world.outcome("listener/a", signal(1, "x")), FlowOutcome::Done);
    assert_eq!(world.outcome("listener/a", signal(1, "x")), FlowOutcome::Unchanged);
    assert_eq!(world.outcome("listener/a", signal(1, "y")), FlowOutcome::Done);
    assert_eq!(world.outcome("listener/a", signal(1, "")), FlowOutcome::Done);
    world.crash();
    assert_eq!(world.outcome("listener/a", signal(1, "x")), FlowOutcome::Unchanged);
    let body = payload(&format!("{:?}", "x".repeat(4_000)));
    let large = FlowCommand::Signal { name: "number".into(), id: None, body };
    assert!(matches!(world.outcome("listener/a", large), FlowOutcome::TooLarge(Limit::EventBytes { .. })));
    drop(world.outcome("listener/a", signal(0, "")));
    assert_eq!(world.status("listener/a"), FlowStatus::Completed(payload("[1,1,1]")));
    world.run();
}

#[test]
fn commands_to_flows_that_are_not_there_or_have_ended_say_so() {
    let mut world = world();
    let all = || {
        use FlowCommand::{Await, Cancel, Inspect, Pause, Resume, Retry, Terminate};
        [Await, Cancel, Inspect, Pause, Resume, Retry, Terminate, signal(1, "")]
    };
    for command in all() {
        assert_eq!(world.outcome("alarm/a", command), FlowOutcome::Unknown);
    }
    let start = |input| FlowCommand::Start { input: payload(input) };
    assert_eq!(world.outcome("alarm/a", start("1005000")), FlowOutcome::Started);
    assert_eq!(world.outcome("alarm/a", start("1005000")), FlowOutcome::Already(FlowStatus::Running));
    assert_eq!(world.outcome("alarm/a", start("1005001")), FlowOutcome::InputDiffers);
    let waiting = world.say("alarm/a", FlowCommand::Await);
    world.run();
    let end = FlowStatus::Completed(payload("1005000"));
    assert_eq!(world.client.answers[&waiting], FlowAnswer::Ended(end.clone()));
    for command in all() {
        match (command.clone(), world.ask("alarm/a", command)) {
            (FlowCommand::Await, answer) => assert_eq!(answer, FlowAnswer::Ended(end.clone())),
            (FlowCommand::Inspect, answer) => assert!(matches!(answer, FlowAnswer::View(view) if view.status == end)),
            (_, answer) => assert_eq!(answer, FlowAnswer::Outcome(FlowOutcome::Over(end.clone()))),
        }
    }
    assert_eq!(world.outcome("alarm/a", start("1005000")), FlowOutcome::Already(end));
}

#[test]
fn a_name_that_somebody_else_has_taken_is_no_child() {
    let mut world = world();
    world.start("child/x", "1");
    world.settle();
    world.start("waits_for/a", r#"["child/x",1]"#);
    world.start("waits_for/b", r#"["child/y",1]"#);
    world.settle();
    world.start("waits_for/c", r#"["child/y",1]"#);
    world.run();
    assert_eq!(world.status("waits_for/a"), FlowStatus::Completed(payload("\"taken\"")));
    assert_eq!(world.status("waits_for/b"), FlowStatus::Completed(payload(r#"{"completed":11}"#)));
    assert_eq!(world.status("waits_for/c"), FlowStatus::Completed(payload("\"taken\"")));
}

/// A parent and a child of different shards.
const APART: [&str; 2] = ["waits_for/p", "child/q"];

#[test]
fn the_end_of_a_child_that_its_shard_forgot_to_tell_is_asked_for() {
    assert_ne!(id(APART[0]).shard(), id(APART[1]).shard());
    for evicted in [false, true] {
        let mut world = world();
        world.start(APART[0], r#"["child/q",1]"#);
        if evicted {
            later(&mut world, 5);
        }
        until_or_later(&mut world, |job| matches!(job, Job::ChildEnded(..)));
        world.jobs.clear();
        let owner = *world.owners.iter().find(|(_, own)| own.number() == id(APART[1]).shard()).unwrap().0;
        world.replace(owner);
        world.run();
        assert_eq!(world.status(APART[0]), FlowStatus::Completed(payload(r#"{"completed":11}"#)));
    }
}

/// Steps, and lets time pass when there is nothing else, until the next job is of this kind.
fn until_or_later(world: &mut World, wanted: impl Fn(&Job) -> bool) {
    while !world.jobs.front().is_some_and(&wanted) {
        if !world.step() {
            world.now = world.next_tick().expect("something to wait for").max(world.now);
            let owners: Vec<u64> = world.owners.keys().copied().collect();
            for owner in owners {
                world.with(owner, Shard::tick);
            }
        }
    }
}

#[test]
fn a_cancelled_parent_cancels_its_children() {
    for end in [FlowCommand::Cancel, FlowCommand::Terminate] {
        let mut world = world();
        world.start("parent/a", "\"a\"");
        later(&mut world, 5);
        assert_eq!(world.outcome("parent/a", end), FlowOutcome::Done);
        world.run();
        for flow in ["parent/a", "child/a-1", "child/a-2"] {
            assert_eq!(world.status(flow), FlowStatus::Cancelled, "{flow}");
        }
    }
}

/// A parent and a child that sleeps for a long while, both of them at rest in the store.
fn long_child() -> World {
    let mut world = world();
    world.start(APART[0], r#"["child/q",1000]"#);
    later(&mut world, 5);
    world.crash();
    world.settle();
    assert_eq!(world.status(APART[1]), FlowStatus::Running);
    world
}

fn owner(world: &World, flow: &str) -> u64 {
    *world.owners.iter().find(|(_, own)| own.number() == id(flow).shard()).unwrap().0
}

fn both_are_cancelled(world: &mut World) {
    world.settle();
    assert_eq!(APART.map(|flow| world.status(flow)), [FlowStatus::Cancelled, FlowStatus::Cancelled]);
    assert_eq!(world.disk.keys("flow/orphan/"), [""; 0]);
    world.check();
}

#[test]
fn a_child_is_cancelled_although_the_word_of_it_is_lost() {
    let losses: [fn(&mut World); 3] = [
        // The whole process is gone.
        World::crash,
        // The child's shard went down with what was said to it, the parent's with what it had to say.
        |world| world.replace(owner(world, APART[1])),
        |world| world.replace(owner(world, APART[0])),
    ];
    for end in [FlowCommand::Cancel, FlowCommand::Terminate] {
        for lose in losses {
            let mut world = long_child();
            world.say(APART[0], end.clone());
            until(&mut world, |job| matches!(job, Job::CancelChild(..)));
            assert_eq!(world.disk.keys("flow/orphan/").len(), 1);
            world.jobs.clear();
            lose(&mut world);
            both_are_cancelled(&mut world);
        }
    }
}

#[test]
fn a_child_is_cancelled_although_its_parent_was_paused_when_it_was_read() {
    for end in [FlowCommand::Cancel, FlowCommand::Terminate] {
        let mut world = long_child();
        assert_eq!(world.outcome(APART[0], FlowCommand::Pause), FlowOutcome::Done);
        world.crash();
        assert_eq!(world.outcome(APART[0], end), FlowOutcome::Done);
        both_are_cancelled(&mut world);
    }
}

#[test]
fn a_child_is_cancelled_although_its_parent_was_stuck_when_it_was_cancelled() {
    let mut world = long_child();
    let all = Arc::clone(&world.programs);
    world.programs = Arc::new(Programs::new().with(all.get(id(APART[1]).kind()).unwrap().clone()));
    world.crash();
    world.settle();
    assert_eq!(world.status(APART[0]), FlowStatus::Stuck(Stuck::NoProgram));
    assert_eq!(world.outcome(APART[0], FlowCommand::Cancel), FlowOutcome::Done);
    world.programs = all;
    world.crash();
    assert_eq!(world.outcome(APART[0], FlowCommand::Retry), FlowOutcome::Done);
    both_are_cancelled(&mut world);
}

#[test]
fn a_child_is_cancelled_although_its_parent_was_cancelled_while_nobody_ran_it() {
    let mut world = long_child();
    world.owners.clear();
    let cancelled = ready(change_flow(&world.disk.memory, &id(APART[0]), &FlowCommand::Cancel, world.now)).unwrap();
    assert_eq!(cancelled, FlowOutcome::Done);
    world.boot();
    both_are_cancelled(&mut world);
}

#[test]
fn a_child_is_cancelled_although_its_parent_goes_on_in_a_new_run() {
    let stubborn = async |cx: FlowCx, (): ()| -> Result<(), FlowError> {
        if cx.run() > 1 {
            return Ok(());
        }
        let _cancelled = cx.child::<u32>("it", id(APART[1]), &1_000_u32).await;
        cx.continue_as_new(&())
    };
    let mut world = World::new(programs().with(Program::new("stubborn", 1, stubborn).unwrap()), script);
    world.boot();
    world.start("stubborn/a", "null");
    later(&mut world, 5);
    assert_eq!(world.outcome("stubborn/a", FlowCommand::Cancel), FlowOutcome::Done);
    world.settle();
    assert_eq!(world.status("stubborn/a"), FlowStatus::Completed(payload("null")));
    assert_eq!(world.status(APART[1]), FlowStatus::Cancelled);
}

#[test]
fn a_flow_that_began_anew_knows_when_it_was_first_started() {
    let again = async |cx: FlowCx, (): ()| -> Result<(), FlowError> {
        cx.sleep("a while", seconds(60)).await?;
        cx.continue_as_new(&())
    };
    let mut world = World::new(programs().with(Program::new("again", 1, again).unwrap()), script);
    world.boot();
    let began = world.now;
    world.start("again/a", "null");
    later(&mut world, 200);
    world.crash();
    world.settle();
    let journal = world.disk.journal(&id("again/a"));
    assert_eq!((journal.run(), journal.started_at()), (4, began));
    assert!(ready(world.disk.memory.head(&id("again/a").stream())).unwrap().truncated_through > Seq::UNWRITTEN);
}

#[test]
fn a_flow_that_somebody_else_started_is_not_cancelled_along() {
    let mut world = world();
    world.start(APART[1], "1000");
    world.settle();
    world.start(APART[0], r#"["child/q",1000]"#);
    until(&mut world, |job| matches!(job, Job::ChildEnded(..)));
    world.jobs.clear();
    assert_eq!(world.outcome(APART[0], FlowCommand::Cancel), FlowOutcome::Done);
    assert_eq!(world.status(APART[1]), FlowStatus::Running);
    assert_eq!(world.disk.keys("flow/orphan/"), [""; 0]);
}

#[test]
fn a_child_whose_start_is_still_on_its_way_is_cancelled_after_it() {
    let mut world = world();
    world.start(APART[0], r#"["child/q",1000]"#);
    until(&mut world, |job| matches!(job, Job::StartChild(..)));
    let Some(start) = world.jobs.pop_front() else { panic!() };
    world.say(APART[0], FlowCommand::Cancel);
    until(&mut world, |job| matches!(job, Job::CancelChild(..)));
    world.jobs.clear();
    // The child's shard reads of it before it knows the child.
    world.replace(owner(&world, APART[1]));
    world.settle();
    world.jobs.push_back(start);
    world.settle();
    // The parent's shard went down before it said the word.
    world.replace(owner(&world, APART[0]));
    both_are_cancelled(&mut world);
}

#[test]
fn a_child_is_known_by_its_tag_where_asks_were_added_before_it() {
    let program = |version: u32| {
        let run = move |cx: FlowCx, (): ()| async move {
            if version == 2 {
                cx.request::<bool>("echo", "added", &true).await?;
            }
            let end = cx.child::<u32>("it", id("child/z"), &1_u32).await?;
            Ok::<_, FlowError>(format!("{end:?}"))
        };
        Program::new("tagged", version, run).unwrap().mode(Mode::ByTag)
    };
    let mut world = World::new(programs().with(program(1)), script);
    world.boot();
    world.start("tagged/a", "null");
    later(&mut world, 5);
    world.programs = Arc::new(programs().with(program(2)));
    world.crash();
    world.run();
    assert_eq!(world.status("tagged/a"), FlowStatus::Completed(payload("\"Completed(11)\"")));
}

#[test]
fn a_flow_that_never_rests_does_not_hold_its_shard_up() {
    let endless = async |cx: FlowCx, (): ()| -> Result<(), FlowError> {
        loop {
            cx.sleep(format!("none {}", cx.history_len()), seconds(0)).await?;
            if cx.history_len() > 20 {
                return cx.continue_as_new(&());
            }
        }
    };
    let mut world = World::new(programs().with(Program::new("endless", 1, endless).unwrap()), script);
    world.boot();
    let start = |world: &mut World| {
        let owner = *world.owners.iter().find(|(_, own)| own.number() == id("endless/a").shard()).unwrap().0;
        world.with(owner, Shard::tick);
        for _ in 0..50 {
            world.step();
        }
    };
    world.start("endless/a", "null");
    for _ in 0..5 {
        start(&mut world);
    }
    world.say("endless/a", FlowCommand::Terminate);
    world.run();
    assert_eq!(world.status("endless/a"), FlowStatus::Cancelled);
}

#[test]
fn the_place_of_a_flow_is_in_the_batch_of_its_event() {
    // Batches as small as they get: each is full after one event.
    let mut world = World::new(programs(), script);
    world.limits.store.operations_max = 4;
    world.boot();
    for number in 0..40 {
        world.start(&format!("child/{number}"), &number.to_string());
    }
    // After each commit the store is as it should be.
    while world.step() {
        let findings = ready(check_places(&world.disk.memory, &world.programs)).unwrap();
        assert_eq!(findings, []);
    }
    world.run();
}

#[test]
fn more_than_a_batch_leaves_in_order_and_each_effect_with_its_own() {
    let mut world = World::new(programs(), script);
    world.limits.live_max = 20_000;
    world.shards = vec![0];
    world.boot();
    world.settle();
    let names: Vec<String> = (0..48_000).map(|n| format!("one/{n}")).filter(|name| id(name).shard() == 0).collect();
    assert!(names.len() > 5_000);
    for name in &names {
        world.start(name, "\"echo\"");
    }
    // All are started before the first commit is answered, so that two batches wait for it.
    let commit = |world: &World| world.jobs.iter().position(|job| matches!(job, Job::Commit(..)));
    let mut held = Vec::new();
    loop {
        if let Some(place) = commit(&world) {
            held.push(world.jobs.remove(place).unwrap());
        }
        if !world.step() {
            break;
        }
    }
    assert_eq!(held.len(), 1, "never more than one on its way");
    let owner = world.owners.values().next().unwrap();
    assert!(!owner.queue.is_empty(), "a batch waits");
    world.jobs.extend(held);
    world.run();
    assert!(names.iter().all(|name| world.status(name).is_over()));
}

#[test]
fn findings_name_flows_that_stand_wrong() {
    let mut disk = Disk::default();
    let audit = |disk: &Disk| ready(check_places(&disk.memory, &programs())).unwrap();
    let mut world = world();
    world.start("alarm/a", "5000000");
    world.settle();
    core::mem::swap(&mut disk, &mut world.disk);
    assert_eq!(audit(&disk), []);
    let flow = id("alarm/a");
    let right = At::Due(at(5_000_000));
    let waiting = Transaction::new().write(KvWrite::Put(At::Waiting.key(&flow), payload("0")));
    assert!(disk.commit(waiting).is_done());
    assert_eq!(audit(&disk), [PlaceFinding::Spare { flow: flow.clone(), found: At::Waiting }]);
    assert!(disk.commit(Transaction::new().write(right.delete(&flow))).is_done());
    let misplaced = PlaceFinding::Misplaced { flow: flow.clone(), found: vec![At::Waiting], expected: right };
    assert_eq!(audit(&disk), [misplaced]);
    assert!(disk.commit(Transaction::new().write(At::Waiting.delete(&flow))).is_done());
    assert_eq!(audit(&disk), [PlaceFinding::Missing { flow: flow.clone(), expected: right }]);
    let nobody = id("alarm/nobody");
    let write = Transaction::new().write(right.delete(&flow)).write(KvWrite::Put(right.key(&nobody), payload("0")));
    assert!(disk.commit(write).is_done());
    assert!(audit(&disk).contains(&PlaceFinding::Spare { flow: nobody, found: right }));
}

#[test]
fn flows_that_differ_in_their_last_letters_spread_over_all_shards() {
    for digits in 1..=6 {
        let mut counts = [0_u32; SHARDS as usize];
        (0..1_000).for_each(|n| counts[usize::from(id(&format!("alarm/{n:0digits$}")).shard())] += 1);
        assert!(counts.iter().all(|count| (75..=175).contains(count)), "{counts:?}");
    }
}

#[test]
fn a_stuck_flow_that_is_cancelled_goes_on_when_retried() {
    let mut world =
        World::new(programs(), |asked| if &*asked.tag == "part 1" { Verdict::Missing } else { script(asked) });
    world.boot();
    world.start("join3/a", "null");
    until(&mut world, |job| matches!(job, Job::Sent(..)));
    world.step();
    let held: Vec<Job> = world.jobs.drain(..).collect();
    let (sent, rest): (Vec<Job>, Vec<Job>) =
        held.into_iter().partition(|job| matches!(job, Job::Send(..) | Job::Sent(..)));
    world.jobs.extend(rest);
    assert_eq!(world.outcome("join3/a", FlowCommand::Cancel), FlowOutcome::Done);
    world.jobs.extend(sent);
    world.settle();
    world.check();
    assert_eq!(world.outcome("join3/a", FlowCommand::Retry), FlowOutcome::Done);
    world.run();
    assert_eq!(world.status("join3/a"), FlowStatus::Cancelled);
}

#[test]
fn what_a_run_has_left_under_way_is_nothing_to_the_next() {
    let twice = async |cx: FlowCx, round: u32| -> Result<u32, FlowError> {
        if round == 2 {
            return cx.request("echo", "work", &2_u32).await;
        }
        let hung = cx.request::<u32>("hang", "work", &1_u32);
        let _unused = crate::flow::select(hung, cx.sleep("patience", seconds(5))).await;
        cx.continue_as_new(&2_u32)
    };
    let mut world = World::new(programs().with(Program::new("twice", 1, twice).unwrap()), script);
    world.boot();
    world.start("twice/a", "1");
    world.run();
    assert_eq!(world.status("twice/a"), FlowStatus::Completed(payload("2")));
}
