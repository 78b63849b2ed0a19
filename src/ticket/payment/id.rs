//! Names that payments go by: an order's, and those that a gateway gives.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{IdError, check_text, text_id};

text_id!(
    /// One session of paying at a gateway, such as a page of a checkout: the gateway's name for it. 1 to 128 bytes, no control
    /// characters.
    SessionId, "session id", 128
);

text_id!(
    /// One charge: money taken once from somebody. The gateway's name for it. 1 to 128 bytes, no control characters.
    ChargeId, "charge id", 128
);

text_id!(
    /// One refund of a charge. The gateway's name for it. 1 to 128 bytes, no control characters.
    RefundId, "refund id", 128
);

text_id!(
    /// One dispute of a charge, which may end as a chargeback. The gateway's name for it. 1 to 128 bytes, no control characters.
    DisputeId, "dispute id", 128
);

text_id!(
    /// One piece of news of a gateway: the name of its event, the same whenever it is told. 1 to 128 bytes, no control characters.
    NewsId, "news id", 128
);

/// One order. 1 to 64 bytes of `A-Z`, `a-z`, `0-9`, `-`, `_` and `.`: it is written into headers, URLs and references of
/// gateways, and into the log, so it should say nothing of the buyer.
///
/// ```
/// use boxoffice_core::ticket::payment::OrderId;
/// assert_eq!(OrderId::new("o-4711")?.as_str(), "o-4711");
/// assert!(OrderId::new("o 4711").is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(Arc<str>);

impl OrderId {
    /// Longest text allowed, in bytes.
    pub const LENGTH_MAX: usize = 64;

    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`IdError`] when `text` is empty, too long or holds another character.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        check_text("order id", text, Self::LENGTH_MAX)?;
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
            let wanted = "letters, digits, '-', '_' and '.'";
            return Err(IdError::Shape { kind: "order id", text: text.to_owned(), wanted });
        }
        Ok(Self(text.into()))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrderId {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl TryFrom<String> for OrderId {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0.as_ref().to_owned()
    }
}
