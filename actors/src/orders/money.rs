//! What orders ask the gateway.

use core::future::Future;
use core::time::Duration;

use boxoffice_core::ticket::order::{Order, OrderEvent};
use boxoffice_core::ticket::payment::{GatewayError, RefundAsk, SessionAsk, SessionId, StatementPage};
use boxoffice_core::time::Timestamp;
use tracing::{Instrument as _, field};

use super::desk::{Hindrance, House};
use crate::stats::Stopwatch;

/// How long a gateway may take to answer. Its adapter should be quicker to give up.
const GATEWAY_TIME: Duration = Duration::from_secs(120);

impl House {
    pub(super) async fn open(&self, ask: &SessionAsk) -> Result<OrderEvent, Hindrance> {
        Ok(match self.ask_gateway("open", self.gateway.open(ask)).await {
            Ok(session) => OrderEvent::SessionOpened { session, attempt: ask.attempt },
            Err(GatewayError::Refused { reason }) => OrderEvent::SessionRefused { reason: short(reason) },
            Err(error) => return Err(error.to_string()),
        })
    }

    pub(super) async fn expire(&self, order: &Order, session: &SessionId) -> Result<OrderEvent, Hindrance> {
        let facts = match self.ask_gateway("expire", self.gateway.expire(session)).await {
            // Perhaps since it is over already.
            Err(GatewayError::Refused { .. }) => self.ask_gateway("look", self.gateway.look(session)).await,
            facts => facts,
        };
        facts.map(|facts| order.answered(facts)).map_err(|error| error.to_string())
    }

    pub(super) async fn refund(&self, order: &Order, ask: RefundAsk) -> Result<OrderEvent, Hindrance> {
        Ok(match self.ask_gateway("refund", self.gateway.refund(&ask)).await {
            Ok(facts) => {
                let event = order.answered(facts);
                // Some of what is new may be all that is recorded at once; then the gateway is asked again.
                let says_nothing = matches!(&event, OrderEvent::Told { facts, .. } if facts.is_empty());
                if says_nothing && order.is_asked(&ask.key) {
                    return Err("the gateway does not say what became of a refund".to_owned());
                }
                event
            }
            Err(GatewayError::Refused { reason }) => OrderEvent::RefundRefused { key: ask.key, reason: short(reason) },
            Err(error) => return Err(error.to_string()),
        })
    }

    pub(super) async fn statement_page(
        &self,
        from: Timestamp,
        until: Timestamp,
        page: Option<&str>,
    ) -> Result<StatementPage, GatewayError> {
        self.ask_gateway("statement", self.gateway.statement(from, until, page)).await
    }

    /// Waits for an answer, but not for ever, in a span that ends up with its outcome and how long it took.
    pub(super) async fn ask_gateway<T>(
        &self,
        operation: &'static str,
        asked: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let gateway = self.gateway.name();
        let span = tracing::debug_span!("gateway", gateway, operation, outcome = field::Empty, ms = field::Empty);
        let watch = Stopwatch::start();
        let late = || GatewayError::Unavailable { reason: "no answer in time".to_owned() };
        let answer = tokio::time::timeout(GATEWAY_TIME, asked).instrument(span.clone()).await;
        let answer = answer.unwrap_or_else(|_| Err(late()));
        match &answer {
            Ok(_) => span.record("outcome", "ok"),
            Err(error) => span.record("outcome", field::display(error)),
        };
        span.record("ms", u64::try_from(watch.elapsed().as_millis()).unwrap_or(u64::MAX));
        answer
    }
}

/// As much of a reason as is recorded.
fn short(reason: String) -> String {
    if reason.len() <= 300 { reason } else { reason.chars().take(300).collect() }
}
