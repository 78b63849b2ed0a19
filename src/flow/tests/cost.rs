//! Long runs: as many turns as a run may have.

use super::*;

#[test]
fn a_run_of_as_many_turns_as_there_may_be_is_rebuilt_and_one_more_is_too_many() {
    let mut flow = Raw::started(program(async |cx: FlowCx, (): ()| -> Ran<()> {
        for n in 0.. {
            cx.request::<()>("w", n, &0).await?;
        }
        Ok(())
    }));
    for n in 0..49_999 {
        flow.resolve(&n.to_string(), &());
    }
    let open = flow.open();
    assert_eq!((open.len(), flow.live.journal.turn_count()), (1, 50_000));
    flow.crash();
    assert_eq!(flow.open(), open);
    flow.resolve(&open[0], &());
    assert_eq!(flow.stuck(), Stuck::TooLong { turns: 50_001, limit: 50_000 });
}
