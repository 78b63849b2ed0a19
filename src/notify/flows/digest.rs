//! The digests of one recipient, window after window.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::deliver::{DeliverInput, deliver_flow};
use super::{CHANGED, flow_of};
use crate::flow::{Asked, ChildEnd, Either, FlowCx, FlowError, FlowId, RetryPolicy, join_all, select};
use crate::id::{AttendeeId, IdError};
use crate::notify::kind::NoticeKind;
use crate::notify::names::notice_id;
use crate::notify::notice::{Delivery, Notice};
use crate::persist::{Payload, StreamName};
use crate::time::Timestamp;

/// The kind of flow that sends digests.
pub const DIGEST: &str = "digest";

/// Letters of one window that are under way at a time.
const PARTS_MAX: usize = 16;

/// How long letters of one window may be under way before the next window goes on without them.
const PATIENCE: Duration = Duration::from_secs(12 * 3_600);

/// What a flow of the kind [`DIGEST`] is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestInput {
    /// Whose.
    pub recipient: AttendeeId,
    /// How often a letter is tried.
    pub policy: RetryPolicy,
    /// Entries up to this place of the recipient's stream were handed over.
    #[serde(default)]
    pub through: u64,
    /// The end of the last window, not included in it.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// The start of the window whose letters are not all handed over yet.
    #[serde(default)]
    pub from: Option<Timestamp>,
    /// Whether digests are switched off, and everything was handed over.
    #[serde(default)]
    pub off: bool,
}

/// Asks the performer `digest-times` for the next digest strictly after an instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestAsk {
    /// Whose.
    pub recipient: AttendeeId,
    /// After when.
    pub after: Timestamp,
}

/// What the performer `digest-times` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestNext {
    /// When; none if the recipient wants no digests.
    pub at: Option<Timestamp>,
}

/// Asks the performer `collect` for the next entries: those behind `through` up to the first that was recorded at `until` or later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// Whose.
    pub recipient: AttendeeId,
    /// The last that was handed over.
    pub through: u64,
    /// When the window began, for the letter.
    pub from: Timestamp,
    /// When the window ended, not included.
    pub until: Timestamp,
}

/// What the performer `collect` answers: one letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestPart {
    /// The last entry in it.
    pub through: u64,
    /// Entries in it; with none there is no letter.
    pub entries: u32,
    /// By which channels it goes out; none if no channel reaches the recipient any more, or digests are switched off.
    pub channels: Vec<String>,
    /// What it says.
    pub facts: Payload,
}

/// The flow of a recipient's digests.
///
/// # Errors
/// [`IdError`] never, as recipients' ids are names.
pub fn digest_flow(recipient: &AttendeeId) -> Result<FlowId, IdError> {
    flow_of(DIGEST, &[recipient.as_str()])
}

/// The stream of what a recipient is to read in the next digest: one `notify.digest_entry.v1` for each entry.
pub fn digest_stream(recipient: &AttendeeId) -> StreamName {
    StreamName::stored(&format!("digest:{recipient}"))
}

/// Goes on for as long as nobody cancels it.
pub(super) async fn digest(cx: FlowCx, mut input: DigestInput) -> Result<(), FlowError> {
    if let Some(from) = input.from {
        return hand_over(&cx, input, from).await;
    }
    for n in 1_u64.. {
        let after = input.until.map_or(cx.now(), |until| until.max(cx.now()));
        let from = input.until.unwrap_or(after);
        let ask = DigestAsk { recipient: input.recipient.clone(), after };
        let next: DigestNext = cx.request("digest-times", format!("next {n}"), &ask).await?;
        if next.at.is_none() && !input.off {
            // Digests were switched off: what there is goes out now.
            (input.off, input.until) = (true, Some(after));
            return hand_over(&cx, input, from).await;
        }
        let changed = cx.signal::<()>(format!("changed {n}"), CHANGED);
        let Some(at) = next.at else {
            changed.await?;
            input.off = false;
            return cx.continue_as_new(&input);
        };
        match select(cx.sleep_until(format!("due {n}"), at), changed).await {
            Either::First(over) => {
                over?;
                (input.off, input.until) = (false, Some(at));
                return hand_over(&cx, input, from).await;
            }
            Either::Second(changed) => changed?,
        }
        if cx.should_continue_as_new() {
            return cx.continue_as_new(&input);
        }
    }
    Ok(())
}

/// Sends what was recorded in the window, as letters of their own. Letters that were sent before are not sent again: each has its
/// own flow, named after its first entry.
async fn hand_over(cx: &FlowCx, mut input: DigestInput, from: Timestamp) -> Result<(), FlowError> {
    let until = input.until.unwrap_or(from);
    let (mut letters, mut more) = (Vec::new(), true);
    for part in 1..=PARTS_MAX {
        let (recipient, through) = (input.recipient.clone(), input.through);
        let ask = Collect { recipient, through, from, until };
        let part: DigestPart = cx.request("collect", format!("collect {part}"), &ask).await?;
        if part.entries == 0 {
            more = false;
            break;
        }
        for channel in &part.channels {
            letters.push(letter(cx, &input, channel, &part.facts)?);
        }
        input.through = part.through;
    }
    let patience = cx.sleep_until("patience", cx.now() + PATIENCE);
    match select(join_all(letters), patience).await {
        Either::First(ends) => ends.into_iter().try_for_each(|end| end.map(drop))?,
        Either::Second(over) => over?,
    }
    input.from = more.then_some(from);
    cx.continue_as_new(&input)
}

fn letter(
    cx: &FlowCx,
    input: &DigestInput,
    channel: &str,
    facts: &Payload,
) -> Result<Asked<ChildEnd<Delivery>>, FlowError> {
    let first = (input.through + 1).to_string();
    let id = notice_id(&["digest", input.recipient.as_str(), &first]).map_err(FlowError::failed)?;
    let notice = Notice {
        id,
        kind: NoticeKind::Digest,
        to: input.recipient.clone(),
        channel: channel.to_owned(),
        critical: false,
        facts: facts.clone(),
        until: None,
        thread: None,
    };
    let flow = deliver_flow(&notice).map_err(FlowError::failed)?;
    Ok(cx.child(flow.key().to_owned(), flow.clone(), &DeliverInput { notice, policy: input.policy.clone() }))
}
