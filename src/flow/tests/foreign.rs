//! Code that does what it must not: waits for something else, panics, never comes to rest; and code that only looks
//! like it.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::task::Waker;
use std::panic::panic_any;
use std::sync::{Arc, Mutex};

use futures_util::future::{FutureExt, poll_fn};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serializer};
use tokio::sync::oneshot;

use super::*;

async fn step(cx: &FlowCx, tag: &str) -> Ran<u32> {
    cx.request("w", tag, &0).await
}

#[test]
fn waiting_for_something_else_is_found_at_once() {
    type Case = (&'static str, Program);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let held = Arc::new(tokio::sync::Mutex::new(()));
    let _guard = Arc::clone(&held).try_lock_owned().unwrap();
    let cases: Vec<Case> = vec![
        (
            "a timer of the runtime",
            program(async |_: FlowCx, (): ()| -> Ran<()> {
                let later = tokio::time::Instant::now() + MINUTE;
                tokio::time::sleep_until(later).await;
                Ok(())
            }),
        ),
        (
            "a channel",
            program(async |_: FlowCx, (): ()| -> Ran<()> {
                let (sender, receiver) = oneshot::channel::<()>();
                drop(receiver.await);
                drop(sender);
                Ok(())
            }),
        ),
        (
            "a lock that another holds",
            program(move |_, (): ()| {
                let held = Arc::clone(&held);
                async move {
                    drop(held.lock().await);
                    Ok(())
                }
            }),
        ),
        ("nothing at all", program(|_, (): ()| core::future::pending::<Ran<()>>())),
        (
            "an answer that it took before",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> {
                let mut ask = cx.signal::<u32>("a", "paid");
                (&mut ask).await?;
                ask.await
            }),
        ),
        (
            "a select of none",
            program(async |_: FlowCx, (): ()| -> Ran<()> { select_all(Vec::<Asked<()>>::new()).await.1 }),
        ),
    ];
    for (name, program) in cases {
        let mut flow = started(program);
        if flow.status() == FlowStatus::Running {
            flow.signal("paid", &1).unwrap();
        }
        assert_eq!(stuck(&flow), Stuck::ForeignAwait, "{name}");
    }
}

type Wakers = Arc<Mutex<Vec<Waker>>>;

/// Waits for an ask, and besides for something that keeps its waker.
fn listener(wakers: &Wakers) -> Program {
    let wakers = Arc::clone(wakers);
    program(move |cx, (): ()| {
        let wakers = Arc::clone(&wakers);
        async move {
            let foreign = poll_fn(move |cx| {
                wakers.lock().unwrap().push(cx.waker().clone());
                core::task::Poll::<()>::Pending
            });
            select(foreign, async { drop(join(step(&cx, "a"), step(&cx, "b")).await) }).await;
            Ok(())
        }
    })
}

#[test]
fn being_woken_from_outside_is_found_at_the_next_turn() {
    for by_thread in [false, true] {
        let wakers = Wakers::default();
        let mut flow = Raw::started(listener(&wakers));
        flow.resolve("a", &1);
        assert_eq!(flow.open(), ["b"], "its own asks wake nobody from outside");
        let waker = wakers.lock().unwrap().pop().unwrap();
        if by_thread {
            std::thread::scope(|scope| drop(scope.spawn(|| waker.wake())));
        } else {
            waker.wake();
        }
        assert_eq!(flow.open(), ["b"]);
        flow.resolve("b", &1);
        assert_eq!(flow.stuck(), Stuck::ForeignWake, "by a thread: {by_thread}");
    }
}

