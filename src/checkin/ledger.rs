//! Who is in, folded from what happened at a gate.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::event::{GateEvent, Scanned};
use super::scan::{Direction, Scan};
use super::settings::GateSettings;
use super::ticket::TicketId;
use crate::id::{DeviceId, Nonce, OccurrenceId};
use crate::persist::Seq;
use crate::time::Timestamp;

/// Somebody went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Passage {
    pub(super) at: Timestamp,
    pub(super) direction: Direction,
    pub(super) seq: Seq,
}

/// All that went through with one ticket, in the order in which it happened; of one instant, in the order in which it was
/// recorded.
///
/// Two entries side by side are somebody who went out unseen, or two people with one ticket: the second counts for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Track(Vec<Passage>);

/// Entries and exits that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    entries: u64,
    exits: u64,
}

impl Track {
    fn place(&self, at: Timestamp) -> usize {
        self.0.partition_point(|passage| passage.at <= at)
    }

    fn count(&self) -> Count {
        let (mut count, mut inside) = (Count::default(), false);
        for passage in &self.0 {
            match passage.direction {
                Direction::Entry => count.entries += u64::from(!inside),
                Direction::Exit => count.exits += u64::from(inside),
            }
            inside = passage.direction == Direction::Entry;
        }
        count
    }
}

/// Scans that are known by their nonces.
type Nonces = BTreeMap<Nonce, (Seq, Box<Scanned>)>;

/// Who is in at one occurrence, and every scan there was.
///
/// A scan takes time logarithmic in all scans, and linear in those of its ticket. In memory each takes some hundred bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLedger {
    occurrence: OccurrenceId,
    settings: GateSettings,
    tracks: BTreeMap<TicketId, Track>,
    devices: BTreeMap<DeviceId, Nonces>,
    status: GateStatus,
    latest_at: Timestamp,
}

/// Takes one [`GateLedger::evolve`] back: see [`GateLedger::revert`].
#[derive(Clone, Debug)]
pub struct Undo {
    event: GateEvent,
    settings: GateSettings,
    latest_at: Timestamp,
}

/// What a gate has seen, in numbers. `entries - exits = inside`, always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// Who is in now.
    pub inside: u64,
    /// Tickets with which somebody came in at least once.
    pub entered: u64,
    /// How often somebody came in who was out.
    pub entries: u64,
    /// How often somebody left who was in.
    pub exits: u64,
    /// Scans that were refused, by the name of the outcome. Those that are not recorded are not counted.
    pub refused: BTreeMap<String, u64>,
    /// Scans that happened offline and should not have, by the name of the outcome.
    pub conflicts: BTreeMap<String, u64>,
    /// The last event taken into account.
    pub seq: Seq,
}

impl GateStatus {
    fn count(&mut self, scanned: &Scanned, up: bool) {
        if scanned.outcome.is_accepted() {
            return;
        }
        let by_name = if scanned.late { &mut self.conflicts } else { &mut self.refused };
        let name = scanned.outcome.name();
        let before = by_name.get(name).copied().unwrap_or(0);
        match if up { before + 1 } else { before.saturating_sub(1) } {
            0 => drop(by_name.remove(name)),
            after => drop(by_name.insert(name.to_owned(), after)),
        }
    }
}

impl GateLedger {
    /// The gate of an occurrence at which nothing has happened.
    pub fn new(occurrence: OccurrenceId) -> Self {
        Self {
            occurrence,
            settings: GateSettings::default(),
            tracks: BTreeMap::new(),
            devices: BTreeMap::new(),
            status: GateStatus::default(),
            latest_at: Timestamp::from_millis(i64::MIN),
        }
    }

    /// Whose gate it is.
    pub fn occurrence(&self) -> &OccurrenceId {
        &self.occurrence
    }

    /// What it goes by.
    pub fn settings(&self) -> &GateSettings {
        &self.settings
    }

    /// What it has seen, in numbers.
    pub fn status(&self) -> &GateStatus {
        &self.status
    }

    /// Whether somebody came in with this ticket and has not left.
    pub fn is_inside(&self, ticket: &TicketId) -> bool {
        let last = self.tracks.get(ticket).and_then(|track| track.0.last());
        last.is_some_and(|passage| passage.direction == Direction::Entry)
    }

