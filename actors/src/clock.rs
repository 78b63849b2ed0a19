//! Where the time comes from: injected, so that tests need not wait for it.

use core::fmt::Debug;
use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use boxoffice_core::time::Timestamp;
use tokio::sync::watch;

/// A wait that ends when an instant is reached.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A source of time.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present instant. May step back, as wall clocks do; a stream never follows it there.
    fn now(&self) -> Timestamp;

    /// Waits until [`Clock::now`] has reached `at`.
    fn sleep_until(&self, at: Timestamp) -> Sleep;
}

/// How soon a wall clock that was set forward is noticed.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The wall clock of the machine, and the timers of tokio (resolution: one millisecond).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        Timestamp::EPOCH + since.unwrap_or_default()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the injected clock")]
    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let clock = *self;
        Box::pin(async move {
            // Again, if the wall clock was set back meanwhile; not all at once, should it be set forward.
            while let Some(left) = Some(at.saturating_since(clock.now())).filter(|left| !left.is_zero()) {
                tokio::time::sleep(left.min(LOOK_EVERY)).await;
            }
        })
    }
}

/// A clock that stands still until it is told to move. Clones show the same time.
///
/// ```
/// use boxoffice::clock::{Clock, ManualClock};
/// use boxoffice::time::Timestamp;
/// use std::time::Duration;
///
/// let clock = ManualClock::new(Timestamp::EPOCH);
/// clock.advance(Duration::from_secs(3_600));
/// assert_eq!(clock.now().as_millis(), 3_600_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<Timestamp>>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: Arc::new(watch::Sender::new(now)) }
    }

    /// Moves the clock on, and ends the waits that are due.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = *now + by);
    }

    /// Sets the clock, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep {
        let mut now = self.now.subscribe();
        Box::pin(async move {
            if now.wait_for(|now| *now >= at).await.is_err() {
                // Nobody is left who could move the clock.
                core::future::pending::<()>().await;
            }
        })
    }
}
