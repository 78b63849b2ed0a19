//! What orders ask the owners of occurrences.

use boxoffice_core::persist::IdempotencyKey;
use boxoffice_core::ticket::order::{Order, OrderEvent, SeatChange, SeatStep};

use super::desk::{Hindrance, House};
use crate::error::BoxOfficeError;

impl House {
    /// Takes a step at the owner of a line's occurrence; what is to be recorded then.
    pub(super) async fn change_seats(
        &self,
        order: &Order,
        line: u16,
        change: SeatChange,
    ) -> Result<OrderEvent, Hindrance> {
        let mut answers = Vec::new();
        loop {
            match order.seat_step(line, change, &answers) {
                SeatStep::Ask { occurrence, key, command } => {
                    let key = IdempotencyKey::new(key).map_err(|error| error.to_string())?;
                    let reply = self.office.run_once(&occurrence, command, key).await;
                    let outcome = reply.map_err(|error: BoxOfficeError| error.to_string())?.outcome;
                    tracing::trace!(outcome = outcome.name(), "answered");
                    answers.push(outcome);
                }
                SeatStep::Record(event) => return Ok(event),
                SeatStep::Stuck(reason) => return Err(reason),
            }
        }
    }
}
