//! What orders ask the gateway.

use core::future::Future;
use core::time::Duration;

use boxoffice_core::ticket::order::{Order, OrderEvent};
use boxoffice_core::ticket::payment::{GatewayError, RefundAsk, SessionAsk, SessionId};

use super::desk::{Hindrance, House};

/// How long a gateway may take to answer. Its adapter should be quicker to give up.
const GATEWAY_TIME: Duration = Duration::from_secs(120);

impl House {
    pub(super) async fn open(&self, ask: &SessionAsk) -> Result<OrderEvent, Hindrance> {
        Ok(match self.in_time(self.gateway.open(ask)).await {
            Ok(session) => OrderEvent::SessionOpened { session, attempt: ask.attempt },
            Err(GatewayError::Refused { reason }) => OrderEvent::SessionRefused { reason: short(reason) },
            Err(error) => return Err(error.to_string()),
        })
    }

    pub(super) async fn expire(&self, order: &Order, session: &SessionId) -> Result<OrderEvent, Hindrance> {
        let facts = match self.in_time(self.gateway.expire(session)).await {
            // Perhaps since it is over already.
            Err(GatewayError::Refused { .. }) => self.in_time(self.gateway.look(session)).await,
            facts => facts,
        };
        facts.map(|facts| order.answered(facts)).map_err(|error| error.to_string())
    }

    pub(super) async fn refund(&self, order: &Order, ask: RefundAsk) -> Result<OrderEvent, Hindrance> {
        Ok(match self.in_time(self.gateway.refund(&ask)).await {
            Ok(facts) => {
                let event = order.answered(facts);
                let mut after = order.clone();
                after.evolve(order.seq().next(), self.clock.now(), &event);
                if after.is_asked(&ask.key) {
                    return Err("the gateway does not say what became of a refund".to_owned());
                }
                event
            }
            Err(GatewayError::Refused { reason }) => OrderEvent::RefundRefused { key: ask.key, reason: short(reason) },
            Err(error) => return Err(error.to_string()),
        })
    }

    pub(super) async fn in_time<T>(
        &self,
        asked: impl Future<Output = Result<T, GatewayError>>,
    ) -> Result<T, GatewayError> {
        let reason = || GatewayError::Unavailable { reason: "no answer in time".to_owned() };
        tokio::time::timeout(GATEWAY_TIME, asked).await.unwrap_or_else(|_| Err(reason()))
    }
}

/// As much of a reason as is recorded.
fn short(reason: String) -> String {
    if reason.len() <= 300 { reason } else { reason.chars().take(300).collect() }
}
