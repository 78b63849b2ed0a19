//! What a device at a door says.

use core::fmt;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::keys::TicketVerifier;
use super::outcome::{ScanOutcome, ScanReply};
use super::settings::GateSettings;
use super::ticket::SignedTicket;
use crate::id::{DeviceId, Nonce};
use crate::persist::Seq;
use crate::time::Timestamp;

/// Which way somebody goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// In.
    Entry,
    /// Out.
    Exit,
}

/// A scan as it comes from a device: nothing in it was verified.
///
/// Whoever takes it from the network answers for the device: that it is one, and that its scans are not without end. Each
/// scan of a genuine ticket is recorded.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanRequest {
    /// The text of the ticket.
    pub ticket: String,
    /// Which way.
    pub direction: Direction,
    /// The device.
    pub device: DeviceId,
    /// When, by the device's own clock.
    pub device_at: Timestamp,
    /// The device's name for the scan: the same with each retry.
    pub nonce: Nonce,
}

/// Without the ticket, whose text admits whoever has it.
impl fmt::Debug for ScanRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ticket: _, direction, device, device_at, nonce } = self;
        let mut form = f.debug_struct("ScanRequest");
        form.field("direction", direction).field("device", device).field("device_at", device_at).field("nonce", nonce);
        form.finish_non_exhaustive()
    }
}

impl ScanRequest {
    /// The scan, if its ticket is genuine.
    ///
    /// # Errors
    /// [`ScanOutcome::Malformed`], [`ScanOutcome::UnknownKey`] or [`ScanOutcome::BadSignature`] when it is not.
    pub fn check(self, verifier: &TicketVerifier) -> Result<Scan, ScanOutcome> {
        let Self { ticket, direction, device, device_at, nonce } = self;
        Ok(Scan { ticket: verifier.read(&ticket)?, direction, device, device_at, nonce })
    }
}

/// A scan of a genuine ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The ticket.
    pub ticket: SignedTicket,
    /// Which way.
    pub direction: Direction,
    /// The device.
    pub device: DeviceId,
    /// When, by the device's own clock.
    pub device_at: Timestamp,
    /// The device's name for the scan.
    pub nonce: Nonce,
}

/// A scan that happened offline, among others of its upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateScan {
    /// The scan.
    pub scan: Scan,
    /// When the ticket was scanned next, if that is in the same upload.
    pub next: Option<Timestamp>,
}

/// The scans of one upload in the order in which they happened, by the devices' clocks: as they are to be recorded.
pub fn in_order(mut scans: Vec<Scan>) -> Vec<LateScan> {
    scans.sort_by_key(|scan| scan.device_at);
    let mut next = BTreeMap::new();
    let mut late: Vec<_> = scans
        .into_iter()
        .rev()
        .map(|scan| {
            let next = next.insert((scan.ticket.occurrence.clone(), scan.ticket.id()), scan.device_at);
            LateScan { scan, next }
        })
        .collect();
    late.reverse();
    late
}

/// What is asked of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateCommand {
    /// Somebody stands at the door.
    Scan(Scan),
    /// Somebody went through it while the device was offline. It is recorded, whether he should have or not.
    Record(LateScan),
    /// Change what the gate goes by.
    Set(GateSettings),
}

/// The answer to a [`GateCommand`].
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GateReply {
    /// To a scan.
    Scanned(ScanReply),
    /// The gate goes by the settings that were asked for, as of this event.
    Set(Seq),
}
