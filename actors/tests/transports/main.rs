//! Transports against far ends that are scripted.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic too")]

mod contract;
mod file;
mod http_server;
mod mail;
mod smtp;
mod smtp_server;
mod tls;
mod web_push;
mod webhook;

use boxoffice::http::HttpClient;
use boxoffice::id::NoticeId;
use boxoffice::notify::{Blame, Letter, SendOutcome};
use boxoffice::persist::Payload;

/// For servers on this machine.
pub(crate) fn http() -> HttpClient {
    HttpClient::new().unwrap().allow_private(true).allow_plain(true)
}

pub(crate) fn letter(id: &str) -> Letter {
    Letter {
        id: NoticeId::new(id).unwrap(),
        kind: "reminder".to_owned(),
        to: "ann@club.example".to_owned(),
        subject: "Chess".to_owned(),
        text: "At eight.".to_owned(),
        html: None,
        calendar: None,
        unsubscribe: None,
        data: Payload::new(&("seat", 7)).unwrap(),
    }
}

/// Name and blame of an outcome.
pub(crate) fn told(outcome: &SendOutcome) -> (&'static str, Option<Blame>) {
    let blame = if let SendOutcome::Retry { blame, .. } = outcome { Some(*blame) } else { None };
    (outcome.name(), blame)
}
