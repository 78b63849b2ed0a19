//! Projections.

use serde_json::json;

use super::super::helpers::{at, count, member, same, typed, x, xs};
use super::super::subject::Suite;
use crate::persist::{Projected, RecordedEvent, Seq};

fn balance(balance: &mut i64, event: &RecordedEvent) {
    let amount = member(event, "amt").ok().and_then(|amount| amount.as_i64()).unwrap_or(0);
    *balance += if event.event_type.as_str() == "credit" { amount } else { -amount };
}

suite! { PROJECT, "project";
    "project empty stream returns seed value" => |trial| {
        same(at(&trial.open().await, "s").project(0, count).await?.value, 0)
    }
    "project empty stream seq is 0" => |trial| {
        same(at(&trial.open().await, "s").project(0, count).await?.seq, Seq::UNWRITTEN)
    }
    "project counts events" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 3).await?;
        same(at(&b, "s").project(0, count).await?.value, 3)
    }
    "project sums event data" => |trial| {
        let b = trial.open().await;
        typed(&b, "ledger", "credit", 0, json!({ "amt": 10 })).await?;
        typed(&b, "ledger", "credit", 1, json!({ "amt": 5 })).await?;
        typed(&b, "ledger", "debit", 2, json!({ "amt": 3 })).await?;
        same(at(&b, "ledger").project(0, balance).await?.value, 12)
    }
    "project tracks last seq" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").project(0, count).await?.seq, Seq::new(2))
    }
    "resume folds only the tail" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        let p1 = at(&b, "s").project(0, count).await?;
        x(&b, "s").await?;
        let mut folded = 0;
        let resumed = at(&b, "s").resume(p1, |value, event| { folded += 1; count(value, event); }).await?;
        same((resumed.value, folded), (3, 1))
    }
    "resume with no new events is a no-op" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        let p1 = at(&b, "s").project(0, count).await?;
        same(at(&b, "s").resume(p1.clone(), count).await?, p1)
    }
    "resume advances seq" => |trial| {
        let b = trial.open().await;
        x(&b, "s").await?;
        let p1 = at(&b, "s").project(0, count).await?;
        xs(&b, "s", 2).await?;
        same(at(&b, "s").resume(p1, count).await?.seq, Seq::new(3))
    }
    "full project equals seed-resume from zero" => |trial| {
        let b = trial.open().await;
        xs(&b, "s", 2).await?;
        let resumed = at(&b, "s").resume(Projected::seed(0), count).await?;
        same(at(&b, "s").project(0, count).await?, resumed)
    }
}
