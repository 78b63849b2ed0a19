//! What an owner reads before it can decide.

use boxoffice_core::booking::{SeatLedger, Terms, load_ledger};
use boxoffice_core::id::OccurrenceId;
use boxoffice_core::persist::{Backend, Fault, RecordedEvent, Seq, StreamName};
use boxoffice_core::schedule::{AsOf, load_series, series_stream};
use boxoffice_core::time::Timestamp;

/// Events read at a time when catching up.
const PAGE: usize = 4_096;

/// A ledger, as of which event its snapshot was taken, and under which terms it is.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) ledger: SeatLedger,
    pub(crate) snapshot_seq: Seq,
    pub(crate) terms: Terms,
    /// When the store has it that the next hold lapses, if that is why it is loaded.
    pub(crate) woken: Option<Timestamp>,
}

impl Loaded {
    pub(crate) async fn load(
        backend: &dyn Backend,
        occurrence: &OccurrenceId,
        woken: Option<Timestamp>,
    ) -> Result<Self, Fault> {
        let (ledger, snapshot_seq) = load_ledger(backend, occurrence).await?;
        let terms = load_terms(backend, occurrence).await?;
        Ok(Self { ledger, snapshot_seq, terms, woken })
    }
}

/// What the definition of an occurrence says of its bookings now.
pub(crate) async fn load_terms(backend: &dyn Backend, occurrence: &OccurrenceId) -> Result<Terms, Fault> {
    let series = load_series(backend, occurrence.series(), AsOf::Now).await?;
    let policies = series.policies(occurrence.recurrence()).next().is_some();
    Ok(Terms { stream: series_stream(occurrence.series()), seq: series.seq(), policies })
}

/// The events of a stream after one.
pub(crate) async fn read_tail(
    backend: &dyn Backend,
    stream: &StreamName,
    after: Seq,
) -> Result<Vec<RecordedEvent>, Fault> {
    let mut tail: Vec<RecordedEvent> = Vec::new();
    loop {
        let from = after.plus(tail.len() as u64).next();
        let page = backend.read(stream, from, PAGE).await?;
        let last = page.len() < PAGE;
        tail.extend(page);
        if last {
            return Ok(tail);
        }
    }
}
