//! The owner's side of holds that peers ask for: what was asked, how many seats a peer holds, what a message comes to.
//!
//! | key | what it holds |
//! | --- | --- |
//! | `federation/asked/PEER/HOLD` | [`Asked`], for ever |
//! | `federation/held/PEER/HOLD` | [`HeldHere`], as long as it may be held |
//! | `federation/gate/PEER` | a number that rises with each admission, so that two at once are counted one after the other |
//!
//! A hold is written down before seats are taken, and counted from then on; so a crash in between leaves one counted too many
//! for a while, and never one too few.

use core::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::message::{MessageBody, PeerMessage, PeerOutcome, Refusal, Verb, Wanted};
use super::name::{HoldId, PeerName};
use super::peer::HoldGrant;
use super::publish::hex;
use super::stream::not_taken;
use crate::booking::{BookingCommand, BookingOutcome, HoldTerm, Seats};
use crate::id::{AttendeeId, OccurrenceId, SeriesId};
use crate::persist::{Backend, CommitOutcome, Fault, IdempotencyKey, Key, KeyExpect, KvWrite, Payload, Transaction};
use crate::time::Timestamp;

/// Keys read at a time.
const PAGE: usize = 256;

/// What a peer has asked under one [`HoldId`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// It was confirmed or released before it was asked for, and will not be had any more.
    Void,
    /// Seats.
    Hold(AskedHold),
}

/// A hold that a peer has asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedHold {
    /// When it came first.
    pub at: Timestamp,
    /// Of which occurrence.
    pub occurrence: OccurrenceId,
    /// Whose the seats are in the ledger.
    pub attendee: AttendeeId,
    /// How many.
    pub seats: Seats,
    /// How long: what was asked for, or less.
    #[serde(rename = "term_ms", with = "crate::time::millis")]
    pub term: Duration,
    /// Of all that was asked.
    digest: String,
    /// Why it was refused before the ledger was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// The ledger has answered.
    #[serde(default)]
    pub settled: bool,
    /// It was given up.
    #[serde(default)]
    pub withdrawn: bool,
    /// The seats are the peer's for good: it can be given up no more.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub confirmed: bool,
}

/// Seats that a peer holds, or is about to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldHere {
    /// Of which occurrence.
    pub occurrence: OccurrenceId,
    /// Whose the seats are in the ledger.
    pub attendee: AttendeeId,
    /// How many.
    pub seats: Seats,
    /// The ledger has given them; before, whether it did is not known, and they count until then.
    pub settled: bool,
    /// When they count no longer, if the ledger does not have them: nobody asks it for them any more. What it has counts for as
    /// long as it has it.
    pub until: Timestamp,
}

impl Asked {
    /// The message, with the occurrence by the name under which it was written down, if it says the same: in a feed a part of
    /// a series has a name of its own.
    pub fn in_its_words(&self, message: &PeerMessage) -> PeerMessage {
        let mut message = message.clone();
        if let (Self::Hold(hold), MessageBody::Hold(wanted)) = (self, &mut message.body) {
            let (is, says) = (&hold.occurrence, &wanted.occurrence);
            if is.recurrence() == says.recurrence() && whole_of(says.series()).as_ref() == Some(is.series()) {
                wanted.occurrence = is.clone();
            }
        }
        message
    }
}

/// The series that a part is of, by the name of the part in a feed: one that took over at an occurrence is named after both, see
/// [`Series::events`](crate::schedule::Series::events).
pub fn whole_of(part: &SeriesId) -> Option<SeriesId> {
    part.as_str().rsplit_once("_R").and_then(|(series, _)| SeriesId::new(series).ok())
}

/// What is to be done about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestStep {
    /// Answer this. Nothing is to be written.
    Answer(PeerOutcome),
    /// Count what the peer holds, and ask again with that.
    Count,
    /// Look whether the ledger has the seats as confirmed, and ask again with that.
    Look,
    /// Write this, and look again.
    Record(Asked),
    /// Ask the ledger, and answer what it says.
    Run(OccurrenceId, BookingCommand),
}

