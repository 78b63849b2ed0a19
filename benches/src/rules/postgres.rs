//! PostgreSQL with the busy times as ranges under a GiST index: what is usually picked for this.

use std::fmt::Write;
use std::io::Cursor;
use std::pin::pin;
use std::time::Instant;

use futures_util::SinkExt;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

use super::sheet::{Figure, Sheet, Times, What, Who};
use super::world::{ATTENDEES, HOSTS, SLOT, World};
use crate::Result;
use crate::postgres::Cluster;

const TABLE: &str = "CREATE EXTENSION IF NOT EXISTS btree_gist; DROP TABLE IF EXISTS busy;
    CREATE TABLE busy (attendee int NOT NULL, occurrence int NOT NULL, during int8range NOT NULL)";
const KEY: &str = "ALTER TABLE busy ADD PRIMARY KEY (attendee, occurrence)";
const INDEX: &str = "CREATE INDEX ON busy USING gist (attendee, during)";
const BUSY: &str =
    "SELECT count(*) FROM (SELECT FROM busy WHERE attendee = $1 AND during && int8range($2, $3) LIMIT 1) one";
const OVERLAPS: &str = "SELECT count(*) FROM busy one JOIN busy two ON two.attendee = one.attendee
    AND two.during && one.during AND one.occurrence < two.occurrence";
/// The gaps of all hosts in one question, so that it pays for one round trip.
const SLOTS: &str = "SELECT count(*) FROM generate_series(0, $1 - 1) host,
    LATERAL (SELECT coalesce(range_agg(during), '{}') taken FROM busy
        WHERE attendee = host AND during && int8range($2, $3)) spans,
    LATERAL unnest(int8multirange(int8range($2, $3)) - taken) gap
    WHERE upper(gap) - lower(gap) >= $4";
const INSERT: &str = "INSERT INTO busy VALUES ($1, $2, int8range($3, $4))";
const DELETE: &str = "DELETE FROM busy WHERE attendee = $1 AND occurrence = $2";
/// A durable change takes a sync of the disk, so there are fewer of them.
const DURABLE: usize = 2_000;

/// One connection, driven by the thread that asks: nothing is handed over between threads on our side.
struct Session {
    runtime: Runtime,
    client: Client,
}

type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

impl Session {
    fn new(cluster: &Cluster) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let client = runtime.block_on(cluster.connect())?;
        Ok(Self { runtime, client })
    }

    fn batch(&self, text: &str) -> Result<()> {
        Ok(self.runtime.block_on(self.client.batch_execute(text))?)
    }

    fn prepare(&self, text: &str) -> Result<Statement> {
        Ok(self.runtime.block_on(self.client.prepare(text))?)
    }

    fn count(&self, statement: &Statement, params: Params<'_>) -> Result<u64> {
        let row = self.runtime.block_on(self.client.query_one(statement, params))?;
        Ok(row.try_get::<_, i64>(0)?.try_into()?)
    }

    fn execute(&self, statement: &Statement, params: Params<'_>) -> Result<()> {
        match self.runtime.block_on(self.client.execute(statement, params))? {
            1 => Ok(()),
            rows => Err(format!("PostgreSQL changed {rows} rows, not one").into()),
        }
    }

    fn copy(&self, world: &World) -> Result<u64> {
        self.runtime.block_on(async {
            let mut sink = pin!(self.client.copy_in("COPY busy FROM STDIN").await?);
            for bookings in world.bookings.chunks(10_000) {
                let mut text = String::new();
                for (attendee, occurrence) in bookings {
                    let (start, end) = world.occurrence(*occurrence);
                    writeln!(text, "{attendee}\t{occurrence}\t[{start},{end})")?;
                }
                sink.send(Cursor::new(text.into_bytes())).await?;
            }
            Ok(sink.finish().await?)
        })
    }
}

pub(super) fn run(sheet: &mut Sheet, world: &World, cluster: &Cluster) -> Result<()> {
    let session = Session::new(cluster)?;
    load(sheet, world, &session)?;
    ask(sheet, world, &session)?;
    change(sheet, world, &session)
}

