//! The circuit breaker, as a table.

use core::num::NonZeroU32;
use core::time::Duration;

use super::*;
use crate::flow::{Jitter, RetryPolicy};

fn secs(seconds: u64) -> Timestamp {
    Timestamp::EPOCH + Duration::from_secs(seconds)
}

/// Opens after three failures, for 10, 20, 40, 40... seconds.
fn breaker() -> Breaker {
    let rest = RetryPolicy::growing(Duration::from_secs(10), Duration::from_secs(40)).unwrap();
    let rest = rest.jitter(Jitter::None).attempts(NonZeroU32::new(4).unwrap());
    Breaker::new("mail", BreakerSettings { failures: NonZeroU32::new(3).unwrap(), rest })
}

fn outcome(name: &str) -> SendOutcome {
    let reason = String::new();
    match name {
        "ok" => SendOutcome::Ok { info: reason },
        "down" => SendOutcome::Retry { reason, after: None, blame: Blame::Channel },
        "busy" => SendOutcome::Retry { reason, after: Some(Duration::from_secs(60)), blame: Blame::Channel },
        "full" => SendOutcome::Retry { reason, after: Some(Duration::from_secs(60)), blame: Blame::Letter },
        "gone" => SendOutcome::Permanent { reason },
        "lost" => SendOutcome::Uncertain { reason },
        other => panic!("{other}"),
    }
}

fn verdict(breaker: &mut Breaker, now: u64) -> String {
    match breaker.may_send(secs(now)) {
        Verdict::Send => "send".to_owned(),
        Verdict::Trial => "trial".to_owned(),
        Verdict::Wait { until } => format!("until {}", until.as_millis() / 1_000),
    }
}

/// Rows of a second, what came in (`-` for nothing), and what is said then.
const TABLE: [(&str, &str); 9] = [
    ("few failures", "0 down send, 0 down send, 0 ok send, 0 down send, 0 down send"),
    (
        "a refused letter is an answer",
        "0 down send, 0 down send, 0 full send, 0 down send, 0 down send, 0 gone send, 0 down send",
    ),
    (
        "what is lost counts for nothing",
        "0 lost send, 0 lost send, 0 lost send, 0 down send, 0 lost send, 0 down send, 0 lost send, 0 down until 10",
    ),
    (
        "one trial at a time",
        "0 down send, 0 down send, 1 down until 11, 10 - until 11, 11 - trial, 12 - until 131, 12 ok send, 12 down send",
    ),
    (
        "failed trials",
        "0 down send, 0 down send, 0 down until 10, 10 - trial, 11 down until 31, 31 - trial, 31 lost until 71, 71 - trial, 71 down until 111, 111 - trial, 111 down until 151",
    ),
    (
        "after a trial that went well it begins anew",
        "0 down send, 0 down send, 0 down until 10, 10 - trial, 10 down until 30, 30 - trial, 30 gone send, 30 down send, 30 down send, 30 down until 40",
    ),
    (
        "a trial that is never answered",
        "0 down send, 0 down send, 0 down until 10, 10 - trial, 129 - until 130, 130 - trial",
    ),
    ("what was sent before it opened", "0 down send, 0 down send, 0 down until 10, 1 ok until 10, 1 down until 10"),
    ("the channel says how long", "0 down send, 0 down send, 0 busy until 60, 60 - trial, 60 busy until 120"),
];

#[test]
fn a_channel_that_is_down_is_left_alone_for_longer_and_longer() {
    for (case, rows) in TABLE {
        let mut breaker = breaker();
        for row in rows.split(", ") {
            let [now, came, wanted] = row.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
            let now = now.parse().unwrap();
            if came != "-" {
                breaker.sent(&outcome(came), secs(now));
            }
            assert_eq!(verdict(&mut breaker, now), wanted, "{case}: {row}");
        }
    }
}

#[test]
fn by_default_it_rests_from_seconds_to_minutes() {
    let mut breaker = Breaker::new("mail", BreakerSettings::default());
    let mut now = Timestamp::EPOCH;
    let mut rests = Vec::new();
    while rests.len() < 15 {
        breaker.sent(&outcome("down"), now);
        if let Verdict::Wait { until } = breaker.may_send(now) {
            rests.push(until.saturating_since(now));
            now = until;
            assert_eq!(breaker.may_send(now), Verdict::Trial);
        }
    }
    assert!((Duration::from_secs(5)..=Duration::from_secs(10)).contains(&rests[0]), "{rests:?}");
    assert!(
        rests[7..].iter().all(|rest| (Duration::from_secs(300)..=Duration::from_secs(600)).contains(rest)),
        "{rests:?}"
    );
}
