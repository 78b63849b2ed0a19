//! The token bucket: never too many, never far too few, also across restarts.

use core::num::NonZeroU32;
use core::time::Duration;

use proptest::prelude::*;

use super::*;

fn limit(count: u32, per: Duration, burst: u32) -> RateLimit {
    let number = |number| NonZeroU32::new(number).unwrap();
    RateLimit::new(number(count), per).bursting(number(burst))
}

fn ms(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn a_burst_goes_out_at_once_and_the_rest_at_the_rate() {
    let mut bucket = Bucket::new(limit(3, Duration::from_secs(1), 2));
    let taken: Vec<i64> = (0..2_000).filter(|now| bucket.take(ms(*now)).is_ok()).collect();
    assert_eq!(taken, [0, 1, 334, 667, 1_001, 1_334, 1_667]);
}

#[test]
fn who_waits_as_told_gets_one() {
    for limit in [
        limit(7, Duration::from_secs(1), 1),
        limit(1, Duration::from_secs(3_600), 3),
        limit(3_000, Duration::from_secs(1), 10),
    ] {
        let (mut bucket, mut now) = (Bucket::new(limit), ms(5));
        for _ in 0..100 {
            if let Err(again) = bucket.take(now) {
                assert!(again > now);
                assert!(bucket.take(ms(again.as_millis() - 1)).is_err(), "not sooner");
                now = again;
                assert_eq!(bucket.take(now), Ok(()));
            }
        }
    }
}

#[test]
fn a_clock_that_steps_back_frees_nothing_and_blocks_no_longer_than_the_step() {
    let limit = limit(10, Duration::from_secs(1), 5);
    for step in [1, 99, 1_000, 86_400_000] {
        let (mut bucket, now) = (Bucket::new(limit), ms(1_000_000));
        while bucket.take(now).is_ok() {}
        let before = bucket.take(now).unwrap_err();
        let stepped = ms(now.as_millis() - step);
        let again = bucket.take(stepped).unwrap_err();
        assert_eq!(again, before, "the instant stays: longer by the step");
        assert_eq!(bucket.take(again), Ok(()));
    }
    // A step forward and back: for as long as that, and no longer.
    let mut bucket = Bucket::new(limit);
    bucket.take(ms(1_000_000)).unwrap();
    assert_eq!(bucket.take(ms(0)), Err(ms(999_700)));
}

#[test]
fn nothing_is_taken_without_a_lease() {
    let mut bucket = Bucket::restore(limit(1, Duration::from_secs(10), 1), None);
    assert_eq!(bucket.take(ms(7)), Err(ms(7)));
    assert_eq!(bucket.needs_lease(ms(7)), Some(ms(20_007)));
    bucket.lease(ms(20_007));
    assert_eq!((bucket.needs_lease(ms(7)), bucket.take(ms(7))), (None, Ok(())));
    assert_eq!((bucket.needs_lease(ms(8)), bucket.take(ms(8))), (None, Err(ms(10_007))), "the rate is in the way");
    assert_eq!(bucket.take(ms(10_007)), Ok(()));
    assert_eq!((bucket.needs_lease(ms(20_007)), bucket.take(ms(20_007))), (Some(ms(40_007)), Err(ms(20_007))));
    // An old lease is no step back.
    bucket.lease(ms(40_007));
    bucket.lease(ms(3));
    assert_eq!(bucket.take(ms(20_007)), Ok(()));
}

#[test]
fn the_ends_of_time_and_of_numbers_are_no_panic() {
    let most = NonZeroU32::MAX;
    for per in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for limit in [RateLimit::new(most, per), RateLimit::new(NonZeroU32::MIN, per).bursting(most)] {
            for now in [Timestamp::MAX, ms(i64::MIN), ms(0)] {
                let mut bucket = Bucket::restore(limit, Some(now));
                let _lease = bucket.needs_lease(now).map(|lease| bucket.lease(lease));
                let _taken = (bucket.take(now), bucket.take(Timestamp::MAX), bucket.take(ms(i64::MIN)));
            }
        }
    }
}

#[test]
fn the_rate_is_reached_also_with_leases_and_restarts() {
    let limit = limit(20, Duration::from_secs(1), 5);
    for restarts in [0, 6] {
        let (mut bucket, mut kept, mut taken, mut leases) = (Bucket::restore(limit, None), None, 0, 0);
        for now in 0..60_000 {
            if restarts > 0 && now % (60_000 / restarts) == 3_210 {
                bucket = Bucket::restore(limit, kept);
            }
            if let Some(lease) = bucket.needs_lease(ms(now)) {
                (kept, leases) = (Some(lease), leases + 1);
                bucket.lease(lease);
            }
            taken += i64::from(bucket.take(ms(now)).is_ok());
        }
        // A minute's worth and the burst; each restart costs a second's worth and one.
        assert!(taken <= 1_205 && taken >= 1_203 - restarts * 21, "{taken} with {restarts} restarts");
        assert!(leases <= 66, "{leases} leases in a minute");
    }
}

/// What happens to a bucket.
#[derive(Clone, Copy, Debug)]
enum Step {
    Pass(i64),
    Take(u8),
    Restart,
    LoseLease,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop_oneof![0..20_i64, 0..2_000_i64].prop_map(Step::Pass),
        6 => (1..40_u8).prop_map(Step::Take),
        1 => Just(Step::Restart),
        1 => Just(Step::LoseLease),
    ]
}

proptest! {
    #[test]
    fn no_window_has_more_than_its_count_and_a_burst(
        (count, burst) in (1..50_u32, 1..20_u32),
        per in prop_oneof![1..3_000_u64, Just(1_000)],
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let limit = limit(count, Duration::from_millis(per), burst);
        let (mut bucket, mut kept, mut now) = (Bucket::restore(limit, None), None, 1_700_000_000_000);
        let mut taken = Vec::new();
        for step in steps {
            match step {
                Step::Pass(millis) => now += millis,
                Step::Restart => bucket = Bucket::restore(limit, kept),
                // It was made durable, and then the process died.
                Step::LoseLease => if let Some(lease) = bucket.needs_lease(ms(now)) {
                    kept = Some(lease);
                    bucket = Bucket::restore(limit, kept);
                },
                Step::Take(times) => for _ in 0..times {
                    if let Some(lease) = bucket.needs_lease(ms(now)) {
                        kept = Some(lease);
                        bucket.lease(lease);
                        prop_assert_eq!(bucket.take(ms(now)), Ok(()));
                        taken.push(now);
                    } else if bucket.take(ms(now)).is_ok() {
                        taken.push(now);
                    }
                },
            }
        }
        for (place, start) in taken.iter().enumerate() {
            let inside = taken[place..].iter().filter(|at| **at - start < i64::try_from(per).unwrap()).count();
            prop_assert!(inside <= (count + burst) as usize, "{} from {}", inside, start);
        }
    }

    #[test]
    fn a_clock_that_steps_frees_nothing(steps in prop::collection::vec((-3_000..3_000_i64, 1..10_u8), 1..60)) {
        let limit = limit(10, Duration::from_secs(1), 5);
        let (mut bucket, mut now, mut taken) = (Bucket::new(limit), 1_000_000, 0_i64);
        let start = now + steps[0].0;
        let mut latest = start;
        for (step, times) in steps {
            now += step;
            latest = latest.max(now);
            for _ in 0..times {
                taken += i64::from(bucket.take(ms(now)).is_ok());
            }
        }
        // As many as by a clock that only ever went forward, so far.
        prop_assert!(taken <= 5 + (latest - start) / 100);
    }
}