    /// The tickets of those who are in, by attendee.
    pub fn inside(&self) -> impl Iterator<Item = &TicketId> {
        self.tracks.keys().filter(|ticket| self.is_inside(ticket))
    }

    /// The last event folded in.
    pub fn seq(&self) -> Seq {
        self.status.seq
    }

    /// The latest instant of any event folded in. The stream never moves back behind it.
    pub fn latest_at(&self) -> Timestamp {
        self.latest_at
    }

    /// What was recorded of the scan to which this device gave this nonce.
    pub fn scanned(&self, device: &DeviceId, nonce: &Nonce) -> Option<(Seq, &Scanned)> {
        let (seq, scanned) = self.devices.get(device)?.get(nonce)?;
        Some((*seq, scanned))
    }

    /// Whether `scan` is the one that was recorded, asked again.
    pub(super) fn is_same(&self, scan: &Scan, recorded: &Scanned) -> bool {
        let of = recorded.other_occurrence().unwrap_or(&self.occurrence);
        scan.ticket.occurrence == *of
            && scan.ticket.id() == recorded.ticket
            && scan.direction == recorded.direction
            && scan.device_at == recorded.device_at
    }

    /// What went through with a ticket last before and at an instant, and first after it.
    pub(super) fn around(&self, ticket: &TicketId, at: Timestamp) -> (Option<&Passage>, Option<&Passage>) {
        let Some(track) = self.tracks.get(ticket) else { return (None, None) };
        let place = track.place(at);
        (place.checked_sub(1).and_then(|before| track.0.get(before)), track.0.get(place))
    }

    /// Folds the next event of the stream in. Never refuses.
    pub fn evolve(&mut self, at: Timestamp, event: &GateEvent) -> Undo {
        let undo = Undo { event: event.clone(), settings: self.settings, latest_at: self.latest_at };
        self.status.seq = self.status.seq.next();
        self.latest_at = self.latest_at.max(at);
        match event {
            GateEvent::GateSet { settings } => self.settings = *settings,
            GateEvent::Scanned(scanned) => self.see(at, scanned),
        }
        undo
    }

    fn see(&mut self, at: Timestamp, scanned: &Scanned) {
        let seq = self.status.seq;
        let nonces = self.devices.entry(scanned.device.clone()).or_default();
        nonces.insert(scanned.nonce.clone(), (seq, Box::new(scanned.clone())));
        self.status.count(scanned, true);
        if scanned.is_passage() {
            let at = scanned.happened_at(at);
            self.pass(&scanned.ticket, |track| {
                track.0.insert(track.place(at), Passage { at, direction: scanned.direction, seq });
            });
        }
    }

    /// Takes the latest event back that was folded in. Undos are used up in the reverse order of their making.
    pub fn revert(&mut self, undo: Undo) {
        let Undo { event, settings, latest_at } = undo;
        let seq = self.status.seq;
        if let GateEvent::Scanned(scanned) = event {
            if let Some(nonces) = self.devices.get_mut(&scanned.device) {
                nonces.remove(&scanned.nonce);
                if nonces.is_empty() {
                    self.devices.remove(&scanned.device);
                }
            }
            self.status.count(&scanned, false);
            if scanned.is_passage() {
                self.pass(&scanned.ticket, |track| track.0.retain(|passage| passage.seq != seq));
            }
        }
        (self.settings, self.latest_at) = (settings, latest_at);
        self.status.seq = Seq::new(seq.get().saturating_sub(1));
    }

    /// Changes what went through with a ticket, and the counts with it.
    fn pass(&mut self, ticket: &TicketId, change: impl FnOnce(&mut Track)) {
        let mut track = self.tracks.remove(ticket).unwrap_or_default();
        let before = track.count();
        change(&mut track);
        let after = track.count();
        let status = &mut self.status;
        status.entries = status.entries + after.entries - before.entries;
        status.exits = status.exits + after.exits - before.exits;
        status.entered = status.entered + after.entries.min(1) - before.entries.min(1);
        status.inside = status.entries - status.exits;
        if !track.0.is_empty() {
            self.tracks.insert(ticket.clone(), track);
        }
    }
}
