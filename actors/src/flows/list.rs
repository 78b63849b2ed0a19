//! Lists of flows, read from the store.

use boxoffice_core::flow::shard::{Place, StuckNote, read_due_page, read_places};
use boxoffice_core::flow::{FlowId, FlowKind, FlowStatus, Journal, SHARDS};
use boxoffice_core::persist::{Backend, Fault, StreamName};
use boxoffice_core::time::Timestamp;

/// Keys and streams that are read at a time.
const PAGE: usize = 1_000;

/// A flow that has not ended, by where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFlow {
    /// Which one.
    pub id: FlowId,
    /// Where it stands. A flow at work stands where it was due.
    pub place: Place,
    /// Why it cannot go on, if it cannot.
    pub stuck: Option<StuckNote>,
}

/// Which flows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenFilter {
    /// Only of this kind.
    pub kind: Option<FlowKind>,
    /// Only those whose place has this name: `due`, `waiting`, `paused` or `stuck`.
    pub place: Option<String>,
    /// At most so many; 0 for all.
    pub limit: usize,
}

impl OpenFilter {
    fn wants(&self, flow: &FlowId) -> bool {
        self.kind.as_ref().is_none_or(|kind| kind == flow.kind())
    }

    fn wants_place(&self, name: &str) -> bool {
        self.place.as_ref().is_none_or(|place| place == name)
    }

    fn is_full(&self, found: &[OpenFlow]) -> bool {
        self.limit > 0 && found.len() >= self.limit
    }
}

/// Flows that have not ended: those that are due first, in the order of their instants, then the others by id.
///
/// Reads keys only, in proportion to the flows that are open. Needs no running flows.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn open_flows(backend: &dyn Backend, filter: &OpenFilter) -> Result<Vec<OpenFlow>, Fault> {
    let mut found = Vec::new();
    if filter.wants_place("due") {
        let mut due = Vec::new();
        for shard in 0..SHARDS {
            due.extend(due_flows(backend, shard, filter).await?);
        }
        due.sort_unstable();
        let open = |(at, id)| OpenFlow { id, place: Place::Due(at), stuck: None };
        found.extend(due.into_iter().map(open));
    }
    for (name, place) in [("waiting", Place::Waiting), ("paused", Place::Paused), ("stuck", Place::Stuck)] {
        if filter.wants_place(name) && !filter.is_full(&found) {
            let mut there = Vec::new();
            for shard in 0..SHARDS {
                there.extend(flows_at(backend, place, shard, filter).await?);
            }
            there.sort_unstable_by(|a, b| a.id.cmp(&b.id));
            found.append(&mut there);
        }
    }
    if filter.limit > 0 {
        found.truncate(filter.limit);
    }
    Ok(found)
}

async fn due_flows(backend: &dyn Backend, shard: u8, filter: &OpenFilter) -> Result<Vec<(Timestamp, FlowId)>, Fault> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = read_due_page(backend, shard, after.as_ref(), PAGE).await?;
        after = page.entries.last().cloned();
        found.extend(page.entries.into_iter().filter(|(_, flow)| filter.wants(flow)));
        if !page.more || (filter.limit > 0 && found.len() >= filter.limit) {
            return Ok(found);
        }
    }
}

/// Flows of one shard in one kind of place, but those that are due.
pub(super) async fn flows_at(
    backend: &dyn Backend,
    place: Place,
    shard: u8,
    filter: &OpenFilter,
) -> Result<Vec<OpenFlow>, Fault> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = read_places(backend, place, shard, after.as_ref(), PAGE).await?;
        after = page.last().map(|(flow, _)| flow.clone());
        let more = page.len() == PAGE;
        let open = page.into_iter().filter(|(flow, _)| filter.wants(flow));
        found.extend(open.map(|(id, stuck)| OpenFlow { id, place, stuck }));
        if !more || filter.is_full(&found) {
            return Ok(found);
        }
    }
}

/// Journals of flows whose id begins with `prefix` (such as `reminder/chess@`), ended ones too, by id after `after` (not included),
/// at most `limit`. Reads each journal.
///
/// # Errors
/// [`Fault`] when storage failed or a journal is damaged.
pub async fn search_flows(
    backend: &dyn Backend,
    prefix: &str,
    after: Option<&FlowId>,
    limit: usize,
) -> Result<Vec<(FlowId, FlowStatus)>, Fault> {
    let mut found = Vec::new();
    let from = format!("flow:{prefix}");
    // Streams are listed after a name: that before the first which begins so.
    let mut last = after.map_or_else(|| before(&from), |after| Some(after.stream()));
    while found.len() < limit {
        let page = backend.streams(last.as_ref(), PAGE).await?;
        let Some(end) = page.last().cloned() else { break };
        for stream in &page {
            if !stream.as_str().starts_with(&from) {
                if stream.as_str() > from.as_str() {
                    return Ok(found);
                }
                continue;
            }
            let Some(flow) = FlowId::of_stream(stream) else { continue };
            let status = Journal::load(backend, &flow).await?.status();
            found.push((flow, status));
            if found.len() >= limit {
                return Ok(found);
            }
        }
        last = Some(end);
    }
    Ok(found)
}

/// A name that stands right before all that begin with `prefix`.
fn before(prefix: &str) -> Option<StreamName> {
    let mut chars = prefix.chars();
    let last = chars.next_back()?;
    let smaller = char::from_u32(u32::from(last).checked_sub(1)?)?;
    StreamName::new(format!("{}{smaller}\u{10ffff}", chars.as_str())).ok()
}
