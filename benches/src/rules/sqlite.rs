//! SQLite in memory, with the busy times in one table, clustered by attendee.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::sheet::{Figure, Sheet, Times, What, Who};
use super::world::{ATTENDEES, HOSTS, SLOT, World};
use crate::Result;

const TABLE: &str =
    "CREATE TABLE busy (a INTEGER, s INTEGER, o INTEGER, e INTEGER, PRIMARY KEY (a, s, o)) WITHOUT ROWID";
const INSERT: &str = "INSERT INTO busy VALUES (?1, ?2, ?3, ?4)";
const BUSY: &str = "SELECT 1 FROM busy WHERE a = ?1 AND s < ?3 AND s > ?2 - ?4 AND e > ?2 LIMIT 1";
const OVERLAPS: &str = "SELECT count(*) FROM busy one JOIN busy two ON two.a = one.a
    AND two.s < one.e AND two.s > one.s - ?1 AND one.s < two.e AND one.o < two.o";
const SLOTS: &str = "WITH free (t) AS (
        SELECT ?2 UNION SELECT e FROM busy WHERE a = ?1 AND s < ?3 AND s > ?2 - ?5 AND e > ?2 AND e < ?3
    ) SELECT count(*) FROM free WHERE t + ?4 <= ?3
    AND NOT EXISTS (SELECT 1 FROM busy WHERE a = ?1 AND s < t + ?4 AND s > t - ?5 AND e > t)";

pub(super) fn run(sheet: &mut Sheet, world: &World) -> Result<()> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch(TABLE)?;
    load(sheet, world, &mut connection)?;
    ask(sheet, world, &connection)?;
    change(sheet, world, &connection)
}

fn load(sheet: &mut Sheet, world: &World, connection: &mut Connection) -> Result<()> {
    let start = Instant::now();
    let transaction = connection.transaction()?;
    let mut loaded = 0;
    {
        let mut insert = transaction.prepare(INSERT)?;
        for (attendee, occurrence) in &world.bookings {
            let (start, end) = world.occurrence(*occurrence);
            loaded += insert.execute(params![attendee, start, occurrence, end])?;
        }
    }
    transaction.commit()?;
    sheet.put(What::Load, Who::Sqlite, Figure::from(start.elapsed()).counting(loaded as u64))?;
    let pragma = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let bytes: i64 = connection.query_row(pragma, [], |row| row.get(0))?;
    sheet.put(What::Memory, Who::Sqlite, Figure::bytes(bytes.try_into()?))
}

fn ask(sheet: &mut Sheet, world: &World, connection: &Connection) -> Result<()> {
    let longest = world.longest();
    let mut question = connection.prepare(BUSY)?;
    let mut busy = 0;
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        busy += u64::from(question.exists(params![attendee, from, to, longest])?);
        Ok(())
    })?;
    sheet.put(What::Busy, Who::Sqlite, Figure::from(times).counting(busy))?;

    let mut of_one = connection.prepare(&format!("{OVERLAPS} WHERE one.a = ?2"))?;
    let mut pairs = 0;
    let times = Times::of(0..ATTENDEES, |attendee| {
        pairs += u64::from(of_one.query_row(params![longest, attendee], |row| row.get::<_, u32>(0))?);
        Ok(())
    })?;
    sheet.put(What::One, Who::Sqlite, Figure::from(times).counting(pairs))?;
    let start = Instant::now();
    let pairs = overlaps(world, connection)?;
    sheet.put(What::All, Who::Sqlite, Figure::from(start.elapsed()).counting(pairs))?;

    let mut free = connection.prepare(SLOTS)?;
    let (from, to) = world.month();
    let mut slots = 0;
    let start = Instant::now();
    for host in 0..HOSTS {
        slots += u64::from(free.query_row(params![host, from, to, SLOT, longest], |row| row.get::<_, u32>(0))?);
    }
    sheet.put(What::Slots, Who::Sqlite, Figure::from(start.elapsed()).counting(slots))
}

fn overlaps(world: &World, connection: &Connection) -> Result<u64> {
    Ok(connection.query_row(OVERLAPS, params![world.longest()], |row| row.get::<_, u32>(0))?.into())
}

/// Each change is a transaction of its own.
fn change(sheet: &mut Sheet, world: &World, connection: &Connection) -> Result<()> {
    let mut insert = connection.prepare(INSERT)?;
    let times = Times::of(&world.further, |(attendee, occurrence)| {
        let (start, end) = world.occurrence(*occurrence);
        insert.execute(params![attendee, start, occurrence, end])?;
        Ok(())
    })?;
    sheet.put(What::More, Who::Sqlite, Figure::from(times).counting(overlaps(world, connection)?))?;
    let mut remove = connection.prepare("DELETE FROM busy WHERE a = ?1 AND s = ?2 AND o = ?3")?;
    let times = Times::of(&world.further, |(attendee, occurrence)| {
        let (start, _) = world.occurrence(*occurrence);
        remove.execute(params![attendee, start, occurrence])?;
        Ok(())
    })?;
    sheet.put(What::Less, Who::Sqlite, Figure::from(times).counting(overlaps(world, connection)?))
}
