//! What Stripe says of its objects; of each only what is read.

use std::collections::BTreeMap;

use boxoffice_core::ticket::payment::OrderId;
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) type Metadata = Option<BTreeMap<String, String>>;

/// Whose money an object is about, if it says so.
pub(super) fn order(metadata: &Metadata) -> Option<OrderId> {
    OrderId::new(metadata.as_ref()?.get("order")?).ok()
}

/// An object, or only its id where it was not expanded.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Ref<T> {
    Id(String),
    Whole(Box<T>),
}

#[derive(Deserialize)]
pub(super) struct List<T> {
    pub(super) data: Vec<T>,
    #[serde(default)]
    pub(super) has_more: bool,
}

#[derive(Deserialize)]
pub(super) struct CheckoutSession {
    pub(super) id: String,
    pub(super) url: Option<String>,
    pub(super) expires_at: i64,
    pub(super) status: Option<String>,
    pub(super) payment_status: Option<String>,
    pub(super) amount_total: Option<i64>,
    pub(super) currency: Option<String>,
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) payment_intent: Option<Ref<Intent>>,
}

#[derive(Deserialize)]
pub(super) struct Intent {
    pub(super) status: String,
    pub(super) latest_charge: Option<Ref<Charge>>,
}

#[derive(Deserialize)]
pub(super) struct Charge {
    pub(super) id: String,
    pub(super) amount_captured: i64,
    pub(super) currency: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) disputed: bool,
    #[serde(default)]
    pub(super) metadata: Metadata,
    pub(super) refunds: Option<List<Refund>>,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: Option<String>,
    pub(super) charge: Option<Ref<Charge>>,
    #[serde(default)]
    pub(super) metadata: Metadata,
}

#[derive(Deserialize)]
pub(super) struct Dispute {
    pub(super) id: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) charge: Ref<Charge>,
}

#[derive(Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) r#type: String,
    pub(super) data: EventData,
}

#[derive(Deserialize)]
pub(super) struct EventData {
    pub(super) object: Box<RawValue>,
}

/// The code of a refusal, or its kind where there is none.
pub(super) fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        error: Inner,
    }
    #[derive(Deserialize)]
    struct Inner {
        code: Option<String>,
        r#type: Option<String>,
    }
    let Inner { code, r#type } = serde_json::from_slice::<Refusal>(body).ok()?.error;
    code.or(r#type)
}

impl Ref<Charge> {
    pub(super) fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Whole(charge) => &charge.id,
        }
    }
}
