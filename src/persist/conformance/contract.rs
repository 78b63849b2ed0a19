//! The contract of [`Backend`], promise by promise.

use super::helpers::{Broken, Checked, append, done, ensure, event, events, json, key, once, seqs, stream, wrote};
use super::subject::{Suite, Trial};
use crate::persist::{
    Backend, CommitOutcome, Cursor, EventType, Expect, Failed, Head, Key, KeyExpect, KvWrite, Limit, NewEvent, Payload,
    Seq, Transaction,
};
use crate::time::Timestamp;

macro_rules! contract {
    ($($check:ident,)*) => {
        pub(super) const SUITE: Suite = Suite {
            name: "contract",
            checks: &[$((stringify!($check), |trial: &Trial<'_>| Box::pin(async move {
                let store = trial.open().await;
                $check(&**store.backend()).await
            }))),*],
        };
    };
}

contract! {
    a_stream_never_written_stands_at_zero_and_reads_empty,
    appends_number_from_one_without_gaps,
    an_event_reads_back_as_it_was_written,
    reading_from_a_sequence_number_includes_it,
    a_limit_of_zero_reads_nothing,
    streams_do_not_see_each_other,
    a_stream_whose_name_is_a_prefix_of_another_stays_apart,
    the_second_writer_with_the_same_expectation_conflicts,
    a_conflict_names_expected_and_actual_and_writes_nothing,
    unwritten_is_met_only_before_the_first_event,
    all_failed_preconditions_are_listed_in_order,
    a_precondition_may_name_a_stream_that_is_not_written,
    a_later_transaction_of_a_group_sees_an_earlier_one,
    a_refused_transaction_of_a_group_leaves_the_others_alone,
    one_transaction_may_append_to_several_streams,
    a_batch_is_contiguous_and_all_or_nothing,
    a_long_batch_reads_back_in_pages,
    an_oversized_event_is_refused_by_its_limit,
    an_event_of_the_largest_size_is_kept,
    an_oversized_value_is_refused_by_its_limit,
    too_many_operations_are_refused,
    a_key_holds_what_was_put_until_it_is_deleted,
    a_key_changes_only_if_it_holds_what_was_expected,
    a_key_is_created_only_once,
    keys_are_listed_by_prefix_in_order_and_in_pages,
    a_retry_with_the_same_key_happens_once,
    a_retry_beats_a_stale_expectation,
    an_idempotency_key_with_other_content_is_refused,
    a_retry_inside_one_group_happens_once,
    the_whole_store_reads_in_commit_order_and_in_pages,
    a_cursor_never_skips_what_is_committed_later,
    streams_are_listed_by_name_in_pages,
    truncation_removes_a_prefix_and_keeps_counting,
    a_fully_truncated_stream_stays_listed_and_written,
    truncation_leaves_neighbours_in_the_same_commit_alone,
    truncation_beyond_the_head_reserves_nothing,
    truncated_events_are_gone_from_the_whole_store,
    counters_count_what_was_committed,
}

// ---- log ----

async fn a_stream_never_written_stands_at_zero_and_reads_empty(store: &dyn Backend) -> Checked {
    ensure("head", &store.head(&stream("s")).await?, &Head::default())?;
    ensure("events", &store.read(&stream("s"), Seq::FIRST, 10).await?.len(), &0)?;
    ensure("streams", &store.streams(None, 10).await?.len(), &0)
}

async fn appends_number_from_one_without_gaps(store: &dyn Backend) -> Checked {
    for n in 1..=3 {
        let outcome = append(store, "s", 1).await?;
        let written = outcome.committed().map(|committed| committed.written.clone());
        ensure("written", &written, &Some(vec![wrote(n, n)]))?;
    }
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(3))?;
    ensure("seqs", &seqs(&store.read(&stream("s"), Seq::FIRST, 10).await?), &vec![1, 2, 3])
}

async fn an_event_reads_back_as_it_was_written(store: &dyn Backend) -> Checked {
    let written = NewEvent {
        event_type: EventType::stored("ünïcode.v1"),
        at: Timestamp::from_millis(-5),
        data: json("{\"a\":[1,null,\"\\u0000é\"]}"),
    };
    done(&store.commit_one(Transaction::append(&stream("s"), Expect::Any, vec![written.clone()])).await?)?;
    let found = store.read(&stream("s"), Seq::FIRST, 10).await?;
    let found = found.first().ok_or_else(|| Broken("no event".to_owned()))?;
    ensure("stream", &found.stream, &stream("s"))?;
    ensure("type", &found.event_type, &written.event_type)?;
    ensure("at", &found.at, &written.at)?;
    ensure("data", &found.data.json(), &written.data.json())
}

