//! The way out, injected by the host.

use core::fmt::Debug;
use core::time::Duration;

use async_trait::async_trait;

use super::letter::Letter;
use super::outcome::SendOutcome;

/// Carries letters to their recipients.
///
/// Each attempt is wrapped in [`Transport::timeout`] by whoever calls; an attempt that ran out of it counts as
/// [`SendOutcome::Uncertain`].
#[async_trait]
pub trait Transport: Debug + Send + Sync + 'static {
    /// Whether a second letter with the same id is recognised at the other end, so that sending it again does nothing and is
    /// answered `Ok`. Where it is not, attempts are recorded before they are made. Default: no.
    fn dedupes(&self) -> bool {
        false
    }

    /// How long an attempt may take. Default: 30 seconds.
    fn timeout(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Makes one attempt.
    async fn send(&self, letter: &Letter) -> SendOutcome;
}
