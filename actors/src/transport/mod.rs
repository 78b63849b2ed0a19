//! Ways out for notices: to mailboxes, to servers, to a directory, to a test.
//!
//! | transport | feature | for | knows a letter again |
//! | --- | --- | --- | --- |
//! | [`MemoryTransport`] | `notify` | tests | as it is told |
//! | [`FileTransport`] | `notify` | development: a file for each letter | yes |
//! | [`StdoutTransport`] | `notify` | development: letters on a terminal | no |
//! | `SmtpTransport` | `smtp` | mail | no: no mail server does |
//! | `WebhookTransport` | `webhook` | other people's programs | yes: by `webhook-id` |
//! | `WebPushTransport` | `web-push` | browsers | no: only one that still waits is replaced |
//!
//! Call them through [`send_within`], which holds them to their [timeout](crate::notify::Transport::timeout) and turns a
//! panic into an outcome. A transport of your own can be tried with the module `contract` (feature `conformance`).

#[cfg(feature = "conformance")]
pub mod contract;
mod file;
mod mail;
mod memory;
mod mime;
mod name;
#[cfg(feature = "smtp")]
mod smtp;
mod timed;
#[cfg(feature = "web-push")]
mod web_push;
#[cfg(feature = "webhook")]
mod webhook;

pub use file::{FileTransport, StdoutTransport};
pub use mail::{MailComposer, MailError};
pub use memory::{MemoryTransport, Play};
#[cfg(feature = "smtp")]
pub use smtp::{SmtpBuilder, SmtpError, SmtpSecurity, SmtpTransport};
pub use timed::send_within;
#[cfg(feature = "web-push")]
pub use web_push::{PushHandling, PushUrgency, VapidKey, VapidKeyError, WebPushSetupError, WebPushTransport};
#[cfg(feature = "webhook")]
pub use webhook::{WebhookKey, WebhookKeyError, WebhookTransport};
