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

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

text_id!(
    /// One order. 1 to 64 bytes of `A-Z`, `a-z`, `0-9`, `-`, `_` and `.`: it is written into headers, URLs and references of
    /// gateways, and into the log, so it should say nothing of the buyer.
    ///
    /// ```
    /// use boxoffice_core::ticket::payment::OrderId;
    /// assert_eq!(OrderId::new("o-4711")?.as_str(), "o-4711");
    /// assert!(OrderId::new("o 4711").is_err());
    /// # Ok::<(), boxoffice_core::id::IdError>(())
    /// ```
    OrderId, "order id", 64, is_plain, "letters, digits, '-', '_' and '.'"
);
