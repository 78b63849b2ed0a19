//! How flows' events are recorded: the only place that knows both.
//!
//! Names and shapes are constants of the format. A new shape gets a new version, never a changed one.
//!
//! | type | data (JSON) |
//! | --- | --- |
//! | `flow.started.v1` | `{"v":1,"input":...,"parent":{"flow":"k/a","run":1,"ordinal":0,"tag":"t"}}`, the parent only for a child |
//! | `flow.resolved.v1` | `{"v":1,"n":0,"tag":"send 1","kind":"request","fp":"00c0ffee00c0ffee","outcome":...}` |
//! | `flow.signalled.v1` | `{"v":1,"name":"paid","id":"evt-1","body":...}`, the id only if it has one |
//! | `flow.cancel_requested.v1` | `{"v":1}` |
//! | `flow.patched.v1` | `{"patch":"jitter-2026"}` |
//! | `flow.paused.v1`, `flow.resumed.v1`, `flow.cancelled.v1`, `flow.terminated.v1` | `{}` |
//! | `flow.stuck.v1` | `{"v":1,"stuck":{"why":"mismatch",...}}`, see [`Stuck`] |
//! | `flow.retried.v1` | `{"v":2}` |
//! | `flow.completed.v1` | `{"output":...}` |
//! | `flow.failed.v1` | `{"reason":"..."}` |
//! | `flow.continued.v1` | `{"v":1,"run":2,"input":...,"read":{"paid":17}}`, the parent of a child, and `"cancelled":true` if it was |

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ask::{AskName, Fingerprint, Tag};
use super::event::{FlowEvent, Parent};
use super::id::FlowId;
use super::stuck::Stuck;
use crate::persist::{EventType, Fault, NewEvent, Payload, PayloadError, RecordedEvent, Seq};
use crate::time::Timestamp;

/// Largest event of a flow, in bytes: the names of its stream and type and its data together.
pub const EVENT_BYTES_MAX: usize = 4_000;

const STARTED: &str = "flow.started.v1";
const RESOLVED: &str = "flow.resolved.v1";
const SIGNALLED: &str = "flow.signalled.v1";
const CANCEL_REQUESTED: &str = "flow.cancel_requested.v1";
const PATCHED: &str = "flow.patched.v1";
const PAUSED: &str = "flow.paused.v1";
const RESUMED: &str = "flow.resumed.v1";
const STUCK: &str = "flow.stuck.v1";
const RETRIED: &str = "flow.retried.v1";
const COMPLETED: &str = "flow.completed.v1";
const FAILED: &str = "flow.failed.v1";
const CANCELLED: &str = "flow.cancelled.v1";
const TERMINATED: &str = "flow.terminated.v1";
const CONTINUED: &str = "flow.continued.v1";

#[derive(Serialize, Deserialize)]
struct Started {
    v: u32,
    input: Payload,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
}

#[derive(Serialize, Deserialize)]
struct Resolved {
    v: u32,
    n: u32,
    tag: Tag,
    kind: Arc<str>,
    fp: Fingerprint,
    outcome: Payload,
}

#[derive(Serialize, Deserialize)]
struct Signalled {
    v: u32,
    name: Arc<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Arc<str>>,
    body: Payload,
}

