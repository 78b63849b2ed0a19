//! Telling one person one thing: by which channels, or in the next digest.

use boxoffice_core::booking::Party;
use boxoffice_core::flow::shard::Performed;
use boxoffice_core::id::{AttendeeId, NoticeId, OccurrenceId};
use boxoffice_core::notify::flows::{DeliverInput, DigestInput, Told, deliver_flow, digest_flow, digest_stream};
use boxoffice_core::notify::{
    CancelledFacts, ConfirmationFacts, DigestEntry, Happening, Invite, Notice, NoticeKind, Permit, Profile, Reader,
    Thread, clipped_places, notice_id, permit,
};
use boxoffice_core::persist::{Append, NewEvent, Payload};
use boxoffice_core::seating::Place;
use boxoffice_core::time::Timestamp;
use serde::Serialize;

use super::house::House;
use super::invite::CalendarAsk;
use crate::stats::Counters;

/// What an entry of a digest is recorded as.
const ENTRY: &str = "notify.digest_entry.v1";

/// What one person is to be told.
#[derive(Debug)]
pub(super) struct Word {
    pub(super) kind: NoticeKind,
    pub(super) id: NoticeId,
    pub(super) to: AttendeeId,
    pub(super) facts: Payload,
    /// Until when it is worth saying.
    pub(super) until: Option<Timestamp>,
    pub(super) thread: Thread,
    /// The same as an entry of a digest, for what may stand in one.
    pub(super) entry: Option<DigestEntry>,
}

/// How somebody was told.
#[derive(Debug)]
pub(super) enum Reached {
    Notices(u64),
    /// This is to be appended.
    Digest(Append),
    Nobody,
}

/// Facts, and what calendar object goes with them.
#[derive(Serialize)]
struct WithCalendar<'a, F> {
    #[serde(flatten)]
    facts: &'a F,
    calendar: CalendarAsk,
}

pub(super) fn with_calendar<F: Serialize>(
    facts: &F,
    method: Invite,
    occurrence: &OccurrenceId,
) -> Result<Payload, String> {
    let calendar = CalendarAsk { ask: method, occurrence: occurrence.clone() };
    Payload::new(&WithCalendar { facts, calendar }).map_err(|error| error.to_string())
}

/// The id of a notice about an occurrence.
pub(super) fn id_of(kind: &str, occurrence: &OccurrenceId, moment: &str, to: &AttendeeId) -> Result<NoticeId, String> {
    notice_id(&[kind, &occurrence.to_string(), moment, to.as_str()]).map_err(|error| error.to_string())
}

/// Seats and places of a party, for facts.
pub(super) fn seats_of(party: &Party) -> (u32, Vec<String>) {
    (party.seats.get(), clipped_places(party.places.iter().map(Place::as_str)))
}

/// What confirms somebody's seats.
pub(super) fn confirmation(
    found: &Happening,
    (moment, at): (&str, Timestamp),
    to: &AttendeeId,
    party: &Party,
) -> Result<Word, String> {
    let (seats, places) = seats_of(party);
    let facts = ConfirmationFacts { reader: Reader::default(), event: found.facts(), seats, places };
    Ok(Word {
        kind: NoticeKind::Confirmation,
        id: id_of("confirmation", found.occurrence(), moment, to)?,
        to: to.clone(),
        facts: with_calendar(&facts, Invite::Request, found.occurrence())?,
        until: None,
        thread: Thread::of(found.occurrence(), at),
        entry: None,
    })
}

/// What says that a seat is gone, or with it what it was for.
pub(super) fn cancellation(
    found: &Happening,
    (moment, at): (&str, Timestamp),
    to: &AttendeeId,
    takes_place: bool,
) -> Result<Word, String> {
    let facts = CancelledFacts { reader: Reader::default(), event: found.facts(), reason: None, takes_place };
    Ok(Word {
        kind: NoticeKind::Cancelled,
        id: id_of("cancelled", found.occurrence(), moment, to)?,
        to: to.clone(),
        facts: with_calendar(&facts, Invite::Cancel, found.occurrence())?,
        until: None,
        thread: Thread::of(found.occurrence(), at),
        entry: None,
    })
}

