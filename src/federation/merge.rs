//! Our agenda and those of peers as one. Pure.
//!
//! What is shown, by origin and UID:
//!
//! 1. Ours is ours: nothing that names us as its origin is taken from anybody.
//! 2. What an allowed peer publishes itself is shown as it says, and nothing that others pass on in its name.
//! 3. What an allowed peer with that grant passes on is shown if its origin is not known here, or is allowed and was never
//!    fetched. Of several that pass on the same, the one with the highest SEQUENCE, then DTSTAMP counts, then the first by name.
//!
//! Each peer has steps and entries of its own, and takes none from the local calendar.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::feed::{FeedEvent, FetchedFeed};
use super::ledger::PeerBook;
use super::name::PeerName;
use crate::calendar::{CalendarEvent, STEPS_MAX, Select, Truncated};
use crate::id::SeriesId;
use crate::schedule::{Agenda, AgendaEntry, Incomplete};
use crate::time::{Timestamp, Window};

/// How agendas are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    /// Whether cancelled occurrences of peers are listed too, marked. Default: no.
    pub cancelled: bool,
    /// How many entries of one peer at most; twice as many are in memory while they are looked for. Default: 10,000.
    pub entries_max: usize,
    /// How many steps of expansion one peer's feed may take. Default: 500,000.
    pub steps_max: u64,
    /// How old a feed may be before what it says is marked stale. Default: 24 hours.
    pub stale_after: Duration,
}

impl Default for MergeOptions {
    fn default() -> Self {
        let stale_after = Duration::from_secs(86_400);
        Self { cancelled: false, entries_max: 10_000, steps_max: STEPS_MAX, stale_after }
    }
}

/// What is had of one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerFeed {
    /// The feed.
    pub feed: Arc<FetchedFeed>,
    /// When the peer last said that this is its feed.
    pub fetched_at: Timestamp,
}

/// Where an entry comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// Our own schedule.
    Local,
    /// A peer's feed.
    Peer {
        /// Who publishes it first.
        origin: PeerName,
        /// Whose feed it stood in: the same, unless it was passed on.
        via: PeerName,
        /// When that was fetched.
        fetched_at: Timestamp,
        /// Whether that is too long ago.
        stale: bool,
    },
}

impl Provenance {
    /// Who publishes it first; none: we do.
    pub fn origin(&self) -> Option<&PeerName> {
        match self {
            Self::Local => None,
            Self::Peer { origin, .. } => Some(origin),
        }
    }
}

/// One line of a merged agenda. What a peer's entry says is that peer's text: data, to be escaped wherever it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedEntry {
    /// What takes place. Ids are unique within one origin.
    pub entry: AgendaEntry,
    /// Where it comes from.
    pub provenance: Provenance,
}

/// Where a merged agenda is not complete.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MergeGap {
    /// Our own part.
    Local(Incomplete),
    /// A peer's feed takes too many steps: of it, what `truncated` says and all that stands after it is missing.
    TooManySteps {
        /// Whose feed.
        via: PeerName,
        /// Where it ended.
        truncated: Truncated,
    },
    /// A peer's feed has too many entries in the window: the latest are missing.
    TooManyEntries {
        /// Whose feed.
        via: PeerName,
        /// The start of the first entry left out.
        from: Timestamp,
    },
}

/// What takes place, ascending by start; at one instant ours first, then by origin and id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedAgenda {
    /// What takes place.
    pub entries: Vec<MergedEntry>,
    /// Where it is not complete; empty when it is.
    pub gaps: Vec<MergeGap>,
}

/// What is shown of peers: for each origin and UID the entry that counts, and where it was found.
fn chosen<'f>(
    us: &PeerName,
    book: &PeerBook,
    feeds: &'f [PeerFeed],
) -> BTreeMap<(&'f PeerName, &'f SeriesId), (usize, &'f CalendarEvent)> {
    let is_direct = |name: &PeerName| feeds.iter().any(|feed| feed.feed.origin == *name);
    let mut chosen: BTreeMap<(&PeerName, &SeriesId), (usize, &CalendarEvent)> = BTreeMap::new();
    for (place, PeerFeed { feed, .. }) in feeds.iter().enumerate() {
        let Some(via) = book.get(&feed.origin).filter(|via| via.is_merged() && via.name != *us) else { continue };
        for FeedEvent { origin, event } in &feed.events {
            let may = if *origin == via.name {
                true
            } else {
                let refused = book.get(origin).is_some_and(|origin| !origin.is_merged());
                via.may_relay() && origin != us && !refused && !is_direct(origin)
            };
            let newer = |(other, had): &(usize, &CalendarEvent)| {
                let rank = |event: &CalendarEvent| (event.details.sequence, event.details.stamp);
                let by_name = feeds.get(*other).is_some_and(|other| feed.origin < other.feed.origin);
                rank(event) > rank(had) || rank(event) == rank(had) && by_name
            };
            if may && chosen.get(&(origin, &event.series)).is_none_or(newer) {
                chosen.insert((origin, &event.series), (place, event));
            }
        }
    }
    chosen
}

