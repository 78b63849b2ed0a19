//! The peer: the same job on a private PostgreSQL, the way it is usually done.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tokio_postgres::{Client, NoTls, Statement};

use crate::Result;
use crate::load::{Measured, closed_loop};

/// More connections than this make PostgreSQL slower on a small machine, so callers share them.
const CONNECTIONS_MAX: usize = 64;

/// A cluster of its own in a temporary directory, stopped when it is dropped.
pub struct Cluster {
    programs: PathBuf,
    folder: tempfile::TempDir,
}

/// Where initdb is: on the PATH, or where Debian puts it.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let debian = (13..=18).map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")));
    std::env::split_paths(&path).chain(debian).find(|folder| folder.join("initdb").is_file())
}

impl Cluster {
    /// Starts one; none where PostgreSQL is not installed (Debian: `apt-get install postgresql`).
    pub fn start() -> Result<Option<Self>> {
        let Some(programs) = programs() else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("boxoffice-pg-").tempdir()?;
        let cluster = Self { programs, folder };
        if is_root() {
            run(Command::new("chown").arg("-R").arg("postgres").arg(cluster.folder.path()))?;
        }
        let data = cluster.data();
        run(cluster.as_postgres("initdb").args(["-U", "bench", "-A", "trust", "-D"]).arg(&data))?;
        // Everything at its default but for what a test needs: synchronous_commit is on.
        let options = format!(
            "-c listen_addresses='' -c unix_socket_directories={} -c max_connections=100 -c synchronous_commit=on",
            cluster.folder.path().display()
        );
        let log = cluster.folder.path().join("log");
        run(cluster
            .as_postgres("pg_ctl")
            .arg("-w")
            .arg("-D")
            .arg(&data)
            .arg("-l")
            .arg(log)
            .args(["-o", &options, "start"]))?;
        Ok(Some(cluster))
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// PostgreSQL refuses to run as root.
    fn as_postgres(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        }
    }

    /// Where it is, for drivers that take a URL.
    #[cfg(feature = "flow-peers")]
    pub fn url(&self) -> String {
        format!("postgres://bench@localhost/postgres?host={}", self.folder.path().display())
    }

    /// A connection of its own, driven by the runtime that asks for it.
    pub async fn connect(&self) -> Result<Client> {
        let config = format!("host={} user=bench dbname=postgres", self.folder.path().display());
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// `UPDATE ... SET sold = sold + 1 WHERE ... AND sold < capacity` and an insert, in one transaction.
    pub async fn bookings(&self, occurrences: usize, callers: usize) -> Result<Measured> {
        let setup = self.connect().await?;
        setup
            .batch_execute(&format!(
                "DROP TABLE IF EXISTS booking; DROP TABLE IF EXISTS occurrence;
                 CREATE TABLE occurrence (id int PRIMARY KEY, sold int NOT NULL, capacity int NOT NULL);
                 CREATE TABLE booking (occurrence int NOT NULL, attendee text NOT NULL, PRIMARY KEY (occurrence, attendee));
                 INSERT INTO occurrence SELECT n, 0, 2000000000 FROM generate_series(0, {}) n; ANALYZE;",
                occurrences - 1
            ))
            .await?;
        let mut pool = Vec::new();
        for _ in 0..callers.min(CONNECTIONS_MAX) {
            let client = self.connect().await?;
            let take = "UPDATE occurrence SET sold = sold + 1 WHERE id = $1 AND sold < capacity";
            let take = client.prepare(take).await?;
            let book = client.prepare("INSERT INTO booking VALUES ($1, $2)").await?;
            pool.push(tokio::sync::Mutex::new((client, take, book)));
        }
        let pool = std::sync::Arc::new(pool);
        closed_loop(callers, move |caller, n| {
            let pool = std::sync::Arc::clone(&pool);
            async move {
                let mut connection = pool[caller % pool.len()].lock().await;
                let (client, take, book) = &mut *connection;
                book_one(client, take, book, n as usize % occurrences, n).await
            }
        })
        .await
    }
}

/// How a seat is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// A counter in the occurrence's row.
    Counter,
    /// A row for each seat; whoever comes takes one that nobody else has locked.
    SkipLocked,
}

