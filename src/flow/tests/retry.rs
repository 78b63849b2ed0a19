//! Retry policies: what they compute, and their laws.

use core::num::NonZeroU32;
use core::time::Duration;

use proptest::prelude::*;

use crate::flow::{Jitter, RetryPolicy, RetryPolicyError};

const ZERO: Duration = Duration::ZERO;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn attempts(most: u32) -> NonZeroU32 {
    NonZeroU32::new(most).unwrap()
}

fn delays(policy: &RetryPolicy, key: &str) -> Vec<Duration> {
    (1..).map_while(|attempt| policy.next(attempt, key, None, ZERO)).collect()
}

#[test]
fn presets_wait_as_they_say() {
    let webhooks = RetryPolicy::webhooks();
    let hour = 3_600;
    let wanted = [5, 300, 1_800, 2 * hour, 5 * hour, 10 * hour, 10 * hour].map(secs);
    assert_eq!(delays(&webhooks, "any"), wanted);
    assert_eq!((webhooks.attempts_max(), webhooks.delay_max()), (8, secs(10 * hour)));
    // Three failures: 35 minutes and 5 seconds after the first attempt.
    assert_eq!(wanted[..3].iter().sum::<Duration>(), secs(35 * 60 + 5));

    let notices = RetryPolicy::notices();
    assert_eq!(notices.attempts_max(), 8);
    let longest: Duration = delays(&notices.clone().jitter(Jitter::None), "").iter().sum();
    assert_eq!(longest, secs(20 * 127));
    let taken: Vec<Duration> = (0..200).map(|key| delays(&notices, &key.to_string()).iter().sum()).collect();
    assert!(taken.iter().all(|taken| (longest / 2..=longest).contains(taken)));
    let mean = taken.iter().sum::<Duration>() / 200;
    assert!((secs(30 * 60)..secs(34 * 60)).contains(&mean), "{mean:?}");

    assert_eq!(delays(&RetryPolicy::default(), "any").len(), 9);
    assert_eq!(delays(&RetryPolicy::once(), "any"), []);
}

/// These stand for ever: delays of flows that wait were computed by them.
#[test]
fn the_jitter_of_a_key_never_changes() {
    let policy = |jitter| RetryPolicy::growing(secs(1), secs(3_600)).unwrap().jitter(jitter);
    let (full, equal) = (policy(Jitter::Full), policy(Jitter::Equal));
    for (attempt, key, wanted_full, wanted_equal) in PINNED {
        assert_eq!(full.next(attempt, key, None, ZERO), Some(ms(wanted_full)), "{attempt} {key}");
        assert_eq!(equal.next(attempt, key, None, ZERO), Some(ms(wanted_equal)), "{attempt} {key}");
    }
}

const PINNED: [(u32, &str, u64, u64); 5] = [
    (1, "", 222, 611),
    (1, "letter-1", 339, 669),
    (2, "letter-1", 1001, 1500),
    (1, "letter-2", 805, 902),
    (9, "größe", 170_577, 213_288),
];

#[test]
fn growth_is_rational_and_capped() {
    let policy = RetryPolicy::growing(secs(2), secs(10)).unwrap().factor_permille(1_500).unwrap().jitter(Jitter::None);
    assert_eq!(delays(&policy.attempts(attempts(7)), ""), [2_000, 3_000, 4_500, 6_750, 10_000, 10_000].map(ms));
    let level = RetryPolicy::growing(ms(7), secs(10)).unwrap().factor_permille(1_000).unwrap().jitter(Jitter::None);
    assert_eq!(delays(&level.attempts(attempts(4)), ""), [7, 7, 7].map(ms));
}

#[test]
fn what_a_server_asks_for_is_a_floor() {
    let table = [
        (RetryPolicy::growing(secs(4), secs(8)).unwrap().jitter(Jitter::None), secs(1), secs(4)),
        (RetryPolicy::growing(secs(4), secs(8)).unwrap().jitter(Jitter::None), secs(90), secs(90)),
        (RetryPolicy::growing(secs(4), secs(8)).unwrap(), Duration::from_nanos(9_000_000_001), ms(9_001)),
        (RetryPolicy::webhooks(), secs(1), secs(5)),
        (RetryPolicy::webhooks(), secs(6), secs(6)),
    ];
    for (policy, asked, wanted) in table {
        assert_eq!(policy.next(1, "a", Some(asked), ZERO), Some(wanted), "{policy:?}");
    }
    assert_eq!(RetryPolicy::once().next(1, "a", Some(secs(1)), ZERO), None);
}

#[test]
fn a_delay_fits_into_the_time_left_or_it_is_over() {
    let policy = RetryPolicy::growing(secs(4), secs(4)).unwrap().jitter(Jitter::None).within(secs(10));
    for (elapsed, asked, wanted) in [
        (secs(0), None, Some(secs(4))),
        (secs(6), None, Some(secs(4))),
        (ms(6_001), None, None),
        (secs(6), Some(secs(5)), None),
        (secs(5), Some(secs(5)), Some(secs(5))),
        (Duration::MAX, None, None),
    ] {
        assert_eq!(policy.next(1, "a", asked, elapsed), wanted, "{elapsed:?} {asked:?}");
    }
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let long = core::iter::repeat_n(secs(1), 500);
    let beyond = RetryPolicyError::BeyondCap { first: secs(2), cap: secs(1) };
    let table = [
        (RetryPolicy::growing(secs(2), secs(1)), beyond),
        (RetryPolicy::default().factor_permille(999), RetryPolicyError::Shrinks { permille: 999 }),
        (RetryPolicy::scheduled([]), RetryPolicyError::NoDelays),
        (RetryPolicy::scheduled(long), RetryPolicyError::TooMany { found: 101 }),
    ];
    for (made, wanted) in table {
        assert_eq!(made, Err(wanted));
    }
    for json in [
        r#"{"first":2,"factor":2000,"cap":1,"attempts_max":1}"#,
        r#"{"first":1,"factor":1,"cap":1,"attempts_max":1}"#,
        r#"{"first":1,"factor":1000,"cap":1,"attempts_max":0}"#,
        r#"{"first":1,"factor":1000,"cap":1,"attempts_max":1,"schedule":[]}"#,
        r#"{"first":1,"factor":1000,"cap":1,"attempts_max":1,"surprise":1}"#,
    ] {
        assert!(serde_json::from_str::<RetryPolicy>(json).is_err(), "{json}");
    }
}

