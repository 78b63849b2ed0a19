//! Waiting for several things at once, always looked at in the order in which they are declared.

use core::future::{Future, poll_fn};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};

/// Which of two futures was ready first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

/// Waits for the first of two; the other is dropped, and its ask with it. Are both ready, the one declared first wins.
pub async fn select<A: Future, B: Future>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first), pin!(second));
    poll_fn(|cx| {
        if let Poll::Ready(output) = first.as_mut().poll(cx) {
            return Poll::Ready(Either::First(output));
        }
        second.as_mut().poll(cx).map(Either::Second)
    })
    .await
}

/// Waits for the first of many, and gives its place among them, from 0. The others are dropped. With none it waits for
/// ever.
pub async fn select_all<F: Future>(futures: Vec<F>) -> (usize, F::Output) {
    let mut futures: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    poll_fn(|cx| {
        let ready = futures.iter_mut().enumerate().find_map(|(at, future)| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some((at, output)),
            Poll::Pending => None,
        });
        ready.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// A future, or what became of it.
enum Part<F: Future> {
    Waiting(Pin<Box<F>>),
    Ready(Option<F::Output>),
}

impl<F: Future> Part<F> {
    fn is_ready(&mut self, cx: &mut Context<'_>) -> bool {
        if let Self::Waiting(future) = self
            && let Poll::Ready(output) = future.as_mut().poll(cx)
        {
            *self = Self::Ready(Some(output));
        }
        matches!(self, Self::Ready(_))
    }

    fn take(&mut self) -> Option<F::Output> {
        match self {
            Self::Waiting(_) => None,
            Self::Ready(output) => output.take(),
        }
    }
}

/// Waits for two.
pub async fn join<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let (mut first, mut second) = (Part::Waiting(Box::pin(first)), Part::Waiting(Box::pin(second)));
    poll_fn(|cx| {
        // Both are looked at each time, as their order demands.
        let ready = [first.is_ready(cx), second.is_ready(cx)];
        let both = if ready == [true, true] { first.take().zip(second.take()) } else { None };
        both.map_or(Poll::Pending, Poll::Ready)
    })
    .await
}

/// Waits for all, and gives what they came to in their order.
pub async fn join_all<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut parts: Vec<Part<F>> = futures.into_iter().map(|future| Part::Waiting(Box::pin(future))).collect();
    poll_fn(|cx| {
        let waiting = parts.iter_mut().map(|part| part.is_ready(cx)).filter(|ready| !ready).count();
        if waiting > 0 { Poll::Pending } else { Poll::Ready(parts.iter_mut().filter_map(Part::take).collect()) }
    })
    .await
}
