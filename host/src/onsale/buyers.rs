//! Who the buyers are and what they do: the same for the same number, so that a sale can be run again.

use core::time::Duration;

/// What a buyer does with the seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intent {
    /// Books, and keeps it.
    Book,
    /// Books and asks again, as people do who are not sure that it worked.
    BookTwice,
    /// Books and cancels.
    BookAndCancel,
    /// Holds, pays and confirms.
    HoldAndConfirm,
    /// Holds and gives it back.
    HoldAndRelease,
    /// Holds and never comes back.
    HoldAndForget,
}

/// How long a seat is held for who pays.
pub(super) const HOLD_TO_PAY: Duration = Duration::from_secs(600);
/// How long it is held for who never comes back: short, so that it lapses while the sale runs.
pub(super) const HOLD_TO_FORGET: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug)]
pub(super) struct Buyer {
    /// The occurrence wanted, as a place in the list.
    pub(super) wants: usize,
    pub(super) intent: Intent,
}

/// The buyer with number `number`, of a hundred of whom `hold_percent` hold first.
pub(super) fn buyer(number: u64, occurrences: usize, hold_percent: u8) -> Buyer {
    let (first, second, third) = (mix(number), mix(number ^ 0x5eed), mix(number ^ 0xfeed));
    let count = occurrences.max(1) as u64;
    // Half of the buyers want one of the first tenth of occurrences: some evenings are more popular than others.
    let popular = (count / 10).max(1);
    let wants = if first.is_multiple_of(2) { (first >> 1) % popular } else { (first >> 1) % count };
    let intent = if second % 100 < u64::from(hold_percent) {
        match third % 100 {
            0..60 => Intent::HoldAndConfirm,
            60..80 => Intent::HoldAndRelease,
            _ => Intent::HoldAndForget,
        }
    } else {
        match third % 100 {
            0..80 => Intent::Book,
            80..90 => Intent::BookTwice,
            _ => Intent::BookAndCancel,
        }
    };
    Buyer { wants: usize::try_from(wants).unwrap_or_default(), intent }
}

/// Spreads numbers (the finaliser of `SplitMix64`, Steele et al., 2014).
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
