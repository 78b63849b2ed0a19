//! News under names made of what they say.

use boxoffice_core::ticket::payment::{GatewayError, News, NewsId, OrderId, PaymentFact};
use sha2::{Digest as _, Sha256};

use super::{hex, unavailable};

/// Facts as pieces of news: the same facts give the same pieces.
pub(super) fn told(order: Option<&OrderId>, facts: &[PaymentFact]) -> Result<Vec<News>, GatewayError> {
    facts.chunks(News::FACTS_MAX).map(|facts| piece(order, facts)).collect()
}

/// One piece. Of more facts than it takes, the first.
pub(super) fn piece(order: Option<&OrderId>, facts: &[PaymentFact]) -> Result<News, GatewayError> {
    let facts: Vec<PaymentFact> = facts.iter().take(News::FACTS_MAX).cloned().collect();
    let said = serde_json::to_vec(&(order, &facts)).map_err(|_| unavailable("facts without a JSON form"))?;
    let id = NewsId::new(format!("sha256-{}", hex(&Sha256::digest(said))));
    Ok(News { id: id.map_err(|_| unavailable("news without a name"))?, order: order.cloned(), facts })
}
