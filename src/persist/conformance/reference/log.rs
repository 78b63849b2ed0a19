//! Events, the log, append-expect.

use serde_json::{Value, json};

use super::super::helpers::{at, instant, member, nth, same, stream, typed, x, xs};
use super::super::subject::Suite;
use crate::persist::{Appended, Cursor, EventType, Payload, RecordedEvent, Seq};

fn recorded(seq: u64, event_type: &str, millis: i64, data: &Value) -> RecordedEvent {
    RecordedEvent {
        stream: stream("s"),
        seq: Seq::new(seq),
        cursor: Cursor::START,
        event_type: EventType::stored(event_type),
        at: instant(millis),
        data: Payload::stored(&data.to_string()),
    }
}

suite! { EVENT, "event";
    "event-stream" => |_trial| { same(recorded(1, "t", 0, &json!({})).stream.as_str(), "s") }
    "event-seq" => |_trial| { same(recorded(3, "t", 0, &json!({})).seq, Seq::new(3)) }
    "event-type" => |_trial| { same(recorded(1, "create", 0, &json!({})).event_type.as_str(), "create") }
    "event-at" => |_trial| { same(recorded(1, "t", 42, &json!({})).at, instant(42)) }
    "event-data" => |_trial| { same(recorded(1, "t", 0, &json!({ "x": 9 })).data.read::<Value>()?, json!({ "x": 9 })) }
    "event is a dict with all fields" => |_trial| {
        let event: Value = Payload::new(&recorded(1, "t", 0, &json!({})))?.read()?;
        let fields = ["stream", "seq", "type", "at", "data"];
        same(fields.iter().filter(|field| event.get(**field).is_some()).count(), 5)
    }
}

suite! { LOG, "log";
    "empty stream reads empty" => |trial| { same(at(&trial.open().await, "orders").read().await?.len(), 0) }
    "last-seq empty is 0" => |trial| { same(at(&trial.open().await, "orders").last_seq().await?, Seq::UNWRITTEN) }
    "append returns event with seq 1" => |trial| {
        let b = trial.open().await;
        same(typed(&b, "orders", "placed", 0, json!({ "id": 1 })).await?.seq, Seq::new(1))
    }
    "append assigns sequential seqs" => |trial| {
        let b = trial.open().await;
        xs(&b, "orders", 2).await?;
        same(x(&b, "orders").await?.seq, Seq::new(3))
    }
    "read returns events oldest-first" => |trial| {
        let b = trial.open().await;
        typed(&b, "s", "a", 0, json!({ "n": 1 })).await?;
        typed(&b, "s", "b", 0, json!({ "n": 2 })).await?;
        let es = at(&b, "s").read().await?;
        same([member(nth(&es, 0)?, "n")?, member(nth(&es, 1)?, "n")?], [json!(1), json!(2)])
    }
    "count tracks appends" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").count().await?, 2)
    }
    "streams are isolated" => |trial| {
        let b = trial.open().await;
        xs(&b, "s1", 1).await?;
        xs(&b, "s2", 2).await?;
        same([at(&b, "s1").count().await?, at(&b, "s2").count().await?], [1, 2])
    }
    "read-from filters by seq" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        let es = at(&b, "s").read_from(Seq::new(2)).await?;
        same([nth(&es, 0)?.seq, nth(&es, 1)?.seq], [Seq::new(2), Seq::new(3)])
    }
    "read-from past end is empty" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        same(at(&b, "s").read_from(Seq::new(5)).await?.len(), 0)
    }
}

fn first_seq(appended: Appended) -> Option<Seq> {
    appended.done().and_then(|events| events.first().map(|event| event.seq))
}

suite! { CONCURRENCY, "concurrency";
    "append-expect 0 on empty stream succeeds" => |trial| {
        let s = at(&trial.open().await, "s");
        let appended = s.append_expect(Seq::UNWRITTEN, "x", instant(0), &json!({})).await?;
        same(first_seq(appended), Some(Seq::new(1)))
    }
    "append-expect with correct seq succeeds" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        let appended = at(&b, "s").append_expect(Seq::new(1), "x", instant(0), &json!({})).await?;
        same(first_seq(appended), Some(Seq::new(2)))
    }
    "append-expect with stale seq returns a conflict" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").append_expect(Seq::new(1), "x", instant(0), &json!({})).await?.is_conflict(), true)
    }
    "a successful append is not a conflict" => |trial| {
        let s = at(&trial.open().await, "s");
        same(s.append_expect(Seq::UNWRITTEN, "x", instant(0), &json!({})).await?.is_conflict(), false)
    }
    "conflict carries expected and actual" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        let found = at(&b, "s").append_expect(Seq::UNWRITTEN, "x", instant(0), &json!({})).await?;
        same(found, Appended::Conflict { expected: Seq::UNWRITTEN, actual: Seq::new(2) })
    }
    "a conflicting append does not write" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        let _conflict = at(&b, "s").append_expect(Seq::UNWRITTEN, "x", instant(0), &json!({})).await?;
        same(at(&b, "s").count().await?, 1)
    }
    "two writers: first wins, second conflicts" => |trial| {
        let s = at(&trial.open().await, "s");
        let seen = s.last_seq().await?;
        let first = s.append_expect(seen, "x", instant(0), &json!({ "who": "A" })).await?;
        let second = s.append_expect(seen, "x", instant(0), &json!({ "who": "B" })).await?;
        same([first.is_conflict(), second.is_conflict()], [false, true])
    }
    "retry after conflict succeeds" => |trial| {
        let s = at(&trial.open().await, "s");
        let seen = s.last_seq().await?;
        let _first = s.append_expect(seen, "x", instant(0), &json!({ "who": "A" })).await?;
        let found = s.append_expect(seen, "x", instant(0), &json!({ "who": "B" })).await?;
        let Appended::Conflict { actual, .. } = found else { return same(found.is_conflict(), true) };
        same(first_seq(s.append_expect(actual, "x", instant(0), &json!({ "who": "B" })).await?), Some(Seq::new(2)))
    }
}
