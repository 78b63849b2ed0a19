//! The hub, and materialised views.

use serde_json::json;

use super::super::helpers::{Broken, at, count, instant, key, same, stream, sum_of, typed, x};
use super::super::subject::Suite;
use crate::persist::{Hub, Projected, Seq, Store, View};

async fn publish(hub: &Hub, name: &str, event_type: &str) -> Result<Seq, Broken> {
    let published = hub.publish(&stream(name), event_type, instant(0), &json!({})).await?;
    same(published.failed.len(), 0)?;
    Ok(published.event.seq)
}

/// A callback that adds to a number.
fn adding(hub: &Hub, name: &str, to: &'static str, amount: i64) {
    hub.subscribe(&stream(name), move |store, _| async move {
        store.update(&key(to), 0, |n: i64| n + amount).await.map(drop)
    });
}

suite! { SUBSCRIBE, "subscribe";
    "no subscribers initially" => |trial| {
        same(Hub::new(&trial.open().await).subscriber_count(&stream("s")), 0)
    }
    "subscribe registers a callback" => |trial| {
        let h = Hub::new(&trial.open().await);
        h.subscribe(&stream("s"), |_, _| async { Ok(()) });
        same(h.subscriber_count(&stream("s")), 1)
    }
    "publish appends to the log" => |trial| {
        let b = trial.open().await;
        let h = Hub::new(&b);
        publish(&h, "s", "x").await?;
        publish(&h, "s", "x").await?;
        same(at(&b, "s").count().await?, 2)
    }
    "publish returns the stored event" => |trial| {
        same(publish(&Hub::new(&trial.open().await), "s", "x").await?, Seq::new(1))
    }
    "callback fires on publish — drives a kv read model" => |trial| {
        let b = trial.open().await;
        let h = Hub::new(&b);
        adding(&h, "s", "count", 1);
        for _ in 0..3 {
            publish(&h, "s", "x").await?;
        }
        // An append that does not go through the hub passes the subscribers by.
        x(&b, "s").await?;
        same(b.get(&key("count")).await?, Some(3))
    }
    "callback receives the event" => |trial| {
        let b = trial.open().await;
        let h = Hub::new(&b);
        h.subscribe(&stream("s"), |store, event| async move {
            store.put(&key("last"), event.event_type.as_str()).await.map(drop)
        });
        publish(&h, "s", "created").await?;
        same(b.get::<String>(&key("last")).await?.as_deref(), Some("created"))
    }
    "subscriptions are per-stream" => |trial| {
        let b = trial.open().await;
        let h = Hub::new(&b);
        adding(&h, "s1", "n", 1);
        publish(&h, "s2", "x").await?;
        same(b.get_or(&key("n"), 0).await?, 0)
    }
    "multiple subscribers all fire" => |trial| {
        let b = trial.open().await;
        let h = Hub::new(&b);
        adding(&h, "s", "a", 1);
        adding(&h, "s", "b", 10);
        publish(&h, "s", "x").await?;
        same([b.get(&key("a")).await?, b.get(&key("b")).await?], [Some(1), Some(10)])
    }
    "incremental read model via resume in callback" => |trial| {
        let b = trial.open().await;
        let h = Hub::new(&b);
        b.put(&key("proj"), Projected::seed(0_u64)).await?;
        h.subscribe(&stream("s"), |store, event| async move {
            let prior: Projected<u64> = store.get_or(&key("proj"), Projected::seed(0)).await?;
            let folded = store.stream(&event.stream).resume(prior, count).await?;
            store.put(&key("proj"), folded).await.map(drop)
        });
        publish(&h, "s", "x").await?;
        publish(&h, "s", "x").await?;
        same(b.get::<Projected<u64>>(&key("proj")).await?.map(|projected| projected.value), Some(2))
    }
}

async fn orders(store: &Store) -> Result<View<u64>, Broken> {
    Ok(View::open(store, "order-count", &stream("orders"), 0, count).await?)
}

suite! { VIEW, "view";
    "view-name" => |trial| { same(orders(&trial.open().await).await?.name(), "order-count") }
    "view-stream" => |trial| { same(orders(&trial.open().await).await?.stream(), &stream("orders")) }
    "view-value folds the stream" => |trial| {
        let b = trial.open().await;
        x(&b, "orders").await?;
        x(&b, "orders").await?;
        same(*orders(&b).await?.value().await?, 2)
    }
    "view-refresh persists a snapshot that peek then reads" => |trial| {
        let b = trial.open().await;
        x(&b, "orders").await?;
        orders(&b).await?.refresh().await?;
        same(*orders(&b).await?.peek(), 1)
    }
    "peek lags an un-refreshed tail" => |trial| {
        let b = trial.open().await;
        let view = orders(&b).await?;
        x(&b, "orders").await?;
        view.refresh().await?;
        x(&b, "orders").await?;
        same(*view.peek(), 1)
    }
    "view-value sees the whole stream even after a stale snapshot" => |trial| {
        let b = trial.open().await;
        x(&b, "orders").await?;
        orders(&b).await?.refresh().await?;
        x(&b, "orders").await?;
        same(*orders(&b).await?.value().await?, 2)
    }
    "attached view stays current on publish — peek needs no manual refresh" => |trial| {
        let b = trial.open().await;
        let (h, view) = (Hub::new(&b), orders(&b).await?);
        view.attach(&h).await?;
        for _ in 0..3 {
            publish(&h, "orders", "x").await?;
        }
        same(*view.peek(), 3)
    }
    "attached view advances the snapshot seq incrementally" => |trial| {
        let b = trial.open().await;
        let (h, view) = (Hub::new(&b), orders(&b).await?);
        view.attach(&h).await?;
        publish(&h, "orders", "x").await?;
        publish(&h, "orders", "x").await?;
        same(b.load_snapshot("order-count", 0_u64).await?.seq, Seq::new(2))
    }
    "attach only reacts to its own stream" => |trial| {
        let b = trial.open().await;
        let (h, view) = (Hub::new(&b), orders(&b).await?);
        view.attach(&h).await?;
        publish(&h, "other", "x").await?;
        same(*view.peek(), 0)
    }
    "materialized view works on the durable backend" => |trial| {
        let b = trial.open().await;
        let (h, view) = (Hub::new(&b), orders(&b).await?);
        view.attach(&h).await?;
        publish(&h, "orders", "x").await?;
        publish(&h, "orders", "x").await?;
        same(*view.peek(), 2)
    }
    "view sum over event data" => |trial| {
        let b = trial.open().await;
        typed(&b, "sales", "sale", 0, json!({ "amt": 10 })).await?;
        typed(&b, "sales", "sale", 1, json!({ "amt": 25 })).await?;
        let revenue = View::open(&b, "rev", &stream("sales"), 0, sum_of("amt")).await?;
        same(*revenue.value().await?, 35)
    }
}
