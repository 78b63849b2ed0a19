//! The notifier: set up, started, and spoken to.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use boxoffice_core::calendar::Zone;
use boxoffice_core::flow::shard::FlowOutcome;
use boxoffice_core::id::{AttendeeId, IdError};
use boxoffice_core::notify::flows::{DeliverInput, deliver_flow, digest_flow};
use boxoffice_core::notify::{
    Notice, NoticeKind, Profile, ProfileError, SuppressedBy, Suppression, put_profile, recipient_key, suppress,
};
use boxoffice_core::persist::{
    Backend, CommitOutcome, Consumer, Fault, Key, KeyExpect, KvWrite, PayloadError, StoreError, Transaction,
};
use boxoffice_core::time::Timestamp;
use tokio::sync::{oneshot, watch};

use super::builder::NotifierBuilder;
use super::house::House;
use super::listener;
use crate::error::BoxOfficeError;
use crate::flows::Flows;

/// Events that are looked at to say how far behind a notifier is.
const LAG_PAGE: usize = 1_000;
const LAG_PAGES: usize = 1_000;
/// A profile that others change at the same time is read again this often.
const TRIES_MAX: u32 = 16;

fn damaged(key: &Key, error: &PayloadError) -> Fault {
    Fault::corrupt(format!("key {key}"), error.to_string())
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) house: Arc<House>,
    pub(super) flows: Flows,
    /// Where those find the flows who are started before them.
    pub(super) slot: watch::Sender<Option<Flows>>,
    pub(super) stop: watch::Sender<bool>,
    pub(super) ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // They hold each other else.
        self.slot.send_replace(None);
        self.stop.send_replace(true);
    }
}

/// Tells people what concerns them: confirmations, offers, holds that lapse, changes, reminders, digests.
///
/// It follows what is committed, by the subscription `notify`, and starts a flow for all that is to be done before it moves on.
/// Flows are named after what they are about, so that each is done once whatever crashes when. Cheap to clone. Shut it down before
/// the box office.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use boxoffice::notify::{Attempt, Notifier, Profile};
/// use boxoffice::{BoxOffice, id::AttendeeId, persist::MemoryBackend};
///
/// # struct Stub;
/// # #[async_trait::async_trait]
/// # impl boxoffice::flows::Performer for Stub {
/// #     async fn perform(&self, _: boxoffice::flows::Performance) -> Result<boxoffice::flows::Performed, String> {
/// #         let ok = Attempt::Ok { info: String::new(), uncertain: false };
/// #         Ok(boxoffice::flows::Performed::new(boxoffice::persist::Payload::new(&ok).map_err(|error| error.to_string())?))
/// #     }
/// # }
/// # let mail = Stub;
/// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
/// let notifier =
///     Notifier::builder().channel("email", mail).leads(["1 day before at 18:00".parse()?]).start(&office)?;
/// let ann = AttendeeId::new("ann")?;
/// notifier.set_profile(&ann, &Profile::new("Europe/Berlin").reached("email", "ann@example.org")).await??;
/// notifier.shutdown().await;
/// office.shutdown().await;
/// # Ok(()) }) }
/// ```
#[derive(Clone, Debug)]
pub struct Notifier {
    pub(super) inner: Arc<Inner>,
}

/// How far a notifier is behind what is committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Events that it has not dealt with; at most those among the next million.
    pub events: u64,
    /// When the first of them happened.
    pub oldest: Option<Timestamp>,
}

/// What became of an unsubscription.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnsubscribeOutcome {
    /// They get no notices of this kind any more, now or since before.
    Done {
        /// Who.
        recipient: AttendeeId,
        /// Which kind.
        kind: NoticeKind,
    },
    /// The recipient has no profile: nothing is sent to them anyway.
    NoProfile {
        /// Who.
        recipient: AttendeeId,
    },
    /// They go on getting notices of this kind: it tells of their own seats (see [`NoticeKind::is_transactional`]).
    /// Nothing was written.
    Transactional {
        /// Who.
        recipient: AttendeeId,
        /// Which kind.
        kind: NoticeKind,
    },
    /// The text is no token of ours.
    NotOurs,
}

impl Notifier {
    /// Sets a notifier up.
    pub fn builder() -> NotifierBuilder {
        NotifierBuilder::new(Zone::utc())
    }

    /// The flows beneath.
    pub fn flows(&self) -> &Flows {
        &self.inner.flows
    }

    /// Starts the delivery of a notice of the host's own. The same notice is delivered once, however often it is started.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the flows could not be asked.
    pub async fn send(&self, notice: Notice) -> Result<FlowOutcome, BoxOfficeError> {
        let shape = |error: IdError| Fault::Unavailable { reason: error.to_string().into() };
        let flow = deliver_flow(&notice).map_err(shape)?;
        let policy = self.inner.house.options.policy.clone();
        self.inner.flows.start(&flow, &DeliverInput { notice, policy }).await
    }

