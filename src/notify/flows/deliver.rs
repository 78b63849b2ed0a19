//! Bringing notices to people: attempt after attempt, until one is taken or there are no more.

use serde::{Deserialize, Serialize};

use crate::flow::{FlowCx, FlowError, FlowId, FlowKind, Program, RetryPolicy};
use crate::id::{IdError, NoticeId};
use crate::notify::{Attempt, Delivery, Notice};
use crate::time::Timestamp;

/// The kind of the flows that deliver one notice each.
pub const DELIVER: &str = "deliver";

/// The performer that records what was given up.
pub const DEAD_LETTERS: &str = "dead-letters";

/// How often quiet hours are waited for: more than a year of nights.
const QUIET_MAX: u32 = 400;

/// What a flow of kind [`DELIVER`] is started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeliverInput {
    /// What is to be delivered.
    pub notice: Notice,
    /// How often it is tried.
    pub policy: RetryPolicy,
}

/// A notice that was given up: what the performer [`DEAD_LETTERS`] is asked to record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    /// What was not delivered.
    pub notice: Notice,
    /// Why, as the last attempt said it.
    pub reason: String,
    /// Attempts that were made.
    pub attempts: u32,
    /// When it was given up.
    pub at: Timestamp,
}

/// How far a delivery is, as it shows to whoever inspects the flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "delivering", rename_all = "snake_case")]
pub enum DeliverProgress {
    /// An attempt is with the channel, or waits for it.
    Sending {
        /// Which notice.
        id: NoticeId,
        /// Which attempt, from 1.
        n: u32,
    },
    /// An attempt failed, and the next is waited for.
    BackingOff {
        /// Which notice.
        id: NoticeId,
        /// Which attempt failed.
        n: u32,
        /// When the next is made.
        until: Timestamp,
        /// Why it failed.
        reason: String,
    },
    /// It is quiet for the recipient.
    Quiet {
        /// Which notice.
        id: NoticeId,
        /// Until then.
        until: Timestamp,
    },
}

/// The performer of a channel: `channel:email`.
pub fn channel_performer(channel: &str) -> String {
    format!("channel:{channel}")
}

/// The flow that delivers a notice: `deliver/ID/CHANNEL`. An id has at most 200 bytes, so one always fits.
///
/// # Errors
/// [`IdError`] when the name of the channel has more than 199 bytes or holds a control character.
pub fn deliver_flow(notice: &Notice) -> Result<FlowId, IdError> {
    FlowId::new(FlowKind::new(DELIVER)?, format!("{}/{}", notice.id, notice.channel))
}

/// The program of kind [`DELIVER`]: from a [`DeliverInput`] to a [`Delivery`].
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "the name is that of a flow kind")]
pub fn deliver_program() -> Program {
    let program = Program::new(DELIVER, 1, async |cx: FlowCx, input: DeliverInput| -> Result<Delivery, FlowError> {
        deliver(&cx, &input.notice, &input.policy).await
    });
    program.expect("`deliver` is the name of a flow kind")
}

/// Delivers a notice.
///
/// Attempt `n` is a request to the performer `channel:CHANNEL` under the tag `deliver ID n`, answered by an [`Attempt`]. What is
/// to be tried again waits as the policy says (`backoff ID n`). Quiet hours are waited for (`quiet ID k`) and then the same
/// attempt is asked for again (`deliver ID n after quiet k`): they use no attempt up, nor the time that the policy allows. What is
/// given up is recorded by the performer [`DEAD_LETTERS`] before the flow goes on (`dead ID`).
///
/// # Errors
/// [`FlowError::Cancelled`] when the flow is cancelled. A letter that is with its channel by then may still go out.
pub async fn deliver(cx: &FlowCx, notice: &Notice, policy: &RetryPolicy) -> Result<Delivery, FlowError> {
    let mut trying = Trying { cx, notice, begun: cx.now(), quiet: 0 };
    let mut n = 1;
    loop {
        let id = notice.id.clone();
        let (reason, after) = match trying.attempt(n).await? {
            Attempt::Ok { uncertain, .. } => return Ok(Delivery::Delivered { id, n, uncertain }),
            Attempt::Never { why } => return Ok(Delivery::Skipped { id, why }),
            Attempt::Permanent { reason } | Attempt::Uncertain { reason } => return trying.give_up(n, reason).await,
            Attempt::Later { .. } => return trying.give_up(n - 1, "quiet hours without end".to_owned()).await,
            Attempt::Retry { reason, after } => (reason, after),
        };
        let elapsed = cx.now().saturating_since(trying.begun);
        let Some(delay) = policy.next(n, id.as_str(), after, elapsed) else {
            return trying.give_up(n, reason).await;
        };
        let until = cx.now() + delay;
        cx.show(&DeliverProgress::BackingOff { id: id.clone(), n, until, reason });
        cx.sleep_until(format_args!("backoff {id} {n}"), until).await?;
        n += 1;
    }
}

/// Delivers notices one after the other, each as [`deliver`] does, and says of each what came of it, in their order.
///
/// A flow's result has at most 3,000 bytes: about ten notices. Longer lists are better parted, or given flows of their own.
///
/// # Errors
/// As [`deliver`].
pub async fn deliver_all(cx: &FlowCx, notices: &[Notice], policy: &RetryPolicy) -> Result<Vec<Delivery>, FlowError> {
    let mut delivered = Vec::with_capacity(notices.len());
    for notice in notices {
        delivered.push(deliver(cx, notice, policy).await?);
    }
    Ok(delivered)
}

struct Trying<'a> {
    cx: &'a FlowCx,
    notice: &'a Notice,
    /// When the first attempt began, later by what was waited for quiet hours.
    begun: Timestamp,
    /// Quiet hours waited for so far.
    quiet: u32,
}

impl Trying<'_> {
    /// Makes an attempt once it is not quiet. [`Attempt::Later`] when it is quiet too often.
    async fn attempt(&mut self, n: u32) -> Result<Attempt, FlowError> {
        let Self { cx, notice, .. } = *self;
        let (id, channel) = (&notice.id, channel_performer(&notice.channel));
        loop {
            cx.show(&DeliverProgress::Sending { id: id.clone(), n });
            let asked = match self.quiet {
                0 => cx.request(&channel, format_args!("deliver {id} {n}"), notice),
                k => cx.request(&channel, format_args!("deliver {id} {n} after quiet {k}"), notice),
            };
            let attempt = asked.await?;
            let Attempt::Later { at } = attempt else { return Ok(attempt) };
            if self.quiet == QUIET_MAX {
                return Ok(attempt);
            }
            self.quiet += 1;
            let asleep = cx.now();
            cx.show(&DeliverProgress::Quiet { id: id.clone(), until: at });
            cx.sleep_until(format_args!("quiet {id} {}", self.quiet), at).await?;
            self.begun = self.begun + cx.now().saturating_since(asleep);
        }
    }

    /// Records a dead letter, also if the flow is cancelled meanwhile.
    async fn give_up(&self, attempts: u32, reason: String) -> Result<Delivery, FlowError> {
        let (cx, id) = (self.cx, self.notice.id.clone());
        let letter = DeadLetter { notice: self.notice.clone(), reason: reason.clone(), attempts, at: cx.now() };
        cx.shielded().request::<()>(DEAD_LETTERS, format_args!("dead {id}"), &letter).await?;
        Ok(Delivery::Failed { id, reason })
    }
}