async fn reading_from_a_sequence_number_includes_it(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 40).await?)?;
    done(&append(store, "s", 2).await?)?;
    ensure("tail", &seqs(&store.read(&stream("s"), Seq::new(41), 10).await?), &vec![41, 42])?;
    ensure("middle", &seqs(&store.read(&stream("s"), Seq::new(20), 3).await?), &vec![20, 21, 22])?;
    ensure("beyond", &store.read(&stream("s"), Seq::new(43), 10).await?.len(), &0)
}

async fn a_limit_of_zero_reads_nothing(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 2).await?)?;
    ensure("events", &store.read(&stream("s"), Seq::FIRST, 0).await?.len(), &0)?;
    ensure("page", &store.read_all(Cursor::START, 0).await?.events.len(), &0)?;
    ensure("streams", &store.streams(None, 0).await?.len(), &0)
}

async fn streams_do_not_see_each_other(store: &dyn Backend) -> Checked {
    done(&append(store, "a", 2).await?)?;
    done(&append(store, "b", 1).await?)?;
    ensure("a", &seqs(&store.read(&stream("a"), Seq::FIRST, 10).await?), &vec![1, 2])?;
    ensure("b", &seqs(&store.read(&stream("b"), Seq::FIRST, 10).await?), &vec![1])
}

async fn a_stream_whose_name_is_a_prefix_of_another_stays_apart(store: &dyn Backend) -> Checked {
    done(&append(store, "ab", 3).await?)?;
    done(&append(store, "a", 1).await?)?;
    done(&append(store, "a b", 2).await?)?;
    ensure("a", &store.head(&stream("a")).await?.last, &Seq::new(1))?;
    ensure("ab", &seqs(&store.read(&stream("ab"), Seq::FIRST, 10).await?), &vec![1, 2, 3])?;
    store.truncate(&stream("a"), Seq::new(1)).await?;
    ensure("ab after", &seqs(&store.read(&stream("ab"), Seq::FIRST, 10).await?), &vec![1, 2, 3])
}

// ---- append-expect ----

async fn the_second_writer_with_the_same_expectation_conflicts(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 1).await?)?;
    let claim = || Transaction::append(&stream("s"), Expect::At(Seq::new(1)), events(1));
    done(&store.commit_one(claim()).await?)?;
    let second = store.commit_one(claim()).await?;
    ensure("conflict", &matches!(second, CommitOutcome::Conflict(_)), &true)
}

async fn a_conflict_names_expected_and_actual_and_writes_nothing(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 2).await?)?;
    let stale = Transaction::append(&stream("s"), Expect::At(Seq::new(1)), events(5))
        .write(KvWrite::Put(key("touched"), json("true")));
    let failed = Failed::Stream { stream: stream("s"), expected: Expect::At(Seq::new(1)), actual: Seq::new(2) };
    ensure("outcome", &store.commit_one(stale).await?, &CommitOutcome::Conflict(vec![failed]))?;
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(2))?;
    ensure("key", &store.get(&key("touched")).await?, &None)
}

async fn unwritten_is_met_only_before_the_first_event(store: &dyn Backend) -> Checked {
    let open = || Transaction::append(&stream("s"), Expect::Unwritten, events(1));
    done(&store.commit_one(open()).await?)?;
    ensure("again", &store.commit_one(open()).await?.is_done(), &false)?;
    let zero = Transaction::append(&stream("t"), Expect::At(Seq::UNWRITTEN), events(1));
    done(&store.commit_one(zero).await?)
}

async fn all_failed_preconditions_are_listed_in_order(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 1).await?)?;
    let transaction = Transaction::append(&stream("s"), Expect::Unwritten, events(1))
        .expect_stream(stream("other"), Expect::Unwritten)
        .expect_key(key("k"), KeyExpect::Equals(json("1")))
        .expect_stream(stream("other"), Expect::At(Seq::new(9)));
    let CommitOutcome::Conflict(failed) = store.commit_one(transaction).await? else {
        return Err(Broken("no conflict".to_owned()));
    };
    let streams = failed.iter().filter(|failed| matches!(failed, Failed::Stream { .. })).count();
    ensure("failed, of which streams", &(failed.len(), streams), &(3, 2))
}

