//! What is written down of a call.

use core::fmt;
use core::future::Future;

use tracing::{Instrument as _, field};

use crate::stats::Stopwatch;

/// Does the work in a span that ends up with its outcome and how long it took.
pub(super) async fn observed<T, E: fmt::Display>(
    gateway: &str,
    operation: &'static str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let span = tracing::debug_span!("gateway", gateway, operation, outcome = field::Empty, ms = field::Empty);
    let watch = Stopwatch::start();
    let result = work.instrument(span.clone()).await;
    match &result {
        Ok(_) => span.record("outcome", "ok"),
        Err(error) => span.record("outcome", field::display(error)),
    };
    span.record("ms", u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX));
    result
}
