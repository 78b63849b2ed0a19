//! What gateways have told of an order's money, put together.

use std::collections::BTreeMap;

use crate::ticket::currency::Currency;
use crate::ticket::money::Money;
use crate::ticket::payment::{
    ChargeId, DisputeId, DisputeState, PaymentFact, RefundId, RefundState, SessionId, SessionState,
};

/// A charge as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charge {
    /// What was taken in all; none until the gateway has said so.
    pub captured: Option<Money>,
    /// Its refunds.
    pub refunds: BTreeMap<RefundId, (Money, RefundState)>,
    /// Its disputes.
    pub disputes: BTreeMap<DisputeId, (Money, DisputeState)>,
}

impl Charge {
    /// Minor units that were given back or are about to be.
    pub(super) fn refunded(&self) -> i128 {
        let counted = self.refunds.values().filter(|(_, state)| *state != RefundState::Failed);
        counted.map(|(amount, _)| i128::from(amount.minor())).sum()
    }

    /// Minor units of all refunds that there ever were, also of those that came to nothing.
    pub(super) fn refunds_ever(&self) -> i128 {
        self.refunds.values().map(|(amount, _)| i128::from(amount.minor())).sum()
    }

    pub(super) fn refunds_failed(&self) -> usize {
        self.refunds.values().filter(|(_, state)| *state == RefundState::Failed).count()
    }

    /// Minor units under disputes in one of these states.
    fn disputed(&self, states: &[DisputeState]) -> i128 {
        let counted = self.disputes.values().filter(|(_, state)| states.contains(state));
        counted.map(|(amount, _)| i128::from(amount.minor())).sum()
    }

    fn left(&self, gone: i128) -> i128 {
        self.captured.map_or(0, |captured| i128::from(captured.minor()) - gone)
    }

    /// Minor units that are ours: taken, not given back, and not under dispute or charged back. Less than nothing when money was both
    /// given back and charged back.
    pub(super) fn ours(&self) -> i128 {
        self.left(self.refunded() + self.disputed(&[DisputeState::Open, DisputeState::Lost]))
    }

    /// The same, as if disputes that are open were won.
    pub(super) fn ours_if_won(&self) -> i128 {
        self.left(self.refunded() + self.disputed(&[DisputeState::Lost]))
    }
}

/// Sessions and charges of an order, as facts put together make them.
///
/// Facts may be put in again, and in any order: what they come to is the same. Of two that say different things of one, the later
/// in the order of states counts, and the larger amount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purse {
    pub(super) sessions: BTreeMap<SessionId, SessionState>,
    pub(super) charges: BTreeMap<ChargeId, Charge>,
}

impl Purse {
    /// Puts a fact in, and says whether it was new.
    pub fn put(&mut self, fact: &PaymentFact) -> bool {
        match fact {
            PaymentFact::Session { session, state } => {
                let before = self.sessions.insert(session.clone(), *state);
                let Some(before) = before else { return true };
                self.sessions.insert(session.clone(), before.max(*state));
                before < *state
            }
            PaymentFact::Charge { charge, captured } => {
                let known = &mut self.charges.entry(charge.clone()).or_default().captured;
                let is_new = known
                    .is_none_or(|known| known.currency() == captured.currency() && known.minor() < captured.minor());
                if is_new {
                    *known = Some(*captured);
                }
                is_new
            }
            PaymentFact::Refund { charge, refund, amount, state } => {
                let refunds = &mut self.charges.entry(charge.clone()).or_default().refunds;
                put(refunds, refund, *amount, *state)
            }
            PaymentFact::Dispute { charge, dispute, amount, state } => {
                let disputes = &mut self.charges.entry(charge.clone()).or_default().disputes;
                put(disputes, dispute, *amount, *state)
            }
        }
    }

    /// Sessions that were told of.
    pub fn sessions(&self) -> &BTreeMap<SessionId, SessionState> {
        &self.sessions
    }

    /// Charges that were told of.
    pub fn charges(&self) -> &BTreeMap<ChargeId, Charge> {
        &self.charges
    }

    /// Minor units of all charges in a currency.
    pub(super) fn sum(&self, currency: Currency, of: impl Fn(&Charge) -> i128) -> i128 {
        let same = |charge: &&Charge| charge.captured.is_some_and(|captured| captured.currency() == currency);
        self.charges.values().filter(same).map(of).sum()
    }
}

/// Whether what is put in is later, or more.
fn put<K: Ord + Clone, S: Ord + Copy>(known: &mut BTreeMap<K, (Money, S)>, id: &K, amount: Money, state: S) -> bool {
    let Some((money, stood)) = known.get_mut(id) else {
        known.insert(id.clone(), (amount, state));
        return true;
    };
    let is_new = state > *stood || (money.currency() == amount.currency() && amount.minor() > money.minor());
    *stood = state.max(*stood);
    if money.currency() == amount.currency() {
        *money = Money::new(amount.minor().max(money.minor()), amount.currency());
    }
    is_new
}
