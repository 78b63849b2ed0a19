//! What an availability is made with.

use jiff::tz::TimeZone;

use crate::datalog::{Limits, Source};

/// Rules that come with the crate and are switched on by name. Each is documented in its own text, [`Pack::text`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Pack {
    /// No booking without the time to get from one venue to the other.
    Travel,
    /// Rooms: which are free, and which occurrences share one at one time.
    Rooms,
    /// Venues take bookings only within their opening hours.
    OpeningHours,
    /// Bookings close some time before the start.
    Notice,
    /// So many bookings of one attendee in a day or a week at most.
    AtMost,
    /// Series for members only.
    Members,
    /// When a whole group is free.
    Together,
    /// Whose turn it is in a team.
    RoundRobin,
}

impl Pack {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Travel,
        Self::Rooms,
        Self::OpeningHours,
        Self::Notice,
        Self::AtMost,
        Self::Members,
        Self::Together,
        Self::RoundRobin,
    ];

    /// Its name, such as `opening_hours`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Travel => "travel",
            Self::Rooms => "rooms",
            Self::OpeningHours => "opening_hours",
            Self::Notice => "notice",
            Self::AtMost => "at_most",
            Self::Members => "members",
            Self::Together => "together",
            Self::RoundRobin => "round_robin",
        }
    }

    /// The pack of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|pack| pack.name() == name)
    }

    /// Its rules, with a comment for each relation.
    pub fn text(self) -> &'static str {
        match self {
            Self::Travel => include_str!("rules/travel.dl"),
            Self::Rooms => include_str!("rules/rooms.dl"),
            Self::OpeningHours => include_str!("rules/opening_hours.dl"),
            Self::Notice => include_str!("rules/notice.dl"),
            Self::AtMost => include_str!("rules/at_most.dl"),
            Self::Members => include_str!("rules/members.dl"),
            Self::Together => include_str!("rules/together.dl"),
            Self::RoundRobin => include_str!("rules/round_robin.dl"),
        }
    }

    pub(super) fn source(self) -> Source {
        Source { name: format!("boxoffice/{}", self.name()).into(), text: self.text().into() }
    }
}

/// The rules that are always there.
pub(super) const BUILT_IN: &str = include_str!("rules/built_in.dl");

/// What an availability is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// In which zone a day and a week begin, and dates and floating times are meant. Default: UTC.
    pub zone: TimeZone,
    /// What one question may cost, and one change.
    pub limits: Limits,
    /// Rules to switch on. Default: none.
    pub packs: Vec<Pack>,
    /// Occurrences that one question may expand at most. Default: 10,000.
    pub occurrences_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, limits: Limits::default(), packs: Vec::new(), occurrences_max: 10_000 }
    }
}
