//! Queries and upcasters.

use serde_json::{Value, json};

use super::super::helpers::{at, instant, member, nth, same, seqs, sum_of, typed, xs};
use super::super::subject::Suite;
use crate::persist::error::PayloadError;
use crate::persist::{Cursor, EventType, Payload, RecordedEvent, Seq, StreamName, Upcasters};

suite! { QUERY, "query";
    "read-between slices a seq range" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 4).await?;
        same(seqs(&at(&b, "s").read_between(Seq::new(2), Seq::new(3)).await?), vec![2, 3])
    }
    "read-between is inclusive of endpoints" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        same(at(&b, "s").read_between(Seq::new(1), Seq::new(3)).await?.len(), 3)
    }
    "read-since filters by timestamp" => |trial| {
        let b = trial.open().await;
        for millis in [100, 200, 300] {
            typed(&b, "s", "x", millis, json!({})).await?;
        }
        same(at(&b, "s").read_since(instant(200)).await?.len(), 2)
    }
    "read-window is an inclusive time range" => |trial| {
        let b = trial.open().await;
        for millis in [100, 200, 300, 400] {
            typed(&b, "s", "x", millis, json!({})).await?;
        }
        same(at(&b, "s").read_window(instant(200), instant(300)).await?.len(), 2)
    }
    "read-by-type filters by event type" => |trial| {
        let b = trial.open().await;
        for name in ["created", "updated", "created"] {
            typed(&b, "s", name, 0, json!({})).await?;
        }
        same(at(&b, "s").read_by_type(&EventType::new("created")?).await?.len(), 2)
    }
    "read-where filters by predicate over data" => |trial| {
        let b = trial.open().await;
        for amount in [5, 15, 25] {
            typed(&b, "s", "x", 0, json!({ "amt": amount })).await?;
        }
        let large = |event: &RecordedEvent| member(event, "amt").ok().and_then(|amount| amount.as_i64()) > Some(10);
        same(at(&b, "s").read_where(large).await?.len(), 2)
    }
    "count-where counts matches" => |trial| {
        let b = trial.open().await;
        for name in ["a", "b", "a"] {
            typed(&b, "s", name, 0, json!({})).await?;
        }
        same(at(&b, "s").count_where(|event| event.event_type.as_str() == "a").await?, 2)
    }
    "queries return empty on empty stream" => |trial| {
        same(at(&trial.open().await, "s").read_since(instant(0)).await?.len(), 0)
    }
    "queries work on the durable backend" => |trial| {
        let b = trial.open().await;
        for millis in [100, 200] {
            typed(&b, "s", "x", millis, json!({})).await?;
        }
        same(at(&b, "s").read_since(instant(150)).await?.len(), 1)
    }
}

fn placed(event: &RecordedEvent) -> Result<RecordedEvent, PayloadError> {
    let data: Value = event.data.read()?;
    let amount = data.get("total").cloned().unwrap_or_default();
    event.with_fields(&json!({ "amount": amount, "currency": "GBP" }))
}

fn registry() -> Result<Upcasters, crate::persist::StoreError> {
    Upcasters::new().register("placed", placed)
}

fn event(stream: &str, seq: u64, event_type: &str, millis: i64, data: &Value) -> RecordedEvent {
    RecordedEvent {
        stream: StreamName::stored(stream),
        seq: Seq::new(seq),
        cursor: Cursor::START,
        event_type: EventType::stored(event_type),
        at: instant(millis),
        data: Payload::stored(&data.to_string()),
    }
}

suite! { UPCAST, "upcast";
    "unregistered type passes through unchanged" => |_trial| {
        let lifted = Upcasters::new().lift(event("s", 1, "other", 0, &json!({ "x": 1 })))?;
        same(lifted.data.read::<Value>()?, json!({ "x": 1 }))
    }
    "registered upcaster lifts an old event" => |_trial| {
        let lifted = registry()?.lift(event("s", 1, "placed", 0, &json!({ "total": 50 })))?;
        same(member(&lifted, "amount")?, json!(50))
    }
    "upcaster adds the new field" => |_trial| {
        let lifted = registry()?.lift(event("s", 1, "placed", 0, &json!({ "total": 50 })))?;
        same(member(&lifted, "currency")?, json!("GBP"))
    }
    "upcast preserves stream/seq/type/at" => |_trial| {
        let lifted = registry()?.lift(event("orders", 7, "placed", 99, &json!({ "total": 1 })))?;
        same((lifted.stream.as_str(), lifted.seq, lifted.at), ("orders", Seq::new(7), instant(99)))?;
        same(lifted.event_type.as_str(), "placed")
    }
    "registry is immutable — register returns a new dict" => |_trial| {
        let r0 = Upcasters::new();
        let r1 = r0.register("placed", placed)?;
        let placed = EventType::new("placed")?;
        same([r0.has(&placed), r1.has(&placed)], [false, true])
    }
    "read-upcast lifts every event in a stream" => |trial| {
        let b = trial.open().await;
        typed(&b, "orders", "placed", 0, json!({ "total": 10 })).await?;
        typed(&b, "orders", "placed", 0, json!({ "total": 20 })).await?;
        let es = at(&b, "orders").upcast_with(&registry()?).read().await?;
        same([member(nth(&es, 0)?, "amount")?, member(nth(&es, 1)?, "amount")?], [json!(10), json!(20)])
    }
    "project-upcast folds over the current shape" => |trial| {
        let b = trial.open().await;
        typed(&b, "orders", "placed", 0, json!({ "total": 10 })).await?;
        typed(&b, "orders", "placed", 0, json!({ "total": 20 })).await?;
        same(at(&b, "orders").upcast_with(&registry()?).project(0, sum_of("amount")).await?.value, 30)
    }
    "mixed old and new events fold uniformly" => |trial| {
        let b = trial.open().await;
        typed(&b, "orders", "placed", 0, json!({ "total": 5 })).await?;
        typed(&b, "orders", "placed", 0, json!({ "total": 7, "amount": 7 })).await?;
        same(at(&b, "orders").upcast_with(&registry()?).project(0, sum_of("amount")).await?.value, 12)
    }
    "upcast works on the durable backend" => |trial| {
        let b = trial.open().await;
        typed(&b, "orders", "placed", 0, json!({ "total": 42 })).await?;
        let es = at(&b, "orders").upcast_with(&registry()?).read().await?;
        same(member(nth(&es, 0)?, "amount")?, json!(42))
    }
}
