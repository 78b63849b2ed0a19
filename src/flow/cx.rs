//! What a flow's code has in hand.

use core::fmt;
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};
use core::time::Duration;
use std::cell::RefCell;
use std::rc::Rc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::ask::{ChildEnd, Tag, What};
use super::id::FlowId;
use super::rollback::Rollback;
use super::slots::{Answer, Slots};
use super::stuck::Stuck;
use crate::persist::Payload;
use crate::time::Timestamp;

/// How a flow ends other than with a result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlowError {
    /// It was cancelled while it waited.
    #[error("the flow was cancelled")]
    Cancelled,
    /// It gives up, for a reason of its own.
    #[error("{0}")]
    Failed(String),
    /// It is to begin anew. Made by [`FlowCx::continue_as_new`].
    #[error("the flow continues as new")]
    ContinueAsNew(Payload),
}

impl FlowError {
    /// The flow gives up, for this reason.
    pub fn failed(reason: impl fmt::Display) -> Self {
        Self::Failed(reason.to_string())
    }
}

/// A flow's only way to the world: everything it asks for here is recorded, and nothing else may make a difference to
/// it.
///
/// A call makes the ask; waiting for it is another thing. So the order of the calls is the order of the asks, whatever
/// is waited for first. Each ask of a run has a tag of its own: put the attempt into it (`"send 2"`).
#[derive(Clone)]
pub struct FlowCx {
    pub(super) slots: Rc<RefCell<Slots>>,
    pub(super) shielded: bool,
}

impl fmt::Debug for FlowCx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlowCx").field("id", &self.slots.borrow().id).finish_non_exhaustive()
    }
}

impl FlowCx {
    fn ask<T>(&self, tag: &dyn fmt::Display, what: What) -> Asked<T> {
        // Before anything is borrowed: a tag may be put together with this very `FlowCx`.
        let tag: Tag = tag.to_string().into();
        let ordinal = self.slots.borrow_mut().ask(tag, what, self.shielded);
        Asked { slots: Rc::clone(&self.slots), ordinal, answer: PhantomData }
    }

    pub(super) fn payload(&self, what: &dyn fmt::Display, value: &(impl Serialize + ?Sized)) -> Payload {
        Payload::new(value).unwrap_or_else(|error| {
            let why = Stuck::unrecordable(what, error);
            self.slots.borrow_mut().get_stuck(why);
            Payload::stored("null")
        })
    }

    /// Asks the performer `to` for work. Its outcome is recorded before anything that the flow does on it, and is never
    /// asked for again.
    pub fn request<T: DeserializeOwned>(
        &self,
        to: &str,
        tag: impl fmt::Display,
        body: &(impl Serialize + ?Sized),
    ) -> Asked<T> {
        let body = self.payload(&tag, body);
        self.ask(&tag, What::Request { to: to.into(), body })
    }

    /// Waits for so long from [`FlowCx::now`].
    pub fn sleep(&self, tag: impl fmt::Display, length: Duration) -> Asked<()> {
        self.sleep_until(tag, self.now() + length)
    }

    /// Waits until an instant.
    pub fn sleep_until(&self, tag: impl fmt::Display, at: Timestamp) -> Asked<()> {
        self.ask(&tag, What::Timer { at })
    }

    /// Waits for the next signal of this name. Signals that came before are kept, and read in the order in which they
    /// came. Of several that wait for one name, the one that is looked at first reads first.
    pub fn signal<T: DeserializeOwned>(&self, tag: impl fmt::Display, name: &str) -> Asked<T> {
        self.ask(&tag, What::Signal { name: name.into() })
    }

    /// Starts another flow, if nobody has, and waits for its end. Cancelling or terminating this flow cancels that one, if it
    /// waits for it; a crash between the two does not change that. A flow that is terminated while it is stuck may leave its
    /// children running: without code that fits nobody knows which it has.
    pub fn child<T: DeserializeOwned>(
        &self,
        tag: impl fmt::Display,
        flow: FlowId,
        input: &(impl Serialize + ?Sized),
    ) -> Asked<ChildEnd<T>> {
        let input = self.payload(&tag, input);
        self.ask(&tag, What::Child { flow, input })
    }

    /// Which flow this is.
    pub fn id(&self) -> FlowId {
        self.slots.borrow().id.clone()
    }

