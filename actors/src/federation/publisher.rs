//! Our own feed: built when our public series have changed, and kept.

use std::sync::Arc;

use boxoffice_core::federation::{PublishedFeed, WrittenFeed, public_events, publish};
use boxoffice_core::schedule::Series;

use super::house::House;
use crate::error::BoxOfficeError;

impl House {
    pub(super) async fn public_series(&self) -> Result<Vec<Arc<Series>>, BoxOfficeError> {
        let mut series = self.office.all_series().await?;
        series.retain(|series| (self.options.public)(series));
        Ok(series)
    }

    /// What we publish now. Whoever asks while it is built waits for that and builds nothing; to be run to its end.
    pub(super) async fn our_feed(&self) -> Result<Arc<PublishedFeed>, BoxOfficeError> {
        let _turn = self.publisher.lock().await;
        let series = self.public_series().await?;
        let of: Vec<_> = series.iter().filter_map(|series| Some((series.id()?.clone(), series.seq()))).collect();
        if let Some(feed) = self.published(&of) {
            return Ok(feed);
        }
        let us = self.us.clone();
        let write = move || WrittenFeed::new(&us, &public_events(series.iter().map(|series| &**series)));
        let written = tokio::task::spawn_blocking(write).await.map_err(|_| BoxOfficeError::ShutDown)?;
        let feed = Arc::new(publish(&**self.store.backend(), &self.us, written, self.now()).await?);
        self.keep_published(of, Arc::clone(&feed));
        Ok(feed)
    }
}
