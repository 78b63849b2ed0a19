//! One order across streams.

use serde_json::{Value, json};

use super::super::helpers::{Broken, at, instant, member, nth, same, stream, sum_of, typed};
use super::super::subject::Suite;
use crate::persist::{RecordedEvent, Seq, Store};

async fn gappend(store: &Store, name: &str, event_type: &str, data: Value) -> Result<RecordedEvent, Broken> {
    Ok(store.append_global(&stream(name), event_type, instant(0), &data).await?)
}

suite! { GLOBAL, "global";
    "gappend returns the stream event with its local seq" => |trial| {
        let b = trial.open().await;
        let event = gappend(&b, "orders", "placed", json!({})).await?;
        same((event.seq, Some(&event)), (Seq::new(1), at(&b, "orders").read().await?.first()))
    }
    "global-pos advances per gappend regardless of stream" => |trial| {
        let b = trial.open().await;
        gappend(&b, "orders", "placed", json!({})).await?;
        gappend(&b, "users", "joined", json!({})).await?;
        gappend(&b, "orders", "placed", json!({})).await?;
        same(b.global_position().await?, Seq::new(3))
    }
    "read-global returns events in commit order across streams" => |trial| {
        let b = trial.open().await;
        gappend(&b, "orders", "placed", json!({ "n": 1 })).await?;
        gappend(&b, "users", "joined", json!({ "n": 2 })).await?;
        gappend(&b, "orders", "placed", json!({ "n": 3 })).await?;
        let g = b.read_global(Seq::FIRST).await?;
        let n = |place| nth(&g, place).and_then(|event| member(event, "n"));
        same([n(0)?, n(1)?, n(2)?], [json!(1), json!(2), json!(3)])
    }
    "read-global resolves to the right streams" => |trial| {
        let b = trial.open().await;
        gappend(&b, "orders", "placed", json!({})).await?;
        gappend(&b, "users", "joined", json!({})).await?;
        let g = b.read_global(Seq::FIRST).await?;
        same([&nth(&g, 0)?.stream, &nth(&g, 1)?.stream], [&stream("orders"), &stream("users")])
    }
    "project-global folds across all streams in order" => |trial| {
        let b = trial.open().await;
        gappend(&b, "a", "x", json!({ "v": 10 })).await?;
        gappend(&b, "b", "x", json!({ "v": 20 })).await?;
        gappend(&b, "a", "x", json!({ "v": 30 })).await?;
        same(b.project_global(0, sum_of("v")).await?, 60)
    }
    "global index is hidden from the public catalog" => |trial| {
        let b = trial.open().await;
        gappend(&b, "orders", "placed", json!({})).await?;
        gappend(&b, "users", "joined", json!({})).await?;
        same((b.stream_count().await?, b.stream_exists(&stream("$global")).await?), (2, false))
    }
    "streams-all reveals the reserved index" => |trial| {
        let b = trial.open().await;
        gappend(&b, "orders", "placed", json!({})).await?;
        same(b.all_streams().await?.contains(&stream("$global")), true)
    }
    "global-from gives pointers at or after a position" => |trial| {
        let b = trial.open().await;
        for _ in 0..3 {
            gappend(&b, "a", "x", json!({})).await?;
        }
        same(b.global_from(Seq::new(2)).await?.len(), 2)
    }
    "plain append does not touch the global index" => |trial| {
        let b = trial.open().await;
        typed(&b, "orders", "placed", 0, json!({})).await?;
        gappend(&b, "orders", "placed", json!({})).await?;
        same(b.global_position().await?, Seq::new(1))
    }
    "global ordering works on the durable backend" => |trial| {
        let b = trial.open().await;
        gappend(&b, "a", "x", json!({ "v": 1 })).await?;
        gappend(&b, "b", "x", json!({ "v": 2 })).await?;
        same(b.project_global(0, sum_of("v")).await?, 3)
    }
    "global order survives restart (determinism)" => |trial| {
        let disk = trial.open().await;
        gappend(&disk, "a", "x", json!({ "v": 1 })).await?;
        gappend(&disk, "b", "x", json!({ "v": 2 })).await?;
        same(trial.restart(disk).await?.project_global(0, sum_of("v")).await?, 3)
    }
}
