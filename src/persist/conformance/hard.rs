//! Histories: what a list of single promises does not show.

use core::cell::Cell;
use core::pin::Pin;
use core::task::Poll;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::helpers::{Broken, Checked, at, count, ensure, event, instant, key, once, same, stream, x, xs};
use super::subject::{Suite, Trial};
use crate::persist::error::StoreError;
use crate::persist::{
    Advance, Appended, CommitOutcome, Committed, Consumer, Cursor, Expect, IdempotencyKey, KvWrite, NewEvent, Payload,
    RecordedEvent, Selection, Seq, Store, StreamName, Swap, Transaction, Written, backup, copy, restore,
};

macro_rules! hard {
    ($($check:ident,)*) => {
        pub(super) const SUITE: Suite =
            Suite { name: "hard", checks: &[$((stringify!($check), |trial| Box::pin($check(trial)))),*] };
    };
}

hard! {
    every_short_sequence_of_writes_expectations_and_keys_ends_as_the_rules_say,
    of_eight_writers_each_expectation_has_one_winner,
    a_reader_beside_writers_sees_every_event_once_and_in_order,
    a_consumer_has_each_effect_once_wherever_it_is_interrupted,
    of_two_consumers_with_one_name_the_late_one_is_told,
    updates_of_one_key_lose_none,
    numbers_and_cursors_go_on_after_full_compaction_and_restart,
    replay_gives_the_same_on_two_stores_and_after_a_restart,
    a_truncation_of_many_short_runs_leaves_nothing_behind,
    a_snapshot_never_goes_back,
    a_retry_after_a_lost_answer_is_told_that_it_happened,
    null_is_a_value_and_absence_is_none,
    every_digit_of_a_number_is_kept,
    names_that_look_like_one_another_stay_apart,
    a_copy_is_the_store_and_goes_on_as_it_would_have,
    a_backup_restores_the_store_and_an_altered_one_is_refused,
    a_store_that_was_used_in_every_way_is_whole,
}

// ---- every short sequence ----

const EXPECTS: [Expect; 4] = [Expect::Any, Expect::Unwritten, Expect::At(Seq::new(1)), Expect::At(Seq::new(2))];

/// One write of a sequence: expectation, idempotency key if any, content.
#[derive(Clone, Copy, Debug)]
struct Write {
    expect: Expect,
    key: Option<u8>,
    content: i64,
}

fn writes() -> Vec<Write> {
    let mut writes = Vec::new();
    for expect in EXPECTS {
        for key in [None, Some(1), Some(2)] {
            writes.extend([1, 2].map(|content| Write { expect, key, content }));
        }
    }
    writes
}

/// The rules in a few lines: what a stream and its idempotency keys come to.
#[derive(Default)]
struct Model {
    last: u64,
    kept: BTreeMap<u8, (i64, Seq)>,
}

impl Model {
    /// `Ok` with the place and whether it is new, else what is refused.
    fn write(&mut self, write: Write) -> Result<(Seq, bool), &'static str> {
        if let Some((content, seq)) = write.key.and_then(|key| self.kept.get(&key)) {
            return if *content == write.content { Ok((*seq, false)) } else { Err("key reused") };
        }
        if !write.expect.met_by(Seq::new(self.last)) {
            return Err("conflict");
        }
        self.last += 1;
        let seq = Seq::new(self.last);
        self.kept.extend(write.key.map(|key| (key, (write.content, seq))));
        Ok((seq, true))
    }
}

fn transaction(name: &StreamName, write: Write) -> Transaction {
    let transaction = Transaction::append(name, write.expect, vec![event(write.content)]);
    match write.key {
        Some(key) => transaction.once(IdempotencyKey::stored(&format!("{name}/{key}"))),
        None => transaction,
    }
}

fn summary(outcome: &CommitOutcome) -> Result<(Seq, bool), &'static str> {
    let place = |committed: &Committed| committed.written.first().map(|written| written.first).unwrap_or_default();
    match outcome {
        CommitOutcome::Done(committed) => Ok((place(committed), true)),
        CommitOutcome::Already(committed) => Ok((place(committed), false)),
        CommitOutcome::KeyReused => Err("key reused"),
        CommitOutcome::Conflict(_) => Err("conflict"),
        CommitOutcome::Refused(_) => Err("refused"),
    }
}

