//! Requests that are carried out outside of flows.

use std::sync::Arc;

use super::batch::operations_max;
use crate::flow::ask::Tag;
use crate::flow::id::FlowId;
use crate::persist::{Append, KvWrite, Limit, Limits, NewEvent, Payload, StreamName};

/// A request that is to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performance {
    /// Who asks.
    pub flow: FlowId,
    /// In which of its runs.
    pub run: u32,
    /// Which ask it is.
    pub ordinal: u32,
    /// Its tag.
    pub tag: Tag,
    /// The performer's name.
    pub to: Arc<str>,
    /// What is to be done.
    pub body: Payload,
}

impl Performance {
    /// A name for the request, the same whenever it is carried out again: what the outside may tell repetitions by.
    ///
    /// `FLOW#RUN/TAG`. A `#` or `%` in the flow's id is written as `%23` or `%25`, so that no two requests have the same.
    pub fn idempotency_key(&self) -> String {
        let flow = self.flow.as_str().replace('%', "%25").replace('#', "%23");
        format!("{flow}#{}/{}", self.run, self.tag)
    }
}

/// What carrying out a request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performed {
    /// What the flow gets to know.
    pub outcome: Payload,
    /// Events to append along with the outcome, in the same transaction; not to streams of flows.
    pub appends: Vec<Append>,
    /// Keys to change along with the outcome; not those of flows.
    pub writes: Vec<KvWrite>,
}

impl Performed {
    /// An outcome and nothing else.
    pub fn new(outcome: Payload) -> Self {
        Self { outcome, appends: Vec::new(), writes: Vec::new() }
    }

    /// Also changes a key.
    #[must_use]
    pub fn write(mut self, write: KvWrite) -> Self {
        self.writes.push(write);
        self
    }

    /// Also appends to a stream.
    #[must_use]
    pub fn append(mut self, append: Append) -> Self {
        self.appends.push(append);
        self
    }

    /// What of it a performer may not write, or the store would not take.
    pub(super) fn forbidden(&self, limits: &Limits) -> Option<String> {
        let of_flow = |stream: &StreamName| stream.as_str().starts_with("flow:") || stream.is_reserved();
        let stream = self.appends.iter().find(|append| of_flow(&append.stream));
        let key = self.writes.iter().find_map(|write| match write {
            KvWrite::Put(key, _) | KvWrite::Delete(key) => Some(key).filter(|key| key.as_str().starts_with("flow/")),
        });
        let stream = stream.map(|append| format!("may not write the stream {}", append.stream));
        let broken = self.broken_limit(limits).map(|limit| limit.to_string());
        stream.or_else(|| key.map(|key| format!("may not write the key {key}"))).or(broken)
    }

    fn broken_limit(&self, limits: &Limits) -> Option<Limit> {
        let mut events =
            self.appends.iter().flat_map(|append| append.events.iter().map(|event| (&append.stream, event)));
        let of_event = |(stream, event): (_, &NewEvent)| limits.broken_by_event(stream, &event.event_type, &event.data);
        let of_write = |write: &KvWrite| match write {
            KvWrite::Put(key, value) => limits.broken_by_value(key, value),
            KvWrite::Delete(_) => None,
        };
        let operations = self.appends.len() + events.clone().count() + self.writes.len();
        let limit = operations_max(limits);
        let too_many = (operations > limit).then_some(Limit::Operations { operations, limit });
        too_many.or_else(|| events.find_map(of_event)).or_else(|| self.writes.iter().find_map(of_write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_requests_have_the_same_idempotency_key() {
        let key = |flow: &str, run: u32, tag: &str| {
            let (flow, tag, to) = (flow.parse().unwrap(), tag.into(), "mail".into());
            Performance { flow, run, ordinal: 0, tag, to, body: Payload::stored("1") }.idempotency_key()
        };
        assert_eq!(key("deliver/ann", 1, "deliver 1"), "deliver/ann#1/deliver 1");
        let alike = [("key/b", 1, "x#1/t"), ("key/b#1/x", 1, "t"), ("key/b%231/x", 1, "t"), ("key/b", 11, "x#1/t")];
        let keys: std::collections::BTreeSet<String> =
            alike.iter().map(|(flow, run, tag)| key(flow, *run, tag)).collect();
        assert_eq!(keys.len(), alike.len(), "{keys:?}");
    }
}
