//! What a sale goes by.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use super::party::Seats;

/// What a sale goes by. The default limits nothing, needs no approval and has no waitlist.
///
/// Recorded as JSON, lengths in whole milliseconds: `{"approval":true,"hold_max_ms":900000}`; what is as by default is left
/// out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Seats are given only once somebody has approved.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub approval: bool,
    /// Seats that one attendee may have at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub party_max: Option<Seats>,
    /// How long a hold may last in all, with every extension.
    #[serde(rename = "hold_max_ms", with = "millis", skip_serializing_if = "Option::is_none")]
    pub hold_max: Option<Duration>,
    /// How those who wait are served; none: nobody can wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waitlist: Option<Waitlist>,
    /// Where seats have names: a party has seats next to one another, or none.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub together: bool,
    /// Where seats have names: places are refused that leave a single seat free, if others of that number leave none.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub no_single_seats: bool,
}

/// How those who wait are served: first come, first served, as seats become free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waitlist {
    /// How long free seats are held for whoever is next. Whoever lets the offer lapse is out of the line.
    #[serde(rename = "offer_ms", with = "crate::time::millis")]
    pub offer_for: Duration,
    /// When free seats are too few for whoever is next, they are offered to the first behind for whom they suffice, and
    /// that is recorded, anew for each offer. Otherwise they wait too. Of each kind of ticket the first 1,000 are looked at.
    /// Default: no.
    #[serde(default)]
    pub pass_over: bool,
}

mod millis {
    use core::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "serde asks for it")]
    pub(super) fn serialize<S: Serializer>(length: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match length {
            Some(length) => crate::time::millis::serialize(length, to),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(from)?.map(Duration::from_millis))
    }
}
