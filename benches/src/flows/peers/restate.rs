//! Restate: a single node of its own, whose log syncs every append (its default), and the handlers in this process, where the
//! server calls them over HTTP/2.

mod server;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use restate_sdk::prelude::*;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Result;
use crate::flows::{Engine, Herd, outcome};
use crate::load::pause;
use server::Server;

/// Who sends a herd.
const SENDERS: u64 = 64;
/// From the first send of a herd to the instant at which all are due: longer than the sending takes.
const LEAD: Duration = Duration::from_secs(20);
/// A herd that takes longer has lost some.
const HERD_MAX: Duration = Duration::from_secs(120);

/// Which of a herd are done, and when.
type Done = Arc<Mutex<Vec<(u64, Instant)>>>;

struct Flows {
    done: Done,
}

#[service]
impl Flows {
    #[handler]
    async fn run(&self, context: Context<'_>, Json((n, steps)): Json<(u64, u32)>) -> HandlerResult<u64> {
        let mut sum = 0;
        for step in 0..steps {
            sum += context.run(move || async move { Ok(outcome(n, step)) }).name("step").await?;
        }
        Ok(sum)
    }

    #[handler]
    async fn remind(&self, context: Context<'_>, n: u64) -> HandlerResult<()> {
        context.run(move || async move { Ok(outcome(n, 0)) }).name("step").await?;
        let mut done = self.done.lock().map_err(|_| TerminalError::new("another handler panicked"))?;
        done.push((n, Instant::now()));
        Ok(())
    }
}

pub struct Restate {
    server: Arc<Server>,
    done: Done,
    /// The handlers are served until it is dropped.
    _handlers: oneshot::Sender<()>,
}

impl Restate {
    /// None where its server was not fetched.
    pub async fn start() -> Result<Option<Self>> {
        let Some(server) = Server::start().await? else { return Ok(None) };
        let done = Done::default();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (handlers, stopped) = oneshot::channel::<()>();
        let endpoint = Endpoint::builder().bind(Flows { done: Arc::clone(&done) }).build();
        tokio::spawn(HttpServer::new(endpoint).serve_with_cancel(listener, stopped));
        server.register(port).await?;
        Ok(Some(Self { server: Arc::new(server), done, _handlers: handlers }))
    }

    fn done(&self) -> Result<Vec<(u64, Instant)>> {
        Ok(self.done.lock().map_err(|_| "a handler panicked")?.clone())
    }
}

#[async_trait]
impl Engine for Restate {
    fn name(&self) -> &'static str {
        "Restate"
    }

    async fn flow(&self, n: u64, steps: u32) -> Result<u64> {
        let answer = self.server.call("Flows/run", format!("[{n},{steps}]")).await?;
        Ok(std::str::from_utf8(&answer)?.trim().parse()?)
    }

    async fn herd(&self, count: u64) -> Result<Option<Herd>> {
        let started = Instant::now();
        let due = started + LEAD;
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..SENDERS {
            let server = Arc::clone(&self.server);
            senders.spawn(async move {
                for n in (sender..count).step_by(SENDERS as usize) {
                    let wait = due.saturating_duration_since(Instant::now()).as_millis();
                    server.call(&format!("Flows/remind/send?delay={wait}ms"), n.to_string()).await?;
                }
                Result::Ok(())
            });
        }
        while let Some(sender) = senders.join_next().await {
            sender??;
        }
        let taken_in = started.elapsed();
        if taken_in > LEAD {
            return Err(format!("taken in within {taken_in:?}, and due before that").into());
        }
        while (self.done()?.len() as u64) < count {
            if due.elapsed() > HERD_MAX {
                return Err(format!("{} of {count} done", self.done()?.len()).into());
            }
            pause(Duration::from_millis(20)).await;
        }
        let mut done = self.done()?;
        done.sort_unstable();
        done.dedup_by_key(|(n, _)| *n);
        if done.len() as u64 != count {
            return Err(format!("{} of {count} done, others twice", done.len()).into());
        }
        Ok(Some(Herd::new(taken_in, done.iter().map(|(_, at)| at.saturating_duration_since(due)).collect())))
    }

    fn resident(&self) -> Result<Option<u64>> {
        self.server.resident().map(Some)
    }
}
