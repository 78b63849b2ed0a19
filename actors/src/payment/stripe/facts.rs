//! Objects of Stripe as facts.

use boxoffice_core::id::IdError;
use boxoffice_core::ticket::payment::{
    ChargeId, DisputeId, DisputeState, PaymentFact, RefundId, RefundState, SessionId, SessionState,
};

use super::amount::{AmountError, from_stripe};
use super::objects::{Charge, CheckoutSession, Dispute, Intent, Ref, Refund};

/// Why an object is no fact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoFact {
    #[error(transparent)]
    Amount(#[from] AmountError),
    #[error("an id that cannot be kept")]
    Id,
    #[error("a session of an unknown state")]
    State,
}

impl From<IdError> for NoFact {
    fn from(_: IdError) -> Self {
        Self::Id
    }
}

/// How a session stands. An intent that was not expanded leaves open whether a payment under way has failed.
pub(super) fn session(session: &CheckoutSession) -> Result<PaymentFact, NoFact> {
    let is_paid = matches!(session.payment_status.as_deref(), Some("paid" | "no_payment_required"));
    let has_failed = match &session.payment_intent {
        Some(Ref::Whole(intent)) => intent_failed(intent),
        Some(Ref::Id(_)) | None => false,
    };
    let state = match session.status.as_deref() {
        Some("open") => SessionState::Open,
        Some("expired") => SessionState::Expired,
        Some("complete") if is_paid => SessionState::Paid,
        Some("complete") if has_failed => SessionState::Failed,
        Some("complete") => SessionState::Pending,
        _ => return Err(NoFact::State),
    };
    Ok(PaymentFact::Session { session: SessionId::new(&session.id)?, state })
}

fn intent_failed(intent: &Intent) -> bool {
    matches!(intent.status.as_str(), "requires_payment_method" | "canceled")
}

/// What has been taken, once it has: a charge that is on its way says its whole amount too.
pub(super) fn charge(charge: &Charge) -> Result<Option<PaymentFact>, NoFact> {
    if charge.status != "succeeded" || charge.amount_captured <= 0 {
        return Ok(None);
    }
    let captured = from_stripe(charge.amount_captured, &charge.currency)?;
    Ok(Some(PaymentFact::Charge { charge: ChargeId::new(&charge.id)?, captured }))
}

/// A refund of `charge`.
pub(super) fn refund(charge: &str, refund: &Refund) -> Result<PaymentFact, NoFact> {
    let state = match refund.status.as_deref() {
        Some("succeeded") => RefundState::Succeeded,
        Some("failed" | "canceled") => RefundState::Failed,
        // `pending`, `requires_action`, and what may be added: it has been taken on.
        _ => RefundState::Pending,
    };
    let amount = from_stripe(refund.amount, &refund.currency)?;
    Ok(PaymentFact::Refund { charge: ChargeId::new(charge)?, refund: RefundId::new(&refund.id)?, amount, state })
}

/// A dispute that has moved money: before it does there are only inquiries (`warning_*`), and some are prevented.
pub(super) fn dispute(dispute: &Dispute) -> Result<Option<PaymentFact>, NoFact> {
    let state = match dispute.status.as_str() {
        "needs_response" | "under_review" => DisputeState::Open,
        "won" => DisputeState::Won,
        "lost" => DisputeState::Lost,
        _ => return Ok(None),
    };
    let (charge, id) = (ChargeId::new(dispute.charge.id())?, DisputeId::new(&dispute.id)?);
    let amount = from_stripe(dispute.amount, &dispute.currency)?;
    Ok(Some(PaymentFact::Dispute { charge, dispute: id, amount, state }))
}