#[test]
fn a_policy_is_read_as_it_was_written() {
    let json = serde_json::to_string(&RetryPolicy::default()).unwrap();
    assert_eq!(json, r#"{"first":1000,"factor":2000,"cap":60000,"jitter":"full","attempts_max":10}"#);
    for policy in [RetryPolicy::default(), RetryPolicy::webhooks(), RetryPolicy::notices().within(secs(9))] {
        let json = serde_json::to_string(&policy).unwrap();
        assert_eq!(serde_json::from_str::<RetryPolicy>(&json).unwrap(), policy);
    }
}

/// Ten thousand letters that failed at once: Pearson's chi-square of their delays over 100 buckets, with 99 degrees of
/// freedom. 148.2 is passed by chance once in a thousand times; the keys are fixed, so the test is not left to it.
#[test]
fn those_who_failed_together_do_not_come_back_together() {
    let minute = secs(60);
    let base = RetryPolicy::growing(minute, minute).unwrap();
    for (jitter, from) in [(Jitter::Full, 0), (Jitter::Equal, 30_000)] {
        let policy = base.clone().jitter(jitter);
        for attempt in 1..=3 {
            let mut buckets = [0_i64; 100];
            for key in 0..10_000 {
                let delay = policy.next(attempt, &format!("letter-{key}"), None, ZERO).unwrap();
                let delay = usize::try_from(delay.as_millis()).unwrap();
                buckets[((delay - from) * 100 / (60_001 - from)).min(99)] += 1;
            }
            let chi_square = buckets.iter().map(|found| (found - 100) * (found - 100)).sum::<i64>() / 100;
            assert!(chi_square < 148, "{jitter:?}, attempt {attempt}: {chi_square}");
        }
    }
}

fn any_jitter() -> impl Strategy<Value = Jitter> {
    prop::sample::select(vec![Jitter::None, Jitter::Equal, Jitter::Full])
}

fn any_span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(ZERO),
        Just(Duration::MAX),
        (0..10_000_u64).prop_map(ms),
        any::<u64>().prop_map(ms),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

fn any_policy() -> impl Strategy<Value = RetryPolicy> {
    let growing = (any_span(), any_span(), prop_oneof![1_000..3_000_u32, any::<u32>()], any_jitter()).prop_map(
        |(a, b, factor, jitter)| {
            let policy = RetryPolicy::growing(a.min(b), a.max(b)).unwrap().jitter(jitter);
            policy.factor_permille(factor.max(1_000)).unwrap()
        },
    );
    let listed = prop::collection::vec(any_span(), 1..8).prop_map(|delays| RetryPolicy::scheduled(delays).unwrap());
    let bounds = (prop::option::of(any::<u32>()), prop::option::of(any_span()));
    (prop_oneof![growing, listed], bounds).prop_map(|(policy, (most, within))| {
        let policy = most.and_then(NonZeroU32::new).into_iter().fold(policy, RetryPolicy::attempts);
        within.into_iter().fold(policy, RetryPolicy::within)
    })
}

proptest! {
    #[test]
    fn whatever_the_policy_its_bounds_hold(
        policy in any_policy(),
        attempt in prop_oneof![0..20_u32, any::<u32>()],
        key in ".{0,12}",
        asked in prop::option::of(any_span()),
        elapsed in any_span(),
    ) {
        let delay = policy.next(attempt, &key, asked, elapsed);
        prop_assert_eq!(delay, policy.next(attempt, &key, asked, elapsed), "the same question has the same answer");
        let json = serde_json::to_string(&policy).unwrap();
        let read: RetryPolicy = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &policy);
        let Some(delay) = delay else { return Ok(()) };
        prop_assert!(attempt < policy.attempts_max());
        let most = ms(u64::MAX);
        let floor = asked.unwrap_or_default().min(most);
        prop_assert!(delay >= floor);
        prop_assert!(delay <= policy.delay_max().max(floor.saturating_add(ms(1))));
    }

    #[test]
    fn without_jitter_delays_never_shrink(policy in any_policy()) {
        let policy = policy.jitter(Jitter::None).attempts(attempts(u32::MAX)).within(ms(u64::MAX));
        let plain: Vec<_> = (1..40).map_while(|attempt| policy.next(attempt, "", None, ZERO)).collect();
        let grows = policy.attempts_max() == u32::MAX;
        prop_assert!(!grows || plain.is_sorted());
        let half = policy.clone().jitter(Jitter::Equal);
        for (attempt, whole) in (1..).zip(&plain).filter(|_| grows) {
            let some = half.next(attempt, "key", None, ZERO).unwrap();
            prop_assert!(*whole / 2 <= some + ms(1) && some <= *whole);
        }
    }
}
