//! How fast the pure shard is. By hand: `cargo test --release flow::shard::tests::speed -- --ignored --nocapture`.

use super::programs::{programs, script};
use super::world::{Dice, World, id};

#[test]
#[ignore = "a measurement, not a test"]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn flows_of_three_steps_each() {
    let names: Vec<String> =
        (0..).map(|n| format!("trio/{n}")).filter(|name| id(name).shard() == 0).take(100_000).collect();
    let trio = async |cx: crate::flow::FlowCx, (): ()| -> Result<u32, crate::flow::FlowError> {
        let mut sum = 0;
        for step in 1..=3_u32 {
            sum += cx.request::<u32>("echo", format!("step {step}"), &step).await?;
        }
        Ok(sum)
    };
    let mut world = World::new(programs().with(crate::flow::Program::new("trio", 1, trio).unwrap()), script);
    world.shards = vec![0];
    world.unchecked = true;
    world.dice = Dice(0);
    world.boot();
    world.settle();
    let began = std::time::Instant::now();
    for some in names.chunks(64) {
        for name in some {
            world.start(name, "null");
        }
        world.settle();
    }
    let took = began.elapsed();
    assert!(names.iter().all(|name| world.status(name).is_over()));
    eprintln!("{} flows of 3 steps in {took:?}, {} commits", names.len(), world.commits);
}
