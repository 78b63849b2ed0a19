//! Recording what happens to orders, together with whose seats are whose.

use boxoffice_core::persist::{
    Backend, CommitOutcome, Expect, Fault, Key, KeyExpect, KvWrite, Limit, Payload, Seq, Transaction, TypedEvent as _,
};
use boxoffice_core::ticket::order::{
    Bought, Claim, ClaimChanges, Order, OrderEvent, bought_key, claim_key, open_key, order_stream,
};
use boxoffice_core::ticket::payment::OrderId;
use boxoffice_core::time::Timestamp;
use serde::de::DeserializeOwned;

use crate::error::BoxOfficeError;
use crate::shared_writer::SharedWriter;

/// What became of an event.
#[derive(Debug)]
pub(super) enum Recorded {
    /// It is recorded; the order as it is then.
    Done(Box<Order>),
    /// Something else was recorded meanwhile, of this order or of the seats.
    Moved,
    /// The holder of a line has seats by another order.
    Taken { line: u16, by: OrderId },
    /// The buyer would have too many seats.
    TooMany { line: u16, max: u32 },
    /// The store takes no such event.
    TooLarge(Limit),
}

/// What a transaction comes to before it is committed.
enum Drafted {
    Ready(Transaction),
    Refused(Recorded),
}

async fn read<T: DeserializeOwned>(store: &SharedWriter, key: &Key) -> Result<Option<(Payload, T)>, Fault> {
    let Some(stored) = store.get(key).await? else { return Ok(None) };
    let value = stored.read().map_err(|error| Fault::corrupt(format!("key {key}"), error.to_string()))?;
    Ok(Some((stored, value)))
}

fn payload(value: &impl serde::Serialize) -> Result<Payload, BoxOfficeError> {
    Payload::new(value).map_err(BoxOfficeError::Payload)
}

/// Records an event of an order, if nothing else was recorded since `before`.
pub(super) async fn record(
    store: &SharedWriter,
    before: Option<&Order>,
    order: &OrderId,
    event: &OrderEvent,
    at: Timestamp,
) -> Result<Recorded, BoxOfficeError> {
    let seq = before.map_or(Seq::FIRST, |before| before.seq().next());
    let after = match before {
        Some(before) => {
            let mut after = before.clone();
            after.evolve(seq, at, event);
            Some(after)
        }
        None => Order::begin(seq, at, event),
    };
    // Only an order without lines has no beginning, and it is not placed.
    let Some(after) = after else { return Ok(Recorded::Moved) };
    let expect = before.map_or(Expect::Unwritten, |before| Expect::At(before.seq()));
    let new = event.to_new_event(at).map_err(BoxOfficeError::Payload)?;
    let mut transaction = Transaction::append(&order_stream(order), expect, vec![new]);
    let was_open = before.is_some_and(|before| before.end().is_none());
    match (was_open, after.end().is_none()) {
        (false, true) => transaction = transaction.write(KvWrite::Put(open_key(order), payload(&())?)),
        (true, false) => transaction = transaction.write(KvWrite::Delete(open_key(order))),
        (true, true) | (false, false) => {}
    }
    let changes = ClaimChanges::between(before, &after);
    let transaction = match with_claims(store, transaction, &changes, &after).await? {
        Drafted::Ready(transaction) => transaction,
        Drafted::Refused(refused) => return Ok(refused),
    };
    Ok(match store.commit_one(transaction).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Recorded::Done(Box::new(after)),
        CommitOutcome::Conflict(_) | CommitOutcome::KeyReused => Recorded::Moved,
        CommitOutcome::Refused(limit) => Recorded::TooLarge(limit),
    })
}

async fn with_claims(
    store: &SharedWriter,
    mut transaction: Transaction,
    changes: &ClaimChanges,
    after: &Order,
) -> Result<Drafted, BoxOfficeError> {
    let placed = after.placed();
    let line = |number: u16| after.lines().get(usize::from(number)).map(|line| &line.line);
    for number in &changes.made {
        let Some(line) = line(*number) else { continue };
        let key = claim_key(&line.occurrence, &line.holder);
        if let Some((_, claim)) = read::<Claim>(store, &key).await? {
            return Ok(Drafted::Refused(Recorded::Taken { line: *number, by: claim.order }));
        }
        let claim = payload(&Claim { order: placed.id.clone() })?;
        transaction = transaction.expect_key(key.clone(), KeyExpect::Absent).write(KvWrite::Put(key, claim));
    }
    for number in &changes.given_up {
        let Some(line) = line(*number) else { continue };
        let key = claim_key(&line.occurrence, &line.holder);
        if let Some((stored, claim)) = read::<Claim>(store, &key).await?
            && claim.order == placed.id
        {
            transaction = transaction.expect_key(key.clone(), KeyExpect::Equals(stored)).write(KvWrite::Delete(key));
        }
    }
    count(store, transaction, changes, after).await
}

/// Counts what the buyer has, where there is a limit.
async fn count(
    store: &SharedWriter,
    mut transaction: Transaction,
    changes: &ClaimChanges,
    after: &Order,
) -> Result<Drafted, BoxOfficeError> {
    let mut of_an_occurrence = changes.seats.iter().peekable();
    while let Some(((occurrence, _), _)) = of_an_occurrence.peek() {
        let key = bought_key(occurrence, &after.placed().buyer);
        let stored = read::<Bought>(store, &key).await?;
        let (expect, mut bought) = stored
            .map_or((KeyExpect::Absent, Bought::default()), |(stored, bought)| (KeyExpect::Equals(stored), bought));
        while let Some(((_, ticket), (more, limit))) = of_an_occurrence.next_if(|((of, _), _)| of == occurrence) {
            let kind = ticket.as_ref().map_or("", |ticket| ticket.as_str()).to_owned();
            let has = i64::from(bought.0.get(&kind).copied().unwrap_or_default()) + more;
            if *more > 0 && has > i64::from(*limit) {
                let is_of_kind = |number: &&u16| {
                    let line = after.lines().get(usize::from(**number)).map(|placed| &placed.line);
                    line.is_some_and(|line| line.occurrence == *occurrence && line.party.ticket == *ticket)
                };
                // Of the lines that are to have seats, the first that would have too many.
                let line = changes.made.iter().find(is_of_kind).copied();
                return Ok(Drafted::Refused(Recorded::TooMany { line: line.unwrap_or_default(), max: *limit }));
            }
            match u32::try_from(has) {
                Ok(has @ 1..) => drop(bought.0.insert(kind, has)),
                _ => drop(bought.0.remove(&kind)),
            }
        }
        let write = if bought.0.is_empty() {
            KvWrite::Delete(key.clone())
        } else {
            KvWrite::Put(key.clone(), payload(&bought)?)
        };
        transaction = transaction.expect_key(key, expect).write(write);
    }
    Ok(Drafted::Ready(transaction))
}
