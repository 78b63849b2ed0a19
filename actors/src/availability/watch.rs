//! Relations that are watched: who is told what, and what becomes of those who do not listen.

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use std::collections::BTreeMap;
use std::sync::Arc;

use boxoffice_core::availability::{Availability, Delta, Row};
use boxoffice_core::datalog::Value;
use boxoffice_core::persist::Cursor;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::actor::Seen;
use super::door::{Desk, Weight};
use super::{Answered, AtLeast, AvailabilityError};
use crate::error::BoxOfficeError;
use crate::stats::Counters;

/// What a watcher of a relation is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// All rows that there are, sorted: at first, and whenever it has to begin anew. What it knew before is to be
    /// forgotten.
    Rows {
        /// The rows.
        rows: Vec<Vec<Value>>,
        /// It left too much unread, and so missed some changes.
        lagged: bool,
    },
    /// What changed since the last news. Both sorted; no row is in both.
    Changed {
        /// Rows that are there now.
        added: Vec<Vec<Value>>,
        /// Rows that are there no more.
        removed: Vec<Vec<Value>>,
    },
}

/// The news of one relation: first all its rows, then each insertion and removal exactly once, in commit order.
///
/// A watcher that is slow holds up nobody. Once it has left too much unread
/// ([`AvailabilityOptions::unread_max`](super::AvailabilityOptions::unread_max)) it is given what it has not read yet, and
/// then all rows again. So it is when the actor had to be built anew.
pub struct RelationWatch {
    desk: Desk,
    relation: String,
    inbox: Option<Receiver<Answered<News>>>,
    lagged: Arc<AtomicBool>,
}

impl fmt::Debug for RelationWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelationWatch").field("relation", &self.relation).finish_non_exhaustive()
    }
}

impl RelationWatch {
    pub(super) async fn new(desk: Desk, relation: String) -> Result<Self, AvailabilityError> {
        let watch = Self { desk, relation, inbox: None, lagged: Arc::default() };
        // A relation that is not there is told at once.
        let relation = watch.relation.clone();
        let exists = move |seen: Seen<'_>| rows_of(seen.base, &relation).map(drop);
        let _there = watch.desk.look(Weight::Light, AtLeast::Committed, exists).await?;
        Ok(watch)
    }

    /// Waits for the next news. None once the box office is shut down.
    ///
    /// # Errors
    /// [`AvailabilityError::NotKept`] when the rules have the relation no more; any other as for a question. Calling again
    /// tries again.
    pub async fn next(&mut self) -> Result<Option<Answered<News>>, AvailabilityError> {
        if let Some(inbox) = &mut self.inbox {
            if let Some(news) = inbox.recv().await {
                return Ok(Some(news));
            }
            self.inbox = None;
        }
        let lagged = self.lagged.swap(false, Ordering::AcqRel);
        let (relation, flag) = (self.relation.clone(), Arc::clone(&self.lagged));
        let begin = move |seen: Seen<'_>| {
            let rows = rows_of(seen.base, &relation)?;
            Ok((rows, seen.watchers.add(relation, flag)))
        };
        match self.desk.look(Weight::Light, AtLeast::Committed, begin).await {
            Ok(Answered { value: (rows, inbox), cursor }) => {
                self.inbox = Some(inbox);
                Ok(Some(Answered { value: News::Rows { rows, lagged }, cursor }))
            }
            Err(AvailabilityError::Office(BoxOfficeError::ShutDown)) => Ok(None),
            Err(error) => {
                self.lagged.fetch_or(lagged, Ordering::AcqRel);
                Err(error)
            }
        }
    }
}

fn rows_of(base: &mut Availability, relation: &str) -> Result<Vec<Vec<Value>>, AvailabilityError> {
    let rows = base.kept_rows(relation).map_err(AvailabilityError::of)?;
    rows.ok_or_else(|| AvailabilityError::NotKept { relation: relation.to_owned() })
}

struct Watcher {
    inbox: Sender<Answered<News>>,
    lagged: Arc<AtomicBool>,
}

/// What a change means for those who watch a relation; none when it means nothing.
fn news_of(delta: &Delta, relation: &str) -> Option<News> {
    let rows = |changed: &[Row]| -> Vec<Vec<Value>> {
        changed.iter().filter(|row| &*row.relation == relation).map(|row| row.values.clone()).collect()
    };
    let (added, removed) = (rows(&delta.added), rows(&delta.removed));
    (!added.is_empty() || !removed.is_empty()).then_some(News::Changed { added, removed })
}

/// Who watches what.
pub(super) struct Watchers {
    by_relation: BTreeMap<String, Vec<Watcher>>,
    unread_max: usize,
    counters: Arc<Counters>,
}

impl Watchers {
    pub(super) fn new(unread_max: usize, counters: Arc<Counters>) -> Self {
        Self { by_relation: BTreeMap::new(), unread_max: unread_max.max(1), counters }
    }

    fn add(&mut self, relation: String, lagged: Arc<AtomicBool>) -> Receiver<Answered<News>> {
        let (inbox, news) = channel(self.unread_max);
        self.by_relation.entry(relation).or_default().push(Watcher { inbox, lagged });
        news
    }

    /// Nobody watches any more: whoever did begins anew.
    pub(super) fn forget(&mut self) {
        self.by_relation.clear();
    }

    /// Tells what changed. Who has no room for it is let go, and begins anew when it has read the rest.
    pub(super) fn tell(&mut self, delta: &Delta, cursor: Cursor) {
        for (relation, watchers) in &mut self.by_relation {
            let Some(news) = news_of(delta, relation) else { continue };
            watchers.retain(|watcher| match watcher.inbox.try_send(Answered { value: news.clone(), cursor }) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    Counters::add(&self.counters.availability_lagged);
                    watcher.lagged.store(true, Ordering::Release);
                    false
                }
                Err(TrySendError::Closed(_)) => false,
            });
        }
        self.by_relation.retain(|_, watchers| !watchers.is_empty());
    }
}