#[test]
fn what_another_thread_wakes_in_the_middle_of_a_turn_is_foreign_too() {
    let run = async |cx: FlowCx, (): ()| -> Ran<u32> {
        let (sender, receiver) = oneshot::channel::<()>();
        let receiver = receiver.shared();
        let mut receiver = core::pin::pin!(receiver);
        // Somebody has its waker, and then it comes from another thread while the turn is taken.
        assert!(poll_fn(|cx| core::task::Poll::Ready(receiver.as_mut().poll(cx).is_pending())).await);
        std::thread::scope(|scope| drop(scope.spawn(|| sender.send(()).unwrap())));
        step(&cx, "a").await
    };
    let mut flow = Raw::started(program(run));
    assert_eq!(flow.open(), ["a"]);
    flow.resolve("a", &1);
    assert_eq!(flow.stuck(), Stuck::ForeignWake);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn combinators_are_no_false_alarm() {
    type Case = (&'static str, Program, u32);
    let tags = |n: u32| (0..n).map(|n| format!("s {n}"));
    let cases: Vec<Case> = vec![
        (
            "join_all",
            program(move |cx: FlowCx, (): ()| {
                ran::<u32>(async move {
                    let all = futures_util::future::join_all(tags(100).map(|tag| cx.request::<u32>("w", tag, &0)));
                    all.await.into_iter().sum()
                })
            }),
            100,
        ),
        (
            "our join_all",
            program(move |cx: FlowCx, (): ()| {
                ran::<u32>(async move {
                    join_all(tags(100).map(|tag| cx.request::<u32>("w", tag, &0))).await.into_iter().sum()
                })
            }),
            100,
        ),
        (
            "FuturesUnordered",
            program(move |cx: FlowCx, (): ()| {
                ran::<u32>(async move {
                    let mut all: FuturesUnordered<_> = tags(100).map(|tag| cx.request::<u32>("w", tag, &0)).collect();
                    let mut sum = 0;
                    while let Some(one) = all.next().await {
                        sum += one?;
                    }
                    Ok(sum)
                })
            }),
            100,
        ),
        (
            "Shared",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> {
                let one = cx.request::<u32>("w", "s 0", &0).shared();
                let (a, b, c) = futures_util::join!(one.clone(), one.clone(), one);
                Ok(a? + b? + c? - 2)
            }),
            1,
        ),
        (
            "select",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> {
                let (one, other) = (cx.request::<u32>("w", "s 0", &0), cx.request::<u32>("w", "s 1", &0));
                let (first, other) = futures_util::future::select(one, other).await.factor_first();
                Ok(first? + other.await?)
            }),
            2,
        ),
        (
            "a channel within the flow",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> {
                let (sender, receiver) = oneshot::channel();
                let send = async { sender.send(step(&cx, "s 0").await) };
                let (sent, received) = futures_util::join!(send, receiver);
                assert_eq!(sent, Ok(()));
                received.unwrap()
            }),
            1,
        ),
    ];
    for (name, program, asks) in cases {
        let mut flow = started(program);
        for n in (0..asks).rev() {
            flow.resolve(&format!("s {n}"), &1).unwrap();
        }
        assert_eq!(flow.output::<u32>().unwrap(), asks, "{name}");
    }
}

#[test]
fn code_that_only_yields_is_restless_and_code_that_yields_a_while_is_not() {
    let yields = |times: usize| {
        program(move |cx: FlowCx, (): ()| {
            ran::<u32>(async move {
                let mut left = times;
                poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    let ready = left == 0;
                    left = left.saturating_sub(1);
                    if ready { core::task::Poll::Ready(()) } else { core::task::Poll::Pending }
                })
                .await;
                step(&cx, "a").await
            })
        })
    };
    assert_eq!(started(yields(900)).open(), ["a"]);
    assert_eq!(stuck(&started(yields(usize::MAX))), Stuck::Restless);
}

struct Bomb;
impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "boom in drop");
    }
}

struct Armed<'a>(&'a AtomicUsize);
impl Drop for Armed<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic!("boom when it is let go");
    }
}

struct NoForm;
impl Serialize for NoForm {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("it has no form"))
    }
}

#[derive(Debug)]
struct Grenade;
impl<'de> Deserialize<'de> for Grenade {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("boom when read")
    }
}

fn panicked(message: &str) -> Stuck {
    Stuck::Panicked { message: message.into() }
}

