//! Events out of records, without a stop in between: what is not wanted is stepped over.

use serde::Deserialize;

use super::error::Fault;
use super::layout;
use super::record::{Cursor, EventType, Payload, RecordedEvent, Seq, StreamName};
use crate::time::Timestamp;

/// Which events of a record are wanted. The default: all of them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// Only those of this stream.
    pub(crate) stream: Option<&'a StreamName>,
    /// Only those with sequence numbers from this one on.
    pub(crate) from: Seq,
    /// Only those with greater cursors.
    pub(crate) after: Cursor,
}

/// The names read last: neighbours mostly share them, and then their text too.
#[derive(Debug, Default)]
pub(crate) struct Names {
    stream: Option<StreamName>,
    event_type: Option<EventType>,
}

impl Names {
    fn stream(&mut self, name: &str) -> StreamName {
        match &self.stream {
            Some(last) if last.as_str() == name => last.clone(),
            Some(_) | None => self.stream.insert(StreamName::stored(name)).clone(),
        }
    }

    fn event_type(&mut self, name: &str) -> EventType {
        match &self.event_type {
            Some(last) if last.as_str() == name => last.clone(),
            Some(_) | None => self.event_type.insert(EventType::stored(name)).clone(),
        }
    }
}

/// Adds the wanted events of a record to `events`, until there are `limit`.
pub(crate) fn unpack(
    key: &[u8],
    value: &[u8],
    wanted: Wanted<'_>,
    names: &mut Names,
    events: &mut Vec<RecordedEvent>,
    limit: usize,
) -> Result<(), Fault> {
    let mut reader = Reader { key, rest: layout::unseal(key, value)? };
    let first_cursor = layout::trailing_number(key).unwrap_or_default();
    let runs: u64 = reader.take()?;
    for _ in 0..runs {
        let stream: &str = reader.take()?;
        let (first_seq, offset, count): (u64, u64, u64) = (reader.take()?, reader.take()?, reader.take()?);
        let ours = wanted.stream.is_none_or(|wanted| wanted.as_str() == stream);
        for place in 0..count {
            let (seq, cursor) = (Seq::new(first_seq + place), Cursor::from_position(first_cursor + offset + place));
            if !ours || seq < wanted.from || cursor <= wanted.after {
                reader.skip_event()?;
                continue;
            }
            if events.len() == limit {
                return Ok(());
            }
            let (name, at, data): (&str, Timestamp, &str) = (reader.take()?, reader.take()?, reader.take()?);
            events.push(RecordedEvent {
                stream: match wanted.stream {
                    Some(stream) => stream.clone(),
                    None => names.stream(stream),
                },
                seq,
                cursor,
                event_type: names.event_type(name),
                at,
                data: Payload::stored(data),
            });
        }
    }
    Ok(())
}

/// The body of a record, from some place on.
struct Reader<'a> {
    key: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take<T: Deserialize<'a>>(&mut self) -> Result<T, Fault> {
        let taken = postcard::take_from_bytes(self.rest);
        let (value, rest) = taken.map_err(|error| Fault::corrupt(layout::place(self.key), error.to_string()))?;
        self.rest = rest;
        Ok(value)
    }

    fn skip_event(&mut self) -> Result<(), Fault> {
        // Texts are lengths and bytes; nobody looks at these.
        let (_name, _at, _data): (&[u8], Timestamp, &[u8]) = (self.take()?, self.take()?, self.take()?);
        Ok(())
    }
}