fn digest(wanted: &Wanted) -> String {
    let json = serde_json::to_string(wanted).unwrap_or_default();
    hex(&Sha256::digest(json))
}

/// What was looked up for a message, as far as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many seats the peer holds now.
    pub held: Option<u64>,
    /// Whether the ledger has the seats of this hold as confirmed.
    pub confirmed: Option<bool>,
}

/// What a message of a peer with this grant comes to, by what it asked before. Pure.
pub fn guest_step(
    asked: Option<&Asked>,
    message: &PeerMessage,
    grant: &HoldGrant,
    looked: Looked,
    now: Timestamp,
) -> GuestStep {
    let refused = |refusal: Refusal| GuestStep::Answer(PeerOutcome::Refused(refusal));
    match (&message.body, asked) {
        (MessageBody::Hold(wanted), None) => {
            let Some(held) = looked.held else { return GuestStep::Count };
            match AskedHold::new(message, wanted, grant, held, now) {
                Some(hold) => GuestStep::Record(Asked::Hold(hold)),
                None => refused(Refusal::Other { outcome: "no_attendee".to_owned() }),
            }
        }
        (MessageBody::Hold(_), Some(Asked::Void)) => refused(Refusal::Withdrawn),
        (MessageBody::Hold(wanted), Some(Asked::Hold(hold))) => {
            if hold.digest != digest(wanted) {
                return refused(Refusal::IdReused);
            }
            if let Some(refusal) = &hold.refused {
                return refused(refusal.clone());
            }
            if hold.withdrawn {
                return refused(Refusal::Withdrawn);
            }
            if !hold.settled && hold.at + hold.term <= now {
                return refused(Refusal::TooLate);
            }
            let (attendee, party) = (hold.attendee.clone(), wanted.party.clone());
            let term = HoldTerm::For(hold.term);
            GuestStep::Run(hold.occurrence.clone(), BookingCommand::Hold { attendee, party, term })
        }
        (MessageBody::Confirm | MessageBody::Release, None) => GuestStep::Record(Asked::Void),
        (MessageBody::Confirm | MessageBody::Release, Some(Asked::Void)) => GuestStep::Answer(PeerOutcome::NotHeld),
        (MessageBody::Confirm | MessageBody::Release, Some(Asked::Hold(hold))) if hold.refused.is_some() => {
            GuestStep::Answer(PeerOutcome::NotHeld)
        }
        (MessageBody::Confirm, Some(Asked::Hold(hold))) if hold.withdrawn => GuestStep::Answer(PeerOutcome::NotHeld),
        (MessageBody::Confirm, Some(Asked::Hold(AskedHold { attendee, occurrence, .. }))) => {
            GuestStep::Run(occurrence.clone(), BookingCommand::Confirm { attendee: attendee.clone() })
        }
        (MessageBody::Release, Some(Asked::Hold(hold))) if hold.confirmed => GuestStep::Answer(PeerOutcome::NotHeld),
        (MessageBody::Release, Some(Asked::Hold(hold))) if !hold.withdrawn => match looked.confirmed {
            // It may have been confirmed, and the owner have ended before that was noted.
            None => GuestStep::Look,
            Some(true) => GuestStep::Record(Asked::Hold(AskedHold { confirmed: true, ..hold.clone() })),
            Some(false) => GuestStep::Record(Asked::Hold(AskedHold { withdrawn: true, ..hold.clone() })),
        },
        (MessageBody::Release, Some(Asked::Hold(AskedHold { attendee, occurrence, .. }))) => {
            GuestStep::Run(occurrence.clone(), BookingCommand::Release { attendee: attendee.clone() })
        }
    }
}

impl AskedHold {
    fn new(message: &PeerMessage, wanted: &Wanted, grant: &HoldGrant, held: u64, now: Timestamp) -> Option<Self> {
        let seats = wanted.party.seats;
        let over = held.saturating_add(u64::from(seats.get())) > u64::from(grant.seats_max.get());
        Some(Self {
            at: now,
            occurrence: wanted.occurrence.clone(),
            attendee: wanted.attendee(&message.from, &message.hold)?,
            seats,
            term: wanted.term.min(grant.term_max),
            digest: digest(wanted),
            refused: over.then_some(Refusal::TooManyHeld { max: grant.seats_max }),
            settled: false,
            withdrawn: false,
            confirmed: false,
        })
    }

