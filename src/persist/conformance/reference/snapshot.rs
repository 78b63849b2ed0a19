//! Snapshots, replay, compaction.

use super::super::helpers::{at, count, same, x, xs};
use super::super::subject::Suite;
use crate::persist::{Projected, Seq};

suite! { SNAPSHOT, "snapshot";
    "no snapshot loads fresh seed state" => |trial| {
        same(trial.open().await.load_snapshot("feed", 0).await?, Projected::seed(0))
    }
    "snapshot-exists? false initially" => |trial| { same(trial.open().await.snapshot_exists("feed").await?, false) }
    "checkpoint stores a snapshot" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        same(b.snapshot_exists("snap").await?, true)
    }
    "checkpoint value equals full projection" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        same(at(&b, "s").checkpoint("snap", 0, count).await?.value, 3)
    }
    "checkpoint records the last seq" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").checkpoint("snap", 0, count).await?.seq, Seq::new(2))
    }
    "replay after checkpoint only folds the tail" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        x(&b, "s").await?;
        let mut folded = 0;
        let replayed = at(&b, "s").replay("snap", 0, |value, event| { folded += 1; count(value, event); }).await?;
        same((replayed.value, folded), (3, 1))
    }
    "snapshot + tail == full replay (value)" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        xs(&b, "s", 2).await?;
        let replayed = at(&b, "s").replay("snap", 0, count).await?.value;
        same(replayed, at(&b, "s").project(0, count).await?.value)
    }
    "snapshot + tail == full replay (whole state)" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").replay("snap", 0, count).await?, at(&b, "s").project(0, count).await?)
    }
    "replay determinism: two replays from same snapshot agree" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        x(&b, "s").await?;
        same(at(&b, "s").replay("snap", 0, count).await?, at(&b, "s").replay("snap", 0, count).await?)
    }
    "re-checkpoint advances the snapshot" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        x(&b, "s").await?;
        at(&b, "s").checkpoint("snap", 0, count).await?;
        same(b.load_snapshot("snap", 0_u64).await?.seq, Seq::new(2))
    }
    "snapshots are keyed independently" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").checkpoint("a", 0, count).await?;
        same(b.snapshot_exists("b").await?, false)
    }
}

suite! { COMPACTION, "compaction";
    "uncompacted counts events since snapshot" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").uncompacted("snap").await?, 2)
    }
    "should-compact? false below threshold" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        same(at(&b, "s").should_compact("snap", 3).await?, false)
    }
    "should-compact? true at threshold" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        same(at(&b, "s").should_compact("snap", 3).await?, true)
    }
    "compact truncates the snapshotted prefix" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        at(&b, "s").compact("snap", 0, count).await?;
        same(at(&b, "s").count().await?, 0)
    }
    "compact preserves logical last-seq" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        at(&b, "s").compact("snap", 0, count).await?;
        same(at(&b, "s").last_seq().await?, Seq::new(2))
    }
    "append after compaction continues the seq" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        at(&b, "s").compact("snap", 0, count).await?;
        same(x(&b, "s").await?.seq, Seq::new(3))
    }
    "replay after compaction == full count before compaction" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        at(&b, "s").compact("snap", 0, count).await?;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").replay("snap", 0, count).await?.value, 5)
    }
    "determinism: post-compaction replay value equals uncompacted full replay" => |trial| {
        let (b, c) = (trial.open().await, trial.open().await);
        xs(&b, "s", 3).await?;
        xs(&c, "s", 3).await?;
        at(&b, "s").compact("snap", 0, count).await?;
        x(&b, "s").await?;
        x(&c, "s").await?;
        same(at(&b, "s").replay("snap", 0, count).await?, at(&c, "s").project(0, count).await?)
    }
    "maybe-compact below threshold does not truncate" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").maybe_compact("snap", 0, count, 5).await?;
        same(at(&b, "s").count().await?, 1)
    }
    "maybe-compact at threshold truncates" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        at(&b, "s").maybe_compact("snap", 0, count, 2).await?;
        same(at(&b, "s").count().await?, 0)
    }
    "compact is idempotent on an empty tail" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        at(&b, "s").compact("snap", 0, count).await?;
        same(at(&b, "s").compact("snap", 0, count).await?.value, 1)
    }
}
