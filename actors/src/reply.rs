//! The promise that every caller gets an answer, also from an owner that dies.

use boxoffice_core::persist::Fault;
use tokio::sync::oneshot;

use crate::error::BoxOfficeError;

/// Where the answer to a message goes. Dropped without one, it says so to the caller: not delivered if the message
/// was never looked at, fate unknown if it was.
#[derive(Debug)]
pub struct ReplyTo<T> {
    sender: Option<oneshot::Sender<Answer<T>>>,
    accepted: bool,
}

/// What comes back.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer<T> {
    /// The answer itself.
    Given(Result<T, BoxOfficeError>),
    /// The message was never looked at: it is safe to send it again.
    Undelivered,
}

impl<T> ReplyTo<T> {
    /// A place for an answer, and where the caller waits for it.
    pub fn channel() -> (Self, oneshot::Receiver<Answer<T>>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender: Some(sender), accepted: false }, receiver)
    }

    /// The message is being looked at: it must not be sent again by itself from now on.
    pub fn accept(&mut self) {
        self.accepted = true;
    }

    /// Whether the caller no longer waits.
    pub fn is_abandoned(&self) -> bool {
        self.sender.as_ref().is_none_or(oneshot::Sender::is_closed)
    }

    /// Answers. A caller who no longer waits is passed over.
    pub fn send(mut self, answer: Result<T, BoxOfficeError>) {
        self.deliver(Answer::Given(answer));
    }

    fn deliver(&mut self, answer: Answer<T>) {
        if let Some(Err(_)) = self.sender.take().map(|sender| sender.send(answer)) {
            tracing::debug!("caller no longer waits for its answer");
        }
    }
}

impl<T> Drop for ReplyTo<T> {
    fn drop(&mut self) {
        if self.sender.is_some() {
            let reason = "the owner ended before it could answer".into();
            self.deliver(if self.accepted {
                Answer::Given(Err(Fault::Unknown { reason }.into()))
            } else {
                Answer::Undelivered
            });
        }
    }
}