    fn held_here(&self) -> HeldHere {
        let Self { occurrence, attendee, seats, settled, .. } = self.clone();
        HeldHere { occurrence, attendee, seats, settled, until: self.at + self.term }
    }
}

/// What the owner's ledger said, in the words of peers.
pub fn guest_outcome(verb: Verb, outcome: &BookingOutcome, now: Timestamp) -> PeerOutcome {
    let refusal = match (verb, outcome) {
        (Verb::Hold, BookingOutcome::Held { until, .. }) => {
            return PeerOutcome::Held { until_in: until.saturating_since(now) };
        }
        (Verb::Hold, BookingOutcome::Full(shortage)) => return PeerOutcome::Full { free: shortage.free },
        (Verb::Hold, BookingOutcome::Queued { .. }) => return PeerOutcome::Full { free: 0 },
        (Verb::Confirm, BookingOutcome::Confirmed | BookingOutcome::AlreadyConfirmed) => {
            return PeerOutcome::Confirmed;
        }
        (Verb::Confirm, BookingOutcome::Reacquired { .. }) => return PeerOutcome::Reacquired,
        (Verb::Confirm, BookingOutcome::RefundDue) => return PeerOutcome::RefundDue,
        (Verb::Release, BookingOutcome::Released) => return PeerOutcome::Released,
        (Verb::Confirm | Verb::Release, BookingOutcome::NotHeld) => return PeerOutcome::NotHeld,
        (_, BookingOutcome::KeyReused) => Refusal::IdReused,
        (_, BookingOutcome::NotOnSale) => Refusal::NotOnSale,
        (_, BookingOutcome::SaleClosed) => Refusal::SaleClosed,
        (_, BookingOutcome::NeedsApproval) => Refusal::NeedsApproval,
        (_, BookingOutcome::PartySize { max }) => Refusal::PartySize { max: *max },
        (_, BookingOutcome::Denied { .. }) => Refusal::Denied,
        (_, other) => Refusal::Other { outcome: other.name().to_owned() },
    };
    PeerOutcome::Refused(refusal)
}

/// The key under which the ledger answers a message once and for all.
///
/// # Errors
/// Never: a peer's name, a hold and a verb are short enough for a key.
pub fn guest_key(message: &PeerMessage) -> Result<IdempotencyKey, Fault> {
    let key = IdempotencyKey::new(format!("peer:{}:{}", message.from, message.id()));
    key.map_err(|error| Fault::corrupt("key of a peer's message", error.to_string()))
}

fn asked_key(peer: &PeerName, hold: &HoldId) -> Key {
    Key::stored(&format!("federation/asked/{peer}/{hold}"))
}

fn held_key(peer: &PeerName, hold: &str) -> Key {
    Key::stored(&format!("federation/held/{peer}/{hold}"))
}

fn gate_key(peer: &PeerName) -> Key {
    Key::stored(&format!("federation/gate/{peer}"))
}

fn read<T: serde::de::DeserializeOwned>(key: &Key, value: Option<&Payload>) -> Result<Option<T>, Fault> {
    value.map(Payload::read).transpose().map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))
}

fn put<T: Serialize>(key: Key, value: &T) -> Result<KvWrite, Fault> {
    let value = Payload::new(value).map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))?;
    Ok(KvWrite::Put(key, value))
}

/// What `peer` has asked under `hold`.
///
/// # Errors
/// [`Fault`] when storage failed or what is stored cannot be read.
pub async fn load_asked(backend: &dyn Backend, peer: &PeerName, hold: &HoldId) -> Result<Option<Asked>, Fault> {
    let key = asked_key(peer, hold);
    read(&key, backend.get(&key).await?.as_ref())
}

/// What a peer holds, and where its gate stood before that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestHolds {
    gate: Option<Payload>,
    /// Under which name, and what. May hold some that lapsed meanwhile.
    pub held: Vec<(String, HeldHere)>,
}

