//! The durable substrate: an event log and a kv store over one injected [`Backend`].
//!
//! *What it is.* A **stream** is an append-only list of events with sequence numbers 1, 2, 3, ... A **key** holds
//! one current value. Everything that changes either is a [`Transaction`]: preconditions, appends to one or more
//! streams, kv writes, an optional idempotency key. All of it happens or none of it.
//!
//! | promise | how to see it |
//! | --- | --- |
//! | two writers who saw the same sequence number never both append | [`Expect::At`], answered by [`CommitOutcome::Conflict`] |
//! | a committed transaction survives what [`Durability`] names | [`Backend::durability`] |
//! | no reader sees a fact before it is durable | the conformance suite and the crash tests |
//! | sequence numbers climb for ever, also past a truncation | [`Head::last`] |
//! | a retry with the same key happens once | [`Transaction::once`] and [`CommitOutcome::Already`] |
//! | a reader of the whole store never skips an event | [`Backend::read_all`] |
//!
//! *When to use it.* Through [`Store`] and [`Stream`], which have the words for it: append, project, view, compact, swap.
//! Rooms above use them too, or whole transactions where several things must happen together.
//! *What is absent.* No clock (an event carries the instant its writer gives it), no thread, no runtime.
//!
//! | feature | what it brings |
//! | --- | --- |
//! | `sled`, `fjall` | an embedded engine each; [`Location`] picks one at run time |
//! | `blobs`, `blobs-s3` | [`BlobStore`]s in a directory, in S3 |
//! | `shred` | personal fields that a destroyed key takes with it |
//! | `conformance` | the suite that a backend of your own must pass |
//!
//! The one write primitive, without the words:
//!
//! ```
//! use boxoffice_core::persist::{Backend, CommitOutcome, Expect, MemoryBackend, NewEvent, Seq, StreamName, Transaction};
//! use boxoffice_core::time::Timestamp;
//!
//! # futures_util::FutureExt::now_or_never(async {
//! let store = MemoryBackend::new();
//! let stream = StreamName::new("audit")?;
//! let signed_in = NewEvent::new("signed-in", Timestamp::EPOCH, &"ann")?;
//!
//! let first = Transaction::append(&stream, Expect::Unwritten, vec![signed_in.clone()]);
//! assert!(store.commit_one(first).await?.is_done());
//!
//! // Whoever still believes that the stream is unwritten is told otherwise, and nothing is written.
//! let stale = Transaction::append(&stream, Expect::Unwritten, vec![signed_in]);
//! assert!(matches!(store.commit_one(stale).await?, CommitOutcome::Conflict(_)));
//! assert_eq!(store.head(&stream).await?.last, Seq::new(1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap().unwrap();
//! ```

mod as_of;
mod backend;
mod blob;
#[cfg(feature = "conformance")]
pub mod conformance;
mod contents;
#[cfg(any(feature = "sled", feature = "fjall"))]
mod directory;
mod embedded;
mod error;
mod facet;
#[cfg(feature = "fjall")]
mod fjall;
mod layout;
mod location;
mod memory;
mod plan;
mod record;
#[cfg(feature = "shred")]
mod shred;
#[cfg(feature = "sled")]
mod sled;
mod sync;
mod transaction;
mod transfer;
mod transport;
mod unpack;

pub use as_of::AsOf;
pub use backend::{Backend, Durability, Head, Limits, Page, Stats};
#[cfg(feature = "blobs")]
pub use blob::ObjectBlobs;
pub use blob::{BLOB_BYTES_MAX, BlobRef, BlobStore, Cid, MemoryBlobs};
pub use contents::{Cut, Finding, Fingerprint, Item, Remembered, Verification};
pub use embedded::{Batch, Embedded, Engine, EngineError, Mark, Order, Salvage, Visit, salvage};
pub use error::{Fault, NameError, OpenError, PayloadError, StoreError};
pub use facet::{
    Advance, Appended, Consumer, Created, Delivery, Hub, Once, Pages, Projected, Published, Selection, Store, Stream,
    Swap, TypedEvent, Upcasters, View, load_snapshot, save_snapshot,
};
#[cfg(feature = "fjall")]
pub use fjall::{FjallBackend, FjallEngine, FjallOptions};
pub use location::Location;
pub use memory::MemoryBackend;
pub use record::{Cursor, EventType, Key, NewEvent, Payload, RecordedEvent, Seq, StreamName};
#[cfg(feature = "shred")]
pub use shred::{Entropy, KEY_BYTES, MasterKey, Personal, Seal, Vault};
#[cfg(feature = "sled")]
pub use sled::{SledBackend, SledEngine, SledOptions};
pub use transaction::{
    Append, CommitOutcome, Committed, Expect, Failed, IdempotencyKey, KeyExpect, KvWrite, Limit, Precondition,
    Transaction, Written,
};
pub use transfer::{Copied, Dumped, Imported, TransferError, backup, copy, export_events, import_events, restore};
pub use transport::{InProcess, Remote, Request, Response, ResponseError, Transport, serve};
