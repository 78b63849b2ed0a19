//! Who owns a shard.

use super::At;
use crate::persist::{Failed, Key, KeyExpect, KvWrite, Payload, Precondition, Transaction};

/// The key of a shard's epoch.
fn key(shard: u8) -> Key {
    Key::stored(At::prefix("epoch", shard).trim_end_matches('/'))
}

/// An attempt to become the owner of a shard.
///
/// Read [`Claim::key`], commit [`Claim::transaction`]; if that is done, the [`Epoch`] is yours, and the owner before is fenced off.
/// If it conflicts, somebody else was quicker: begin again, or let them have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    epoch: Epoch,
    before: Option<Payload>,
}

impl Claim {
    /// The key to read first.
    pub fn key(shard: u8) -> Key {
        key(shard)
    }

    /// A claim on `shard`, whose key holds `before`.
    pub fn new(shard: u8, before: Option<Payload>) -> Self {
        let last: u64 = before.as_ref().and_then(|before| before.read().ok()).unwrap_or(0);
        Self { epoch: Epoch { shard, number: last + 1 }, before }
    }

    /// What is to be committed.
    pub fn transaction(&self) -> Transaction {
        let expect = self.before.clone().map_or(KeyExpect::Absent, KeyExpect::Equals);
        let key = key(self.epoch.shard);
        Transaction::new().expect_key(key.clone(), expect).write(KvWrite::Put(key, self.epoch.value()))
    }

    /// The epoch, once the transaction is committed.
    pub fn epoch(self) -> Epoch {
        self.epoch
    }
}

/// The right to write a shard's flows, until somebody else claims it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch {
    shard: u8,
    number: u64,
}

impl Epoch {
    /// Of which shard.
    pub fn shard(self) -> u8 {
        self.shard
    }

    /// How many owners the shard has had, with this one.
    pub fn number(self) -> u64 {
        self.number
    }

    fn value(self) -> Payload {
        Payload::stored(&self.number.to_string())
    }

    /// The transaction, only as long as the epoch lasts.
    pub(super) fn guard(self, transaction: Transaction) -> Transaction {
        transaction.expect_key(key(self.shard), KeyExpect::Equals(self.value()))
    }

    pub(super) fn is_lost(self, failures: &[Failed]) -> bool {
        let own = key(self.shard);
        failures.iter().any(|failed| matches!(failed, Failed::Key { key, .. } if *key == own))
    }
}

impl From<Epoch> for Precondition {
    /// For what else is to be written by the owner only.
    fn from(epoch: Epoch) -> Self {
        Self::Key(key(epoch.shard), KeyExpect::Equals(epoch.value()))
    }
}