/// 24 writes, three in a row: 13,824 sequences in one group each thousand, and 576 of two with a commit each.
async fn every_short_sequence_of_writes_expectations_and_keys_ends_as_the_rules_say(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    let (backend, all) = (store.backend(), writes());
    let mut sequences: Vec<Vec<Write>> = Vec::new();
    for first in &all {
        for second in &all {
            sequences.extend(all.iter().map(|third| vec![*first, *second, *third]));
        }
    }
    for (group, sequences) in sequences.chunks(1_000).enumerate() {
        let named = sequences.iter().enumerate();
        let named: Vec<_> = named.map(|(n, writes)| (stream(&format!("three/{group}/{n}")), writes)).collect();
        let group = named.iter().flat_map(|(name, writes)| writes.iter().map(|write| transaction(name, *write)));
        let mut outcomes = backend.commit(group.collect()).await?.into_iter();
        for (name, writes) in &named {
            let mut model = Model::default();
            for write in *writes {
                let found = outcomes.next().map(|outcome| summary(&outcome));
                ensure(&format!("{write:?} of {writes:?}"), &found, &Some(model.write(*write)))?;
            }
            ensure(&format!("the end of {writes:?}"), &backend.head(name).await?.last, &Seq::new(model.last))?;
        }
    }
    for (n, first) in all.iter().enumerate() {
        for (m, second) in all.iter().enumerate() {
            let (name, mut model) = (stream(&format!("two/{n}/{m}")), Model::default());
            for write in [first, second] {
                let found = summary(&backend.commit_one(transaction(&name, *write)).await?);
                ensure(&format!("{write:?} of {first:?}, {second:?}"), &found, &model.write(*write))?;
            }
        }
    }
    Ok(())
}

// ---- many at once ----

type Task<'a, T> = Pin<Box<dyn Future<Output = Result<T, Broken>> + 'a>>;

/// Tasks that take turns at every step, on one thread and without a runtime.
#[derive(Default)]
struct Turns {
    /// Whether a task has given its turn away since the last look.
    given: Cell<bool>,
}

impl Turns {
    /// Lets the others take a step.
    async fn next(&self) {
        let mut waited = false;
        core::future::poll_fn(|_| {
            if core::mem::replace(&mut waited, true) {
                return Poll::Ready(());
            }
            self.given.set(true);
            Poll::Pending
        })
        .await;
    }

