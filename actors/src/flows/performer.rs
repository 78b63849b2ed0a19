//! Those who carry out what flows ask for.

use core::fmt;
use core::future::Future;
use core::panic::AssertUnwindSafe;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use boxoffice_core::flow::Stuck;
use boxoffice_core::flow::shard::{Performance, Performed};
use boxoffice_core::persist::Payload;
use futures_util::FutureExt;
use serde::Serialize;

/// Carries out requests of flows. It begins on the flows' own thread, where what is done at once is spared the way to another; what waits
/// for something goes on on a thread that it shares with other performers. It must block neither.
///
/// A request may be carried out again, if the process ended before its outcome was durable: tell repetitions by
/// [`Performance::idempotency_key`]. "No" is an outcome. `Err` is for what is none: the flow is stuck on it, and tries again when
/// it is told to.
#[async_trait]
pub trait Performer: Send + Sync + 'static {
    /// Carries a request out.
    ///
    /// # Errors
    /// Why there is no outcome; not personal. The flow is stuck until it is retried.
    async fn perform(&self, request: Performance) -> Result<Performed, String>;

    /// Whether carrying a request out has an effect. If it has none (something is looked up, or worked out), it is carried out
    /// without waiting until what it rests on is durable, and so perhaps for a flow that is not there after a power cut. Default:
    /// yes.
    fn has_effect(&self) -> bool {
        true
    }
}

/// A performer made of a function.
pub(super) struct Function<F> {
    pub(super) run: F,
    pub(super) has_effect: bool,
}

#[async_trait]
impl<F, R, T> Performer for Function<F>
where
    F: Fn(Performance) -> R + Send + Sync + 'static,
    R: Future<Output = Result<T, String>> + Send,
    T: Serialize + Send,
{
    async fn perform(&self, request: Performance) -> Result<Performed, String> {
        let outcome = (self.run)(request).await?;
        Payload::new(&outcome).map(Performed::new).map_err(|error| error.to_string())
    }

    fn has_effect(&self) -> bool {
        self.has_effect
    }
}

/// Performers by name.
#[derive(Clone, Default)]
pub(super) struct Performers(pub(super) BTreeMap<Arc<str>, Arc<dyn Performer>>);

impl fmt::Debug for Performers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Performers {
    /// The names of those whose work has no effect.
    pub(super) fn lookups(&self) -> BTreeSet<Arc<str>> {
        let lookups = self.0.iter().filter(|(_, performer)| !performer.has_effect());
        lookups.map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Carries a request out, whatever the performer does.
    pub(super) async fn perform(&self, request: Performance) -> Result<Performed, Stuck> {
        let tag = Arc::clone(&request.tag);
        let Some(performer) = self.0.get(&request.to).cloned() else {
            return Err(Stuck::NoPerformer { tag, to: request.to.as_ref().to_owned() });
        };
        // Made inside of what is caught: a performer may panic before it gives a future.
        let performing = AssertUnwindSafe(async move { performer.perform(request).await }).catch_unwind();
        let reason = match performing.await {
            Ok(Ok(performed)) => return Ok(performed),
            Ok(Err(reason)) => reason,
            Err(_) => "it panicked".to_owned(),
        };
        tracing::error!(%tag, reason, "performer failed");
        Err(Stuck::Performer { tag, reason })
    }
}
