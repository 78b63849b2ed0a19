//! What lies beyond one occurrence: definitions, and a policy that refuses whoever has a seat at the same time elsewhere.

use std::sync::Arc;

use boxoffice_core::booking::{Grounds, Terms, Verdict, agenda_stream, observe};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::{Backend, Cursor, Expect, Fault, NewEvent, StreamName, Transaction};
use boxoffice_core::time::Timestamp;

use crate::disk::Disk;

/// Which occurrences there are, and which of them overlap.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) occurrences: Vec<OccurrenceId>,
    /// The first so many overlap each other and are under the policy.
    pub(crate) clashing: usize,
}

impl Plan {
    pub(crate) fn new(count: usize, clashing: usize) -> Self {
        let id = |n| format!("show{n}@20260105T190000").parse().unwrap();
        Self { occurrences: (0..count).map(id).collect(), clashing }
    }

    pub(crate) fn is_clashing(&self, occurrence: &OccurrenceId) -> bool {
        self.occurrences.iter().take(self.clashing).any(|other| other == occurrence)
    }
}

fn definition(occurrence: &OccurrenceId) -> StreamName {
    StreamName::new(format!("definition:{occurrence}")).unwrap()
}

fn rules() -> StreamName {
    StreamName::new("rules").unwrap()
}

/// What the definition says now.
pub(crate) async fn load_terms(disk: &Disk, plan: &Plan, occurrence: &OccurrenceId) -> Result<Terms, Fault> {
    let stream = definition(occurrence);
    let seq = disk.head(&stream).await?.last;
    Ok(Terms { stream, seq, policies: plan.is_clashing(occurrence) })
}

/// Changes a definition, or the rules, in a way that matters to nobody.
pub(crate) async fn touch(disk: &Disk, occurrence: Option<&OccurrenceId>) {
    let stream = occurrence.map_or_else(rules, definition);
    let event = NewEvent::new("touched", Timestamp::EPOCH, &0).unwrap();
    // A change that fails is none.
    _ = disk.commit_one(Transaction::append(&stream, Expect::Any, vec![event])).await.is_ok();
}

/// Whether the policy lets the attendee have a seat, and where that stands. As in `actors/src/availability/policies.rs`: what
/// the answer rests on is read before the question is asked.
pub(crate) async fn policies(
    disk: &Arc<Disk>,
    plan: &Plan,
    occurrence: &OccurrenceId,
    attendee: &AttendeeId,
) -> Result<Verdict, Fault> {
    let agenda = disk.head(&agenda_stream(attendee)).await?.last;
    let rules_seq = disk.head(&rules()).await?.last;
    for other in plan.occurrences.iter().take(plan.clashing).filter(|other| *other != occurrence) {
        if observe(&**disk, other).await?.seat_of(attendee).is_some() {
            return Ok(Verdict::Denied { reasons: [Arc::from("clash")].into(), cursor: Cursor::START });
        }
    }
    Ok(Verdict::Allowed(Grounds { agenda, others: vec![(rules(), rules_seq)], warnings: Arc::default() }))
}
