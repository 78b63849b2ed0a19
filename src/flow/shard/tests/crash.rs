//! The crash matrix: the process is killed at each point of each scenario, and once more at each point after that.

use super::programs::{programs, script};
use super::world::{World, id, payload};
use super::*;
use crate::flow::FlowStatus;

struct Scenario {
    name: &'static str,
    begin: fn(&mut World),
    flows: &'static [&'static str],
}

const SCENARIOS: [Scenario; 8] = [
    Scenario { name: "delivery", begin: |world| _ = world.start("deliver/a", "2"), flows: &["deliver/a"] },
    Scenario {
        name: "parent and children",
        begin: |world| _ = world.start("parent/a", "\"a\""),
        flows: &["parent/a", "child/a-1", "child/a-2"],
    },
    Scenario {
        name: "cancelled parent and children",
        begin: |world| {
            world.start("parent/a", "\"a\"");
            world.settle();
            world.say("parent/a", FlowCommand::Cancel);
        },
        flows: &["parent/a", "child/a-1", "child/a-2"],
    },
    Scenario { name: "join of three", begin: |world| _ = world.start("join3/a", "null"), flows: &["join3/a"] },
    Scenario { name: "timeout", begin: |world| _ = world.start("timeout/a", "null"), flows: &["timeout/a"] },
    Scenario { name: "rollback", begin: |world| _ = world.start("saga/a", "null"), flows: &["saga/a"] },
    Scenario {
        name: "continue as new",
        begin: |world| {
            world.start("rounds/a", "1");
            for number in 1..=3 {
                let signal = FlowCommand::Signal {
                    name: "go".into(),
                    id: Some(format!("s{number}").into()),
                    body: payload(&number.to_string()),
                };
                // A flow that is not there takes no signal.
                world.settle();
                world.say("rounds/a", signal);
            }
        },
        flows: &["rounds/a"],
    },
    Scenario { name: "no time at all", begin: |world| _ = world.start("dozy/a", "null"), flows: &["dozy/a"] },
];

struct Seen {
    statuses: Vec<FlowStatus>,
    asked: Vec<String>,
    /// Points at which it could have been killed since it was last started.
    points: usize,
}

fn run(scenario: &Scenario, kills: &[usize]) -> Seen {
    let mut world = World::new(programs(), script);
    world.disk.forgetful = true;
    world.shards = scenario.flows.iter().map(|flow| id(flow).shard()).collect();
    world.shards.sort_unstable();
    world.shards.dedup();
    world.kills = kills.iter().copied().collect();
    world.boot();
    (scenario.begin)(&mut world);
    world.run();
    assert!(world.kills.is_empty(), "not killed at {:?}", world.kills);
    assert!(world.outside.effects.values().all(|effects| *effects == 1), "{:?}", world.outside.effects);
    Seen {
        statuses: scenario.flows.iter().map(|flow| world.status(flow)).collect(),
        asked: world.outside.sent.keys().cloned().collect(),
        points: world.points,
    }
}

fn compare(scenario: &Scenario, free: &Seen, kills: &[usize]) -> usize {
    let seen = std::panic::catch_unwind(|| run(scenario, kills));
    let Ok(seen) = seen else { panic!("{}, killed at {kills:?}", scenario.name) };
    assert_eq!(seen.statuses, free.statuses, "{}, killed at {kills:?}", scenario.name);
    assert_eq!(seen.asked, free.asked, "{}, killed at {kills:?}", scenario.name);
    seen.points
}

fn matrix(scenario: &Scenario, stride: usize) -> (usize, usize) {
    let free = run(scenario, &[]);
    assert!(free.statuses.iter().all(FlowStatus::is_over), "{}: {:?}", scenario.name, free.statuses);
    let mut pairs = 0;
    for first in 1..=free.points {
        let then = compare(scenario, &free, &[first]);
        for second in (1..=then).skip(first % stride).step_by(stride) {
            compare(scenario, &free, &[first, second]);
            pairs += 1;
        }
    }
    (free.points, pairs)
}

#[test]
fn a_process_killed_twice_anywhere_does_what_one_does_that_is_not() {
    let mut all = 0;
    for scenario in &SCENARIOS {
        let stride = if std::env::var_os("BOXOFFICE_FLOW_SEEDS").is_some() { 1 } else { 3 };
        let (points, pairs) = matrix(scenario, stride);
        eprintln!("{}: {points} points, {pairs} pairs of crashes", scenario.name);
        all += pairs;
    }
    eprintln!("{all} pairs of crashes");
    assert!(all > 1_000, "{all}");
}
