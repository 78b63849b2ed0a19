//! `boxoffice order pay`: the buyer, and the webhook of the sandbox.

use core::time::Duration;

use boxoffice::clock::{Clock, SystemClock};
use boxoffice::orders::{Came, Order, WebhookOutcome};
use boxoffice::payment::{
    GatewayError, PaymentFact, PaymentGateway, SandboxDelivery, SandboxOutcome, SessionAsk, SessionId, SessionState,
};

use super::args::PayArgs;
use super::till::Till;
use super::{show, words};
use crate::error::HostError;
use crate::output::{complain, print, visible};

/// How long a session lasts that is opened to be paid at once.
const AT_ONCE: Duration = Duration::from_secs(300);

pub(super) async fn run(args: &PayArgs) -> Result<bool, HostError> {
    if args.amount.is_some_and(|amount| amount.minor() <= 0) {
        return Err(HostError::Usage("--amount: nobody pays nothing".to_owned()));
    }
    let till = Till::open(&args.one.store).await?;
    let done = pay(&till, args).await;
    till.close().await;
    done
}

async fn pay(till: &Till, args: &PayArgs) -> Result<bool, HostError> {
    let order = till.rested(&args.one.id).await?;
    let sessions = sessions(till, &order).await?;
    if sessions.is_empty() {
        complain(&format!("order {} has no session: there is nothing to pay", args.one.id));
        return Ok(false);
    }
    let is_paid = sessions.iter().any(|(_, state)| *state == SessionState::Paid);
    if is_paid && !args.twice {
        complain(&format!(
            "a session of order {} is paid: --twice pays once more, with --amount what is missing",
            args.one.id
        ));
        return Ok(false);
    }
    let mut deliveries = Vec::new();
    let open = sessions.iter().find(|(_, state)| *state == SessionState::Open).map(|(session, _)| session);
    if let Some(session) = open {
        deliveries.push(paid(till, args, session).await?);
    }
    if open.is_none() || args.twice {
        let session = another(till, &order, sessions.len()).await?;
        deliveries.push(paid(till, args, &session).await?);
    }
    for delivery in &deliveries {
        let said = if args.lost { "lost        nobody is told".to_owned() } else { told(till, delivery).await? };
        if !args.one.json {
            print(&(visible(&said) + "\n"))?;
        }
    }
    show::show(&till.rested(&args.one.id).await?, args.one.json)?;
    Ok(true)
}

/// All sessions of an order at the sandbox, and how they stand: one attempt after the other.
async fn sessions(till: &Till, order: &Order) -> Result<Vec<(SessionId, SessionState)>, HostError> {
    let mut found = Vec::new();
    for attempt in 1_u32.. {
        let name = format!("{}.{attempt}", order.placed().id);
        let session = SessionId::new(name).map_err(|error| HostError::Usage(error.to_string()))?;
        let facts = match till.gateway.look(&session).await {
            Err(GatewayError::Refused { .. }) => break,
            facts => facts?,
        };
        let state = facts.iter().find_map(|fact| match fact {
            PaymentFact::Session { state, .. } => Some(*state),
            PaymentFact::Charge { .. } | PaymentFact::Refund { .. } | PaymentFact::Dispute { .. } => None,
        });
        found.push((session, state.unwrap_or(SessionState::Open)));
    }
    Ok(found)
}

/// A session of an order's own is paid once, and in time. Whoever pays late, or again, does so by another one of the same order, that
/// the order did not ask for.
async fn another(till: &Till, order: &Order, known: usize) -> Result<SessionId, HostError> {
    let attempt = u32::try_from(known).unwrap_or(u32::MAX).saturating_add(1);
    let ask = SessionAsk {
        order: order.placed().id.clone(),
        attempt,
        amount: order.total(),
        title: order.placed().title.clone(),
        until: SystemClock.now() + AT_ONCE,
        back_to: None,
    };
    Ok(till.gateway.open(&ask).await?.id)
}

async fn paid(till: &Till, args: &PayArgs, session: &SessionId) -> Result<SandboxDelivery, HostError> {
    match till.gateway.pay(session, args.amount).await? {
        SandboxOutcome::Done(delivery) => Ok(delivery),
        SandboxOutcome::Cannot { .. } | SandboxOutcome::Unknown => {
            Err(GatewayError::Refused { reason: format!("session {session} cannot be paid any more") }.into())
        }
    }
}

/// What the order made of it.
#[expect(clippy::wildcard_enum_match_arm, reason = "there may be more one day")]
async fn told(till: &Till, delivery: &SandboxDelivery) -> Result<String, HostError> {
    let said = match till.orders.webhook(delivery.at(SystemClock.now())).await? {
        WebhookOutcome::Told { came, .. } => {
            let of_money = came.iter().filter(|came| !matches!(came, Came::Known | Came::Session));
            of_money.map(words::came).collect::<Vec<_>>().join(", ")
        }
        other => other.name().to_owned(),
    };
    Ok(format!("told        {said}"))
}