async fn a_precondition_may_name_a_stream_that_is_not_written(store: &dyn Backend) -> Checked {
    done(&append(store, "seen", 2).await?)?;
    let guarded =
        |seq| Transaction::append(&stream("s"), Expect::Any, events(1)).expect_stream(stream("seen"), Expect::At(seq));
    done(&store.commit_one(guarded(Seq::new(2))).await?)?;
    ensure("stale", &store.commit_one(guarded(Seq::new(1))).await?.is_done(), &false)?;
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(1))
}

// ---- groups and batches ----

async fn a_later_transaction_of_a_group_sees_an_earlier_one(store: &dyn Backend) -> Checked {
    let claim = || Transaction::append(&stream("s"), Expect::Unwritten, events(1));
    let outcomes = store.commit(vec![claim(), claim(), claim()]).await?;
    let wins = outcomes.iter().filter(|outcome| outcome.is_done()).count();
    ensure("outcomes, wins", &(outcomes.len(), wins), &(3, 1))?;
    let after = Transaction::append(&stream("s"), Expect::At(Seq::new(1)), events(1));
    let next = Transaction::append(&stream("s"), Expect::At(Seq::new(2)), events(1));
    let outcomes = store.commit(vec![after, next]).await?;
    ensure("chained", &outcomes.iter().all(CommitOutcome::is_done), &true)
}

async fn a_refused_transaction_of_a_group_leaves_the_others_alone(store: &dyn Backend) -> Checked {
    let good = |name: &str| Transaction::append(&stream(name), Expect::Unwritten, events(1));
    let bad = Transaction::append(&stream("bad"), Expect::At(Seq::new(7)), events(1));
    let outcomes = store.commit(vec![good("a"), bad, good("b")]).await?;
    let wins: Vec<bool> = outcomes.iter().map(CommitOutcome::is_done).collect();
    ensure("wins", &wins, &vec![true, false, true])?;
    ensure("bad", &store.head(&stream("bad")).await?, &Head::default())
}

async fn one_transaction_may_append_to_several_streams(store: &dyn Backend) -> Checked {
    let both = Transaction::append(&stream("a"), Expect::Unwritten, events(2))
        .and_append(&stream("b"), Expect::Unwritten, events(1))
        .and_append(&stream("a"), Expect::Any, events(1));
    let outcome = store.commit_one(both).await?;
    let written = outcome.committed().map(|committed| committed.written.clone());
    ensure("written", &written, &Some(vec![wrote(1, 2), wrote(1, 1), wrote(3, 3)]))?;
    ensure("a", &seqs(&store.read(&stream("a"), Seq::FIRST, 10).await?), &vec![1, 2, 3])?;
    ensure("b", &seqs(&store.read(&stream("b"), Seq::FIRST, 10).await?), &vec![1])
}

async fn a_batch_is_contiguous_and_all_or_nothing(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 3).await?)?;
    let batch = Transaction::append(&stream("s"), Expect::At(Seq::new(3)), events(4));
    let outcome = store.commit_one(batch.clone()).await?;
    let written = outcome.committed().map(|committed| committed.written.clone());
    ensure("written", &written, &Some(vec![wrote(4, 7)]))?;
    ensure("again", &store.commit_one(batch).await?.is_done(), &false)?;
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(7))?;
    let nothing = store.commit_one(Transaction::append(&stream("s"), Expect::Any, Vec::new())).await?;
    let written = nothing.committed().map(|committed| (committed.written.clone(), committed.cursor));
    ensure("empty", &written, &Some((vec![wrote(8, 7)], None)))
}

async fn a_long_batch_reads_back_in_pages(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 500).await?)?;
    let mut found = Vec::new();
    loop {
        let from = Seq::new(found.len() as u64 + 1);
        let page = store.read(&stream("s"), from, 37).await?;
        if page.is_empty() {
            break;
        }
        found.extend(seqs(&page));
    }
    ensure("seqs", &found, &(1..=500).collect())
}

// ---- limits ----

fn sized_event(store: &dyn Backend, over: usize) -> NewEvent {
    // Two quotes and the stream's name of one byte.
    let length = store.limits().event_bytes_max + over - "counted".len() - 3;
    let data = json(&format!("\"{}\"", "x".repeat(length)));
    NewEvent { data, ..event(1) }
}