fn unrecordable(what: &str, reason: &str) -> Stuck {
    Stuck::Unrecordable { what: what.into(), reason: reason.into() }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_flow_whose_code_misbehaves_is_stuck_and_nothing_else_happens() {
    type Case = (&'static str, Program, Stuck);
    let no_start = |_: FlowCx, (): ()| -> core::future::Ready<Ran<()>> { panic!("boom before the first await") };
    let long: &str = "x".repeat(TAG_LENGTH_MAX + 1).leak();
    let cases: Vec<Case> = vec![
        ("before the first await", program(no_start), panicked("boom before the first await")),
        ("at once", program(async |_: FlowCx, (): ()| -> Ran<()> { panic!("boom {}", 1) }), panicked("boom 1")),
        (
            "without words",
            program(async |_: FlowCx, (): ()| -> Ran<()> { panic_any(17) }),
            panicked("it did not say why"),
        ),
        (
            "with something that panics",
            program(async |_: FlowCx, (): ()| -> Ran<()> {
                panic_any(Armed(Box::leak(Box::default())));
            }),
            panicked("it did not say why"),
        ),
        (
            "in drop",
            program(async |_: FlowCx, (): ()| -> Ran<()> {
                drop(Bomb);
                Ok(())
            }),
            panicked("boom in drop"),
        ),
        (
            "the same tag twice",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> {
                drop(cx.request::<u32>("w", "a", &0));
                step(&cx, "a").await
            }),
            Stuck::DuplicateTag { tag: "a".into() },
        ),
        (
            "a tag that is too long",
            program(move |cx: FlowCx, (): ()| ran::<u32>(async move { step(&cx, long).await })),
            unrecordable(&"x".repeat(40), "a tag has 1 to 400 bytes and no control characters; this one 401"),
        ),
        (
            "no tag",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> { step(&cx, "").await }),
            unrecordable("", "a tag has 1 to 400 bytes and no control characters; this one 0"),
        ),
        (
            "a tag with a line break",
            program(async |cx: FlowCx, (): ()| -> Ran<u32> { step(&cx, "a\nb").await }),
            unrecordable("a\nb", "a tag has 1 to 400 bytes and no control characters; this one 3"),
        ),
        (
            "a body without a form",
            program(async |cx: FlowCx, (): ()| -> Ran<()> { cx.request("w", "a", &NoForm).await }),
            unrecordable("a", "payload is not a JSON value: it has no form"),
        ),
        (
            "an undoing without a form",
            program(async |cx: FlowCx, (): ()| -> Ran<()> {
                let mut rollback = cx.rollback();
                rollback.add("w", "undo", &NoForm);
                rollback.undo_and_fail("so it is").await
            }),
            unrecordable("undo", "payload is not a JSON value: it has no form"),
        ),
        (
            "an input of the next run without a form",
            program(async |cx: FlowCx, (): ()| -> Ran<()> { cx.continue_as_new(&NoForm) }),
            unrecordable("input", "payload is not a JSON value: it has no form"),
        ),
        (
            "a result without a form",
            program(async |_: FlowCx, (): ()| -> Ran<NoForm> { Ok(NoForm) }),
            unrecordable("result", "payload is not a JSON value: it has no form"),
        ),
        (
            "a result that is too large",
            program(async |_: FlowCx, (): ()| -> Ran<String> { Ok("x".repeat(4_000)) }),
            unrecordable("result", "its event has 4046 bytes, and 4000 are allowed"),
        ),
        (
            "an unreadable input",
            program(async |_: FlowCx, _: u32| -> Ran<()> { Ok(()) }),
            Stuck::Unreadable { what: "input".into(), reason: "it is no u32, expected u32 at line 1 column 4".into() },
        ),
        (
            "an answer whose reader panics",
            program(async |cx: FlowCx, (): ()| -> Ran<()> {
                let answer: Result<Grenade, FlowError> = cx.signal("a", "paid").await;
                answer.map(drop)
            }),
            panicked("boom when read"),
        ),
    ];
    for (name, program, why) in cases {
        let mut flow = started(program);
        if flow.status() == FlowStatus::Running {
            flow.signal("paid", &1).unwrap();
        }
        assert_eq!(stuck(&flow), why, "{name}");
        assert_eq!((flow.asks(), flow.shown()), (vec![], None), "{name}: nothing leaves it");
    }
}

#[test]
fn what_panics_when_a_flow_is_let_go_stays_within() {
    static DROPPED: AtomicUsize = AtomicUsize::new(0);
    let run = async |cx: FlowCx, (): ()| -> Ran<u32> {
        let armed = Armed(&DROPPED);
        let a = step(&cx, "a").await;
        drop(armed);
        a
    };
    // Evicted.
    drop(Raw::started(program(run)));
    // Stuck on an outcome that does not fit.
    let mut flow = Raw::started(program(run));
    let ask = AskName { tag: "other".into(), ..flow.live.asks()[0].name() };
    flow.record(FlowEvent::Resolved { ask, version: 1, outcome: Payload::new(&1).unwrap() });
    assert!(matches!(flow.stuck(), Stuck::Mismatch { .. }));
    // Ended by force.
    let mut flow = Raw::started(program(run));
    flow.record(FlowEvent::Terminated);
    assert_eq!(flow.live.status(), FlowStatus::Cancelled);
    // Stuck on an outcome that it cannot read.
    let mut flow = Raw::started(program(run));
    flow.resolve("a", &"word");
    assert!(matches!(flow.stuck(), Stuck::Unreadable { .. }));
    assert_eq!(DROPPED.load(Ordering::Relaxed), 4);
}

#[test]
fn an_unreadable_outcome_waits_for_code_that_reads_it() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<u32> { step(&cx, "a").await }));
    flow.resolve("a", &"word").unwrap();
    let reason = "it is no u32, expected u32 at line 1 column 6".to_owned();
    assert_eq!(stuck(&flow), Stuck::Unreadable { what: "a".into(), reason });
    let reads = version(2, async |cx: FlowCx, (): ()| -> Ran<String> { cx.request("w", "a", &0).await });
    let flow = Rehearsal::of_journal(reads, flow.journal()).unwrap();
    assert_eq!(flow.output::<String>().unwrap(), "word");
}