    /// Polls all tasks in turn until they are done.
    async fn run<T>(&self, tasks: Vec<Task<'_, T>>) -> Result<Vec<T>, Broken> {
        let mut running: Vec<_> = tasks.into_iter().map(Some).collect();
        let mut done = Vec::new();
        core::future::poll_fn(|context| {
            loop {
                self.given.set(false);
                for slot in &mut running {
                    let Some(task) = slot else { continue };
                    if let Poll::Ready(result) = task.as_mut().poll(context) {
                        *slot = None;
                        match result {
                            Ok(value) => done.push(value),
                            Err(broken) => return Poll::Ready(Err(broken)),
                        }
                    }
                }
                if running.iter().all(Option::is_none) {
                    return Poll::Ready(Ok(core::mem::take(&mut done)));
                }
                if !self.given.get() {
                    // All of them wait for the backend.
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

async fn of_eight_writers_each_expectation_has_one_winner(trial: &Trial<'_>) -> Checked {
    let (store, turns) = (trial.open().await, Turns::default());
    let race = async |writer: u64| {
        let (hot, mut won) = (at(&store, "hot"), Vec::new());
        for attempt in 0..40 {
            let seen = hot.last_seq().await?;
            turns.next().await;
            let appended =
                hot.append_expect(seen, "x", instant(0), &json!({ "writer": writer, "try": attempt })).await?;
            if !appended.is_conflict() {
                won.push(seen);
            }
            turns.next().await;
        }
        Ok(won)
    };
    let won: Vec<Seq> = turns.run((0..8).map(|writer| Box::pin(race(writer)) as Pin<Box<_>>).collect()).await?.concat();
    let mut winners: BTreeMap<Seq, u32> = BTreeMap::new();
    for expected in &won {
        *winners.entry(*expected).or_default() += 1;
    }
    same(winners.values().max(), Some(&1))?;
    let stored = at(&store, "hot").read().await?;
    same((stored.len(), at(&store, "hot").last_seq().await?), (won.len(), Seq::new(won.len() as u64)))
}

async fn a_reader_beside_writers_sees_every_event_once_and_in_order(trial: &Trial<'_>) -> Checked {
    const EACH: u64 = 50;
    let (store, turns) = (trial.open().await, Turns::default());
    let write = async |writer: u64| {
        for _ in 0..EACH {
            x(&store, &format!("s{writer}")).await?;
            turns.next().await;
        }
        Ok(Vec::new())
    };
    let read = async {
        let (mut after, mut seen): (Cursor, Vec<RecordedEvent>) = (Cursor::START, Vec::new());
        while seen.len() < 4 * 50 {
            let page = store.backend().read_all(after, 7).await?;
            after = page.next;
            seen.extend(page.events);
            turns.next().await;
        }
        Ok(seen)
    };
    let mut tasks: Vec<Task<'_, Vec<RecordedEvent>>> = vec![Box::pin(read)];
    tasks.extend((0..4).map(|writer| Box::pin(write(writer)) as Pin<Box<_>>));
    let seen = turns.run(tasks).await?.concat();
    let mut next: BTreeMap<&StreamName, Seq> = BTreeMap::new();
    for event in &seen {
        let expected = next.entry(&event.stream).or_insert(Seq::FIRST);
        ensure(event.stream.as_str(), &event.seq, expected)?;
        *expected = event.seq.next();
    }
    same(seen.windows(2).all(|pair| matches!(pair, [one, two] if one.cursor < two.cursor)), true)?;
    same(next.into_values().collect::<Vec<_>>(), vec![Seq::new(EACH + 1); 4])
}

async fn updates_of_one_key_lose_none(trial: &Trial<'_>) -> Checked {
    let (store, turns) = (trial.open().await, Turns::default());
    let add = async |_: u64| {
        for _ in 0..25 {
            let mut seen: Option<u64> = store.get(&key("n")).await?;
            loop {
                turns.next().await;
                match store.compare_and_swap(&key("n"), seen.as_ref(), &(seen.unwrap_or(0) + 1)).await? {
                    Swap::Done(_) => break,
                    Swap::Conflict { actual, .. } => seen = actual,
                }
            }
        }
        Ok(())
    };
    turns.run((0..4).map(|writer| Box::pin(add(writer)) as Pin<Box<_>>).collect()).await?;
    same(store.get(&key("n")).await?, Some(100))
}

// ---- consumers ----

/// Adds up what it is handed, in the transaction that moves the cursor.
async fn consume(store: &Store, limit: usize) -> Result<bool, Broken> {
    let mut consumer = Consumer::open(store, "sum", Selection::all().streams("sales")).await?;
    let Some(delivery) = consumer.next(limit).await? else { return Ok(false) };
    let mut sum: i64 = store.get_or(&key("sum"), 0).await?;
    for sale in &delivery.events {
        sum += sale.data.read::<i64>()?;
    }
    let write = KvWrite::Put(key("sum"), Payload::new(&sum)?);
    let advance = consumer.commit(&delivery, Transaction::new().write(write)).await?;
    same(matches!(advance, Advance::Done(_)), true)?;
    Ok(true)
}

async fn a_consumer_has_each_effect_once_wherever_it_is_interrupted(trial: &Trial<'_>) -> Checked {
    let mut store = trial.open().await;
    for amount in 1..=20 {
        at(&store, "sales").append("sale", instant(0), &amount).await?;
        x(&store, "other").await?;
    }
    // A consumer that is handed events and dies before it commits leaves nothing behind.
    let lost = Consumer::open(&store, "sum", Selection::all()).await?.next(10).await?;
    same(lost.map(|delivery| delivery.events.len()), Some(10))?;
    for round in 0.. {
        if !consume(&store, 3).await? {
            break;
        }
        if round == 4 {
            store = trial.restart(store).await?;
        }
    }
    same(store.get(&key("sum")).await?, Some(210))?;
    // At-least-once: not acknowledged means handed over again.
    let mut other = Consumer::open(&store, "other", Selection::all()).await?;
    let first = other.next(5).await?;
    same(other.next(5).await?, first.clone())?;
    if let Some(delivery) = first {
        let _done = other.acknowledge(&delivery).await?;
        let again = Consumer::open(&store, "other", Selection::all()).await?;
        same(again.cursor(), delivery.through)?;
    }
    Ok(())
}

async fn of_two_consumers_with_one_name_the_late_one_is_told(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    xs(&store, "s", 10).await?;
    let mut early = Consumer::open(&store, "c", Selection::all()).await?;
    let mut late = Consumer::open(&store, "c", Selection::all()).await?;
    let (Some(first), Some(second)) = (early.next(4).await?, late.next(6).await?) else {
        return same(true, false);
    };
    same(matches!(early.acknowledge(&first).await?, Advance::Done(_)), true)?;
    same(late.acknowledge(&second).await?, Advance::Overtaken { actual: first.through })?;
    let rest = late.next(100).await?;
    same(rest.map(|delivery| delivery.events.len()), Some(6))
}

// ---- time goes by ----

async fn numbers_and_cursors_go_on_after_full_compaction_and_restart(trial: &Trial<'_>) -> Checked {
    let mut store = trial.open().await;
    xs(&store, "s", 5).await?;
    let before = store.backend().read_all(Cursor::START, 10).await?.next;
    for round in 1..=3_u64 {
        at(&store, "s").compact("snap", 0, count).await?;
        same(store.backend().read_all(Cursor::START, 10).await?.events.len(), 0)?;
        store = trial.restart(store).await?;
        same(at(&store, "s").last_seq().await?, Seq::new(4 + round))?;
        let next = x(&store, "s").await?;
        same(next.seq, Seq::new(5 + round))?;
        same(next.cursor > before, true)?;
        let found = store.backend().read_all(before, 10).await?.events;
        same(found.iter().map(|event| event.seq).collect::<Vec<_>>(), vec![next.seq])?;
        same(at(&store, "s").replay("snap", 0, count).await?.value, 5 + round)?;
    }
    // Another projection that has not folded what is gone says so, and gives no wrong number.
    let folded = at(&store, "s").project(0, count).await;
    same(matches!(folded, Err(StoreError::Truncated { .. })), true)
}

async fn a_truncation_of_many_short_runs_leaves_nothing_behind(trial: &Trial<'_>) -> Checked {
    const EACH: u64 = 300;
    let mut store = trial.open().await;
    x(&store, "a").await?;
    // Two streams in turn, in one transaction.
    let mut transaction = Transaction::new();
    for _ in 0..EACH {
        for name in ["a", "b"] {
            transaction = transaction.and_append(&stream(name), Expect::Any, vec![event(1)]);
        }
    }
    super::helpers::done(&store.backend().commit_one(transaction).await?)?;
    for through in [EACH / 2, EACH - 43, EACH + 1] {
        at(&store, "a").truncate(Seq::new(through)).await?;
        same(at(&store, "a").last_seq().await?, Seq::new(EACH + 1))?;
        same(at(&store, "a").read().await?.len() as u64, EACH + 1 - through)?;
        same(at(&store, "b").read().await?.len() as u64, EACH)?;
        same(store.backend().verify().await?.findings, Vec::new())?;
        store = trial.restart(store).await?;
    }
    at(&store, "b").truncate(Seq::new(EACH)).await?;
    same((x(&store, "a").await?.seq, x(&store, "b").await?.seq), (Seq::new(EACH + 2), Seq::new(EACH + 1)))
}

async fn a_snapshot_never_goes_back(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    xs(&store, "s", 5).await?;
    let slow = at(&store, "s").project(0, count).await?;
    xs(&store, "s", 5).await?;
    at(&store, "s").compact("snap", 0, count).await?;
    // Somebody who folded less comes late.
    store.save_snapshot("snap", &slow).await?;
    x(&store, "s").await?;
    same(at(&store, "s").replay("snap", 0, count).await?.value, 11)?;
    // A snapshot of another name is none of its parts.
    let long = crate::persist::Projected { value: "x".repeat(9_000), seq: Seq::new(1) };
    store.save_snapshot("snap", &crate::persist::Projected { seq: Seq::new(12), ..long.clone() }).await?;
    store.save_snapshot("snap/0", &long).await?;
    same(store.load_snapshot("snap", String::new()).await?.value.len(), 9_000)
}

async fn replay_gives_the_same_on_two_stores_and_after_a_restart(trial: &Trial<'_>) -> Checked {
    let (one, two) = (trial.open().await, trial.open().await);
    let digest = |text: &mut String, event: &RecordedEvent| {
        *text = format!("{text}{}{}{}{};", event.seq, event.event_type, event.at, event.data.json());
    };
    // The same facts, in another grouping.
    let facts: Vec<NewEvent> = (0..40).map(|n| event(n * 7 % 11)).collect();
    for batch in facts.chunks(3) {
        at(&one, "s").append_batch(batch.to_vec()).await?;
    }
    at(&two, "s").append_batch(facts).await?;
    let (folded, other) = (at(&one, "s").project(String::new(), digest).await?, at(&two, "s"));
    same(other.project(String::new(), digest).await?, folded.clone())?;
    at(&one, "s").checkpoint("snap", String::new(), digest).await?;
    let one = trial.restart(one).await?;
    same(at(&one, "s").project(String::new(), digest).await?, folded.clone())?;
    same(at(&one, "s").replay("snap", String::new(), digest).await?, folded)
}

async fn a_retry_after_a_lost_answer_is_told_that_it_happened(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    let order = || Transaction::append(&stream("s"), Expect::Unwritten, vec![event(1), event(2)]);
    let put = KvWrite::Put(key("k"), Payload::new(&1)?);
    let keyed = || Ok::<_, Broken>(order().write(put.clone()).once(once("cmd")?));
    same(store.backend().recall(&once("cmd")?).await?, None)?;
    // The answer to this one is lost on the way.
    drop(store.backend().commit_one(keyed()?).await?);
    let wrote = vec![Written { first: Seq::new(1), last: Seq::new(2) }];
    let told = store.backend().recall(&once("cmd")?).await?;
    same(told.map(|committed| committed.written), Some(wrote.clone()))?;
    let store = trial.restart(store).await?;
    let again = store.backend().commit_one(keyed()?).await?;
    same(matches!(&again, CommitOutcome::Already(committed) if committed.written == wrote), true)?;
    // Without the key the expectation still holds the second write off.
    same(matches!(store.backend().commit_one(order()).await?, CommitOutcome::Conflict(_)), true)?;
    same(at(&store, "s").count().await?, 2)
}

// ---- what a wire may lose ----

async fn null_is_a_value_and_absence_is_none(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    store.put(&key("k"), Value::Null).await?;
    same(store.backend().get(&key("k")).await?.map(|value| value.json().to_owned()), Some("null".to_owned()))?;
    same((store.has(&key("k")).await?, store.has(&key("other")).await?), (true, false))?;
    let found = store.compare_and_swap(&key("k"), None, &json!(1)).await?;
    same(found, Swap::Conflict { expected: None, actual: Some(Value::Null) })?;
    same(store.update(&key("k"), json!(0), |_| json!(2)).await?, json!(2))
}

async fn every_digit_of_a_number_is_kept(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    let texts =
        ["123456789012345678901234567890", "0.1000000000000000055511151231257827", "-0.0", "1e400", "[1E+2,1.50]"];
    for text in texts {
        let data = Payload::from_json(text)?;
        let fact = NewEvent { data: data.clone(), ..event(1) };
        at(&store, "s").append_batch(vec![fact]).await?;
        let write = KvWrite::Put(key(text), data);
        super::helpers::done(&store.backend().commit_one(Transaction::new().write(write)).await?)?;
        let kept = store.backend().get(&key(text)).await?;
        same(kept.map(|kept| kept.json().to_owned()).as_deref(), Some(text))?;
    }
    let kept = at(&store, "s").read().await?;
    same(kept.iter().map(|event| event.data.json()).collect::<Vec<_>>(), texts.to_vec())
}

async fn names_that_look_like_one_another_stay_apart(trial: &Trial<'_>) -> Checked {
    let store = trial.open().await;
    let long = "n".repeat(StreamName::LENGTH_MAX);
    let names = ["a", "A", "a/", "a/b", "a/b/c", "a%2Fb", "ab", "á", "a\u{301}", "a ", "\u{10ffff}", "..", &long];
    for (n, name) in names.iter().enumerate() {
        xs(&store, name, n + 1).await?;
        store.put(&key(name), n).await?;
        let appended = at(&store, name).append_once(&once("k")?, "x", instant(0), &n).await?;
        same(appended.event().map(|event| event.seq), Some(Seq::new(n as u64 + 2)))?;
    }
    for (n, name) in names.iter().enumerate() {
        same((at(&store, name).count().await?, store.get(&key(name)).await?), (n as u64 + 2, Some(n)))?;
        at(&store, name).truncate(Seq::new(1)).await?;
        same(at(&store, name).count().await?, n as u64 + 1)?;
    }
    let mut sorted: Vec<StreamName> = names.iter().map(|name| stream(name)).collect();
    sorted.sort();
    same(store.streams().await?, sorted)
}

// ---- moving ----

/// A store with everything in it.
async fn used(trial: &Trial<'_>) -> Result<Store, Broken> {
    let store = trial.open().await;
    for round in 0..30_i64 {
        for name in ["orders", "users", "audit"] {
            at(&store, name).append_batch(vec![event(round), event(round + 1)]).await?;
        }
        store.append_global(&stream("timeline"), "x", instant(round), &round).await?;
        store.put(&key(&format!("k{}", round % 7)), round).await?;
    }
    let _first = at(&store, "orders").append_once(&once("cmd")?, "x", instant(0), &1).await?;
    at(&store, "users").compact("users", 0, count).await?;
    at(&store, "audit").truncate(Seq::new(17)).await?;
    store.delete(&key("k3")).await?;
    Ok(store)
}

/// Everything that can be read of a store.
async fn contents(store: &Store) -> Result<String, Broken> {
    let backend = store.backend();
    let (cut, truncated) = (backend.cut().await?, backend.truncated().await?);
    let events = backend.read_all(Cursor::START, usize::MAX).await?.events;
    let mut streams = Vec::new();
    for name in store.all_streams().await? {
        streams.push((name.clone(), backend.head(&name).await?, backend.read(&name, Seq::FIRST, 1_000).await?));
    }
    Ok(format!("{:?} {:?} {:?} {truncated:?} {events:?} {streams:?}", cut.through, cut.values, cut.remembered))
}

async fn goes_on(store: &Store, before: Cursor) -> Checked {
    let repeat = at(store, "orders").append_once(&once("cmd")?, "x", instant(0), &1).await?;
    same(repeat.event().map(|event| event.seq), Some(Seq::new(61)))?;
    same(at(store, "orders").last_seq().await?, Seq::new(61))?;
    same(at(store, "users").replay("users", 0, count).await?.value, 60)?;
    let next = x(store, "users").await?;
    same((next.seq, next.cursor > before), (Seq::new(61), true))?;
    same(store.backend().verify().await?.findings, Vec::new())
}

async fn a_copy_is_the_store_and_goes_on_as_it_would_have(trial: &Trial<'_>) -> Checked {
    let (from, to) = (used(trial).await?, trial.open().await);
    let copied = copy(from.backend(), &**to.backend()).await.map_err(|error| Broken(error.to_string()))?;
    same((copied.events, copied.behind), (61 + 30 + 30 + 60 - 17, false))?;
    same(contents(&to).await?, contents(&from).await?)?;
    same(copy(from.backend(), &**to.backend()).await.is_err(), true)?;
    goes_on(&to, copied.through).await?;
    // Reopened, the copy is still the store.
    let again = trial.open().await;
    copy(from.backend(), &**again.backend()).await.map_err(|error| Broken(error.to_string()))?;
    let again = trial.restart(again).await?;
    same(contents(&again).await?, contents(&from).await?)?;
    goes_on(&again, copied.through).await
}

async fn a_backup_restores_the_store_and_an_altered_one_is_refused(trial: &Trial<'_>) -> Checked {
    let said = |error: crate::persist::TransferError| Broken(error.to_string());
    let (from, mut file) = (used(trial).await?, Vec::new());
    let dumped = backup(from.backend(), &mut file).await.map_err(said)?;
    let to = trial.open().await;
    same(restore(&mut &*file, &**to.backend()).await.map_err(said)?, dumped)?;
    same(contents(&to).await?, contents(&from).await?)?;
    goes_on(&to, dumped.through).await?;
    let text = String::from_utf8_lossy(&file);
    let altered = [
        text.replacen("counted", "doubted", 1),
        text.split_inclusive('\n').take(50).collect(),
        text.split_inclusive('\n').filter(|line| !line.contains("\"k1\"")).collect(),
        text.replacen("boxoffice_backup\":1", "boxoffice_backup\":2", 1),
        format!("{text}{{}}\n"),
        String::new(),
    ];
    for altered in altered {
        let to = trial.open().await;
        same(restore(&mut altered.as_bytes(), &**to.backend()).await.is_err(), true)?;
    }
    Ok(())
}

async fn a_store_that_was_used_in_every_way_is_whole(trial: &Trial<'_>) -> Checked {
    let store = used(trial).await?;
    let hot = at(&store, "hot");
    for n in 0..300_u64 {
        let appended = hot.append_batch_expect(Seq::new(n), vec![event(1)]).await?;
        same(matches!(appended, Appended::Done(_)), true)?;
        if n % 50 == 49 {
            hot.truncate(Seq::new(n / 2)).await?;
        }
    }
    for store in [store.clone(), store] {
        let found = store.backend().verify().await?;
        same(found.findings, Vec::new())?;
        same((found.streams, found.events), (6, 61 + 30 + 30 + 60 - 17 + 300 - 149))?;
    }
    Ok(())
}
