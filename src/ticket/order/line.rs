//! What is ordered.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::booking::{Party, Seats};
use crate::id::{AttendeeId, OccurrenceId};
use crate::ticket::money::{Money, MoneyError};
use crate::ticket::payment::OrderId;
use crate::time::Timestamp;

/// Seats of one occurrence for one holder, and what they cost: frozen when the order is placed.
///
/// A holder has seats of an occurrence once. Who buys two kinds of ticket for an evening names a holder for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// Of which occurrence. The redemption of a voucher is a seat too, in an occurrence that stands for the vouchers.
    pub occurrence: OccurrenceId,
    /// Who is to have the seats.
    pub holder: AttendeeId,
    /// How many, and of which kind.
    pub party: Party,
    /// What all of them cost together.
    pub net: Money,
    /// How many seats of this kind the buyer may have in this occurrence, by orders that stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_person: Option<u32>,
    /// Whether it redeems a voucher. If that cannot be had any more when a payment comes late, nor can the rest.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub voucher: bool,
}

impl OrderLine {
    /// Seats that cost so much together.
    pub fn new(occurrence: OccurrenceId, holder: AttendeeId, party: Party, net: Money) -> Self {
        Self { occurrence, holder, party, net, per_person: None, voucher: false }
    }

    /// The buyer may have so many of this kind in this occurrence.
    #[must_use]
    pub fn per_person(self, seats: u32) -> Self {
        Self { per_person: Some(seats), ..self }
    }

    /// What the first `seats` of them cost: each seat has its share by the largest remainder (as
    /// [`Money::allocate`] deals it out to equal weights), so what is paid and what is given back for single seats adds up to the whole.
    /// Takes the same time for any number of seats, since a buyer chooses it.
    pub fn cost_of(&self, seats: Seats) -> Money {
        let (have, asked) = (i64::from(self.party.seats.get()), i64::from(seats.get().min(self.party.seats.get())));
        let net = self.net.minor();
        // The first seats have a unit more, as many as are left over. All of it is at most the whole.
        let (each, over) = (net.checked_div(have).unwrap_or_default(), net.checked_rem(have).unwrap_or_default());
        Money::new(each * asked + over.signum() * over.abs().min(asked), self.net.currency())
    }
}

/// What happens to seats whose money went back without our doing: a chargeback, or a refund made at the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnReversal {
    /// Once nothing is left of the money, the seats are given up.
    #[default]
    GiveUp,
    /// The seats stay; somebody looks at it.
    Keep,
}

/// How an order is carried out. Recorded with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderTerms {
    /// How long the buyer may pay, if the gateway agrees.
    #[serde(rename = "session_ms", with = "crate::time::millis")]
    pub session_for: Duration,
    /// How long seats are kept beyond the end of the session, for clocks that differ and news that are late.
    #[serde(rename = "grace_ms", with = "crate::time::millis")]
    pub grace: Duration,
    /// What happens to seats whose money went back.
    #[serde(default)]
    pub on_reversal: OnReversal,
}

/// Half an hour to pay, two minutes of grace.
impl Default for OrderTerms {
    fn default() -> Self {
        Self {
            session_for: Duration::from_secs(1_800),
            grace: Duration::from_secs(120),
            on_reversal: OnReversal::default(),
        }
    }
}

impl OrderTerms {
    /// How long seats are held before the gateway has said how long its session lasts: as long as it is asked for, the grace, and
    /// a minute to ask.
    pub fn first_hold(&self) -> Duration {
        self.session_for + self.grace + Duration::from_secs(60)
    }
}

/// An order that is to be placed.
///
/// 1 to 40 lines of one currency; as JSON at most 3,600 bytes, since it is one event. Which promotion gave what stands in the
/// [`Quote`](crate::ticket::price::Quote) that it was made of: a host that wants to keep it records it beside the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Its name: the same order placed again is placed once.
    pub id: OrderId,
    /// Who buys.
    pub buyer: AttendeeId,
    /// What is ordered.
    pub lines: Vec<OrderLine>,
    /// What the buyer reads at the gateway.
    pub title: String,
    /// Where the buyer is sent once the gateway is done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<String>,
    /// How it is carried out.
    pub terms: OrderTerms,
}

impl NewOrder {
    /// The most lines of an order.
    pub const LINES_MAX: usize = 40;
    /// The most bytes of an order as JSON.
    pub const BYTES_MAX: usize = 3_600;

    /// An order on the usual terms.
    pub fn new(id: OrderId, buyer: AttendeeId, title: impl Into<String>, lines: Vec<OrderLine>) -> Self {
        Self { id, buyer, lines, title: title.into(), back_to: None, terms: OrderTerms::default() }
    }

    /// What it costs.
    ///
    /// # Errors
    /// [`MoneyError`] when it is too much, or of several currencies. None if there are no lines.
    pub fn total(&self) -> Result<Option<Money>, MoneyError> {
        Money::sum(self.lines.iter().map(|line| &line.net))
    }
}

/// How a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// Its seats are to be held.
    Wanted,
    /// They are held until then, not included.
    Held {
        /// First instant at which they are held no more.
        until: Timestamp,
    },
    /// They are held, and were paid for: they are to be confirmed, whatever is told meanwhile.
    Paid,
    /// They could not be had.
    Refused,
    /// They are held no longer, and were not paid for in time.
    Released,
    /// The money came after all, and the line has its place back if there is one.
    Reclaimed,
    /// They are the holder's.
    Confirmed,
    /// The money came late, and the seats are gone.
    Lost,
    /// They were given up.
    GivenUp,
}

impl LineState {
    /// The name of the variant, for tables and facts.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Held { .. } => "held",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Released => "released",
            Self::Reclaimed => "reclaimed",
            Self::Confirmed => "confirmed",
            Self::Lost => "lost",
            Self::GivenUp => "given_up",
        }
    }

    /// Whether the line has seats, or may have: no other order may have seats for the same holder then.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Wanted | Self::Held { .. } | Self::Paid | Self::Reclaimed | Self::Confirmed)
    }
}

/// A line of an order, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLine {
    /// As it was ordered.
    pub line: OrderLine,
    /// How it stands.
    pub state: LineState,
    /// Seats that were not given up.
    pub seats: Seats,
    /// Of these, seats that are to be given up.
    pub(super) to_give_up: u32,
    /// Whether its hold lasts as long as the session.
    pub(super) is_matched: bool,
    /// Whether the occurrence waits to hear that the money went back.
    pub(super) is_noted: bool,
    /// Whether the occurrence would not give its seats up.
    pub(super) is_stranded: bool,
}

impl PlacedLine {
    pub(super) fn of(line: OrderLine) -> Self {
        let seats = line.party.seats;
        Self {
            line,
            state: LineState::Wanted,
            seats,
            to_give_up: 0,
            is_matched: false,
            is_noted: false,
            is_stranded: false,
        }
    }

    /// Whether it has seats that it can give up again.
    pub(super) fn has_seats(&self) -> bool {
        self.state == LineState::Confirmed && !self.is_stranded
    }

    /// Whether its seats can be given up: it has some, may have, or would have them again if it were paid for late.
    pub(super) fn may_be_given_up(&self) -> bool {
        (self.state.is_live() || self.state == LineState::Released) && !self.is_stranded
    }

    /// Whether it is to keep a seat.
    pub(super) fn stays(&self) -> bool {
        self.seats.get() > self.to_give_up
    }

    /// What its seats cost, those left out that were given up or are to be.
    pub fn cost(&self) -> Money {
        let seats = Seats::new(self.seats.get().saturating_sub(self.to_give_up));
        self.line.cost_of(seats)
    }
}