#[derive(Serialize, Deserialize)]
struct Versioned {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct Patched {
    patch: Arc<str>,
}

#[derive(Serialize, Deserialize)]
struct Empty {}

#[derive(Serialize, Deserialize)]
struct StuckData {
    v: u32,
    stuck: Stuck,
}

#[derive(Serialize, Deserialize)]
struct Completed {
    output: Payload,
}

#[derive(Serialize, Deserialize)]
struct Failed {
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct Continued {
    v: u32,
    run: u32,
    input: Payload,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parent: Option<Parent>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    read: BTreeMap<Arc<str>, Seq>,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    cancelled: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
}

fn recorded(name: &str, at: Timestamp, data: &impl Serialize) -> NewEvent {
    // Numbers, texts and payloads always have a JSON form.
    let data = Payload::new(data).unwrap_or_else(|_| Payload::stored("null"));
    NewEvent { event_type: EventType::stored(name), at, data }
}

/// How large `event` is in the stream of `flow`, in bytes: what [`EVENT_BYTES_MAX`] bounds.
pub fn size(flow: &FlowId, event: &NewEvent) -> usize {
    flow.stream().as_str().len() + event.event_type.as_str().len() + event.data.json().len()
}

/// The recorded form of `event`, which happened `at`.
pub fn encode(at: Timestamp, event: FlowEvent) -> NewEvent {
    match event {
        FlowEvent::Started { version: v, input, parent } => recorded(STARTED, at, &Started { v, input, parent }),
        FlowEvent::Resolved { ask, version: v, outcome } => {
            let AskName { ordinal: n, tag, kind, fingerprint: fp } = ask;
            recorded(RESOLVED, at, &Resolved { v, n, tag, kind, fp, outcome })
        }
        FlowEvent::Signalled { name, version: v, id, body } => {
            recorded(SIGNALLED, at, &Signalled { v, name, id, body })
        }
        FlowEvent::CancelRequested { version: v } => recorded(CANCEL_REQUESTED, at, &Versioned { v }),
        FlowEvent::Patched { patch } => recorded(PATCHED, at, &Patched { patch }),
        FlowEvent::Paused => recorded(PAUSED, at, &Empty {}),
        FlowEvent::Resumed => recorded(RESUMED, at, &Empty {}),
        FlowEvent::Stuck { version: v, why: stuck } => recorded(STUCK, at, &StuckData { v, stuck }),
        FlowEvent::Retried { version: v } => recorded(RETRIED, at, &Versioned { v }),
        FlowEvent::Completed { output } => recorded(COMPLETED, at, &Completed { output }),
        FlowEvent::Failed { reason } => recorded(FAILED, at, &Failed { reason }),
        FlowEvent::Cancelled => recorded(CANCELLED, at, &Empty {}),
        FlowEvent::Terminated => recorded(TERMINATED, at, &Empty {}),
        FlowEvent::Continued { run, version: v, input, parent, read, cancelled, since } => {
            let since = Some(since).filter(|since| *since > Timestamp::EPOCH);
            recorded(CONTINUED, at, &Continued { v, run, input, parent, read, cancelled, since })
        }
    }
}

fn read(event: &RecordedEvent) -> Result<Option<FlowEvent>, PayloadError> {
    let data = &event.data;
    Ok(Some(match event.event_type.as_str() {
        STARTED => {
            let Started { v: version, input, parent } = data.read()?;
            FlowEvent::Started { version, input, parent }
        }
        RESOLVED => {
            let Resolved { v: version, n: ordinal, tag, kind, fp: fingerprint, outcome } = data.read()?;
            FlowEvent::Resolved { ask: AskName { ordinal, tag, kind, fingerprint }, version, outcome }
        }
        SIGNALLED => {
            let Signalled { v: version, name, id, body } = data.read()?;
            FlowEvent::Signalled { name, version, id, body }
        }
        CANCEL_REQUESTED => FlowEvent::CancelRequested { version: data.read::<Versioned>()?.v },
        PATCHED => FlowEvent::Patched { patch: data.read::<Patched>()?.patch },
        PAUSED => data.read::<Empty>().map(|Empty {}| FlowEvent::Paused)?,
        RESUMED => data.read::<Empty>().map(|Empty {}| FlowEvent::Resumed)?,
        STUCK => {
            let StuckData { v: version, stuck: why } = data.read()?;
            FlowEvent::Stuck { version, why }
        }
        RETRIED => FlowEvent::Retried { version: data.read::<Versioned>()?.v },
        COMPLETED => FlowEvent::Completed { output: data.read::<Completed>()?.output },
        FAILED => FlowEvent::Failed { reason: data.read::<Failed>()?.reason },
        CANCELLED => data.read::<Empty>().map(|Empty {}| FlowEvent::Cancelled)?,
        TERMINATED => data.read::<Empty>().map(|Empty {}| FlowEvent::Terminated)?,
        CONTINUED => {
            let Continued { v: version, run, input, parent, read, cancelled, since } = data.read()?;
            let since = since.unwrap_or(Timestamp::EPOCH);
            FlowEvent::Continued { run, version, input, parent, read, cancelled, since }
        }
        _ => return Ok(None),
    }))
}

/// The flow event that `event` holds.
///
/// # Errors
/// [`Fault::Corrupt`] when its type is unknown or its data has another shape. An event is never passed over in silence.
pub fn decode(event: &RecordedEvent) -> Result<FlowEvent, Fault> {
    let corrupt = |reason: String| Fault::corrupt(format!("{} of stream {}", event.seq, event.stream), reason);
    match read(event) {
        Ok(Some(read)) => Ok(read),
        Ok(None) => Err(corrupt(format!("unknown type {:?}", event.event_type.as_str()))),
        Err(error) => Err(corrupt(error.to_string())),
    }
}
