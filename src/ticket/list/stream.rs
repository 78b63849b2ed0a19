//! Lists in a store: their streams, and commands without an actor.

use crate::id::PriceListName;
use crate::persist::{AsOf, Backend, CommitOutcome, Expect, Fault, NewEvent, RecordedEvent, StreamName, Transaction};
use crate::schedule::read_from;
use crate::ticket::list::command::PriceCommand;
use crate::ticket::list::decide::decide;
use crate::ticket::list::outcome::PriceReply;
use crate::ticket::list::state::PriceList;
use crate::ticket::list::wire;
use crate::time::Timestamp;

const PREFIX: &str = "prices:";
/// Commands that are recorded together.
const TOGETHER: usize = 1_000;

/// The stream in which a list is recorded: `prices:` and its name.
pub fn price_stream(name: &PriceListName) -> StreamName {
    StreamName::stored(&format!("{PREFIX}{name}"))
}

impl PriceList {
    /// Folds the events of the stream of a list, from its first on, up to `as_of`.
    ///
    /// # Errors
    /// [`Fault::Corrupt`] when an event is missing or cannot be read.
    pub fn fold(events: &[RecordedEvent], as_of: AsOf) -> Result<Self, Fault> {
        let mut list = Self::new();
        list.take(events.iter().take_while(|recorded| as_of.includes(recorded)))?;
        Ok(list)
    }

    /// Folds events that follow those that are folded already.
    ///
    /// # Errors
    /// As [`PriceList::fold`]; what was folded before is.
    pub fn catch_up(&mut self, events: &[RecordedEvent]) -> Result<(), Fault> {
        self.take(events.iter())
    }

    fn take<'e>(&mut self, events: impl Iterator<Item = &'e RecordedEvent>) -> Result<(), Fault> {
        for recorded in events {
            let next = self.seq().next();
            if recorded.seq != next {
                return Err(Fault::corrupt(format!("{next} of stream {}", recorded.stream), "is missing"));
            }
            let event = wire::decode(recorded)?;
            self.evolve(recorded.seq, recorded.at, &event);
        }
        Ok(())
    }
}

/// Reads what is recorded of a list, as of any moment.
///
/// # Errors
/// [`Fault`] when storage failed or an event cannot be read.
pub async fn load_prices(backend: &dyn Backend, name: &PriceListName, as_of: AsOf) -> Result<PriceList, Fault> {
    let events = read_from(backend, &price_stream(name), PriceList::new().seq().next()).await?;
    PriceList::fold(&events, as_of)
}

/// Runs commands on a list to their outcomes, one after the other: each is decided on what those before it left. A refusal keeps
/// none of the others from being carried out. Up to 1,000 are recorded together: all of them or none.
///
/// Redemptions know nothing of it until [`voucher_commands`](super::voucher_commands) were run after it.
///
/// # Errors
/// [`Fault`] when storage failed, an event cannot be read, or the store takes no events of this size. With more than 1,000
/// commands the first thousands may have been carried out; to run them again changes nothing more.
pub async fn run(
    backend: &dyn Backend,
    name: &PriceListName,
    commands: &[PriceCommand],
    now: Timestamp,
) -> Result<Vec<PriceReply>, Fault> {
    let mut list = load_prices(backend, name, AsOf::Now).await?;
    let mut replies = Vec::with_capacity(commands.len());
    for together in commands.chunks(TOGETHER) {
        replies.extend(run_together(backend, name, &mut list, together, now).await?);
    }
    Ok(replies)
}

async fn run_together(
    backend: &dyn Backend,
    name: &PriceListName,
    list: &mut PriceList,
    commands: &[PriceCommand],
    now: Timestamp,
) -> Result<Vec<PriceReply>, Fault> {
    let stream = price_stream(name);
    loop {
        let expected = list.seq();
        let mut after = list.clone();
        let mut events: Vec<NewEvent> = Vec::new();
        let mut replies = Vec::with_capacity(commands.len());
        for command in commands {
            let decision = decide(&after, command, now);
            if let Some(event) = &decision.event {
                after.evolve(after.seq().next(), decision.at, event);
                events.push(wire::encode(decision.at, event));
            }
            replies.push(decision.reply);
        }
        if events.is_empty() {
            return Ok(replies);
        }
        let transaction = Transaction::append(&stream, Expect::At(expected), events);
        match backend.commit_one(transaction).await? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => {
                *list = after;
                return Ok(replies);
            }
            CommitOutcome::Conflict(_) => list.catch_up(&read_from(backend, &stream, expected.next()).await?)?,
            refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
                return Err(Fault::Unavailable {
                    reason: format!("the store does not take events of lists: {refused:?}").into(),
                });
            }
        }
    }
}