/// Connections to one sale.
pub struct Sale {
    pool: Vec<tokio::sync::Mutex<(Client, Vec<Statement>)>>,
    way: Way,
}

impl Cluster {
    /// One occurrence with `seats` on sale.
    pub async fn sale(&self, way: Way, seats: u32) -> Result<std::sync::Arc<Sale>> {
        let setup = self.connect().await?;
        setup
            .batch_execute(&format!(
                "DROP TABLE IF EXISTS booking; DROP TABLE IF EXISTS occurrence; DROP TABLE IF EXISTS seat;
                 CREATE TABLE occurrence (id int PRIMARY KEY, sold int NOT NULL, capacity int NOT NULL);
                 CREATE TABLE booking (occurrence int NOT NULL, attendee text NOT NULL, PRIMARY KEY (occurrence, attendee));
                 CREATE TABLE seat (id int PRIMARY KEY, holder text);
                 CREATE INDEX ON seat (id) WHERE holder IS NULL;
                 INSERT INTO occurrence VALUES (0, 0, {seats});
                 INSERT INTO seat SELECT n, NULL FROM generate_series(1, {seats}) n; ANALYZE;"
            ))
            .await?;
        let statements: &[&str] = match way {
            Way::Counter => &[
                "UPDATE occurrence SET sold = sold + 1 WHERE id = 0 AND sold < capacity",
                "INSERT INTO booking VALUES (0, $1)",
            ],
            Way::SkipLocked => &["UPDATE seat SET holder = $1 WHERE id =
                (SELECT id FROM seat WHERE holder IS NULL ORDER BY id FOR UPDATE SKIP LOCKED LIMIT 1)"],
        };
        let mut pool = Vec::new();
        for _ in 0..CONNECTIONS_MAX {
            let client = self.connect().await?;
            let mut prepared = Vec::new();
            for statement in statements {
                prepared.push(client.prepare(statement).await?);
            }
            pool.push(tokio::sync::Mutex::new((client, prepared)));
        }
        Ok(std::sync::Arc::new(Sale { pool, way }))
    }
}

impl Sale {
    /// Whether a seat was given.
    pub async fn book(&self, caller: usize, n: u64) -> Result<bool> {
        let attendee = format!("buyer-{n}");
        let mut connection = self.pool[caller % self.pool.len()].lock().await;
        let (client, statements) = &mut *connection;
        if self.way == Way::SkipLocked {
            return Ok(client.execute(&statements[0], &[&attendee]).await? == 1);
        }
        let transaction = client.transaction().await?;
        let given = transaction.execute(&statements[0], &[]).await? == 1;
        if given {
            transaction.execute(&statements[1], &[&attendee]).await?;
        }
        transaction.commit().await?;
        Ok(given)
    }

    /// Gives all that is left.
    pub async fn sell_out(&self) -> Result<()> {
        let connection = self.pool[0].lock().await;
        let rest = "UPDATE occurrence SET sold = capacity; UPDATE seat SET holder = 'rest' WHERE holder IS NULL";
        Ok(connection.0.batch_execute(rest).await?)
    }
}

async fn book_one(client: &mut Client, take: &Statement, book: &Statement, occurrence: usize, n: u64) -> Result<()> {
    let (occurrence, attendee) = (i32::try_from(occurrence)?, format!("attendee-{n}"));
    let transaction = client.transaction().await?;
    if transaction.execute(take, &[&occurrence]).await? != 1 {
        return Err("sold out".into());
    }
    transaction.execute(book, &[&occurrence, &attendee]).await?;
    Ok(transaction.commit().await?)
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let stopped = run(self.as_postgres("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]));
        if let Err(error) = stopped {
            eprintln!("PostgreSQL was not stopped: {error}");
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|me| me.uid() == 0)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}
