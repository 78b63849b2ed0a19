//! Requests as data, and what survives a restart.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::helpers::{Broken, at, count, key, member, nth, same, stream, typed, x, xs};
use super::super::subject::Suite;
use crate::persist::{
    Backend, BlobRef, BlobStore, Hub, MemoryBlobs, Payload, Remote, Request, Response, ResponseError, Seq, Store, serve,
};

fn request(op: &str, args: &Value) -> Result<Request, Broken> {
    Ok(Request { op: op.to_owned(), args: Payload::new(args)? })
}

async fn ask(disk: &dyn Backend, op: &str, args: Value) -> Result<Value, Broken> {
    match serve(disk, &request(op, &args)?).await {
        Response::Ok(value) => Ok(value.read()?),
        Response::Error(error) => Err(Broken(error.to_string())),
    }
}

/// A store whose every operation is encoded, served by another store and decoded.
async fn remote(disk: &Store) -> Result<Store, Broken> {
    Ok(Store::new(Remote::in_process(Arc::clone(disk.backend())).await?))
}

fn an_append() -> Value {
    json!({ "transactions": [{
        "preconditions": [],
        "appends": [{ "stream": "s", "events": [{ "type": "x", "at": 0, "data": { "n": 1 } }] }],
        "writes": [],
        "idempotency_key": null,
    }] })
}

fn a_put(value: &Value) -> Value {
    json!({ "transactions": [{
        "preconditions": [], "appends": [], "writes": [{ "put": ["k", value] }], "idempotency_key": null,
    }] })
}

suite! { DURABLE, "durable";
    "req-append encodes op + args" => |_trial| {
        let encoded = Payload::new(&request("persist/commit", &an_append())?)?;
        same(encoded.read::<Value>()?, json!({ "op": "persist/commit", "args": an_append() }))
    }
    "req-kv-put encodes op + args" => |_trial| {
        let encoded = Payload::new(&request("persist/commit", &a_put(&json!(7)))?)?;
        same(encoded.read::<Value>()?, json!({ "op": "persist/commit", "args": a_put(&json!(7)) }))
    }
    "serve append then serve read" => |trial| {
        let store = trial.open().await;
        let disk = &**store.backend();
        ask(disk, "persist/commit", an_append()).await?;
        let found = ask(disk, "persist/read", json!({ "stream": "s", "from": 1, "limit": 10 })).await?;
        same(found.pointer("/0/data/n"), Some(&json!(1)))
    }
    "serve kv-put then kv-get" => |trial| {
        let store = trial.open().await;
        let disk = &**store.backend();
        ask(disk, "persist/commit", a_put(&json!(42))).await?;
        same(ask(disk, "persist/kv-get", json!({ "key": "k" })).await?, json!([42]))
    }
    "serve unknown op is a clear error" => |trial| {
        let store = trial.open().await;
        let found = serve(&**store.backend(), &request("persist/bogus", &json!({}))?).await;
        let error = ResponseError::Request { op: "persist/bogus".to_owned(), reason: "unknown op".to_owned() };
        same(found, Response::Error(error))
    }
    "log facet works on mock-durable" => |trial| {
        let db = remote(&trial.open().await).await?;
        xs(&db, "s", 2).await?;
        same(at(&db, "s").count().await?, 2)
    }
    "seq assignment works on mock-durable" => |trial| {
        let db = remote(&trial.open().await).await?;
        x(&db, "s").await?;
        same(x(&db, "s").await?.seq, Seq::new(2))
    }
    "kv facet works on mock-durable" => |trial| {
        let db = remote(&trial.open().await).await?;
        db.put(&key("k"), 5).await?;
        same(db.get(&key("k")).await?, Some(5))
    }
    "projection works on mock-durable" => |trial| {
        let db = remote(&trial.open().await).await?;
        xs(&db, "s", 3).await?;
        same(at(&db, "s").project(0, count).await?.value, 3)
    }
    "snapshot + replay work on mock-durable" => |trial| {
        let db = remote(&trial.open().await).await?;
        xs(&db, "s", 2).await?;
        at(&db, "s").checkpoint("snap", 0, count).await?;
        x(&db, "s").await?;
        same(at(&db, "s").replay("snap", 0, count).await?.value, 3)
    }
    "compaction works on mock-durable" => |trial| {
        let db = remote(&trial.open().await).await?;
        xs(&db, "s", 2).await?;
        at(&db, "s").compact("snap", 0, count).await?;
        same((at(&db, "s").count().await?, at(&db, "s").last_seq().await?), (0, Seq::new(2)))
    }
    "restart recovers log state from the disk" => |trial| {
        let disk = trial.open().await;
        xs(&disk, "s", 2).await?;
        same(at(&trial.restart(disk).await?, "s").project(0, count).await?.value, 2)
    }
    "restart continues the seq counter" => |trial| {
        let disk = trial.open().await;
        xs(&disk, "s", 2).await?;
        same(x(&trial.restart(disk).await?, "s").await?.seq, Seq::new(3))
    }
    "restart recovers a kv value" => |trial| {
        let disk = trial.open().await;
        disk.put(&key("cfg"), "on").await?;
        same(trial.restart(disk).await?.get::<String>(&key("cfg")).await?.as_deref(), Some("on"))
    }
    "restart from snapshot equals full replay" => |trial| {
        let disk = trial.open().await;
        xs(&disk, "s", 2).await?;
        at(&disk, "s").checkpoint("snap", 0, count).await?;
        x(&disk, "s").await?;
        let disk = trial.restart(disk).await?;
        same(at(&disk, "s").replay("snap", 0, count).await?, at(&disk, "s").project(0, count).await?)
    }
}

