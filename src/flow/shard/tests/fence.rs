//! One owner: what a former one still does is lost, and nothing of it leaves.

use super::programs::{programs, script};
use super::world::{Dice, Job, World, at, id, payload};
use super::*;

#[test]
fn an_owner_that_goes_on_after_another_has_claimed_is_fenced_off() {
    let mut world = World::new(programs(), script);
    world.alone = false;
    world.shards = vec![0];
    world.boot();
    world.settle();
    let old = *world.owners.keys().next().unwrap();
    world.claim(0);
    world.settle();
    for round in 0..3_u64 {
        let mut shard = world.owners.remove(&old).unwrap();
        let names: Vec<FlowId> =
            (0..50).map(|n| id(&format!("one/{round}-{n}"))).filter(|flow| flow.shard() == 0).collect();
        for (reply, flow) in names.iter().enumerate() {
            let start = FlowCommand::Start { input: payload("\"echo\"") };
            shard.command(at(0), flow.clone(), start, reply as u64);
        }
        shard.take_effects();
        shard.loaded(at(0), names.iter().map(|flow| Journal::new(flow.clone())).collect());
        let mut effects = shard.take_effects();
        let Some(Effect::Commit(transaction)) = effects.pop() else { panic!() };
        assert_eq!(effects, [], "nothing leaves before the batch is durable");
        let outcome = world.disk.commit(transaction);
        assert!(matches!(outcome, CommitOutcome::Conflict(_)), "{outcome:?}");
        assert_eq!(shard.committed(at(0), Ok(outcome)), Err(ShardLost::Fenced(0)));
        assert_eq!(shard.take_effects(), [], "nothing leaves a shard that is lost");
        let mut back = shard.into_waiting();
        back.sort_unstable();
        assert_eq!(back, (0..names.len() as u64).collect::<Vec<_>>());
        // Each time another one that does not know yet.
        let epoch = world.owners.values().next().unwrap().epoch;
        world.claim(0);
        world.owners.insert(old, Shard::new(epoch, Arc::clone(&world.programs), world.limits));
        world.with(old, |shard, now| {
            shard.take_effects();
            shard.due_read(now, DuePage::default());
        });
    }
}

#[test]
fn of_two_owners_interleaved_at_random_none_lets_out_what_is_not_durable() {
    for seed in 0..60 {
        let mut world = World::new(programs(), script);
        world.alone = false;
        world.fifo = false;
        world.dice = Dice(seed);
        world.shards = vec![0, 1, 2, 3, 4, 5, 6, 7];
        world.boot();
        for number in 0..12 {
            world.start(&format!("child/{number}"), &number.to_string());
            world.start(&format!("deliver/{number}"), "1");
            for _ in 0..world.dice.below(30) {
                world.step();
            }
            if world.dice.percent(30) {
                let shard = u8::try_from(world.dice.below(8)).unwrap();
                world.claim(shard);
            }
        }
        world.run();
        assert!(world.fenced > 0 || seed > 0, "nobody was fenced off");
        for number in 0..12 {
            assert!(world.status(&format!("child/{number}")).is_over(), "seed {seed}");
            assert!(world.status(&format!("deliver/{number}")).is_over(), "seed {seed}");
        }
    }
}

#[test]
fn a_dropped_shard_hands_back_each_reply_that_it_has_not_answered() {
    for seed in 0..200 {
        let mut world = World::new(programs(), script);
        world.fifo = false;
        world.dice = Dice(seed);
        world.boot();
        for number in 0..10 {
            world.start(&format!("child/{number}"), "1");
            world.say(&format!("child/{number}"), FlowCommand::Await);
            world.say(&format!("child/{number}"), FlowCommand::Inspect);
        }
        for _ in 0..world.dice.below(120) {
            world.step();
        }
        let said = |world: &World| {
            let waiting = |job: &&Job| matches!(job, Job::Say(_));
            world.client.asked.len() - world.jobs.iter().filter(waiting).count()
        };
        let said = said(&world);
        let shards: Vec<Shard<u64>> = core::mem::take(&mut world.owners).into_values().collect();
        let back: Vec<u64> = shards.into_iter().flat_map(Shard::into_waiting).collect();
        let mut all: Vec<u64> = world.client.answers.keys().copied().chain(back).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!((all.len(), count), (said, said), "seed {seed}");
    }
}
