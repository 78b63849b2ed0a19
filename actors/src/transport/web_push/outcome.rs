//! What the answers of a push service mean for a letter (RFC 8030, RFC 8292).

use core::time::Duration;

use boxoffice_core::notify::{Blame, SendOutcome};
use boxoffice_core::time::Timestamp;

use super::encrypt::CannotEncrypt;
use super::subscription::BadSubscription;
use crate::http::{Fault, Reply};

/// Why nobody answered.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    Subscription(BadSubscription),
    Encryption(CannotEncrypt),
    /// There is no randomness to sign with.
    Signature,
    /// The letter has no JSON form.
    Letter,
    Fault(Fault),
}

pub(super) fn answered(reply: &Reply, now: Timestamp) -> SendOutcome {
    let reason = format!("HTTP {}", reply.status);
    match reply.status {
        200..300 => SendOutcome::Ok { info: reason },
        300..=399 => permanent(format!("{reason}: redirects are not followed")),
        401 | 403 => retry(format!("{reason}: the VAPID key is refused"), None, Blame::Channel),
        404 | 410 => permanent(format!("{reason}: the subscription is gone")),
        413 => permanent(format!("{reason}: the message is too long")),
        408 | 429 | 500.. => retry(reason, reply.wait(now), Blame::Letter),
        _ => permanent(reason),
    }
}

pub(super) fn refused(refusal: Refusal) -> SendOutcome {
    match refusal {
        Refusal::Subscription(bad) => permanent(bad.to_string()),
        Refusal::Encryption(cannot @ (CannotEncrypt::Keys(_) | CannotEncrypt::Long)) => permanent(cannot.to_string()),
        Refusal::Encryption(cannot @ CannotEncrypt::Random) => retry(cannot.to_string(), None, Blame::Channel),
        Refusal::Signature => retry("the token cannot be signed".to_owned(), None, Blame::Channel),
        Refusal::Letter => permanent("the letter has no JSON form".to_owned()),
        Refusal::Fault(fault @ (Fault::Url | Fault::Plain | Fault::Private)) => permanent(format!("endpoint: {fault}")),
        // Anyone can name a host that is down, so this says nothing of the channel.
        Refusal::Fault(fault @ (Fault::Dns | Fault::Connect | Fault::ConnectTime | Fault::Tls)) => {
            retry(fault.to_string(), None, Blame::Letter)
        }
        Refusal::Fault(fault @ Fault::Broken) => SendOutcome::Uncertain { reason: fault.to_string() },
    }
}

fn permanent(reason: String) -> SendOutcome {
    SendOutcome::Permanent { reason }
}

fn retry(reason: String, after: Option<Duration>, blame: Blame) -> SendOutcome {
    SendOutcome::Retry { reason, after, blame }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_outcome() {
        let (letter, channel) = (Some(Blame::Letter), Some(Blame::Channel));
        let cases = [
            (200, "ok", None),
            (201, "ok", None),
            (202, "ok", None),
            (204, "ok", None),
            (301, "permanent", None),
            (400, "permanent", None),
            (401, "retry", channel),
            (403, "retry", channel),
            (404, "permanent", None),
            (408, "retry", letter),
            (410, "permanent", None),
            (413, "permanent", None),
            (429, "retry", letter),
            (500, "retry", letter),
            (503, "retry", letter),
        ];
        for (status, name, blamed) in cases {
            let reply = Reply { status, retry_after: Some("7".to_owned()) };
            let outcome = answered(&reply, Timestamp::EPOCH);
            assert_eq!(outcome.name(), name, "{status}");
            if let SendOutcome::Retry { after, blame, .. } = outcome {
                let wanted = (blame == Blame::Letter).then_some(Duration::from_secs(7));
                assert_eq!((after, Some(blame)), (wanted, blamed), "{status}");
            }
        }
    }

    #[test]
    fn only_a_request_that_was_begun_is_uncertain() {
        let faults = [
            Fault::Url,
            Fault::Plain,
            Fault::Private,
            Fault::Dns,
            Fault::Connect,
            Fault::ConnectTime,
            Fault::Tls,
            Fault::Broken,
        ];
        let names = faults.map(|fault| refused(Refusal::Fault(fault)).name());
        assert_eq!(names, ["permanent", "permanent", "permanent", "retry", "retry", "retry", "retry", "uncertain"]);
    }
}
