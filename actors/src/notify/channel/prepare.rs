//! What is done for one notice, step by step: looked up, allowed, written, marked, sent.

use core::panic::AssertUnwindSafe;
use std::sync::Arc;

use boxoffice_core::notify::{
    Attempt, CalendarPart, Letter, Notice, Permit, Profile, RateLimit, SendOutcome, SentMark, SentState, Templates,
    Transport, Unsubscribe, permit, recipient_key, sent_key, suppression_key,
};
use boxoffice_core::persist::{Backend, CommitOutcome, Fault, Key, KeyExpect, KvWrite, Payload, Transaction};
use futures_util::FutureExt as _;
use serde_json::{Map, Value};

use super::options::SayNo;
use super::state::Board;
use crate::clock::Clock;
use crate::notify::ledger::{Doubt, Known};
use crate::shared_writer::SharedWriter;
use crate::stats::Counters;
use crate::transport::send_within;

/// What a channel lives in. Outlives its actor.
#[derive(Debug)]
pub(super) struct House {
    pub(super) name: Arc<str>,
    pub(super) store: SharedWriter,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) counters: Arc<Counters>,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) doubt: Doubt,
    pub(super) templates: Arc<Templates>,
    pub(super) unsubscribe: Option<Arc<SayNo>>,
    pub(super) window: usize,
    pub(super) breaker: boxoffice_core::notify::BreakerSettings,
    pub(super) rate: Option<RateLimit>,
    pub(super) board: Board,
}

/// What a notice came to before it is sent.
#[derive(Debug)]
pub(super) enum Prepared {
    /// Nothing is to be sent.
    Answer(Attempt, Option<KvWrite>),
    /// This is. The mark of it that was found in the ledger stands beside.
    Letter(Box<Letter>, Option<Payload>),
}

/// What became of a letter that was let through.
#[derive(Debug)]
pub(super) enum Sent {
    /// An attempt was made, after this mark if it needed one.
    Outcome(SendOutcome, Option<SentMark>),
    /// No attempt was made: the ledger has changed meanwhile.
    Changed,
    /// No attempt was made: the store failed. The mark may have been written.
    Fault(Fault, Payload),
}

/// What the store says of a notice and its recipient.
struct Looked {
    mark: Option<Payload>,
    /// Of when the last word of the notice's thread is that was sent.
    said: Option<Payload>,
    profile: Option<Payload>,
    suppressed: bool,
}

async fn look(
    backend: Arc<dyn Backend>,
    channel: Arc<str>,
    notice: Notice,
    thread: Option<Key>,
) -> Result<Looked, Fault> {
    let mark = backend.get(&sent_key(&channel, &notice.id)).await?;
    let said = match thread {
        Some(key) => backend.get(&key).await?,
        None => None,
    };
    let profile = backend.get(&recipient_key(&notice.to)).await?;
    let address = profile.as_ref().and_then(|profile| profile.read::<Profile>().ok());
    let address = address.and_then(|profile| profile.addresses.get(&*channel).cloned());
    let suppressed = match address {
        Some(address) => backend.get(&suppression_key(&channel, &address)).await?.is_some(),
        None => false,
    };
    Ok(Looked { mark, said, profile, suppressed })
}

fn again(reason: impl Into<String>) -> Prepared {
    Prepared::Answer(Attempt::Retry { reason: reason.into(), after: None }, None)
}

/// Looks a notice up, and writes it if it is to be sent. `tried` is a mark of ours after which nothing was sent.
pub(super) async fn prepare(
    house: Arc<House>,
    notice: Notice,
    thread: Option<Key>,
    tried: Option<Payload>,
) -> Result<Prepared, Fault> {
    let preparing = async {
        let (channel, asked) = (Arc::clone(&house.name), notice.clone());
        // The channel has a thread of its own: what it waits for there, no other waits for.
        let looked = look(house.store.reading_here(), channel, asked, thread).await?;
        Ok(house.decide(&notice, looked, tried.as_ref()))
    };
    AssertUnwindSafe(preparing).catch_unwind().await.unwrap_or_else(|_| Ok(again("writing the letter panicked")))
}

