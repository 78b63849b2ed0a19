//! The index of due flows: all fire, in their order, none early, none twice, however little of it is in memory.

use super::programs::{programs, script, seconds};
use super::world::{Dice, Job, World, at, id, payload};
use super::*;
use crate::flow::FlowStatus;

/// Flows of one shard.
fn alarms(count: usize) -> Vec<String> {
    (0..).map(|n| format!("alarm/{n}")).filter(|name| id(name).shard() == 0).take(count).collect()
}

fn small(due_max: usize, live_max: usize) -> World {
    let mut world = World::new(programs(), script);
    (world.limits.due_max, world.limits.live_max) = (due_max, live_max);
    world.shards = vec![0];
    world.boot();
    world.settle();
    world
}

/// When a flow's timer ran out, as its journal has it.
fn fired(world: &World, name: &str) -> Timestamp {
    let events = world.disk.events(&id(name));
    let resolved: Vec<_> =
        events.iter().filter(|event| event.event_type.as_str() == "flow.resolved.v1").map(|event| event.at).collect();
    assert_eq!(resolved.len(), 1, "{name} fired {} times", resolved.len());
    resolved[0]
}

fn random_instants(count: usize, limits: [usize; 2]) {
    let mut world = small(limits[0], limits[1]);
    let mut dice = Dice(7);
    let alarms = alarms(count);
    let instants: Vec<i64> = alarms.iter().map(|_| 1_000_001 + dice.signed_below(100_000_000)).collect();
    for (name, instant) in alarms.iter().zip(&instants) {
        world.start(name, &instant.to_string());
    }
    world.run();
    for (name, instant) in alarms.iter().zip(&instants) {
        assert_eq!(fired(&world, name), at(*instant), "{name}");
    }
}

#[test]
fn timers_at_random_instants_all_run_out_in_their_order() {
    let count = if cfg!(debug_assertions) { 3_000 } else { 50_000 };
    random_instants(count, [3, 10]);
    random_instants(count, [10, 3]);
}

#[test]
fn timers_of_one_instant_all_run_out() {
    let count = if cfg!(debug_assertions) { 2_000 } else { 10_000 };
    let mut world = small(10, 3);
    let alarms = alarms(count);
    for name in &alarms {
        world.start(name, "5000000");
    }
    world.run();
    assert!(alarms.iter().all(|name| fired(&world, name) == at(5_000_000)));
}

#[test]
fn timers_written_while_a_page_is_read_are_not_lost() {
    for seed in 0..if cfg!(debug_assertions) { 100 } else { 2_000 } {
        let mut world = small(3, 10);
        world.fifo = false;
        world.dice = Dice(seed);
        let alarms = alarms(60);
        for (number, name) in alarms.iter().enumerate() {
            let instant = 1_000_000 + world.dice.below(20_000);
            world.start(name, &instant.to_string());
            // Now and then all at once, now and then with time between.
            for _ in 0..world.dice.below(12) {
                world.step();
            }
            if number % 7 == 0 {
                world.now = world.now + seconds(1);
                let owner = *world.owners.keys().next().unwrap();
                world.with(owner, Shard::tick);
            }
        }
        world.run();
        for name in &alarms {
            assert!(world.status(name).is_over(), "seed {seed}: {name} is lost");
            fired(&world, name);
        }
    }
}

#[test]
fn a_clock_put_back_an_hour_fires_nothing_early_and_loses_nothing() {
    let mut world = small(3, 10);
    let alarms = alarms(50);
    for (number, name) in alarms.iter().enumerate() {
        world.start(name, &(1_000_000 + 60_000 * number).to_string());
    }
    world.run_until(at(1_000_000 + 60_000 * 20 + 1));
    world.now = at(world.now.as_millis() - 3_600_000);
    world.settle();
    assert_eq!(alarms.iter().filter(|name| world.status(name).is_over()).count(), 21);
    world.run();
    for (number, name) in (0_i64..).zip(&alarms) {
        assert_eq!(fired(&world, name), at(1_000_000 + 60_000 * number).max(at(1_000_000)), "{name}");
    }
}

#[test]
fn a_clock_put_forward_a_day_fires_everything_once_and_in_order() {
    let mut world = small(3, 10);
    let alarms = alarms(50);
    for (number, name) in alarms.iter().enumerate() {
        world.start(name, &(1_100_000 + 60_000 * (49 - number)).to_string());
    }
    world.settle();
    world.now = at(86_400_000 + 1_000_000);
    world.run();
    let mut cursors: Vec<_> = alarms.iter().map(|name| world.disk.events(&id(name)).last().unwrap().cursor).collect();
    cursors.reverse();
    // Up to the room that there is.
    for pair in cursors.windows(11) {
        assert!(pair[0] < pair[10], "out of order");
    }
}

#[test]
fn timers_at_the_edges_of_time() {
    let mut world = small(3, 10);
    let names = alarms(6);
    let edges = [i64::MIN, -1, 0, 999_999, 1_000_000, i64::MAX];
    for (name, edge) in names.iter().zip(edges) {
        world.start(name, &edge.to_string());
    }
    world.run_until(at(2_000_000));
    for name in &names[..5] {
        assert_eq!(world.status(name), FlowStatus::Completed(payload("1000000")));
    }
    assert_eq!(world.status(&names[5]), FlowStatus::Running);
    world.check();
    world.run_until(Timestamp::MAX);
    assert!(world.status(&names[5]).is_over());
    world.check();
}

#[test]
fn a_page_read_before_a_flow_moved_on_brings_it_no_second_turn() {
    let mut world = small(3, 10);
    let names = alarms(8);
    for (number, name) in names.iter().enumerate() {
        world.start(name, &(1_001_000 + number).to_string());
    }
    world.settle();
    world.owners.clear();
    world.jobs.clear();
    world.claim(0);
    // The page is read, and comes only after all of them were cancelled.
    world.step();
    let Some(page) = world.jobs.pop_front() else { panic!() };
    assert!(matches!(page, Job::DuePage(..)));
    for name in &names {
        assert_eq!(world.outcome(name, FlowCommand::Cancel), FlowOutcome::Done);
    }
    world.jobs.push_back(page);
    world.run();
    assert!(names.iter().all(|name| world.status(name) == FlowStatus::Cancelled));
}

#[test]
fn a_timer_that_is_not_durable_when_the_page_around_it_is_read_is_not_lost() {
    let mut world = small(4, 10);
    let names = alarms(9);
    let (late, others) = names.split_last().unwrap();
    for (number, name) in others.iter().enumerate() {
        world.start(name, &(1_010_000 + 10_000 * number).to_string());
    }
    world.settle();
    // Of a new owner only the first half is in memory.
    world.owners.clear();
    world.claim(0);
    world.settle();
    world.start(late, "1065000");
    while !matches!(world.jobs.front(), Some(Job::Commit(..))) {
        assert!(world.step());
    }
    let commit = world.jobs.pop_front();
    // Three run out, and the second half is read before the commit is through.
    world.now = at(1_030_000);
    let owner = *world.owners.keys().next().unwrap();
    world.with(owner, Shard::tick);
    while world.step() {}
    world.jobs.extend(commit);
    world.run();
    assert_eq!(fired(&world, late), at(1_065_000));
}