/// A tag that is put together with the flow's own hand, while the ask is made.
struct Nosy<'a>(&'a FlowCx);
impl core::fmt::Display for Nosy<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.show(&"writing");
        write!(f, "{:?} {} {}", self.0, self.0.run(), self.0.is_cancelled())
    }
}

#[test]
fn tags_may_be_put_together_with_the_flow_in_hand() {
    let flow = started(program(async |cx: FlowCx, (): ()| -> Ran<u32> { cx.request("w", Nosy(&cx), &0).await }));
    assert_eq!(flow.status(), FlowStatus::Running);
    assert!(flow.open()[0].starts_with("FlowCx { id: "), "{:?}", flow.open());
}

/// A waker that holds an ask: when it is dropped or woken, the ask goes.
struct Holder(Mutex<Option<Box<dyn Send>>>, Waker);
impl std::task::Wake for Holder {
    fn wake(self: Arc<Self>) {
        drop(self.0.lock().unwrap().take());
        self.1.wake_by_ref();
    }
}

struct Reentrant(Arc<AtomicUsize>);
impl Drop for Reentrant {
    fn drop(&mut self) {
        HAND.with_borrow_mut(|hand| {
            if let Some(cx) = hand.as_ref() {
                self.0.fetch_add(1, Ordering::Relaxed);
                cx.show(&cx.random());
            }
        });
    }
}

thread_local! {
    static HAND: std::cell::RefCell<Option<FlowCx>> = const { std::cell::RefCell::new(None) };
}

#[test]
fn wakers_may_come_back_to_the_flow_when_they_are_dropped_or_woken() {
    let count = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&count);
    let run = move |cx: FlowCx, (): ()| {
        let count = Arc::clone(&own);
        async move {
            HAND.set(Some(cx.clone()));
            let (mut a, mut b) = (cx.request::<u32>("w", "a", &0), cx.request::<u32>("w", "b", &0));
            let answer = poll_fn(|context| {
                let fresh = || {
                    let holds: Box<dyn Send> = Box::new(Reentrant(Arc::clone(&count)));
                    Waker::from(Arc::new(Holder(Mutex::new(Some(holds)), context.waker().clone())))
                };
                // Each poll leaves another waker: the one of before is dropped.
                let (one, other) = (fresh(), fresh());
                drop(b.poll_unpin(&mut core::task::Context::from_waker(&one)));
                a.poll_unpin(&mut core::task::Context::from_waker(&other))
            });
            let answer = answer.await;
            drop(b);
            HAND.set(None);
            answer
        }
    };
    let mut flow = Raw::started(program(run));
    flow.signal("nobody waits for it", &0);
    flow.resolve("a", &5);
    assert_eq!(flow.live.status(), FlowStatus::Completed(Payload::new(&5).unwrap()));
    assert!(count.load(Ordering::Relaxed) > 1);
}

#[test]
fn a_flow_may_be_rehearsed_within_a_flow() {
    let mut flow = started(program(async |cx: FlowCx, (): ()| -> Ran<u32> {
        let mut inner = started(program(async |cx: FlowCx, (): ()| -> Ran<u32> { step(&cx, "b").await }));
        let (sender, receiver) = oneshot::channel();
        let receive = async {
            inner.resolve("b", &4).unwrap();
            sender.send(inner.output::<u32>().unwrap()).unwrap();
            step(&cx, "a").await
        };
        // The receiver is woken after the inner flow took its turns: that is still the code of this one.
        let (received, a) = futures_util::join!(receiver, receive);
        Ok(received.unwrap() + a?)
    }));
    flow.resolve("a", &1).unwrap();
    assert_eq!(flow.output::<u32>().unwrap(), 5);
}

#[test]
fn what_a_flow_leaves_open_when_it_ends_is_no_longer_waited_for() {
    let run = async |cx: FlowCx, (): ()| -> Ran<u32> {
        let rest = join_all((0..3).map(|n| cx.request::<u32>("w", format!("rest {n}"), &0)));
        match select(cx.request::<u32>("w", "first", &0), rest).await {
            Either::First(first) => first,
            Either::Second(_) => Ok(0),
        }
    };
    let mut flow = started(program(run));
    flow.resolve("rest 1", &7).unwrap();
    flow.resolve("first", &8).unwrap();
    assert_eq!((flow.output::<u32>().unwrap(), flow.open()), (8, vec![]));
}
