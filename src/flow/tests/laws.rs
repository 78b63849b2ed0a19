//! Random programs, random orders of outcomes, crashes anywhere: what must hold of all of them.

use core::pin::Pin;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;

/// A small language of flows.
#[derive(Clone, Debug)]
enum Step {
    Request,
    Timer(u8),
    Signal(u8),
    Child,
    Show,
    /// Both ways at once; the first that is through wins.
    Select(Vec<Step>, Vec<Step>),
    Join(Vec<Step>, Vec<Step>),
    /// Makes an ask, takes steps, and only then waits for it.
    Around(Vec<Step>),
    /// Takes steps if a sum of what was heard is odd.
    IfOdd(Vec<Step>),
    Patched(u8, Vec<Step>),
    Loop(u8, Vec<Step>),
    Shielded(Vec<Step>),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let leaf = prop_oneof![
        4 => Just(Step::Request),
        1 => (0..4_u8).prop_map(Step::Timer),
        2 => (0..2_u8).prop_map(Step::Signal),
        1 => Just(Step::Child),
        1 => Just(Step::Show),
    ];
    let step = leaf.prop_recursive(3, 24, 4, |inner| {
        let some = || prop::collection::vec(inner.clone(), 0..4);
        prop_oneof![
            (some(), some()).prop_map(|(a, b)| Step::Select(a, b)),
            (some(), some()).prop_map(|(a, b)| Step::Join(a, b)),
            some().prop_map(Step::Around),
            some().prop_map(Step::IfOdd),
            (0..3_u8, some()).prop_map(|(patch, some)| Step::Patched(patch, some)),
            (0..3_u8, some()).prop_map(|(times, some)| Step::Loop(times, some)),
            some().prop_map(Step::Shielded),
        ]
    });
    prop::collection::vec(step, 0..6)
}

type Future<'a> = Pin<Box<dyn core::future::Future<Output = Ran<u64>> + 'a>>;

/// Takes the steps, and gives a sum of what was heard. All tags begin with `path`.
fn take<'a>(cx: &'a FlowCx, steps: &'a [Step], path: String, heard: u64) -> Future<'a> {
    Box::pin(async move {
        let mut heard = heard;
        for (at, step) in steps.iter().enumerate() {
            let path = format!("{path}.{at}");
            let more = one(cx, step, path, heard).await?;
            heard = heard.wrapping_mul(31).wrapping_add(more);
        }
        Ok(heard)
    })
}

fn one<'a>(cx: &'a FlowCx, step: &'a Step, path: String, heard: u64) -> Future<'a> {
    let inner = |steps: &'a [Step], name: &str| take(cx, steps, format!("{path}{name}"), heard);
    match step {
        Step::Request => Box::pin(cx.request::<u64>("w", &path, &heard)),
        Step::Timer(n) => {
            let ask = cx.sleep_until(&path, cx.now() + Duration::from_secs(u64::from(*n)));
            Box::pin(async { ask.await.map(|()| 1) })
        }
        Step::Signal(n) => Box::pin(cx.signal::<u64>(&path, &format!("name {n}"))),
        Step::Child => {
            let ask = cx.child::<u64>(&path, "t/child".parse().unwrap(), &heard);
            Box::pin(async { Ok(if matches!(ask.await?, ChildEnd::Completed(_)) { 2 } else { 3 }) })
        }
        Step::Show => {
            cx.show(&(cx.random(), cx.now(), heard));
            Box::pin(async { Ok(cx.random() & 3) })
        }
        Step::Select(a, b) => {
            let (a, b) = (inner(a, "a"), inner(b, "b"));
            Box::pin(async {
                match select(a, b).await {
                    Either::First(heard) | Either::Second(heard) => heard,
                }
            })
        }
        Step::Join(a, b) => {
            let (a, b) = (inner(a, "a"), inner(b, "b"));
            Box::pin(async {
                let (a, b) = join(a, b).await;
                Ok(a?.wrapping_add(b?))
            })
        }
        Step::Around(steps) => {
            let ask = cx.request::<u64>("w", format!("{path}!"), &heard);
            let steps = inner(steps, "s");
            Box::pin(async { Ok(steps.await?.wrapping_add(ask.await?)) })
        }
        Step::IfOdd(steps) if heard % 2 == 1 => inner(steps, "i"),
        Step::Patched(n, steps) if cx.patched(&format!("patch {n}")) => inner(steps, "p"),
        Step::IfOdd(_) | Step::Patched(..) => Box::pin(async { Ok(0) }),
        Step::Loop(times, steps) => Box::pin(async move {
            let mut heard = heard;
            for n in 0..*times {
                heard = take(cx, steps, format!("{path}l{n}"), heard).await?;
            }
            Ok(heard)
        }),
        Step::Shielded(steps) => Box::pin(async move {
            let shielded = cx.shielded();
            take(&shielded, steps, format!("{path}h"), heard).await
        }),
    }
}

/// Up to three runs of the steps.
fn language(steps: Vec<Step>, runs: u32) -> Program {
    let steps = Arc::new(steps);
    program(move |cx, input: Option<u64>| {
        let steps = Arc::clone(&steps);
        async move {
            let heard = take(&cx, &steps, "s".to_owned(), input.unwrap_or_default()).await?;
            if cx.run() < runs { cx.continue_as_new(&Some(heard)) } else { Ok(heard) }
        }
    })
}