suite! { RECOVERY, "recovery";
    "log survives restart and seq continues" => |trial| {
        let disk = trial.open().await;
        typed(&disk, "orders", "placed", 0, json!({ "id": "a" })).await?;
        typed(&disk, "orders", "placed", 1, json!({ "id": "b" })).await?;
        let disk = trial.restart(disk).await?;
        let folded = at(&disk, "orders").project(0, count).await?.value;
        let third = typed(&disk, "orders", "placed", 2, json!({ "id": "c" })).await?;
        same((folded, third.seq), (2, Seq::new(3)))?;
        same(member(nth(&at(&disk, "orders").read().await?, 1)?, "id")?, json!("b"))
    }
    "subscription-driven kv read model survives restart" => |trial| {
        let disk = trial.open().await;
        {
            let h = Hub::new(&disk);
            h.subscribe(&stream("orders"), |store, _| async move {
                store.update(&key("order-count"), 0, |n: u64| n + 1).await.map(drop)
            });
            for millis in [0, 1] {
                let at = super::super::helpers::instant(millis);
                h.publish(&stream("orders"), "placed", at, &json!({})).await?;
            }
        }
        same(trial.restart(disk).await?.get(&key("order-count")).await?, Some(2))
    }
    "snapshot taken before crash drives replay after restart" => |trial| {
        let disk = trial.open().await;
        xs(&disk, "orders", 2).await?;
        at(&disk, "orders").checkpoint("count", 0, count).await?;
        x(&disk, "orders").await?;
        let orders = at(&trial.restart(disk).await?, "orders");
        same(orders.replay("count", 0, count).await?.value, orders.project(0, count).await?.value)
    }
    "compacted log still replays correctly after restart" => |trial| {
        let disk = trial.open().await;
        xs(&disk, "orders", 3).await?;
        at(&disk, "orders").compact("count", 0, count).await?;
        x(&disk, "orders").await?;
        same(at(&trial.restart(disk).await?, "orders").replay("count", 0, count).await?.value, 4)
    }
    "invoice blob ref survives restart, bytes fetched from content store" => |trial| {
        let (disk, blobs) = (trial.open().await, MemoryBlobs::new());
        disk.put(&key("invoice"), blobs.put(b"INVOICEPDF".to_vec(), "application/pdf").await?).await?;
        let disk = trial.restart(disk).await?;
        let Some(invoice) = disk.get::<BlobRef>(&key("invoice")).await? else { return same(true, false) };
        same(blobs.get(&invoice).await?, b"INVOICEPDF".to_vec())
    }
    "two independent restarts converge to the same state (determinism)" => |trial| {
        let disk = trial.open().await;
        xs(&disk, "orders", 3).await?;
        let disk = trial.restart(disk).await?;
        let first = at(&disk, "orders").project(0, count).await?;
        let disk = trial.restart(disk).await?;
        same(at(&disk, "orders").project(0, count).await?, first)
    }
}
