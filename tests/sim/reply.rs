//! Where answers go, as in `actors/src/reply.rs`: whoever is dropped without one says so.

use boxoffice_core::booking::BookingReply;
use boxoffice_core::persist::Fault;
use tokio::sync::oneshot;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was decided.
    Busy,
    /// Nothing was decided: the owner failed too often of late.
    Failing,
    Store(Fault),
    /// The office ended, or nobody waited long enough.
    Gone,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

impl Failure {
    /// Whether the command was certainly not carried out.
    pub(crate) fn is_without_effect(&self) -> bool {
        match self {
            Self::Busy | Self::Failing | Self::Store(Fault::Unavailable { .. }) => true,
            Self::Store(_) | Self::Gone => false,
        }
    }
}

pub(crate) type Answer = Result<BookingReply, Failure>;

#[derive(Debug)]
pub(crate) enum Delivered {
    Given(Answer),
    /// The message was never looked at.
    Undelivered,
}

#[derive(Debug)]
pub(crate) struct ReplyTo {
    sender: Option<oneshot::Sender<Delivered>>,
    accepted: bool,
}

impl ReplyTo {
    pub(crate) fn channel() -> (Self, oneshot::Receiver<Delivered>) {
        let (sender, receiver) = oneshot::channel();
        (Self { sender: Some(sender), accepted: false }, receiver)
    }

    pub(crate) fn accept(&mut self) {
        self.accepted = true;
    }

    pub(crate) fn send(mut self, answer: Answer) {
        self.deliver(Delivered::Given(answer));
    }

    fn deliver(&mut self, answer: Delivered) {
        // Whoever no longer waits is passed over.
        _ = self.sender.take().map(|sender| sender.send(answer).is_ok());
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if self.sender.is_some() {
            let reason = "the owner ended before it could answer".into();
            self.deliver(if self.accepted {
                Delivered::Given(Err(Fault::Unknown { reason }.into()))
            } else {
                Delivered::Undelivered
            });
        }
    }
}