/// Something happens to the flow, as the dice say. Gives false if nothing can happen any more.
fn happen(flow: &mut Raw, dice: u16) -> bool {
    if flow.live.status() != FlowStatus::Running {
        return false;
    }
    let asks: Vec<Ask> = flow.live.asks();
    let asks: Vec<&Ask> = asks.iter().filter(|ask| !matches!(ask.what, What::Signal { .. })).collect();
    let dice = usize::from(dice);
    match dice % (asks.len() + 3) {
        0 if dice % 13 == 0 && !flow.live.journal.cancel_requested() => {
            flow.record(FlowEvent::CancelRequested { version: 1 });
        }
        0 | 1 => flow.signal(&format!("name {}", dice % 2), &(dice % 7)),
        2 => flow.signal("name 0", &(dice % 5)),
        at => {
            let ask = asks[at - 3];
            let outcome = match &ask.what {
                What::Child { .. } => Payload::new(&ChildEnd::Completed(dice)),
                What::Timer { .. } => Payload::new(&()),
                What::Request { .. } | What::Signal { .. } => Payload::new(&dice),
            };
            flow.record(FlowEvent::Resolved { ask: ask.name(), version: 1, outcome: outcome.unwrap() });
        }
    }
    true
}

type Seen = (FlowStatus, Vec<AskName>, Option<Payload>, Journal);

fn seen(live: &Live) -> Seen {
    (live.status(), live.asks().iter().map(Ask::name).collect(), live.shown(), live.journal.clone())
}

fn cold(flow: &Raw, events: &[RecordedEvent]) -> (Live, Vec<NewEvent>) {
    Live::rebuild(folded(flow.live.journal.id(), events), &flow.programs, at(0))
}

fn played(steps: Vec<Step>, runs: u32, dice: &[u16], check: bool) -> Result<Raw, TestCaseError> {
    let program = language(steps, runs);
    let by_tag = Programs::new().with(program.clone().mode(Mode::ByTag));
    let mut flow = Raw::started(program);
    for dice in dice {
        if check {
            let (live, found) = cold(&flow, &flow.events);
            prop_assert_eq!(seen(&live), seen(&flow.live));
            prop_assert_eq!(found, vec![]);
            let (live, _) = Live::rebuild(flow.live.journal.clone(), &by_tag, at(0));
            prop_assert_eq!(seen(&live), seen(&flow.live), "what fits by place fits by tag");
        }
        if !happen(&mut flow, *dice) {
            break;
        }
    }
    Ok(flow)
}

/// Whether a host records it; all else is what the flow makes of that.
fn from_outside(event: &FlowEvent) -> bool {
    event.is_turn() && !matches!(event, FlowEvent::Continued { .. })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_flow_that_is_rebuilt_is_the_flow(
        steps in steps(), runs in 1..4_u32, dice in prop::collection::vec(any::<u16>(), 0..40),
    ) {
        let flow = played(steps, runs, &dice, true)?;
        if let FlowStatus::Stuck(why) = flow.live.status() {
            prop_assert_eq!(why, Stuck::Restless, "only by beginning anew again and again");
        }
    }

    #[test]
    fn a_crash_anywhere_loses_nothing_that_was_recorded_and_the_same_outcomes_lead_to_the_same_end(
        steps in steps(), runs in 1..4_u32, dice in prop::collection::vec(any::<u16>(), 0..40), cut in any::<prop::sample::Index>(),
    ) {
        let flow = played(steps, runs, &dice, false)?;
        let at_event = cut.index(flow.events.len()) + 1;
        let (live, found) = cold(&flow, &flow.events[..at_event]);
        let programs = flow.programs.clone();
        let mut again = Raw { live, programs, events: flow.events[..at_event].to_vec() };
        again.keep(found);
        for event in flow.events.iter().skip(at_event) {
            let event = wire::decode(event).unwrap();
            if from_outside(&event) {
                again.record(event);
            }
        }
        prop_assert_eq!(&again.events, &flow.events);
        prop_assert_eq!(seen(&again.live), seen(&flow.live));
    }

    #[test]
    fn the_asks_do_not_depend_on_the_order_of_outcomes_that_nobody_has_looked_at(
        mut order in Just((0..6_usize).collect::<Vec<_>>()).prop_shuffle(), known in 0..6_usize, way in 0..3_u8,
    ) {
        let run = move |cx: FlowCx, (): ()| ran::<()>(async move {
            let asks: Vec<Asked<u64>> = (0..6).map(|n| cx.request("w", format!("a {n}"), &n)).collect();
            cx.request::<()>("w", "gate", &0).await?;
            let heard = match way {
                0 => join_all(asks.into_iter().take(known)).await.into_iter().sum::<Ran<u64>>()?,
                1 => select_all(asks).await.1?,
                _ => {
                    let mut asks = asks.into_iter();
                    let (a, b) = (asks.next().unwrap(), asks.next().unwrap());
                    match select(a, b).await { Either::First(heard) | Either::Second(heard) => heard? }
                }
            };
            join_all((0..heard).map(|n| cx.request::<()>("w", format!("b {n}"), &heard))).await;
            Ok(())
        });
        order.retain(|n| *n < known);
        let after = |order: &[usize]| {
            let mut flow = Raw::started(program(run));
            for n in order {
                flow.resolve(&format!("a {n}"), n);
            }
            flow.resolve("gate", &());
            (flow.live.status(), flow.live.asks())
        };
        let sorted: Vec<usize> = (0..known).collect();
        prop_assert_eq!(after(&order), after(&sorted));
    }
}
