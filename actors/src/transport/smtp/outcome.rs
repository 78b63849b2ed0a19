//! What the replies of a mail server mean for a letter (RFC 5321 section 4.2, RFC 4954 section 6).

use boxoffice_core::notify::{Blame, SendOutcome};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use super::session::{Failure, Stage};

/// Longest reason that is kept, in characters.
const REASON_MAX: usize = 200;

pub(super) fn accepted(reply: &Response) -> SendOutcome {
    let text = reply.message().collect::<Vec<_>>().join(" ");
    SendOutcome::Ok { info: without_addresses(&format!("{} {text}", reply.code())) }
}

pub(super) fn failed(failure: &Failure) -> SendOutcome {
    match failure {
        Failure::AddressNotAscii => {
            SendOutcome::Permanent { reason: "an address is not in ASCII, and the server takes only such".to_owned() }
        }
        Failure::Unreachable(error) => retry(without_addresses(&format!("not connected: {error}")), Blame::Channel),
        Failure::Odd { stage: Stage::Content, reply } => uncertain(format!("the letter was answered with {reply}")),
        Failure::Odd { stage: Stage::Opening | Stage::Sender | Stage::Recipient, reply } => {
            retry(format!("the server answered out of turn: {reply}"), Blame::Channel)
        }
        Failure::Smtp { stage, error } => match code(error) {
            Some(code) => refused(*stage, code, without_addresses(&error.to_string())),
            None => broken(*stage, without_addresses(&error.to_string())),
        },
    }
}

/// Whether the server said something that it can go on from.
pub(super) fn can_go_on(failure: &Failure) -> bool {
    match failure {
        Failure::AddressNotAscii => true,
        Failure::Unreachable(_) | Failure::Odd { .. } => false,
        // 421: it is closing the connection.
        Failure::Smtp { error, .. } => code(error).is_some_and(|code| code != 421),
    }
}

fn code(error: &Error) -> Option<u16> {
    error.status()?.to_string().parse().ok()
}

/// A reply of 4xx or 5xx. The letter is to blame only where the server had heard of its recipient or had seen it.
fn refused(stage: Stage, code: u16, reason: String) -> SendOutcome {
    match (stage, code) {
        // Not let in, or let in no more: 454 and 53x are about who we are, 421 ends the service.
        (_, 421 | 454 | 530 | 534 | 535 | 538) | (Stage::Opening | Stage::Sender, _) => retry(reason, Blame::Channel),
        (Stage::Recipient | Stage::Content, 400..500) => retry(reason, Blame::Letter),
        (Stage::Recipient | Stage::Content, _) => SendOutcome::Permanent { reason },
    }
}

/// No reply. A server takes a letter when it has seen its end, and its reply may be lost; lettre tells a write that failed
/// from a reply that did not come no better than this, so all that happens after the letter was begun is uncertain.
fn broken(stage: Stage, reason: String) -> SendOutcome {
    match stage {
        Stage::Opening | Stage::Sender | Stage::Recipient => retry(reason, Blame::Channel),
        Stage::Content => uncertain(reason),
    }
}

pub(super) fn retry(reason: String, blame: Blame) -> SendOutcome {
    SendOutcome::Retry { reason, after: None, blame }
}

fn uncertain(reason: String) -> SendOutcome {
    SendOutcome::Uncertain { reason }
}

/// Servers repeat addresses in their replies; outcomes are kept, and are not personal.
fn without_addresses(text: &str) -> String {
    let words = text.split_whitespace().map(|word| if word.contains('@') { "(address)" } else { word });
    words.collect::<Vec<_>>().join(" ").chars().take(REASON_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_blames_the_letter_only_once_the_recipient_was_named() {
        use Stage::{Content, Opening, Recipient, Sender};
        let cases = [
            (Opening, 554, "retry", Some(Blame::Channel)),
            (Opening, 535, "retry", Some(Blame::Channel)),
            (Opening, 454, "retry", Some(Blame::Channel)),
            (Sender, 550, "retry", Some(Blame::Channel)),
            (Sender, 530, "retry", Some(Blame::Channel)),
            (Sender, 451, "retry", Some(Blame::Channel)),
            (Recipient, 421, "retry", Some(Blame::Channel)),
            (Recipient, 450, "retry", Some(Blame::Letter)),
            (Recipient, 452, "retry", Some(Blame::Letter)),
            (Recipient, 550, "permanent", None),
            (Content, 451, "retry", Some(Blame::Letter)),
            (Content, 554, "permanent", None),
        ];
        for (stage, code, name, blamed) in cases {
            let outcome = refused(stage, code, String::new());
            let found = if let SendOutcome::Retry { blame, .. } = &outcome { Some(*blame) } else { None };
            assert_eq!((outcome.name(), found), (name, blamed), "{stage:?} {code}");
        }
    }

    #[test]
    fn a_broken_connection_is_uncertain_only_once_the_letter_was_begun() {
        let names = [Stage::Opening, Stage::Sender, Stage::Recipient, Stage::Content]
            .map(|stage| broken(stage, String::new()).name());
        assert_eq!(names, ["retry", "retry", "retry", "uncertain"]);
    }

    #[test]
    fn reasons_hold_no_addresses_and_are_short() {
        let reason = without_addresses("550 5.1.1 <ann@club.example>: no such\r\n user ann@club.example");
        assert_eq!(reason, "550 5.1.1 (address) no such user (address)");
        assert_eq!(without_addresses(&"ä".repeat(900)).chars().count(), REASON_MAX);
    }
}