async fn an_oversized_event_is_refused_by_its_limit(store: &dyn Backend) -> Checked {
    let limit = store.limits().event_bytes_max;
    let large = Transaction::append(&stream("s"), Expect::Any, vec![event(1), sized_event(store, 1)]);
    let refused = CommitOutcome::Refused(Limit::EventBytes { bytes: limit + 1, limit });
    ensure("outcome", &store.commit_one(large).await?, &refused)?;
    ensure("head", &store.head(&stream("s")).await?, &Head::default())
}

async fn an_event_of_the_largest_size_is_kept(store: &dyn Backend) -> Checked {
    let largest = sized_event(store, 0);
    let two = vec![largest.clone(), event(1), largest.clone()];
    done(&store.commit_one(Transaction::append(&stream("s"), Expect::Any, two)).await?)?;
    let found = store.read(&stream("s"), Seq::new(3), 1).await?;
    ensure("data", &found.first().map(|event| event.data.clone()), &Some(largest.data))
}

async fn an_oversized_value_is_refused_by_its_limit(store: &dyn Backend) -> Checked {
    let limit = store.limits().value_bytes_max;
    let value = |length: usize| json(&format!("\"{}\"", "x".repeat(length - 2)));
    let put = |length| Transaction::new().write(KvWrite::Put(key("k"), value(length)));
    let refused = CommitOutcome::Refused(Limit::ValueBytes { bytes: limit + 1, limit });
    ensure("outcome", &store.commit_one(put(limit)).await?, &refused)?;
    done(&store.commit_one(put(limit - 1)).await?)?;
    ensure("value", &store.get(&key("k")).await?, &Some(value(limit - 1)))
}

async fn too_many_operations_are_refused(store: &dyn Backend) -> Checked {
    let limit = store.limits().operations_max;
    let many = Transaction { writes: vec![KvWrite::Delete(key("k")); limit + 1], ..Transaction::default() };
    let refused = CommitOutcome::Refused(Limit::Operations { operations: limit + 1, limit });
    ensure("outcome", &store.commit_one(many).await?, &refused)
}

// ---- kv ----

async fn put(store: &dyn Backend, name: &str, value: &str) -> Checked {
    done(&store.commit_one(Transaction::new().write(KvWrite::Put(key(name), json(value)))).await?)
}

async fn a_key_holds_what_was_put_until_it_is_deleted(store: &dyn Backend) -> Checked {
    ensure("before", &store.get(&key("k")).await?, &None)?;
    put(store, "k", "1").await?;
    put(store, "k", "[2]").await?;
    ensure("put", &store.get(&key("k")).await?, &Some(json("[2]")))?;
    let delete = || Transaction::new().write(KvWrite::Delete(key("k")));
    done(&store.commit_one(delete()).await?)?;
    ensure("deleted", &store.get(&key("k")).await?, &None)?;
    done(&store.commit_one(delete()).await?)
}

async fn a_key_changes_only_if_it_holds_what_was_expected(store: &dyn Backend) -> Checked {
    put(store, "k", "{\"a\":1,\"b\":2}").await?;
    let swap = |expected: &str, value: &str| {
        Transaction::new()
            .expect_key(key("k"), KeyExpect::Equals(json(expected)))
            .write(KvWrite::Put(key("k"), json(value)))
    };
    done(&store.commit_one(swap("{\"b\":2,\"a\":1}", "7")).await?)?;
    let failed = Failed::Key { key: key("k"), expected: KeyExpect::Equals(json("8")), actual: Some(json("7")) };
    ensure("stale", &store.commit_one(swap("8", "9")).await?, &CommitOutcome::Conflict(vec![failed]))?;
    ensure("kept", &store.get(&key("k")).await?, &Some(json("7")))
}

async fn a_key_is_created_only_once(store: &dyn Backend) -> Checked {
    let create = |value: &str| {
        Transaction::new().expect_key(key("k"), KeyExpect::Absent).write(KvWrite::Put(key("k"), json(value)))
    };
    let outcomes = store.commit(vec![create("1"), create("2")]).await?;
    let wins: Vec<bool> = outcomes.iter().map(CommitOutcome::is_done).collect();
    ensure("wins", &wins, &vec![true, false])?;
    ensure("kept", &store.get(&key("k")).await?, &Some(json("1")))
}

