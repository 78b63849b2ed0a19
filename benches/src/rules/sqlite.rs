//! SQLite in memory, with the busy times in one table, clustered by attendee.

use std::time::Instant;

use rusqlite::{Connection, params};

use super::world::World;
use super::{Times, line};
use crate::Result;

const WHO: &str = "SQLite in memory";
const OVERLAPS: &str = "SELECT count(*) FROM busy one JOIN busy two ON two.a = one.a
    AND two.s < one.e AND two.s > one.s - ?1 AND one.s < two.e AND one.o < two.o";

pub(super) fn run(world: &World) -> Result<()> {
    let mut connection = Connection::open_in_memory()?;
    connection.execute_batch(
        "CREATE TABLE busy (a INTEGER, s INTEGER, o INTEGER, e INTEGER, PRIMARY KEY (a, s, o)) WITHOUT ROWID",
    )?;
    let start = Instant::now();
    let transaction = connection.transaction()?;
    {
        let mut insert = transaction.prepare("INSERT INTO busy VALUES (?1, ?2, ?3, ?4)")?;
        for (attendee, occurrence) in &world.bookings {
            let (start, end) = world.occurrence(*occurrence);
            insert.execute(params![attendee, start, occurrence, end])?;
        }
    }
    transaction.commit()?;
    line("load", WHO, format!("{:?}", start.elapsed()));
    let longest = world.occurrences.iter().map(|(start, end)| end - start).max().unwrap_or(0);
    let mut question =
        connection.prepare("SELECT 1 FROM busy WHERE a = ?1 AND s < ?3 AND s > ?2 - ?4 AND e > ?2 LIMIT 1")?;
    let mut busy = 0_u32;
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        busy += u32::from(question.exists(params![attendee, from, to, longest]).unwrap_or(false));
    });
    line(&format!("busy in a window ({busy} are)"), WHO, times);
    let start = Instant::now();
    let pairs: i64 = connection.query_row(OVERLAPS, params![longest], |row| row.get(0))?;
    line(&format!("all {pairs} overlaps"), WHO, format!("{:?}", start.elapsed()));
    Ok(())
}