impl House {
    /// The channels that a notice of this kind goes out by, as the recipient wants it now.
    pub(super) fn channels(&self, profile: &Profile, kind: &NoticeKind) -> Vec<String> {
        let critical = self.options.critical.contains(kind);
        let wanted = |channel: &&String| match permit(profile, kind, channel, critical, self.now()) {
            Permit::Send { .. } | Permit::Later { .. } => true,
            Permit::Never(_) => false,
        };
        self.options.channels.iter().filter(wanted).cloned().collect()
    }

    /// Starts what delivers a word. Told again, nothing more is started.
    pub(super) async fn tell(&self, word: Word) -> Result<Reached, String> {
        let Word { kind, id, to, facts, until, thread, entry } = word;
        if !self.options.kinds.contains(&kind) {
            return Ok(Reached::Nobody);
        }
        let profile = self.profile(&to).await?.map(|(profile, _)| profile);
        let channels = profile.as_ref().map(|profile| self.channels(profile, &kind)).unwrap_or_default();
        let Some(profile) = profile.filter(|_| !channels.is_empty()) else {
            Counters::add(&self.counters.notices_unreached);
            return Ok(Reached::Nobody);
        };
        let critical = self.options.critical.contains(&kind);
        if let Some(entry) = entry
            && self.is_digested(&profile, &kind, critical)
        {
            Counters::add(&self.counters.notices_digested);
            return self.digest(&to, &entry).await.map(Reached::Digest);
        }
        let mut started = 0;
        for channel in channels {
            let (id, kind, to, facts) = (id.clone(), kind.clone(), to.clone(), facts.clone());
            let notice = Notice { id, kind, to, channel, critical, facts, until, thread: Some(thread.clone()) };
            let flow = deliver_flow(&notice).map_err(|error| error.to_string())?;
            let policy = self.options.policy.clone();
            if self.start(&flow, &DeliverInput { notice, policy }).await? {
                Counters::add(&self.counters.notices_started);
            }
            started += 1;
        }
        Ok(Reached::Notices(started))
    }

    /// Whether somebody reads notices of a kind in digests.
    fn is_digested(&self, profile: &Profile, kind: &NoticeKind, critical: bool) -> bool {
        let may = profile.digest.is_some() && !kind.is_transactional() && !critical;
        may && self.options.kinds.contains(&NoticeKind::Digest)
            && !self.channels(profile, &NoticeKind::Digest).is_empty()
    }

    /// Sees that somebody's digests are under way, and gives what is to be recorded for the next.
    async fn digest(&self, to: &AttendeeId, entry: &DigestEntry) -> Result<Append, String> {
        let flow = digest_flow(to).map_err(|error| error.to_string())?;
        let (recipient, policy) = (to.clone(), self.options.policy.clone());
        let input = DigestInput { recipient, policy, through: 0, until: None, from: None, off: false };
        self.start(&flow, &input).await?;
        let event = NewEvent::new(ENTRY, self.now(), entry).map_err(|error| error.to_string())?;
        Ok(Append { stream: digest_stream(to), events: vec![event] })
    }

    /// Tells many, and gives who was told and what is to be recorded along with that.
    pub(super) async fn tell_all(&self, words: Vec<Word>) -> Result<(Told, Vec<Append>), String> {
        use futures_util::{StreamExt, TryStreamExt};
        let telling = futures_util::stream::iter(words).map(|word| self.tell(word)).buffered(super::people::AT_ONCE);
        let reached: Vec<Reached> = telling.try_collect().await?;
        let (mut told, mut appends) = (Told::default(), Vec::new());
        for one in reached {
            match one {
                Reached::Notices(notices) => told.notices += notices,
                Reached::Digest(append) => {
                    told.digested += 1;
                    appends.push(append);
                }
                Reached::Nobody => told.unreached += 1,
            }
        }
        Ok((told, appends))
    }
}

/// An outcome with what is recorded along with it.
pub(super) fn performed(outcome: &impl Serialize, appends: Vec<Append>) -> Result<Performed, String> {
    let outcome = Payload::new(outcome).map_err(|error| error.to_string())?;
    Ok(Performed { appends, ..Performed::new(outcome) })
}
