//! Who may have seats: one order for each holder in an occurrence, and so many seats for each buyer.
//!
//! The owner of an occurrence knows holders, not orders. When two orders are for one holder, one after the other, a late payment for the
//! first must not confirm the seats of the second: so a line that has seats, or may have, has a claim, a key that names its order.
//! What a buyer has in an occurrence is counted in another key. Both change in the transaction that changes the line.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::state::Order;
use crate::id::{AttendeeId, OccurrenceId, TicketType};
use crate::persist::{Backend, Fault, Key};
use crate::ticket::payment::OrderId;

/// The order whose line has seats for a holder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Which.
    pub order: OrderId,
}

/// Seats that a buyer has in an occurrence by orders that stand, where there is a limit: by kind of ticket, the empty name for
/// seats of no kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bought(pub BTreeMap<String, u32>);

/// A text within a key, so that no two pairs of them make the same key.
fn key(kind: &str, occurrence: &OccurrenceId, who: &AttendeeId) -> Key {
    let occurrence = occurrence.to_string();
    Key::stored(&format!("{kind}/{}/{occurrence}/{who}", occurrence.len()))
}

/// The key of a holder's claim: `order-claim/BYTES/OCCURRENCE/HOLDER`, bytes of the occurrence's name first.
pub fn claim_key(occurrence: &OccurrenceId, holder: &AttendeeId) -> Key {
    key("order-claim", occurrence, holder)
}

/// The key of what a buyer has: `order-bought/BYTES/OCCURRENCE/BUYER`.
pub fn bought_key(occurrence: &OccurrenceId, buyer: &AttendeeId) -> Key {
    key("order-bought", occurrence, buyer)
}

/// What the keys of open orders begin with.
const OPEN: &str = "order-open/";

/// The key of an order that has not ended: `order-open/ID`. It is there in the transactions that begin an order or open it again,
/// and goes with the one that closes it.
pub fn open_key(order: &OrderId) -> Key {
    Key::stored(&format!("{OPEN}{order}"))
}

/// Orders that have not ended, by id, after one of them.
///
/// # Errors
/// [`Fault`] when storage failed.
pub async fn open_orders(backend: &dyn Backend, after: Option<&OrderId>, limit: usize) -> Result<Vec<OrderId>, Fault> {
    let after = after.map(open_key);
    let page = backend.scan(OPEN, after.as_ref(), limit).await?;
    Ok(page.iter().filter_map(|(key, _)| key.as_str().strip_prefix(OPEN)?.parse().ok()).collect())
}

/// What changes about claims when an order goes from one state to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimChanges {
    /// Claims that are made, by line.
    pub made: Vec<u16>,
    /// Claims that are given up, by line.
    pub given_up: Vec<u16>,
    /// How many seats more or fewer a buyer has, where there is a limit: by occurrence and kind, and the limit.
    pub seats: BTreeMap<(OccurrenceId, Option<TicketType>), (i64, u32)>,
}

impl ClaimChanges {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.made.is_empty() && self.given_up.is_empty() && self.seats.is_empty()
    }

    /// From nothing, or an earlier state, to a later one.
    pub fn between(before: Option<&Order>, after: &Order) -> Self {
        let mut changes = Self::default();
        for (at, line) in after.lines.iter().enumerate() {
            let earlier = before.and_then(|before| before.lines.get(at));
            let seats = |line: Option<&super::line::PlacedLine>| {
                line.filter(|line| line.state.is_live()).map_or(0, |line| i64::from(line.seats.get()))
            };
            let (had, has) = (seats(earlier), seats(Some(line)));
            let number = u16::try_from(at).unwrap_or(u16::MAX);
            match (had, has) {
                (0, 1..) => changes.made.push(number),
                (1.., 0) => changes.given_up.push(number),
                _ => {}
            }
            if let Some(limit) = line.line.per_person
                && had != has
            {
                let of = (line.line.occurrence.clone(), line.line.party.ticket.clone());
                let entry = changes.seats.entry(of).or_insert((0, limit));
                *entry = (entry.0 + has - had, entry.1.min(limit));
            }
        }
        changes
    }
}
