//! Questions to one stream: by place, by instant, by type, by any condition.
//!
//! By place reads only that range. The others read the whole stream, a page at a time: for questions that are asked
//! often, keep a [`View`](super::View).

use super::stream::Stream;
use crate::persist::contents::PAGE;
use crate::persist::error::StoreError;
use crate::persist::record::{EventType, RecordedEvent, Seq};
use crate::time::Timestamp;

impl Stream {
    /// The events with sequence numbers from `from` to `to`, both included.
    ///
    /// # Errors
    /// [`StoreError`] when storage failed or an event could not be lifted.
    pub async fn read_between(&self, from: Seq, to: Seq) -> Result<Vec<RecordedEvent>, StoreError> {
        let mut events: Vec<RecordedEvent> = Vec::new();
        let mut next = from;
        while next <= to {
            let left = (to.get() - next.get()).saturating_add(1);
            let limit = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
            let page = self.read_page(next, limit).await?;
            let whole = page.len() == limit;
            events.extend(page.into_iter().take_while(|event| event.seq <= to));
            match events.last() {
                Some(last) if whole => next = last.seq.next(),
                Some(_) | None => break,
            }
        }
        Ok(events)
    }

    /// The events that happened at `at` or later, by the instant that each carries.
    ///
    /// # Errors
    /// As [`Stream::read_between`].
    pub async fn read_since(&self, at: Timestamp) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_where(|event| event.at >= at).await
    }

    /// The events that happened from `from` to `to`, both included: an audit window.
    ///
    /// # Errors
    /// As [`Stream::read_between`].
    pub async fn read_window(&self, from: Timestamp, to: Timestamp) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_where(|event| (from..=to).contains(&event.at)).await
    }

    /// The events of one type.
    ///
    /// # Errors
    /// As [`Stream::read_between`].
    pub async fn read_by_type(&self, event_type: &EventType) -> Result<Vec<RecordedEvent>, StoreError> {
        self.read_where(|event| event.event_type == *event_type).await
    }

    /// The events for which `wanted` says so.
    ///
    /// # Errors
    /// As [`Stream::read_between`].
    pub async fn read_where(
        &self,
        mut wanted: impl FnMut(&RecordedEvent) -> bool,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let (mut pages, mut events) = (self.pages(Seq::FIRST), Vec::new());
        while let Some(page) = pages.next().await? {
            events.extend(page.into_iter().filter(|event| wanted(event)));
        }
        Ok(events)
    }

    /// How many events there are for which `wanted` says so. Keeps none of them.
    ///
    /// # Errors
    /// As [`Stream::read_between`].
    pub async fn count_where(&self, mut wanted: impl FnMut(&RecordedEvent) -> bool) -> Result<u64, StoreError> {
        let (mut pages, mut count) = (self.pages(Seq::FIRST), 0);
        while let Some(page) = pages.next().await? {
            count += page.iter().filter(|event| wanted(event)).count() as u64;
        }
        Ok(count)
    }
}
