//! Values, compare-and-swap, the catalog.

use super::super::helpers::{at, count, key, same, stream, x, xs};
use super::super::subject::Suite;
use crate::persist::{Created, Seq, Swap};

suite! { KV, "kv";
    "absent key reads nil" => |trial| { same(trial.open().await.get::<i64>(&key("x")).await?, None) }
    "has? false when absent" => |trial| { same(trial.open().await.has(&key("x")).await?, false) }
    "put then get" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 7).await?;
        same(b.get(&key("x")).await?, Some(7))
    }
    "put returns value" => |trial| { same(trial.open().await.put(&key("x"), 9).await?, 9) }
    "has? true after put" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 1).await?;
        same(b.has(&key("x")).await?, true)
    }
    "put overwrites" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 1).await?;
        b.put(&key("x"), 2).await?;
        same(b.get(&key("x")).await?, Some(2))
    }
    "delete removes key" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 1).await?;
        b.delete(&key("x")).await?;
        same(b.has(&key("x")).await?, false)
    }
    "delete then get is nil" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 1).await?;
        b.delete(&key("x")).await?;
        same(b.get::<i64>(&key("x")).await?, None)
    }
    "keys lists stored keys" => |trial| {
        let b = trial.open().await;
        b.put(&key("a"), 1).await?;
        b.put(&key("b"), 2).await?;
        same(b.keys("").await?.len(), 2)
    }
    "get-or returns default when absent" => |trial| { same(trial.open().await.get_or(&key("x"), 99).await?, 99) }
    "get-or returns value when present" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 5).await?;
        same(b.get_or(&key("x"), 99).await?, 5)
    }
    "kv-update applies fn over default" => |trial| {
        let b = trial.open().await;
        b.update(&key("n"), 0, |v| v + 1).await?;
        b.update(&key("n"), 0, |v| v + 1).await?;
        same(b.get(&key("n")).await?, Some(2))
    }
    "kv facet does not touch log" => |trial| {
        let b = trial.open().await;
        b.put(&key("x"), 1).await?;
        same(at(&b, "x").count().await?, 0)
    }
}

suite! { CAS, "cas";
    "cas on absent key with nil expected succeeds" => |trial| {
        same(trial.open().await.compare_and_swap(&key("k"), None, &1).await?, Swap::Done(1))
    }
    "cas with matching expected succeeds" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 5).await?;
        let _swapped = b.compare_and_swap(&key("k"), Some(&5), &6).await?;
        same(b.get(&key("k")).await?, Some(6))
    }
    "cas with stale expected returns a conflict" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 5).await?;
        same(b.compare_and_swap(&key("k"), Some(&4), &6).await?.is_conflict(), true)
    }
    "a conflicting cas does not write" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 5).await?;
        let _conflict = b.compare_and_swap(&key("k"), Some(&4), &6).await?;
        same(b.get(&key("k")).await?, Some(5))
    }
    "cas conflict carries expected and actual" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 5).await?;
        let found = b.compare_and_swap(&key("k"), Some(&4), &6).await?;
        same(found, Swap::Conflict { expected: Some(4), actual: Some(5) })
    }
    "two cas racers: first wins, second conflicts" => |trial| {
        let b = trial.open().await;
        b.put(&key("stock"), 10).await?;
        let first = b.compare_and_swap(&key("stock"), Some(&10), &9).await?;
        let second = b.compare_and_swap(&key("stock"), Some(&10), &9).await?;
        same([first.is_conflict(), second.is_conflict()], [false, true])
    }
    "retry after cas conflict succeeds" => |trial| {
        let b = trial.open().await;
        b.put(&key("stock"), 10).await?;
        let _first = b.compare_and_swap(&key("stock"), Some(&10), &9).await?;
        let found = b.compare_and_swap(&key("stock"), Some(&10), &9).await?;
        let Swap::Conflict { actual, .. } = found else { return same(found.is_conflict(), true) };
        same(b.compare_and_swap(&key("stock"), actual.as_ref(), &8).await?, Swap::Done(8))
    }
    "put-new on absent key succeeds" => |trial| {
        same(trial.open().await.put_new(&key("k"), 1).await?, Created::Done(1))
    }
    "put-new on existing key conflicts" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 1).await?;
        same(b.put_new(&key("k"), 2).await?.is_conflict(), true)
    }
    "put-new does not overwrite" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 1).await?;
        same(b.put_new(&key("k"), 2).await?, Created::Exists { actual: 1 })?;
        same(b.get(&key("k")).await?, Some(1))
    }
    "cas works on the durable backend" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 1).await?;
        let _swapped = b.compare_and_swap(&key("k"), Some(&1), &2).await?;
        same(b.get(&key("k")).await?, Some(2))
    }
}

suite! { CATALOG, "catalog";
    "empty backend has no streams" => |trial| { same(trial.open().await.stream_count().await?, 0) }
    "stream-exists? false when absent" => |trial| {
        same(trial.open().await.stream_exists(&stream("orders")).await?, false)
    }
    "append registers a stream" => |trial| {
        let b = trial.open().await;
        x(&b, "orders").await?;
        same(b.stream_exists(&stream("orders")).await?, true)
    }
    "stream-count counts distinct streams" => |trial| {
        let b = trial.open().await;
        x(&b, "a").await?;
        x(&b, "b").await?;
        x(&b, "a").await?;
        same(b.stream_count().await?, 2)
    }
    "compacted-away stream still lists" => |trial| {
        let b = trial.open().await;
        x(&b, "a").await?;
        at(&b, "a").checkpoint("snap", 0, count).await?;
        at(&b, "a").truncate(Seq::new(1)).await?;
        same((at(&b, "a").count().await?, b.stream_exists(&stream("a")).await?), (0, true))?;
        same(b.streams().await?, vec![stream("a")])
    }
    "kv-only backend lists no streams" => |trial| {
        let b = trial.open().await;
        b.put(&key("k"), 1).await?;
        same(b.stream_count().await?, 0)
    }
    "total-events sums high-water marks" => |trial| {
        let b = trial.open().await;
        xs(&b, "a", 2).await?;
        xs(&b, "b", 1).await?;
        same(b.total_events().await?, 3)
    }
    "total-events counts compacted events too" => |trial| {
        let b = trial.open().await;
        xs(&b, "a", 2).await?;
        at(&b, "a").checkpoint("snap", 0, count).await?;
        at(&b, "a").truncate(Seq::new(2)).await?;
        same(b.total_events().await?, 2)
    }
    "catalog works on the durable backend" => |trial| {
        let b = trial.open().await;
        x(&b, "a").await?;
        x(&b, "b").await?;
        same(b.stream_count().await?, 2)
    }
    "catalog survives restart" => |trial| {
        let disk = trial.open().await;
        x(&disk, "a").await?;
        x(&disk, "b").await?;
        same(trial.restart(disk).await?.stream_count().await?, 2)
    }
}
