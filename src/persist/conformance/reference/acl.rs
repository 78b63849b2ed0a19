//! Who may see what: a subsystem built on the store, as the example `acl` shows it at more length.

use serde_json::json;

use super::super::helpers::{Broken, at, instant, member, same, stream, typed};
use super::super::subject::Suite;
use crate::persist::{Hub, RecordedEvent, Store, StreamName, View};

fn resource(name: &str) -> StreamName {
    stream(&format!("acl/{name}"))
}

async fn record(store: &Store, name: &str, what: &str, principal: &str, millis: i64) -> Result<(), Broken> {
    typed(store, &format!("acl/{name}"), what, millis, json!({ "principal": principal })).await.map(drop)
}

/// A grant adds a principal once, a revocation removes it.
fn step(set: &mut Vec<String>, event: &RecordedEvent) {
    let found = member(event, "principal").unwrap_or_default();
    let principal = found.as_str().unwrap_or_default();
    set.retain(|one| one != principal);
    if event.event_type.as_str() == "granted" {
        set.push(principal.to_owned());
    }
}

async fn grants(store: &Store, name: &str) -> Result<Vec<String>, Broken> {
    Ok(store.stream(&resource(name)).project(Vec::new(), step).await?.value)
}

async fn can(store: &Store, name: &str, principal: &str) -> Result<bool, Broken> {
    Ok(grants(store, name).await?.iter().any(|one| one == principal))
}

suite! { EXAMPLE_ACL, "example-acl";
    "grant then can?" => |trial| {
        let b = trial.open().await;
        record(&b, "doc-1", "granted", "alice", 0).await?;
        same(can(&b, "doc-1", "alice").await?, true)
    }
    "no grant means no access" => |trial| { same(can(&trial.open().await, "doc-1", "alice").await?, false) }
    "revoke removes access" => |trial| {
        let b = trial.open().await;
        record(&b, "doc-1", "granted", "alice", 0).await?;
        record(&b, "doc-1", "revoked", "alice", 1).await?;
        same(can(&b, "doc-1", "alice").await?, false)
    }
    "multiple principals tracked independently" => |trial| {
        let b = trial.open().await;
        record(&b, "doc-1", "granted", "alice", 0).await?;
        record(&b, "doc-1", "granted", "bob", 1).await?;
        record(&b, "doc-1", "revoked", "alice", 2).await?;
        same([can(&b, "doc-1", "alice").await?, can(&b, "doc-1", "bob").await?], [false, true])
    }
    "granting twice is idempotent in the set" => |trial| {
        let b = trial.open().await;
        record(&b, "doc-1", "granted", "alice", 0).await?;
        record(&b, "doc-1", "granted", "alice", 1).await?;
        same(grants(&b, "doc-1").await?.len(), 1)
    }
    "grants on different resources are isolated" => |trial| {
        let b = trial.open().await;
        record(&b, "doc-1", "granted", "alice", 0).await?;
        record(&b, "doc-2", "granted", "bob", 0).await?;
        same([can(&b, "doc-1", "bob").await?, can(&b, "doc-2", "bob").await?], [false, true])
    }
    "audit window answers when-was-it-granted (new capability)" => |trial| {
        let b = trial.open().await;
        record(&b, "doc-1", "granted", "alice", 100).await?;
        record(&b, "doc-1", "revoked", "alice", 200).await?;
        record(&b, "doc-1", "granted", "bob", 300).await?;
        same(at(&b, "acl/doc-1").read_window(instant(150), instant(300)).await?.len(), 2)
    }
    "materialized view stays current on publish" => |trial| {
        let b = trial.open().await;
        let (h, document) = (Hub::new(&b), resource("doc-1"));
        let view = View::open(&b, "acl-current/doc-1", &document, Vec::new(), step).await?;
        view.attach(&h).await?;
        h.publish(&document, "granted", instant(0), &json!({ "principal": "alice" })).await?;
        same(view.peek().iter().any(|one| one == "alice"), true)
    }
    "grants survive restart on the durable backend (the headline win)" => |trial| {
        let disk = trial.open().await;
        record(&disk, "doc-1", "granted", "alice", 0).await?;
        record(&disk, "doc-1", "granted", "bob", 1).await?;
        let disk = trial.restart(disk).await?;
        same([can(&disk, "doc-1", "alice").await?, can(&disk, "doc-1", "bob").await?], [true, true])
    }
    "revoke before restart is still revoked after" => |trial| {
        let disk = trial.open().await;
        record(&disk, "doc-1", "granted", "alice", 0).await?;
        record(&disk, "doc-1", "revoked", "alice", 1).await?;
        same(can(&trial.restart(disk).await?, "doc-1", "alice").await?, false)
    }
}