    /// Which run of it this is, from 1: one more with each [`FlowCx::continue_as_new`].
    pub fn run(&self) -> u32 {
        self.slots.borrow().run
    }

    /// The instant of the present turn, as it is recorded. Stands still between two waits.
    pub fn now(&self) -> Timestamp {
        self.slots.borrow().now
    }

    /// The next of a sequence of numbers that look random. The same flow has the same sequence, always.
    pub fn random(&self) -> u64 {
        self.slots.borrow_mut().random()
    }

    /// Whether to go the new way at a change of the code: yes for flows that come here for the first time with this
    /// version of the code, no for those that went the old way. What was said once stays said. Raise the program's
    /// version with the change.
    pub fn patched(&self, patch: &str) -> bool {
        self.slots.borrow_mut().patches.ask(patch)
    }

    /// In the place of [`FlowCx::patched`] once no flow goes the old way any more. Remove it when no flow is left that
    /// was asked.
    pub fn deprecate_patch(&self, patch: &str) {
        self.slots.borrow_mut().patches.deprecate(patch);
    }

    /// Whether somebody has asked for the end of this flow. What is asked for after that is done as ever, so that there
    /// is a way to clean up.
    pub fn is_cancelled(&self) -> bool {
        self.slots.borrow().cancelled
    }

    /// The same flow, but what is asked for through this is not answered by a cancellation: for what must be done to
    /// the end.
    #[must_use]
    pub fn shielded(&self) -> Self {
        Self { slots: Rc::clone(&self.slots), shielded: true }
    }

    /// Ends this run and begins the next with `input`, in one step. Signals that were not read go over.
    ///
    /// # Errors
    /// Always: the error is what the flow is to return.
    pub fn continue_as_new<T>(&self, input: &(impl Serialize + ?Sized)) -> Result<T, FlowError> {
        Err(FlowError::ContinueAsNew(self.payload(&"input", input)))
    }

    /// Turns of this run so far.
    pub fn history_len(&self) -> u64 {
        self.slots.borrow().turns
    }

    /// Whether the run is so long that it should continue as new.
    pub fn should_continue_as_new(&self) -> bool {
        let slots = self.slots.borrow();
        slots.turns >= slots.turns_advised
    }

    /// Shows how far the flow is, to whoever inspects it. Not recorded: it follows from what is.
    pub fn show(&self, progress: &(impl Serialize + ?Sized)) {
        let progress = self.payload(&"progress", progress);
        self.slots.borrow_mut().shown = Some(progress);
    }

    /// A list of what is to be undone should the flow not get through.
    pub fn rollback(&self) -> Rollback {
        Rollback::new(self.shielded())
    }
}

/// An ask that was made: a future of its answer.
///
/// # Errors
/// Resolves to [`FlowError::Cancelled`] when the flow was cancelled meanwhile. An outcome that does not read as `T` is
/// no error: the flow gets stuck, and goes on with code that reads it.
#[must_use = "an ask that is dropped is not waited for"]
pub struct Asked<T> {
    slots: Rc<RefCell<Slots>>,
    ordinal: u32,
    answer: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asked").field("ordinal", &self.ordinal).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned> Future for Asked<T> {
    type Output = Result<T, FlowError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.slots.borrow().stuck.is_some() {
            return Poll::Pending;
        }
        // Wakers and readers of answers are code of the flow: nothing is borrowed while they are at work.
        let mut waker = Some(cx.waker().clone());
        let answer = self.slots.borrow_mut().take(self.ordinal, &mut waker);
        drop(waker);
        let payload = match answer {
            None => return Poll::Pending,
            Some(Answer::Cancelled) => return Poll::Ready(Err(FlowError::Cancelled)),
            Some(Answer::Given(payload)) => payload,
        };
        match payload.read() {
            Ok(answer) => Poll::Ready(Ok(answer)),
            Err(error) => {
                let mut slots = self.slots.borrow_mut();
                let tag = slots.tag(self.ordinal);
                slots.get_stuck(Stuck::unreadable(&tag, &error));
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for Asked<T> {
    fn drop(&mut self) {
        let waker = self.slots.borrow_mut().give_up(self.ordinal);
        drop(waker);
    }
}
