//! Following every booking stream of a store, event by event.

use std::collections::BTreeMap;

use boxoffice::booking::{Auditor, decode, occurrence_of};
use boxoffice::id::OccurrenceId;
use boxoffice::persist::{Backend, RecordedEvent, Seq, StreamName};
use boxoffice::ticket::list::vouchers_of;

use crate::error::HostError;

const PAGE: usize = 1_024;

/// What a store was found to hold.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    pub(crate) streams: u64,
    pub(crate) booking_streams: u64,
    pub(crate) events: u64,
    pub(crate) capacity: u64,
    pub(crate) held: u64,
    pub(crate) confirmed: u64,
    /// Uses of vouchers, which are kept as seats and are none: held or confirmed.
    pub(crate) voucher_uses: u64,
    /// Payments that came too late and were not paid back, in all streams.
    pub(crate) refunds_due: u64,
    /// Seats taken beyond the capacity, in all streams.
    pub(crate) oversold: u64,
    /// What breaks a rule, with the stream and the sequence number.
    pub(crate) breaches: Vec<String>,
}

/// An acknowledged command, as its caller was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) seq: Seq,
    pub(crate) outcome: String,
    pub(crate) attendee: String,
}

/// Acknowledged commands by occurrence.
pub(crate) type Acknowledgements = BTreeMap<OccurrenceId, Vec<Acknowledged>>;

/// Audits every stream of the store.
pub(crate) async fn audit(store: &dyn Backend) -> Result<Audit, HostError> {
    let mut found = Audit::default();
    let mut after: Option<StreamName> = None;
    loop {
        let names = store.streams(after.as_ref(), PAGE).await?;
        let Some(last) = names.last().cloned() else {
            return Ok(found);
        };
        for name in &names {
            follow(store, name, &mut found).await?;
        }
        after = Some(last);
    }
}

async fn follow(store: &dyn Backend, name: &StreamName, found: &mut Audit) -> Result<(), HostError> {
    found.streams += 1;
    let occurrence = occurrence_of(name);
    let booking = occurrence.is_some();
    found.booking_streams += u64::from(booking);
    let mut auditor = Auditor::new();
    let mut next = store.head(name).await?.truncated_through.next();
    loop {
        let page = store.read(name, next, PAGE).await?;
        let Some(last) = page.last() else { break };
        next = last.seq.next();
        found.events += page.len() as u64;
        for event in page.iter().filter(|_| booking) {
            let checked = decode(event)
                .map_err(|error| error.to_string())
                .and_then(|decoded| auditor.check(event.seq, event.at, &decoded).map_err(|breach| breach.to_string()));
            if let Err(breach) = checked {
                found.breaches.push(format!("{name}: {breach}"));
                // What comes after a breach cannot be judged.
                return Ok(());
            }
        }
    }
    let tally = auditor.tally();
    if occurrence.is_some_and(|occurrence| vouchers_of(&occurrence).is_some()) {
        found.voucher_uses += tally.held + tally.confirmed;
    } else {
        found.capacity += tally.capacity;
        found.held += tally.held;
        found.confirmed += tally.confirmed;
    }
    found.refunds_due += auditor.refunds_due();
    // What is over because the capacity was lowered was not sold so.
    found.oversold += (tally.held + tally.confirmed).saturating_sub(tally.capacity + tally.over);
    Ok(())
}

/// The acknowledgements that the store does not bear out: what is lost. Each is looked up at its own sequence number.
pub(crate) async fn lost(store: &dyn Backend, told: &Acknowledgements) -> Result<Vec<String>, HostError> {
    let mut lost = Vec::new();
    for (occurrence, acknowledged) in told {
        let stream = boxoffice::booking::booking_stream(occurrence);
        let mut events: BTreeMap<Seq, RecordedEvent> = BTreeMap::new();
        let mut next = Seq::FIRST;
        loop {
            let page = store.read(&stream, next, PAGE).await?;
            let Some(last) = page.last() else { break };
            next = last.seq.next();
            events.extend(page.into_iter().map(|event| (event.seq, event)));
        }
        for one in acknowledged {
            if !events.get(&one.seq).is_some_and(|event| bears_out(event, one)) {
                lost.push(format!("{occurrence}: {} of {} at seq {}", one.outcome, one.attendee, one.seq));
            }
        }
    }
    Ok(lost)
}

fn bears_out(event: &RecordedEvent, told: &Acknowledged) -> bool {
    let name = event.event_type.as_str();
    let attendee = event.data.read::<serde_json::Value>().ok();
    let attendee = attendee.as_ref().and_then(|data| data.get("attendee")).and_then(serde_json::Value::as_str);
    name.ends_with(&format!("_{}.v1", told.outcome)) && attendee.unwrap_or_default() == told.attendee
}
