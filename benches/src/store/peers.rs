//! Stores that others would take.

use std::path::Path;

use super::{Commit, STREAMS, payload};
use crate::Result;

/// SQLite as an event store: a row for each event, unique by stream and sequence number.
pub fn sqlite(folder: &Path) -> Result<Commit> {
    let mut db = rusqlite::Connection::open(folder.join("events.db"))?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute_batch(
        "CREATE TABLE event (pos INTEGER PRIMARY KEY, stream TEXT NOT NULL, seq INTEGER NOT NULL, type TEXT NOT NULL,
         at INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE (stream, seq));",
    )?;
    Ok(Box::new(move |commit, batch| {
        let write = db.transaction()?;
        {
            let stream = format!("booking:{}", commit % STREAMS);
            let mut insert = write.prepare_cached(
                "INSERT INTO event (stream, seq, type, at, data) VALUES (?1, ?2, 'booking.seat_booked.v1', ?3, ?4)",
            )?;
            let first = commit * batch as u64;
            for n in first..first + batch as u64 {
                insert.execute((&stream, i64::try_from(n)?, 1_767_225_600_000_i64, payload(n)))?;
            }
        }
        Ok(write.commit()?)
    }))
}

const EVENTS: redb::TableDefinition<'_, u64, &str> = redb::TableDefinition::new("events");
const INDEX: redb::TableDefinition<'_, (u64, u64), u64> = redb::TableDefinition::new("index");

/// redb with a table of events and an index by stream, durable at once.
pub fn redb(folder: &Path) -> Result<Commit> {
    let db = redb::Database::create(folder.join("events.redb"))?;
    Ok(Box::new(move |commit, batch| {
        let write = db.begin_write()?;
        {
            let (mut events, mut index) = (write.open_table(EVENTS)?, write.open_table(INDEX)?);
            let (stream, first) = (commit % STREAMS, commit * batch as u64);
            for n in first..first + batch as u64 {
                let record = format!("booking:{stream} {n} booking.seat_booked.v1 1767225600000 {}", payload(n));
                events.insert(n, record.as_str())?;
                index.insert((stream, n), n)?;
            }
        }
        Ok(write.commit()?)
    }))
}

/// `UmaDB`'s own engine in this process, without its server: events with the stream as a tag.
pub fn umadb(folder: &Path) -> Result<Commit> {
    use umadb_dcb::{DcbEvent, DcbEventStoreSync};

    let db = umadb_core::db::UmaDb::new(folder.join("uma.db"))?;
    Ok(Box::new(move |commit, batch| {
        let first = commit * batch as u64;
        let event = |n: u64| DcbEvent {
            event_type: "booking.seat_booked.v1".to_owned(),
            tags: vec![format!("booking:{}", commit % STREAMS)],
            data: payload(n).into_bytes(),
            ..DcbEvent::default()
        };
        db.append((first..first + batch as u64).map(event).collect(), None, None)?;
        Ok(())
    }))
}
