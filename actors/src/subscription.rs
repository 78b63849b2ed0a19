//! Durable subscriptions of a running box office: a consumer that waits for what is committed next.

use core::fmt;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use boxoffice_core::persist::{Advance, Consumer, Cursor, Delivery, Fault, StoreError, Transaction};
use futures_util::future::{Either, select};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::system::Reader;

/// How often the store is looked at without being told: for what other processes have written.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A named place in the commit order of the whole store, kept in the store itself.
///
/// [`Subscription::next`] waits until there is something new. What it hands over is handed over again, also after a crash,
/// until [`Subscription::commit`] or [`Subscription::acknowledge`] has moved the place on; see
/// [`Consumer`] for what each of them promises. Nothing is pushed: a subscription that is slow holds up no writer and fills
/// no queue.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use boxoffice::booking::Seats;
/// use boxoffice::persist::{MemoryBackend, Selection};
/// use boxoffice::{BoxOffice, id::OccurrenceId};
///
/// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
/// let mut news = office.subscribe("mailer", Selection::all().streams("booking:")).await?;
/// let evening: OccurrenceId = "chess@20260105T190000".parse()?;
/// office.open(&evening, Seats::new(20)).await?;
///
/// let delivery = news.next(100).await?.expect("the box office is open");
/// assert_eq!(delivery.events[0].event_type.as_str(), "booking.sale_opened.v1");
/// let _moved = news.acknowledge(&delivery).await?;
/// office.shutdown().await;
/// # Ok(()) }) }
/// ```
pub struct Subscription {
    consumer: Consumer,
    committed: watch::Receiver<u64>,
    clock: Arc<dyn Clock>,
    reader: Reader,
    /// Runs out when the store is to be looked at without being told.
    timer: Option<Timer>,
}

type Timer = Pin<Box<dyn Future<Output = Result<(), Fault>> + Send>>;

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("consumer", &self.consumer).finish_non_exhaustive()
    }
}

impl Subscription {
    pub(crate) fn new(
        consumer: Consumer,
        committed: watch::Receiver<u64>,
        clock: Arc<dyn Clock>,
        reader: Reader,
    ) -> Self {
        Self { consumer, committed, clock, reader, timer: None }
    }

    /// Everything up to and including this cursor is dealt with.
    pub fn cursor(&self) -> Cursor {
        self.consumer.cursor()
    }

    /// Waits for the next wanted events, 1 to `limit` of them. None once the box office is shut down.
    ///
    /// # Errors
    /// [`StoreError::Fault`] when storage failed; calling again tries again.
    pub async fn next(&mut self, limit: usize) -> Result<Option<Delivery>, StoreError> {
        loop {
            // Marked before the look, so that what is committed during it is not missed.
            self.committed.mark_unchanged();
            match self.consumer.next(limit).await {
                Ok(Some(delivery)) if delivery.events.is_empty() => self.consumer.pass_over(&delivery),
                Ok(Some(delivery)) => return Ok(Some(delivery)),
                Ok(None) => {
                    if !self.news().await {
                        return Ok(None);
                    }
                }
                Err(StoreError::Fault(fault)) if Reader::has_ended(&fault) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until something may have been committed. Says whether the box office is still there.
    async fn news(&mut self) -> bool {
        let timer = self.timer.take().unwrap_or_else(|| self.start_timer());
        match select(Box::pin(self.committed.changed()), timer).await {
            Either::Left((changed, timer)) => {
                // Goes on: one timer, however often there is news.
                self.timer = Some(timer);
                changed.is_ok()
            }
            Either::Right((looked, _)) => looked.is_ok(),
        }
    }

    /// On the reading thread, since the caller's runtime may have no timers.
    fn start_timer(&self) -> Timer {
        let wait = self.clock.sleep_until(self.clock.now() + LOOK_EVERY);
        Box::pin(self.reader.run(async move {
            wait.await;
            Ok(())
        }))
    }

    /// Commits `transaction` and moves on past `delivery`, both or neither: its effect on the store is there exactly once,
    /// whatever crashes when.
    ///
    /// # Errors
    /// As [`Consumer::commit`].
    pub async fn commit(&mut self, delivery: &Delivery, transaction: Transaction) -> Result<Advance, StoreError> {
        self.consumer.commit(delivery, transaction).await
    }

    /// Moves on past `delivery`, after something was done outside of the store: at least once.
    ///
    /// # Errors
    /// As [`Consumer::commit`].
    pub async fn acknowledge(&mut self, delivery: &Delivery) -> Result<Advance, StoreError> {
        self.consumer.acknowledge(delivery).await
    }
}
