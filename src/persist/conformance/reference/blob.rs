//! Blobs by reference: the store holds the name, never the bytes.

use serde_json::{Value, json};

use super::super::helpers::{at, instant, key, nth, same};
use super::super::subject::Suite;
use crate::persist::{BlobRef, BlobStore, Cid, MemoryBlobs, Payload};

fn reference() -> BlobRef {
    BlobRef { cid: Cid::of(b"c1"), size: 10, mime: "image/png".to_owned() }
}

suite! { BLOB, "blob";
    "blob-ref carries cid" => |_trial| { same(reference().cid, Cid::of(b"c1")) }
    "blob-ref carries size" => |_trial| { same(reference().size, 10) }
    "blob-ref carries mime" => |_trial| { same(reference().mime.as_str(), "image/png") }
    "blob-ref? true for a ref" => |_trial| { same(Payload::new(&reference())?.read::<BlobRef>().is_ok(), true) }
    "blob-ref? false for a plain dict" => |_trial| {
        same(Payload::new(&json!({ "n": 1 }))?.read::<BlobRef>().is_ok(), false)
    }
    "store returns a ref, not the bytes" => |_trial| {
        let stored = MemoryBlobs::new().put(b"PNGDATA".to_vec(), "image/png").await?;
        same(Payload::new(&stored)?.json().contains("PNGDATA"), false)
    }
    "store records the byte length as size" => |_trial| {
        same(MemoryBlobs::new().put(b"12345".to_vec(), "text/plain").await?.size, 5)
    }
    "fetch round-trips the bytes via the ref" => |_trial| {
        let blobs = MemoryBlobs::new();
        let stored = blobs.put(b"PAYLOAD".to_vec(), "text/plain").await?;
        same(blobs.get(&stored).await?, b"PAYLOAD".to_vec())
    }
    "exists? true after store" => |_trial| {
        let blobs = MemoryBlobs::new();
        let stored = blobs.put(b"X".to_vec(), "text/plain").await?;
        same(blobs.has(&stored).await?, true)
    }
    "content addressing: same bytes dedupe to same cid" => |_trial| {
        let blobs = MemoryBlobs::new();
        let first = blobs.put(b"SAME".to_vec(), "text/plain").await?;
        same(blobs.put(b"SAME".to_vec(), "text/plain").await?.cid, first.cid)
    }
    "different bytes get different cids" => |_trial| {
        let blobs = MemoryBlobs::new();
        let first = blobs.put(b"A".to_vec(), "text/plain").await?;
        same(blobs.put(b"B".to_vec(), "text/plain").await?.cid == first.cid, false)
    }
    "a blob ref stored in kv is a ref" => |trial| {
        let (db, blobs) = (trial.open().await, MemoryBlobs::new());
        let avatar = blobs.put(b"BIGIMAGE".to_vec(), "image/png").await?;
        db.put(&key("avatar"), &avatar).await?;
        same(db.get::<BlobRef>(&key("avatar")).await?, Some(avatar))
    }
    "the kv value does not contain the bytes" => |trial| {
        let (db, blobs) = (trial.open().await, MemoryBlobs::new());
        db.put(&key("avatar"), blobs.put(b"BIGIMAGE".to_vec(), "image/png").await?).await?;
        let kept = db.get::<Value>(&key("avatar")).await?.unwrap_or_default().to_string();
        same(kept.contains("bytes") || kept.contains("BIGIMAGE"), false)
    }
    "a blob ref stored in the log is a ref, bytes fetched separately" => |trial| {
        let (db, blobs) = (trial.open().await, MemoryBlobs::new());
        let file = blobs.put(b"FILEBYTES".to_vec(), "application/pdf").await?;
        at(&db, "uploads").append("added", instant(0), &file).await?;
        let found: BlobRef = nth(&at(&db, "uploads").read().await?, 0)?.data.read()?;
        same(blobs.get(&found).await?, b"FILEBYTES".to_vec())
    }
}
