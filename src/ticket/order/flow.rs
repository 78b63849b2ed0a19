//! An order's flow: step after step, until there is nothing more to do.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::event::OrderEnd;
use crate::flow::{FlowCx, FlowError, FlowId, FlowKind, Program, RetryPolicy, select};
use crate::id::IdError;
use crate::ticket::payment::OrderId;
use crate::time::Timestamp;

/// The kind of the flows that look after one order each.
pub const ORDER: &str = "order";
/// The performer that takes an order as far as it goes.
pub const ORDER_STEPS: &str = "order-steps";
/// The signal by which an order's flow hears that something was recorded.
pub const ORDER_NEWS: &str = "news";

/// What a flow of the kind [`ORDER`] is started with, and asks the performer [`ORDER_STEPS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderInput {
    /// Which order.
    pub order: OrderId,
}

/// How far the performer [`ORDER_STEPS`] came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepEnd {
    /// There is nothing to do before then, unless something is told.
    Wait {
        /// When to look again.
        until: Timestamp,
    },
    /// Somebody could not be asked: the store, the owner of an occurrence, the gateway.
    Failed {
        /// Who, and why; not personal.
        reason: String,
    },
    /// There is nothing more to do.
    Done {
        /// How it ended.
        end: OrderEnd,
    },
}

/// The flow of an order: `order/ID/N`, the N-th after it had ended so many times.
///
/// # Errors
/// [`IdError`] never: an id of an order has 64 bytes at most.
pub fn order_flow(order: &OrderId, closings: u64) -> Result<FlowId, IdError> {
    FlowId::new(FlowKind::new(ORDER)?, format!("{order}/{closings}"))
}

/// The program of kind [`ORDER`]: from an [`OrderInput`] to an [`OrderEnd`].
///
/// All that is known of an order stands in its stream; so the flow asks for the next steps, and waits for what they wait for: an
/// instant, or news. What fails is tried again, at first after a second, then less often, up to every quarter of an hour, for ever.
#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "the name is that of a flow kind")]
pub fn order_program() -> Program {
    Program::new(ORDER, 1, look_after).expect("`order` is the name of a flow kind")
}

async fn look_after(cx: FlowCx, input: OrderInput) -> Result<OrderEnd, FlowError> {
    let retry = RetryPolicy::growing(Duration::from_secs(1), Duration::from_secs(900)).map_err(FlowError::failed)?;
    let mut failures = 0_u32;
    for n in 1_u64.. {
        let step: StepEnd = cx.request(ORDER_STEPS, format_args!("step {n}"), &input).await?;
        let until = match step {
            StepEnd::Done { end } => return Ok(end),
            StepEnd::Wait { until } => {
                failures = 0;
                until
            }
            StepEnd::Failed { .. } => {
                failures = failures.saturating_add(1);
                let delay = retry.next(failures, cx.id().as_str(), None, Duration::ZERO);
                cx.now() + delay.unwrap_or_else(|| retry.delay_max())
            }
        };
        let news = cx.signal::<serde_json::Value>(format_args!("news {n}"), ORDER_NEWS);
        let wait = cx.sleep_until(format_args!("wait {n}"), until);
        select(news, wait).await;
        if cx.should_continue_as_new() {
            return cx.continue_as_new(&input);
        }
    }
    Err(FlowError::failed("an order of more steps than can be counted"))
}
