//! A channel of which Shuttle sees every step.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Poll, Waker};

use shuttle::sync::{Arc, Mutex};

/// Unbounded, first in, first out; many may put in, one takes out.
#[derive(Debug)]
pub struct Mailbox<T>(Arc<Mutex<Inbox<T>>>);

#[derive(Debug)]
struct Inbox<T> {
    waiting: VecDeque<T>,
    reader: Option<Waker>,
}

impl<T> Clone for Mailbox<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Inbox { waiting: VecDeque::new(), reader: None })))
    }
}

impl<T> Mailbox<T> {
    /// Puts one in.
    ///
    /// # Panics
    /// When somebody panicked.
    pub fn send(&self, message: T) {
        let mut inbox = self.0.lock().expect("no panic");
        inbox.waiting.push_back(message);
        let reader = inbox.reader.take();
        drop(inbox);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Takes the next one out, if it is here.
    ///
    /// # Panics
    /// When somebody panicked.
    #[must_use]
    pub fn try_next(&self) -> Option<T> {
        self.0.lock().expect("no panic").waiting.pop_front()
    }

    /// Takes the next one out, and waits for it.
    ///
    /// # Panics
    /// When somebody panicked.
    pub async fn next(&self) -> T {
        poll_fn(|context| {
            let mut inbox = self.0.lock().expect("no panic");
            let message = inbox.waiting.pop_front();
            if message.is_none() {
                inbox.reader = Some(context.waker().clone());
            }
            message.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}
