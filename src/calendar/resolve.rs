//! Civil times to instants and back, fast where they come close to each other.

use core::ops::Range;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::day;
use super::expand::{Civil, DAY};

/// Seconds since the epoch, UTC.
pub(super) type Instant = i64;

/// No change of a zone's clocks moves them further than this: Samoa left out a whole day.
pub(super) const CHANGE_MAX: i64 = DAY + 7_200;

/// A zone that remembers the offset it found last, and where that holds.
#[derive(Clone, Debug)]
pub(super) struct Resolver<'z> {
    zone: &'z TimeZone,
    offset: i64,
    /// Civil times that have `offset`, none of them near a change of the clocks.
    plain: Range<Civil>,
    /// Civil times known to be near one.
    near: Range<Civil>,
}

/// A civil time that was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolved {
    pub(super) at: Instant,
    /// Whether clocks never show it. It is then read with the offset before the gap (RFC 5545 section 3.3.5).
    pub(super) gap: bool,
}

impl<'z> Resolver<'z> {
    pub(super) fn new(zone: &'z TimeZone) -> Self {
        let plain = if *zone == TimeZone::UTC { Civil::MIN..Civil::MAX } else { 0..0 };
        Self { zone, offset: 0, plain, near: 0..0 }
    }

    pub(super) fn zone(&self) -> &'z TimeZone {
        self.zone
    }

    /// The instant of a civil time; the first of two.
    #[inline]
    pub(super) fn instant(&mut self, civil: Civil) -> Resolved {
        if self.plain.contains(&civil) {
            return Resolved { at: civil - self.offset, gap: false };
        }
        self.look_up(civil)
    }

    /// The first instant at which clocks show `civil` or later.
    pub(super) fn bound(&mut self, civil: Civil) -> Instant {
        let resolved = self.instant(civil);
        if !resolved.gap {
            return resolved.at;
        }
        // The change itself: clocks go from before the gap to after it. The first second of a gap is read as the change.
        let behind = Timestamp::from_second(resolved.at + 1).ok();
        let change = behind.and_then(|behind| self.zone.preceding(behind).next());
        change.map_or(resolved.at, |change| change.timestamp().as_second())
    }

    /// What clocks show at an instant.
    #[inline]
    pub(super) fn civil(&mut self, at: Instant) -> Civil {
        let civil = at.saturating_add(self.offset);
        if self.plain.contains(&civil) {
            return civil;
        }
        match Timestamp::from_second(at) {
            Ok(instant) => at + i64::from(self.zone.to_offset(instant).seconds()),
            // Hours beyond the ends of time.
            Err(_) => civil,
        }
    }

    /// Whether clocks change so near to a civil time that others may come before it that are later on the clock.
    pub(super) fn is_near_change(&mut self, civil: Civil) -> bool {
        self.instant(civil);
        !self.plain.contains(&civil)
    }

    fn look_up(&mut self, civil: Civil) -> Resolved {
        let Some(at) = day::datetime(civil) else {
            return Resolved { at: civil - self.offset, gap: false };
        };
        let (offset, gap) = match self.zone.to_ambiguous_timestamp(at).offset() {
            AmbiguousOffset::Unambiguous { offset } => (offset, false),
            AmbiguousOffset::Gap { before, .. } => (before, true),
            AmbiguousOffset::Fold { before, .. } => (before, false),
        };
        let offset = i64::from(offset.seconds());
        if !gap && !self.near.contains(&civil) {
            self.remember(civil, offset);
        }
        Resolved { at: civil - offset, gap }
    }

    fn remember(&mut self, civil: Civil, offset: i64) {
        let (Ok(at), Ok(behind)) = (Timestamp::from_second(civil - offset), Timestamp::from_second(civil - offset + 1))
        else {
            // The last hours of time have no instants; the way back is by the same offset all the same.
            (self.offset, self.plain) = (offset, civil..civil.saturating_add(1));
            return;
        };
        // A change at the instant itself is one that lies behind.
        let before =
            self.zone.preceding(behind).next().map_or(Civil::MIN, |change| change.timestamp().as_second() + offset);
        let after = self.zone.following(at).next().map_or(Civil::MAX, |change| change.timestamp().as_second() + offset);
        let plain = before.saturating_add(CHANGE_MAX)..after.saturating_sub(CHANGE_MAX);
        if plain.contains(&civil) {
            (self.offset, self.plain) = (offset, plain);
        } else if civil < plain.start {
            self.near = civil..plain.start;
        } else {
            self.near = civil..after;
        }
    }
}