async fn keys_are_listed_by_prefix_in_order_and_in_pages(store: &dyn Backend) -> Checked {
    for name in ["b/2", "a/1", "b/1", "b", "c", "b/3"] {
        put(store, name, "0").await?;
    }
    let names = |found: Vec<(Key, Payload)>| found.into_iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>();
    let wanted = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    ensure("prefix", &names(store.scan("b/", None, 10).await?), &wanted(&["b/1", "b/2", "b/3"]))?;
    let second = store.scan("b/", Some(&key("b/1")), 1).await?;
    ensure("page", &names(second), &wanted(&["b/2"]))?;
    ensure("all", &store.scan("", None, 10).await?.len(), &6)
}

// ---- idempotency ----

async fn a_retry_with_the_same_key_happens_once(store: &dyn Backend) -> Checked {
    let key = once("order-1")?;
    let order = |at| {
        let event = NewEvent { at: Timestamp::from_millis(at), ..event(1) };
        Transaction::append(&stream("s"), Expect::Any, vec![event]).once(key.clone())
    };
    let first = store.commit_one(order(1)).await?;
    done(&first)?;
    let again = store.commit_one(order(2)).await?;
    ensure("already", &matches!(again, CommitOutcome::Already(_)), &true)?;
    ensure("same answer", &again.committed(), &first.committed())?;
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(1))
}

async fn a_retry_beats_a_stale_expectation(store: &dyn Backend) -> Checked {
    let key = once("order-1")?;
    let order = || Transaction::append(&stream("s"), Expect::Unwritten, events(1)).once(key.clone());
    done(&store.commit_one(order()).await?)?;
    let again = store.commit_one(order()).await?;
    ensure("already", &matches!(again, CommitOutcome::Already(_)), &true)
}

async fn an_idempotency_key_with_other_content_is_refused(store: &dyn Backend) -> Checked {
    let key = once("order-1")?;
    let order = |n| Transaction::append(&stream("s"), Expect::Any, vec![event(n)]).once(key.clone());
    done(&store.commit_one(order(1)).await?)?;
    ensure("reused", &store.commit_one(order(2)).await?, &CommitOutcome::KeyReused)?;
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(1))
}

async fn a_retry_inside_one_group_happens_once(store: &dyn Backend) -> Checked {
    let key = once("order-1")?;
    let order = || Transaction::append(&stream("s"), Expect::Any, events(1)).once(key.clone());
    let outcomes = store.commit(vec![order(), order()]).await?;
    let wins: Vec<bool> = outcomes.iter().map(CommitOutcome::is_done).collect();
    ensure("wins", &wins, &vec![true, false])?;
    ensure("head", &store.head(&stream("s")).await?.last, &Seq::new(1))
}

// ---- the whole store ----

async fn the_whole_store_reads_in_commit_order_and_in_pages(store: &dyn Backend) -> Checked {
    for round in 0..20 {
        done(&append(store, "a", 1 + round % 3).await?)?;
        done(&append(store, "b", 2).await?)?;
    }
    let all = store.read_all(Cursor::START, usize::MAX >> 1).await?;
    ensure("ascending", &all.events.is_sorted_by(|a, b| a.cursor < b.cursor), &true)?;
    for name in ["a", "b"] {
        let of_stream: Vec<_> = all.events.iter().filter(|event| event.stream == stream(name)).cloned().collect();
        ensure(name, &of_stream, &store.read(&stream(name), Seq::FIRST, 1_000).await?)?;
    }
    let (mut paged, mut after) = (Vec::new(), Cursor::START);
    loop {
        let page = store.read_all(after, 7).await?;
        if page.events.is_empty() {
            ensure("cursor at the end", &page.next, &after)?;
            break;
        }
        after = page.next;
        paged.extend(page.events);
    }
    ensure("pages", &paged, &all.events)
}

async fn a_cursor_never_skips_what_is_committed_later(store: &dyn Backend) -> Checked {
    done(&append(store, "a", 3).await?)?;
    let seen = store.read_all(Cursor::START, 100).await?.next;
    done(&append(store, "b", 2).await?)?;
    done(&append(store, "a", 1).await?)?;
    let news = store.read_all(seen, 100).await?;
    let names: Vec<String> = news.events.iter().map(|event| format!("{}{}", event.stream, event.seq)).collect();
    ensure("news", &names, &vec!["b1".to_owned(), "b2".to_owned(), "a4".to_owned()])
}

