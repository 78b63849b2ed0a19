//! Whether flows stand where their journals say: an audit of the store, for tests and for tools that verify.

use std::collections::{BTreeMap, BTreeSet};

use super::place::{Place, StuckNote, read_due_page, read_places};
use crate::flow::id::{FlowId, SHARDS};
use crate::flow::journal::Journal;
use crate::flow::live::Live;
use crate::flow::program::Programs;
use crate::persist::{Backend, Fault};

/// Keys and streams that are read at a time.
const PAGE: usize = 1_000;

/// A flow that does not stand where it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceFinding {
    /// It has not ended, and nobody will ever find it again.
    #[error("{flow} has not ended and has no place; it belongs to {expected:?}")]
    Missing {
        /// The flow.
        flow: FlowId,
        /// Where it belongs.
        expected: Place,
    },
    /// It has a place, but not the one that its journal and its code say.
    #[error("{flow} stands at {found:?} and belongs to {expected:?}")]
    Misplaced {
        /// The flow.
        flow: FlowId,
        /// Where it stands.
        found: Vec<Place>,
        /// Where it belongs.
        expected: Place,
    },
    /// It has a place more than it should. One that is due is cleared away when its time comes.
    #[error("{flow} also stands at {found:?}")]
    Spare {
        /// The flow.
        flow: FlowId,
        /// The place that is too much.
        found: Place,
    },
    /// It is stuck, and what is noted of that is not what its journal says.
    #[error("{flow} is stuck, and the note of it says otherwise")]
    Note {
        /// The flow.
        flow: FlowId,
    },
    /// Its journal cannot be read.
    #[error("{flow}: {reason}")]
    Unreadable {
        /// The flow.
        flow: FlowId,
        /// What the reader says.
        reason: String,
    },
}

/// Where all flows stand, as the keys have it.
#[derive(Debug, Default)]
struct Standing {
    places: BTreeMap<FlowId, BTreeSet<Place>>,
    notes: BTreeMap<FlowId, Option<StuckNote>>,
}

impl Standing {
    async fn read(backend: &dyn Backend) -> Result<Self, Fault> {
        let mut standing = Self::default();
        for shard in 0..SHARDS {
            standing.read_due(backend, shard).await?;
            for place in [Place::Waiting, Place::Paused, Place::Stuck] {
                standing.read_others(backend, shard, place).await?;
            }
        }
        Ok(standing)
    }

    async fn read_due(&mut self, backend: &dyn Backend, shard: u8) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let page = read_due_page(backend, shard, after.as_ref(), PAGE).await?;
            after = page.entries.last().cloned();
            for (at, flow) in page.entries {
                self.places.entry(flow).or_default().insert(Place::Due(at));
            }
            if !page.more {
                return Ok(());
            }
        }
    }

    async fn read_others(&mut self, backend: &dyn Backend, shard: u8, place: Place) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let found = read_places(backend, place, shard, after.as_ref(), PAGE).await?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            after = Some(last.clone());
            for (flow, note) in found {
                self.places.entry(flow.clone()).or_default().insert(place);
                if place == Place::Stuck {
                    self.notes.insert(flow, note);
                }
            }
        }
    }

    /// Compares a flow's keys with its journal, and forgets them.
    fn check(&mut self, journal: Journal, programs: &Programs, findings: &mut Vec<PlaceFinding>) {
        let flow = journal.id().clone();
        let mut found = self.places.remove(&flow).unwrap_or_default();
        let (now, version, stuck) = (journal.latest_at(), journal.version(), journal.stuck().cloned());
        let (live, events) = Live::rebuild(journal, programs, now);
        let asks = live.asks();
        let Some(expected) = Place::of(&live.journal, &asks) else {
            return findings.extend(found.into_iter().map(|found| PlaceFinding::Spare { flow: flow.clone(), found }));
        };
        // Other code than that which took the last turn: where it would stand, nobody has written yet.
        let known = events.is_empty() && version == Some(live.version(programs));
        if found.is_empty() {
            findings.push(PlaceFinding::Missing { flow, expected });
        } else if known && !found.remove(&expected) {
            findings.push(PlaceFinding::Misplaced { flow, found: found.into_iter().collect(), expected });
        } else if known {
            findings.extend(found.into_iter().map(|found| PlaceFinding::Spare { flow: flow.clone(), found }));
            let noted = self.notes.remove(&flow).flatten().map(|note| (note.version, note.stuck));
            if expected == Place::Stuck && noted != stuck {
                findings.push(PlaceFinding::Note { flow });
            }
        }
    }
}

/// Reads all journals and all places of flows, and gives what does not fit: every flow that has not ended has one place, and the
/// right one; all others have none. Journals whose last turn was taken by another version of the code count as right wherever they
/// stand. Not while flows are at work: what is between two reads looks like a finding.
///
/// Holds the places of all flows in memory.
///
/// # Errors
/// [`Fault`] when storage failed or a key is not readable. A journal that is not readable is a finding.
pub async fn check_places(backend: &dyn Backend, programs: &Programs) -> Result<Vec<PlaceFinding>, Fault> {
    let mut standing = Standing::read(backend).await?;
    let mut findings = Vec::new();
    let mut after = None;
    loop {
        let streams = backend.streams(after.as_ref(), PAGE).await?;
        let Some(last) = streams.last() else { break };
        after = Some(last.clone());
        for flow in streams.iter().filter_map(FlowId::of_stream) {
            match Journal::load(backend, &flow).await {
                Ok(journal) => standing.check(journal, programs, &mut findings),
                Err(Fault::Corrupt { reason, .. }) => {
                    findings.push(PlaceFinding::Unreadable { flow, reason: reason.to_string() });
                }
                Err(fault) => return Err(fault),
            }
        }
    }
    let spare = |(flow, places): (FlowId, BTreeSet<Place>)| {
        places.into_iter().map(move |found| PlaceFinding::Spare { flow: flow.clone(), found })
    };
    findings.extend(standing.places.into_iter().flat_map(spare));
    Ok(findings)
}