fn load(sheet: &mut Sheet, world: &World, session: &Session) -> Result<()> {
    session.batch(TABLE)?;
    let start = Instant::now();
    let loaded = session.copy(world)?;
    let copied = start.elapsed();
    session.batch(KEY)?;
    let keyed = start.elapsed();
    session.batch(INDEX)?;
    let indexed = start.elapsed();
    sheet.put(What::Load, Who::Postgres, Figure::from(indexed).counting(loaded))?;
    let (key, index) = (keyed - copied, indexed - keyed);
    sheet.note(format!("PostgreSQL, load: COPY {copied:.1?}, primary key {key:.1?}, GiST index {index:.1?}"));
    // Not part of the load, but without it the planner guesses and the index alone never answers.
    session.batch("VACUUM ANALYZE busy")?;
    let bytes = session.count(&session.prepare("SELECT pg_total_relation_size('busy')")?, &[])?;
    sheet.put(What::Memory, Who::Postgres, Figure::bytes(bytes))
}

fn ask(sheet: &mut Sheet, world: &World, session: &Session) -> Result<()> {
    let nothing = session.prepare("SELECT 1::int8")?;
    let times = Times::of(0..10_000, |_| session.count(&nothing, &[]).map(drop))?;
    sheet.note(format!("PostgreSQL, a round trip that asks for nothing: p50 {:.1?}", times.share(50)));

    let (mut busy, question) = (0, session.prepare(BUSY)?);
    let times = Times::of(&world.questions, |(attendee, from, to)| {
        busy += session.count(&question, &[&i32::try_from(*attendee)?, from, to])?;
        Ok(())
    })?;
    sheet.put(What::Busy, Who::Postgres, Figure::from(times).counting(busy))?;

    let (mut pairs, of_one) = (0, session.prepare(&format!("{OVERLAPS} WHERE one.attendee = $1"))?);
    let times = Times::of(0..i32::try_from(ATTENDEES)?, |attendee| {
        pairs += session.count(&of_one, &[&attendee])?;
        Ok(())
    })?;
    sheet.put(What::One, Who::Postgres, Figure::from(times).counting(pairs))?;
    let all = session.prepare(OVERLAPS)?;
    let start = Instant::now();
    let pairs = session.count(&all, &[])?;
    sheet.put(What::All, Who::Postgres, Figure::from(start.elapsed()).counting(pairs))?;

    let free = session.prepare(SLOTS)?;
    let (from, to) = world.month();
    let start = Instant::now();
    let slots = session.count(&free, &[&i32::try_from(HOSTS)?, &from, &to, &SLOT])?;
    sheet.put(What::Slots, Who::Postgres, Figure::from(start.elapsed()).counting(slots))
}

/// Each change is a transaction of its own.
fn change(sheet: &mut Sheet, world: &World, session: &Session) -> Result<()> {
    session.batch("SET synchronous_commit = on")?;
    let durable = world.further.get(..DURABLE).unwrap_or(&world.further);
    let (more, less) = (changes(world, session, durable, true)?, changes(world, session, durable, false)?);
    let (more, less) = (more.share(50), less.share(50));
    sheet.note(format!("PostgreSQL, synchronous_commit on: one booking more p50 {more:.1?}, one less p50 {less:.1?}"));
    session.batch("SET synchronous_commit = off")?;
    let times = changes(world, session, &world.further, true)?;
    let pairs = session.count(&session.prepare(OVERLAPS)?, &[])?;
    sheet.put(What::More, Who::Postgres, Figure::from(times).counting(pairs))?;
    sheet.put(What::Less, Who::Postgres, changes(world, session, &world.further, false)?)
}

/// Adds the bookings or takes them away, one by one.
fn changes(world: &World, session: &Session, bookings: &[(u32, u32)], insert: bool) -> Result<Times> {
    let statement = session.prepare(if insert { INSERT } else { DELETE })?;
    Times::of(bookings, |(attendee, occurrence)| {
        let (attendee, at) = (i32::try_from(*attendee)?, i32::try_from(*occurrence)?);
        let (start, end) = world.occurrence(*occurrence);
        if insert {
            session.execute(&statement, &[&attendee, &at, &start, &end])
        } else {
            session.execute(&statement, &[&attendee, &at])
        }
    })
}