    /// What a recipient wants; none if nothing is known of them. A profile that cannot be read is [`Fault::Corrupt`].
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn profile(&self, recipient: &AttendeeId) -> Result<Option<Profile>, BoxOfficeError> {
        let key = recipient_key(recipient);
        let Some(stored) = self.inner.house.store.get(&key).await? else { return Ok(None) };
        stored.read().map(Some).map_err(|error| damaged(&key, &error).into())
    }

    /// Keeps what a recipient wants, in the place of what was known. Digests follow at once.
    ///
    /// # Errors
    /// [`BoxOfficeError`] when storage or the flows failed. Inside, [`ProfileError`] when the profile makes no sense.
    pub async fn set_profile(
        &self,
        recipient: &AttendeeId,
        profile: &Profile,
    ) -> Result<Result<(), ProfileError>, BoxOfficeError> {
        let write = match put_profile(recipient, profile) {
            Ok(write) => write,
            Err(error) => return Ok(Err(error)),
        };
        self.write(Transaction::new().write(write)).await?;
        self.wake_digest(recipient).await.map(Ok)
    }

    async fn wake_digest(&self, recipient: &AttendeeId) -> Result<(), BoxOfficeError> {
        if let Ok(flow) = digest_flow(recipient) {
            let changed = boxoffice_core::notify::flows::CHANGED;
            let outcome = self.inner.flows.signal(&flow, changed, None, &()).await?;
            tracing::trace!(?outcome, "digests look again");
        }
        Ok(())
    }

    /// Takes the word of whoever has a token (see [`UnsubscribeSecret`](super::UnsubscribeSecret)): they get no notices
    /// of its kind any more, unless it is transactional.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn unsubscribe(&self, token: &str) -> Result<UnsubscribeOutcome, BoxOfficeError> {
        let read = self.inner.house.options.secret.as_ref().map(|secret| secret.read(token));
        let Some(Ok((recipient, kind))) = read else { return Ok(UnsubscribeOutcome::NotOurs) };
        if kind.is_transactional() {
            return Ok(UnsubscribeOutcome::Transactional { recipient, kind });
        }
        let key = recipient_key(&recipient);
        for _ in 0..TRIES_MAX {
            let Some(stored) = self.inner.house.store.get(&key).await? else {
                return Ok(UnsubscribeOutcome::NoProfile { recipient });
            };
            let mut profile: Profile = stored.read().map_err(|error| damaged(&key, &error))?;
            if !profile.unsubscribed.insert(kind.clone()) {
                return Ok(UnsubscribeOutcome::Done { recipient, kind });
            }
            // As it was kept before, with one name more: a zone may be unknown by now.
            let changed = boxoffice_core::persist::Payload::new(&profile).map_err(BoxOfficeError::Payload)?;
            let write = KvWrite::Put(key.clone(), changed);
            let transaction = Transaction::new().expect_key(key.clone(), KeyExpect::Equals(stored)).write(write);
            if self.write(transaction).await? {
                return Ok(UnsubscribeOutcome::Done { recipient, kind });
            }
        }
        Err(BoxOfficeError::Busy { retry_after: Duration::from_millis(10) })
    }

    /// Lets nothing go to an address any more.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn suppress(&self, channel: &str, address: &str, by: SuppressedBy) -> Result<(), BoxOfficeError> {
        let suppression = Suppression { by, at: self.inner.house.now() };
        self.write(Transaction::new().write(suppress(channel, address, suppression))).await.map(drop)
    }

    /// Lets letters go to an address again.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when storage failed.
    pub async fn unsuppress(&self, channel: &str, address: &str) -> Result<(), BoxOfficeError> {
        let write = boxoffice_core::notify::unsuppress(channel, address);
        self.write(Transaction::new().write(write)).await.map(drop)
    }

    /// Says whether it was written; not if somebody was quicker.
    async fn write(&self, transaction: Transaction) -> Result<bool, BoxOfficeError> {
        match self.inner.house.store.commit_one(transaction).await? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(true),
            CommitOutcome::Conflict(_) => Ok(false),
            refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
                Err(Fault::Unavailable { reason: format!("the store refuses it: {refused:?}").into() }.into())
            }
        }
    }

    /// How far it is behind. Reads the log from where it is.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed.
    pub async fn lag(&self) -> Result<Lag, StoreError> {
        let store = self.inner.house.office.store();
        let mut behind = Consumer::open(&store, listener::NAME, listener::selection()).await?;
        let mut lag = Lag::default();
        for _ in 0..LAG_PAGES {
            let Some(delivery) = behind.next(LAG_PAGE).await? else { break };
            lag.events += delivery.events.len() as u64;
            lag.oldest = lag.oldest.or(delivery.events.first().map(|event| event.at));
            behind.pass_over(&delivery);
        }
        Ok(lag)
    }

    /// Takes no more events, and shuts the flows down. What is not done yet is done by whoever starts a notifier again.
    pub async fn shutdown(self) {
        self.inner.stop.send_replace(true);
        let ended = self.inner.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended
            && ended.await.is_err()
        {
            tracing::error!("the thread of the notifier panicked");
        }
        self.inner.slot.send_replace(None);
        self.inner.flows.clone().shutdown().await;
    }
}