async fn streams_are_listed_by_name_in_pages(store: &dyn Backend) -> Checked {
    for name in ["b", "a", "ab", "c"] {
        done(&append(store, name, 1).await?)?;
    }
    let first = store.streams(None, 3).await?;
    ensure("first page", &first, &vec![stream("a"), stream("ab"), stream("b")])?;
    ensure("second page", &store.streams(first.last(), 3).await?, &vec![stream("c")])
}

// ---- truncation ----

async fn truncation_removes_a_prefix_and_keeps_counting(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 10).await?)?;
    done(&append(store, "s", 30).await?)?;
    store.truncate(&stream("s"), Seq::new(17)).await?;
    let left = seqs(&store.read(&stream("s"), Seq::FIRST, 100).await?);
    ensure("left", &left, &(18..=40).collect())?;
    let head = Head { last: Seq::new(40), truncated_through: Seq::new(17) };
    ensure("head", &store.head(&stream("s")).await?, &head)?;
    done(&store.commit_one(Transaction::append(&stream("s"), Expect::At(Seq::new(40)), events(1))).await?)?;
    store.truncate(&stream("s"), Seq::new(5)).await?;
    ensure("never less", &store.head(&stream("s")).await?.truncated_through, &Seq::new(17))
}

async fn a_fully_truncated_stream_stays_listed_and_written(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 5).await?)?;
    store.truncate(&stream("s"), Seq::new(5)).await?;
    ensure("events", &store.read(&stream("s"), Seq::FIRST, 10).await?.len(), &0)?;
    ensure("listed", &store.streams(None, 10).await?, &vec![stream("s")])?;
    let reopen = Transaction::append(&stream("s"), Expect::Unwritten, events(1));
    ensure("unwritten", &store.commit_one(reopen).await?.is_done(), &false)?;
    let outcome = append(store, "s", 1).await?;
    let written = outcome.committed().map(|committed| committed.written.clone());
    ensure("next", &written, &Some(vec![wrote(6, 6)]))
}

async fn truncation_leaves_neighbours_in_the_same_commit_alone(store: &dyn Backend) -> Checked {
    let both = Transaction::append(&stream("a"), Expect::Any, events(3))
        .and_append(&stream("b"), Expect::Any, events(3))
        .and_append(&stream("a"), Expect::Any, events(3));
    done(&store.commit_one(both).await?)?;
    store.truncate(&stream("a"), Seq::new(4)).await?;
    ensure("a", &seqs(&store.read(&stream("a"), Seq::FIRST, 10).await?), &vec![5, 6])?;
    ensure("b", &seqs(&store.read(&stream("b"), Seq::FIRST, 10).await?), &vec![1, 2, 3])?;
    let all = store.read_all(Cursor::START, 100).await?.events;
    let names: Vec<String> = all.iter().map(|event| format!("{}{}", event.stream, event.seq)).collect();
    ensure("all", &names.join(" ").as_str(), &"b1 b2 b3 a5 a6")
}

async fn truncation_beyond_the_head_reserves_nothing(store: &dyn Backend) -> Checked {
    store.truncate(&stream("never"), Seq::new(9)).await?;
    ensure("unwritten", &store.head(&stream("never")).await?, &Head::default())?;
    done(&append(store, "s", 2).await?)?;
    store.truncate(&stream("s"), Seq::new(99)).await?;
    let head = Head { last: Seq::new(2), truncated_through: Seq::new(2) };
    ensure("head", &store.head(&stream("s")).await?, &head)
}

async fn truncated_events_are_gone_from_the_whole_store(store: &dyn Backend) -> Checked {
    done(&append(store, "s", 4).await?)?;
    let seen = store.read_all(Cursor::START, 100).await?.next;
    store.truncate(&stream("s"), Seq::new(4)).await?;
    ensure("page", &store.read_all(Cursor::START, 100).await?.events.len(), &0)?;
    done(&append(store, "s", 1).await?)?;
    ensure("later", &seqs(&store.read_all(seen, 100).await?.events), &vec![5])
}

// ---- the rest ----

async fn counters_count_what_was_committed(store: &dyn Backend) -> Checked {
    let claim = || Transaction::append(&stream("s"), Expect::Unwritten, events(2));
    let before = store.stats();
    let _outcomes = store.commit(vec![claim(), claim()]).await?;
    let after = store.stats();
    ensure("transactions", &(after.transactions - before.transactions), &1)?;
    ensure("events", &(after.events - before.events), &2)?;
    ensure("commits", &(after.commits - before.commits), &1)
}