impl House {
    fn decide(&self, notice: &Notice, looked: Looked, tried: Option<&Payload>) -> Prepared {
        let now = self.clock.now();
        match self.doubt.known(&self.name, looked.mark.as_ref(), tried, now) {
            Ok(Known::Nothing) => {}
            Ok(Known::Answer(attempt, write)) => return Prepared::Answer(attempt, write),
            Err(reason) => return again(format!("the ledger cannot be read: {reason}")),
        }
        let said = looked.said.and_then(|said| said.read().ok());
        if let Some(why) = notice.over(said, now) {
            return Prepared::Answer(Attempt::Never { why }, None);
        }
        let profile = looked.profile.map_or_else(|| Ok(Profile::new("UTC")), |profile| profile.read());
        let Ok(profile) = profile else { return again("the profile of the recipient cannot be read") };
        let permit = permit(&profile, &notice.kind, &self.name, notice.critical, now);
        match permit.unless_suppressed(looked.suppressed) {
            Permit::Later { at } => Prepared::Answer(Attempt::Later { at }, None),
            Permit::Never(why) => Prepared::Answer(Attempt::Never { why }, None),
            Permit::Send { to } => match self.write(notice, to) {
                Ok(letter) => Prepared::Letter(Box::new(letter), looked.mark),
                Err(reason) => {
                    let failed = SentMark::new(SentState::Failed, &notice.id, now);
                    Prepared::Answer(Attempt::Permanent { reason: short(reason) }, Some(failed.put(&self.name)))
                }
            },
        }
    }

    fn write(&self, notice: &Notice, to: String) -> Result<Letter, String> {
        let unsubscribe = self.unsubscribe.as_ref().filter(|_| !notice.kind.is_transactional()).map(|no| {
            let token = no.secret.token(&notice.to, &notice.kind);
            Unsubscribe { url: format!("{}{token}", no.base_url), mail: None }
        });
        let mut facts: Map<String, Value> =
            notice.facts.read().map_err(|_| "the facts are no JSON object".to_owned())?;
        // Absent as a fact that is not there, for templates that ask.
        let url = unsubscribe.as_ref().map_or(Value::Null, |no| Value::String(no.url.clone()));
        let told = facts.entry("unsubscribe").or_insert(Value::Null);
        if told.is_null() {
            *told = url;
        }
        let calendar: Option<CalendarPart> = match facts.remove("calendar") {
            None | Some(Value::Null) => None,
            Some(part) => Some(serde_json::from_value(part).map_err(|error| format!("calendar: {error}"))?),
        };
        let rendered = self.templates.render(&notice.kind, &facts).map_err(|error| error.to_string())?;
        Ok(Letter {
            id: notice.id.clone(),
            kind: notice.kind.name().to_owned(),
            to,
            subject: rendered.subject,
            text: rendered.text,
            html: rendered.html,
            calendar,
            unsubscribe,
            data: notice.facts.clone(),
        })
    }

    /// Marks a letter as being sent, if the transport would not know it again. `Err` if it must not be sent.
    async fn mark(&self, letter: &Letter, found: Option<Payload>) -> Result<Option<SentMark>, Sent> {
        if self.doubt.dedupes {
            return Ok(None);
        }
        let mark = SentMark::new(SentState::Attempting, &letter.id, self.clock.now());
        let (key, write) = (sent_key(&self.name, &letter.id), mark.put(&self.name));
        let payload = match &write {
            KvWrite::Put(_, payload) => payload.clone(),
            KvWrite::Delete(_) => return Err(Sent::Changed),
        };
        let expect = found.map_or(KeyExpect::Absent, KeyExpect::Equals);
        let committed = self.store.commit_one(Transaction::new().expect_key(key, expect).write(write)).await;
        match committed {
            Ok(CommitOutcome::Done(_) | CommitOutcome::Already(_)) => Ok(Some(mark)),
            Ok(CommitOutcome::Conflict(_)) => Err(Sent::Changed),
            Ok(CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => {
                let reason = "the store refuses to note what is sent".into();
                Err(Sent::Fault(Fault::Unknown { reason }, payload))
            }
            Err(fault) => Err(Sent::Fault(fault, payload)),
        }
    }
}

/// Sends a letter, after it was marked where that is needed.
pub(super) async fn send(house: Arc<House>, letter: Letter, found: Option<Payload>) -> Sent {
    let mark = match house.mark(&letter, found).await {
        Ok(mark) => mark,
        Err(unsent) => return unsent,
    };
    // Whatever the transport does: it is caught here too, should it panic where nobody expects it.
    let sending = AssertUnwindSafe(send_within(&*house.transport, &letter)).catch_unwind();
    let outcome = sending.await.unwrap_or_else(|_| SendOutcome::Uncertain { reason: "the transport panicked".into() });
    Sent::Outcome(outcome, mark)
}

/// A reason as it is recorded: at most 300 characters.
pub(super) fn short(reason: String) -> String {
    if reason.chars().count() <= 300 {
        return reason;
    }
    reason.chars().take(299).chain(['\u{2026}']).collect()
}
