//! Work that is under way for an actor, much of it at a time.

use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context as Task, Poll, Waker};
use std::rc::Rc;

use actix::fut::ActorFuture;
use actix::{Actor, AsyncContext, Context};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

/// What is done with the outcome of a piece of work.
type Then<A> = Box<dyn FnOnce(&mut A, &mut Context<A>)>;

/// Pieces of work whose outcomes come back to the actor that began them; dropped with it.
///
/// A context polls everything that was spawned on it whenever it is woken, so a thousand pieces would cost a thousand polls for each
/// that comes to its end. Here only those are polled that were woken.
pub(crate) struct UnderWay<A: Actor<Context = Context<A>>>(Rc<RefCell<Pool<A>>>);

struct Pool<A: Actor<Context = Context<A>>> {
    pieces: FuturesUnordered<LocalBoxFuture<'static, Then<A>>>,
    /// Whoever polls the pieces. None until there was a first.
    waker: Option<Waker>,
    is_polled: bool,
}

impl<A: Actor<Context = Context<A>>> UnderWay<A> {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(Pool { pieces: FuturesUnordered::new(), waker: None, is_polled: false })))
    }

    /// Begins `work`; `then` is called with its outcome, in the actor's turn.
    pub(crate) fn begin<T: 'static>(
        &self,
        ctx: &mut Context<A>,
        work: impl Future<Output = T> + 'static,
        then: impl FnOnce(T, &mut A, &mut Context<A>) + 'static,
    ) {
        let mut pool = self.0.borrow_mut();
        pool.pieces.push(Box::pin(async move {
            let outcome = work.await;
            Box::new(move |act: &mut A, ctx: &mut Context<A>| then(outcome, act, ctx)) as Then<A>
        }));
        if !core::mem::replace(&mut pool.is_polled, true) {
            ctx.spawn(Polled(Rc::clone(&self.0)));
        } else if let Some(waker) = &pool.waker {
            waker.wake_by_ref();
        }
    }
}

impl<A: Actor<Context = Context<A>>> fmt::Debug for UnderWay<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnderWay").field(&self.0.borrow().pieces.len()).finish()
    }
}

/// What the actor's context polls: never done.
struct Polled<A: Actor<Context = Context<A>>>(Rc<RefCell<Pool<A>>>);

impl<A: Actor<Context = Context<A>>> ActorFuture<A> for Polled<A> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, act: &mut A, ctx: &mut Context<A>, task: &mut Task<'_>) -> Poll<()> {
        loop {
            let mut pool = self.0.borrow_mut();
            if pool.waker.as_ref().is_none_or(|waker| !waker.will_wake(task.waker())) {
                pool.waker = Some(task.waker().clone());
            }
            let next = pool.pieces.poll_next_unpin(task);
            drop(pool);
            match next {
                Poll::Ready(Some(then)) => then(act, ctx),
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}