/// What `peer` holds here, or may hold.
///
/// # Errors
/// As [`load_asked`].
pub async fn guest_holds(backend: &dyn Backend, peer: &PeerName) -> Result<GuestHolds, Fault> {
    let gate = backend.get(&gate_key(peer)).await?;
    let prefix = format!("federation/held/{peer}/");
    let (mut held, mut after): (Vec<(String, HeldHere)>, Option<Key>) = (Vec::new(), None);
    loop {
        let page = backend.scan(&prefix, after.as_ref(), PAGE).await?;
        for (key, value) in &page {
            let name = key.as_str().strip_prefix(&prefix).unwrap_or_default().to_owned();
            held.extend(read(key, Some(value))?.map(|here| (name, here)));
        }
        match page.into_iter().last() {
            Some((last, _)) => after = Some(last),
            None => return Ok(GuestHolds { gate, held }),
        }
    }
}

/// Writes down what a peer has asked, in place of what was `before`; a new hold only if nobody was admitted since `counted`, and
/// `gone` are no longer counted. False when somebody was quicker: look again.
///
/// # Errors
/// [`Fault`] when storage failed or takes no values of this size.
pub async fn record_asked(
    backend: &dyn Backend,
    message: &PeerMessage,
    before: Option<&Asked>,
    after: &Asked,
    counted: Option<(&GuestHolds, &[String])>,
) -> Result<bool, Fault> {
    let (peer, key) = (&message.from, asked_key(&message.from, &message.hold));
    let expect = match before {
        Some(before) => {
            KeyExpect::Equals(Payload::new(before).map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))?)
        }
        None => KeyExpect::Absent,
    };
    let mut write = Transaction::new().expect_key(key.clone(), expect).write(put(key, after)?);
    if let (Some((GuestHolds { gate, .. }, gone)), Asked::Hold(hold)) = (counted, after) {
        let key = gate_key(peer);
        let number: u64 = read(&key, gate.as_ref())?.unwrap_or(0);
        let expect = gate.clone().map_or(KeyExpect::Absent, KeyExpect::Equals);
        write = write.expect_key(key.clone(), expect).write(put(key, &number.wrapping_add(1))?);
        for name in gone {
            write = write.write(KvWrite::Delete(held_key(peer, name)));
        }
        if hold.refused.is_none() {
            write = write.write(put(held_key(peer, message.hold.as_str()), &hold.held_here())?);
        }
    }
    commit(backend, write).await
}

/// Notes what has become of a hold once the ledger has answered, and whether its seats are held now: those that are not count no longer.
///
/// # Errors
/// As [`record_asked`].
pub async fn settle_asked(
    backend: &dyn Backend,
    message: &PeerMessage,
    before: &AskedHold,
    after: &AskedHold,
    is_held: bool,
) -> Result<bool, Fault> {
    let (key, held) = (asked_key(&message.from, &message.hold), held_key(&message.from, message.hold.as_str()));
    let write = if is_held { put(held, &after.held_here())? } else { KvWrite::Delete(held) };
    let before = Payload::new(&Asked::Hold(before.clone()));
    let before = before.map_err(|error| Fault::corrupt(key.as_str(), error.to_string()))?;
    let transaction = Transaction::new().expect_key(key.clone(), KeyExpect::Equals(before));
    commit(backend, transaction.write(put(key, &Asked::Hold(after.clone()))?).write(write)).await
}

/// Counts a hold no longer, once it was confirmed or given up.
///
/// # Errors
/// As [`record_asked`].
pub async fn forget_held(backend: &dyn Backend, message: &PeerMessage) -> Result<(), Fault> {
    let write = KvWrite::Delete(held_key(&message.from, message.hold.as_str()));
    commit(backend, Transaction::new().write(write)).await.map(drop)
}

async fn commit(backend: &dyn Backend, transaction: Transaction) -> Result<bool, Fault> {
    match backend.commit_one(transaction).await? {
        CommitOutcome::Done(_) | CommitOutcome::Already(_) => Ok(true),
        CommitOutcome::Conflict(_) => Ok(false),
        refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => Err(not_taken(&refused)),
    }
}
