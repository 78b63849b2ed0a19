//! Batches, and appends that happen at most once.

use serde_json::json;

use super::super::helpers::{at, instant, member, new, nth, once, same, x};
use super::super::subject::Suite;
use crate::persist::Seq;

suite! { BATCH, "batch";
    "batch assigns contiguous seqs" => |trial| {
        let s = at(&trial.open().await, "s");
        let batch = vec![new("a", json!({}))?, new("b", json!({}))?, new("c", json!({}))?];
        let es = s.append_batch(batch).await?;
        same([nth(&es, 0)?.seq, nth(&es, 2)?.seq], [Seq::new(1), Seq::new(3)])
    }
    "batch returns events in order" => |trial| {
        let s = at(&trial.open().await, "s");
        let es = s.append_batch(vec![new("a", json!({}))?, new("b", json!({}))?]).await?;
        same([nth(&es, 0)?.event_type.as_str(), nth(&es, 1)?.event_type.as_str()], ["a", "b"])
    }
    "batch grows the stream by its size" => |trial| {
        let s = at(&trial.open().await, "s");
        s.append_batch(vec![new("a", json!({}))?, new("b", json!({}))?, new("c", json!({}))?]).await?;
        same(s.count().await?, 3)
    }
    "batch continues an existing stream" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        let es = at(&b, "s").append_batch(vec![new("a", json!({}))?, new("b", json!({}))?]).await?;
        same(nth(&es, 0)?.seq, Seq::new(2))
    }
    "empty batch is a no-op" => |trial| {
        let s = at(&trial.open().await, "s");
        s.append_batch(Vec::new()).await?;
        same(s.count().await?, 0)
    }
    "batch-expect with correct seq commits all" => |trial| {
        let s = at(&trial.open().await, "s");
        let batch = vec![new("a", json!({}))?, new("b", json!({}))?];
        let appended = s.append_batch_expect(Seq::UNWRITTEN, batch).await?;
        same((appended.is_conflict(), s.count().await?), (false, 2))
    }
    "batch-expect with stale seq writes nothing" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        let batch = vec![new("a", json!({}))?, new("b", json!({}))?];
        let _conflict = at(&b, "s").append_batch_expect(Seq::UNWRITTEN, batch).await?;
        same(at(&b, "s").count().await?, 1)
    }
    "batch-expect stale returns a conflict" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        same(at(&b, "s").append_batch_expect(Seq::UNWRITTEN, vec![new("a", json!({}))?]).await?.is_conflict(), true)
    }
    "batch data is preserved" => |trial| {
        let s = at(&trial.open().await, "order");
        s.append_batch(vec![new("placed", json!({ "id": 1 }))?, new("line", json!({ "sku": "x" }))?]).await?;
        same(member(nth(&s.read().await?, 1)?, "sku")?, json!("x"))
    }
    "batch works on the durable backend" => |trial| {
        let s = at(&trial.open().await, "s");
        s.append_batch(vec![new("a", json!({}))?, new("b", json!({}))?]).await?;
        same(s.last_seq().await?, Seq::new(2))
    }
}

suite! { IDEMPOTENCY, "idempotency";
    "seen? false before first append" => |trial| {
        same(at(&trial.open().await, "orders").seen(&once("cmd-1")?).await?, false)
    }
    "append-once appends on first use" => |trial| {
        let s = at(&trial.open().await, "orders");
        let _first = s.append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        same(s.count().await?, 1)
    }
    "seen? true after first append" => |trial| {
        let s = at(&trial.open().await, "orders");
        let _first = s.append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        same(s.seen(&once("cmd-1")?).await?, true)
    }
    "repeat with same key does not append again" => |trial| {
        let s = at(&trial.open().await, "orders");
        for _ in 0..3 {
            let _once = s.append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        }
        same(s.count().await?, 1)
    }
    "repeat returns the same event (same seq)" => |trial| {
        let s = at(&trial.open().await, "orders");
        let first = s.append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        let repeat = s.append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        same(repeat.event().map(|event| event.seq), Some(Seq::new(1)))?;
        same(repeat.event(), first.event())
    }
    "different keys append separately" => |trial| {
        let s = at(&trial.open().await, "orders");
        let _first = s.append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        let _second = s.append_once(&once("cmd-2")?, "placed", instant(0), &json!({})).await?;
        same(s.count().await?, 2)
    }
    "idempotency is per-stream" => |trial| {
        let b = trial.open().await;
        let _a = at(&b, "a").append_once(&once("cmd-1")?, "x", instant(0), &json!({})).await?;
        let _b = at(&b, "b").append_once(&once("cmd-1")?, "x", instant(0), &json!({})).await?;
        same([at(&b, "a").count().await?, at(&b, "b").count().await?], [1, 1])
    }
    "stored data is preserved on first append" => |trial| {
        let s = at(&trial.open().await, "s");
        let first = s.append_once(&once("k")?, "x", instant(0), &json!({ "n": 9 })).await?;
        same(first.event().map(|event| member(event, "n")).transpose()?, Some(json!(9)))
    }
    "idempotency survives restart on the durable backend" => |trial| {
        let disk = trial.open().await;
        let _first = at(&disk, "orders").append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        let disk = trial.restart(disk).await?;
        let _again = at(&disk, "orders").append_once(&once("cmd-1")?, "placed", instant(0), &json!({})).await?;
        same(at(&disk, "orders").count().await?, 1)
    }
}