/// Our agenda in a window with what takes place at peers, as `feeds` say: of peers that `book` allows; others are left out.
/// Dates and floating times are those of `viewer`. `us` is our own name.
///
/// ```
/// use boxoffice_core::federation::{MergeOptions, PeerBook, PeerName, merge_feeds};
/// use boxoffice_core::schedule::Agenda;
/// use boxoffice_core::time::{Timestamp, Window};
///
/// let (us, day) = (PeerName::new("club.example")?, Window::new(Timestamp::EPOCH, Timestamp::from_millis(86_400_000)));
/// let zone = boxoffice_core::jiff::tz::TimeZone::UTC;
/// let options = MergeOptions::default();
/// let merged = merge_feeds(Agenda::default(), &us, &PeerBook::new(), &[], day, &zone, Timestamp::EPOCH, &options);
/// assert!(merged.entries.is_empty());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[expect(clippy::too_many_arguments, reason = "each is another thing")]
pub fn merge_feeds(
    local: Agenda,
    us: &PeerName,
    book: &PeerBook,
    feeds: &[PeerFeed],
    window: Window,
    viewer: &TimeZone,
    now: Timestamp,
    options: &MergeOptions,
) -> MergedAgenda {
    let ours = local.entries.into_iter().map(|entry| MergedEntry { entry, provenance: Provenance::Local });
    let mut merged =
        MergedAgenda { entries: ours.collect(), gaps: local.truncated.into_iter().map(MergeGap::Local).collect() };
    let mut by_feed: BTreeMap<usize, Vec<(&PeerName, &CalendarEvent)>> = BTreeMap::new();
    for ((origin, _), (place, event)) in chosen(us, book, feeds) {
        by_feed.entry(place).or_default().push((origin, event));
    }
    for (place, events) in by_feed {
        let Some(PeerFeed { feed, fetched_at }) = feeds.get(place) else { continue };
        let stale = now.saturating_since(*fetched_at) > options.stale_after;
        let (found, gaps) = expand(&events, &feed.origin, window, viewer, options);
        merged.gaps.extend(gaps);
        merged.entries.extend(found.into_iter().map(|(origin, entry)| {
            let (via, fetched_at) = (feed.origin.clone(), *fetched_at);
            MergedEntry { entry, provenance: Provenance::Peer { origin: origin.clone(), via, fetched_at, stale } }
        }));
    }
    merged.entries.sort_by_cached_key(|MergedEntry { entry, provenance }| {
        (entry.window.start, provenance.origin().cloned(), entry.occurrence.id())
    });
    merged
}

/// The occurrences of one peer's entries, within the steps and entries that it has.
fn expand<'f>(
    events: &[(&'f PeerName, &CalendarEvent)],
    via: &PeerName,
    window: Window,
    viewer: &TimeZone,
    options: &MergeOptions,
) -> (Vec<(&'f PeerName, AgendaEntry)>, Vec<MergeGap>) {
    let (mut found, mut gaps, mut steps) = (Vec::new(), Vec::new(), options.steps_max);
    // One more, to say what is left out.
    let most = options.entries_max.saturating_add(1);
    'feed: for (origin, event) in events {
        let mut occurrences = event.occurrences_within(window, viewer, Select::Overlapping).with_steps(steps);
        for next in occurrences.by_ref() {
            match next {
                Ok(occurrence) if occurrence.cancelled && !options.cancelled => {}
                Ok(occurrence) => {
                    let (window, capacity) = (occurrence.window(viewer), event.capacity);
                    found.push((*origin, AgendaEntry { occurrence, window, capacity }));
                    if found.len() >= most.saturating_mul(2) {
                        keep_first(&mut found, most);
                    }
                }
                Err(truncated) => {
                    gaps.push(MergeGap::TooManySteps { via: via.clone(), truncated });
                    break 'feed;
                }
            }
        }
        steps = occurrences.steps_left();
    }
    keep_first(&mut found, most);
    if let Some((_, first)) = found.get(options.entries_max) {
        gaps.push(MergeGap::TooManyEntries { via: via.clone(), from: first.window.start });
        found.truncate(options.entries_max);
    }
    (found, gaps)
}

/// Puts them in order, and keeps so many of them.
fn keep_first(found: &mut Vec<(&PeerName, AgendaEntry)>, most: usize) {
    found.sort_by_cached_key(|(origin, entry)| (entry.window.start, (*origin).clone(), entry.occurrence.id()));
    found.truncate(most);
}

/// The entries of a merged calendar, to be written with [`write_icalendar`](crate::calendar::write_icalendar): `local` as they
/// are, then what is shown of peers by the rules of [`merge_feeds`], each under a UID of its own that names its origin, with
/// `X-BOXOFFICE-ORIGIN` and `X-BOXOFFICE-UID`. An entry in a time zone whose name means something else in an entry before it is
/// left out, since a file has one zone of a name.
pub fn merged_calendar(
    local: Vec<CalendarEvent>,
    us: &PeerName,
    book: &PeerBook,
    feeds: &[PeerFeed],
) -> Vec<CalendarEvent> {
    let mut zones = super::publish::Zones::default();
    let mut all = local;
    all.retain(|event| zones.admit(event));
    for ((origin, uid), (_, event)) in chosen(us, book, feeds) {
        if zones.admit(event) {
            all.push(super::publish::passed_on(event, origin, uid));
        }
    }
    all
}
