//! Reading what can still be read of a damaged store, without trusting index or catalog.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::{Engine, EngineError, Order};
use super::read::Take;
use crate::persist::backend::Head;
use crate::persist::contents::{Item, Remembered, Verification};
use crate::persist::error::Fault;
use crate::persist::layout::{self, StoreMeta, StreamMeta};
use crate::persist::record::{Cursor, Key, Payload, RecordedEvent, Seq, StreamName};
use crate::persist::transaction::IdempotencyKey;
use crate::persist::unpack::{Names, Wanted, unpack};

/// What [`salvage`] found.
#[derive(Debug, Default)]
pub struct Salvage {
    /// What was handed on, and every record that could not be read; also that the engine has dropped the end, if it did.
    pub verification: Verification,
    /// Readable events that stand behind a gap of their stream. They cannot follow it in their places, so they are not
    /// handed on but kept here: a stream must not jump over a fact.
    pub behind_gaps: Vec<RecordedEvent>,
}

/// Hands everything readable in `engine` to `take`, in an order in which
/// [`Backend::import`](crate::persist::Backend::import) can write it: truncations, events in commit order, values,
/// idempotency keys, the next free cursor. Index and catalog are not trusted but made anew by the import.
///
/// # Errors
/// [`Fault::Unavailable`] when the engine itself cannot be read, or what `take` answered.
pub fn salvage(engine: &impl Engine, take: &mut dyn FnMut(Item) -> Result<(), Fault>) -> Result<Salvage, Fault> {
    let mut rescue =
        Rescue { found: Salvage::default(), next: BTreeMap::new(), unlisted: BTreeSet::new(), free: 1, take };
    rescue.store(engine)?;
    each(engine, layout::STREAM, &mut |key, value| rescue.stream(key, value))?;
    each(engine, layout::RECORD, &mut |key, value| rescue.record(key, value))?;
    each(engine, layout::VALUE, &mut |key, value| rescue.value(key, value))?;
    each(engine, layout::ONCE, &mut |key, value| rescue.remembered(key, value))?;
    let kept = engine.mark().map_err(|EngineError(reason)| Fault::Unavailable { reason: reason.into() })?;
    if let Some(mark) = kept.filter(|mark| mark.cursor >= rescue.free) {
        let reason = format!("ends before cursor {}, and cursor {} was durable", rescue.free, mark.cursor);
        rescue.found.verification.find("end of the store", reason);
        // No cursor is given out twice, not even that of a lost event.
        rescue.free = mark.cursor + 1;
    }
    rescue.finish()
}

struct Rescue<'a> {
    found: Salvage,
    /// The next sequence number of each stream.
    next: BTreeMap<StreamName, Seq>,
    /// Streams whose catalog entry is damaged: where they were truncated is not known.
    unlisted: BTreeSet<StreamName>,
    free: u64,
    take: &'a mut dyn FnMut(Item) -> Result<(), Fault>,
}

impl Rescue<'_> {
    /// The next cursor that the store noted when it last truncated something.
    fn store(&mut self, engine: &impl Engine) -> Result<(), Fault> {
        let mut noted = None;
        let got = engine.get(layout::STORE_KEY, &mut |value| {
            noted = Some(layout::open::<StoreMeta>(layout::STORE_KEY, value));
        });
        got.map_err(|EngineError(reason)| Fault::Unavailable { reason: reason.into() })?;
        match noted {
            Some(Ok(meta)) => self.free = self.free.max(meta.next_cursor),
            Some(Err(fault)) => self.found.verification.note(fault)?,
            None => {}
        }
        Ok(())
    }

    fn stream(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let stream = StreamName::stored(&layout::text_in(key));
        let meta: StreamMeta = match layout::open(key, value) {
            Ok(meta) => meta,
            Err(fault) => {
                self.unlisted.insert(stream);
                return self.found.verification.note(fault);
            }
        };
        self.found.verification.streams += 1;
        self.next.insert(stream.clone(), meta.truncated_through.next());
        if meta.truncated_through == Seq::UNWRITTEN {
            return Ok(());
        }
        // Events may have followed the truncation; they come as events.
        let head = Head { last: meta.truncated_through, truncated_through: meta.truncated_through };
        (self.take)(Item::Truncated(stream, head))
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        let (mut events, mut names) = (Vec::new(), Names::default());
        if let Err(fault) = unpack(key, value, Wanted::default(), &mut names, &mut events, usize::MAX) {
            // Its cursors were given out, whatever stood there.
            self.free = self.free.max(layout::trailing_number(key).unwrap_or_default() + 1);
            return self.found.verification.note(fault);
        }
        for event in events {
            self.free = self.free.max(event.cursor.position() + 1);
            self.begin_unlisted(&event)?;
            let next = self.next.entry(event.stream.clone()).or_insert(Seq::FIRST);
            if event.seq == *next {
                *next = event.seq.next();
                self.found.verification.events += 1;
                (self.take)(Item::Event(event))?;
            } else {
                self.found.behind_gaps.push(event);
            }
        }
        Ok(())
    }

    /// A stream without a catalog entry begins with the first event that is left of it.
    fn begin_unlisted(&mut self, event: &RecordedEvent) -> Result<(), Fault> {
        if !self.unlisted.remove(&event.stream) || event.seq <= Seq::FIRST {
            return Ok(());
        }
        let through = Seq::new(event.seq.get() - 1);
        self.next.insert(event.stream.clone(), event.seq);
        (self.take)(Item::Truncated(event.stream.clone(), Head { last: through, truncated_through: through }))
    }

    fn value(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        match layout::open::<&str>(key, value) {
            Ok(json) => {
                self.found.verification.values += 1;
                (self.take)(Item::Value(Key::stored(&layout::text_in(key)), Payload::stored(json)))
            }
            Err(fault) => self.found.verification.note(fault),
        }
    }

    fn remembered(&mut self, key: &[u8], value: &[u8]) -> Result<(), Fault> {
        match layout::open::<Remembered>(key, value) {
            Ok(remembered) => {
                self.found.verification.remembered += 1;
                (self.take)(Item::Remembered(IdempotencyKey::stored(&layout::text_in(key)), remembered))
            }
            Err(fault) => self.found.verification.note(fault),
        }
    }

    fn finish(mut self) -> Result<Salvage, Fault> {
        (self.take)(Item::Next(Cursor::from_position(self.free)))?;
        let mut gaps: BTreeMap<&StreamName, (Seq, u64)> = BTreeMap::new();
        for event in &self.found.behind_gaps {
            gaps.entry(&event.stream).or_insert((event.seq, 0)).1 += 1;
        }
        for (stream, (first, count)) in gaps {
            let next = self.next.get(stream).copied().unwrap_or_default();
            let reason = format!("seq {next} is missing; {count} events from seq {first} on stand behind the gap");
            self.found.verification.find(format!("stream {stream}"), reason);
        }
        Ok(self.found)
    }
}

fn each(engine: &impl Engine, kind: u8, take: &mut Take<'_>) -> Result<(), Fault> {
    let mut result = Ok(());
    let scanned = engine.scan(&[kind], &[kind + 1], Order::Ascending, &mut |key, value| {
        result = take(key, value);
        if result.is_ok() { core::ops::ControlFlow::Continue(()) } else { core::ops::ControlFlow::Break(()) }
    });
    scanned.map_err(|EngineError(reason)| Fault::Unavailable { reason: reason.into() })?;
    result
}
