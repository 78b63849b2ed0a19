//! Gateways that take the money: adapters of [`PaymentGateway`].
//!
//! | gateway | feature | what it is | idempotency keys | its deliveries are |
//! | --- | --- | --- | --- | --- |
//! | [`SandboxGateway`] | | for demos and tests: keeps its sessions in a store | yes | signed |
//! | `StripeGateway` | `stripe` | Checkout Sessions of Stripe | yes, for a day: refunds are looked for before they are asked for | signed |
//! | `SumUpGateway` | `sumup` | hosted checkouts of SumUp | for checkouts; refunds are told by their sum, and asked for once by marks in a store | looked up |
//!
//! An answer is awaited as long as the [`HttpClient`](crate::http::HttpClient) says, and read up to 1 MiB. What
//! cannot be reached, does not take our key (401, 403), is in a hurry (429) or out of order (5xx) is
//! [unavailable](GatewayError::Unavailable), and whether it did what it was asked is not known; every other 4xx is a
//! [refusal](GatewayError::Refused), with the gateway's code. Each call by [orders](crate::orders) is a span
//! `gateway` at debug level, with `gateway`, `operation`, `outcome` and `ms`; neither it nor an error says anything of the buyer.

#[cfg(any(feature = "stripe", feature = "sumup"))]
mod call;
#[cfg(any(feature = "stripe", feature = "sumup"))]
mod news;
mod sandbox;
mod secret;
#[cfg(feature = "stripe")]
mod stripe;
#[cfg(feature = "sumup")]
mod sumup;

use core::fmt::Write as _;

pub use boxoffice_core::ticket::payment::*;
pub use sandbox::{SandboxDelivery, SandboxGateway, SandboxOutcome};
pub use secret::{GatewaySecret, GatewaySecretError};
#[cfg(feature = "stripe")]
pub use stripe::StripeGateway;
#[cfg(feature = "sumup")]
pub use sumup::SumUpGateway;

/// The longest body of a delivery or an answer, in bytes.
const BODY_MAX: usize = 1_024 * 1_024;

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

fn unavailable(reason: impl Into<String>) -> GatewayError {
    GatewayError::Unavailable { reason: reason.into() }
}

fn refused(reason: impl Into<String>) -> GatewayError {
    GatewayError::Refused { reason: reason.into() }
}

/// A body that is not worth looking at.
fn check_length(delivery: &WebhookDelivery<'_>) -> Result<(), WebhookError> {
    if delivery.body.len() > BODY_MAX { Err(secret::unproven("the body is longer than 1 MiB")) } else { Ok(()) }
}

/// Where JSON cannot be read; not what stands there, which may be personal.
fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

fn unreadable(reason: impl Into<String>) -> WebhookError {
    WebhookError::Unreadable { reason: reason.into() }
}
