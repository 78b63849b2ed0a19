//! Whether money, seats and orders agree.
//!
//! Orders, the charges that they were told of, the seats as their owners have them and, if it was asked, the gateway's own books are
//! facts; [rules](RULES) say what is owed and what is ours, and where they differ. They share no code with what carries orders out.
//!
//! ```
//! use boxoffice_core::ticket::reconcile::Books;
//! let books = Books::new();
//! assert!(books.differences()?.is_empty());
//! # Ok::<(), boxoffice_core::datalog::EvalError>(())
//! ```

use serde::Serialize;

use super::order::{Charge, Order};
use super::payment::{DisputeState, OrderId, PaymentFact, RefundState};
use crate::booking::{Seat, SeatState};
use crate::datalog::{Engine, EvalError, Fact, Functions, Limits, Program, Source, Value, compile};
use crate::id::{AttendeeId, OccurrenceId};

#[cfg(test)]
mod tests;

/// The rules, as they are compiled.
pub const RULES: &str = include_str!("rules.dl");

/// Where money, seats and orders differ. Amounts are minor units of the order's currency, if no other is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Difference {
    /// More was paid than is owed, and it has not gone back.
    PaidNotOrdered {
        /// Which order.
        order: String,
        /// How much.
        minor: i64,
    },
    /// Less is ours than is owed for the seats.
    OrderedNotPaid {
        /// Which order.
        order: String,
        /// How much.
        minor: i64,
    },
    /// Money of another currency has not gone back.
    OtherMoney {
        /// Which order.
        order: String,
        /// Which charge.
        charge: String,
        /// Its currency.
        currency: String,
        /// How much, in minor units of that currency.
        minor: i64,
    },
    /// The gateway has another amount of a charge than the order was told.
    GatewayDiffers {
        /// Which order.
        order: String,
        /// Which charge.
        charge: String,
        /// Its currency.
        currency: String,
        /// What the order knows of, in minor units of that currency.
        ours: i64,
        /// What the gateway has.
        theirs: i64,
    },
    /// The gateway has money of an order that there is not.
    NoSuchOrder {
        /// The name that the gateway has of it.
        order: String,
        /// Which charge.
        charge: String,
        /// How much.
        minor: i64,
    },
    /// A line that is confirmed, and whose holder has other seats, or none.
    SeatsMissing {
        /// Which order.
        order: String,
        /// Which of its lines, from 0.
        line: i64,
        /// Of which occurrence.
        occurrence: String,
        /// Whose.
        holder: String,
    },
    /// Seats that no order has any more, though they were had by one.
    SeatsUnpaid {
        /// By which order they were had.
        order: String,
        /// Which of its lines, from 0.
        line: i64,
        /// Of which occurrence.
        occurrence: String,
        /// Whose.
        holder: String,
    },
}

impl Difference {
    /// Which order it is about, as the books name it.
    pub fn order(&self) -> &str {
        match self {
            Self::PaidNotOrdered { order, .. }
            | Self::OrderedNotPaid { order, .. }
            | Self::OtherMoney { order, .. }
            | Self::GatewayDiffers { order, .. }
            | Self::NoSuchOrder { order, .. }
            | Self::SeatsMissing { order, .. }
            | Self::SeatsUnpaid { order, .. } => order,
        }
    }

    /// The name of the variant, for tables and counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::PaidNotOrdered { .. } => "paid_not_ordered",
            Self::OrderedNotPaid { .. } => "ordered_not_paid",
            Self::OtherMoney { .. } => "other_money",
            Self::GatewayDiffers { .. } => "gateway_differs",
            Self::NoSuchOrder { .. } => "no_such_order",
            Self::SeatsMissing { .. } => "seats_missing",
            Self::SeatsUnpaid { .. } => "seats_unpaid",
        }
    }
}

/// What is to be compared: facts by the names of their relations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Books(Vec<(&'static str, Vec<Value>)>);

impl Books {
    /// Empty ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many facts they hold. Each takes some hundred bytes: the texts of its names, and as much again.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether they hold none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Enters an order, with its lines and all that it was told.
    pub fn order(&mut self, order: &Order) {
        let id = text(&order.placed().id);
        let currency = text(&order.total().currency());
        self.0.push(("order", vec![id.clone(), currency]));
        if order.end().is_some() {
            self.0.push(("closed", vec![id.clone()]));
        }
        for (number, line) in (0_i64..).zip(order.lines()) {
            let row = vec![
                id.clone(),
                number.into(),
                text(&line.line.occurrence),
                text(&line.line.holder),
                line.state.name().into(),
                i64::from(line.seats.get()).into(),
                line.cost().minor().into(),
            ];
            self.0.push(("line", row));
        }
        self.0.push(("kept", vec![id.clone(), order.kept().minor().into()]));
        self.0.push(("allowed", vec![id, order.allowed().minor().into()]));
        for (charge, known) in order.purse().charges() {
            self.charge("order", &order.placed().id, charge.as_str(), known);
        }
    }

    /// Enters what the gateway has of an order: one piece of its statement.
    pub fn gateway(&mut self, order: &OrderId, facts: &[PaymentFact]) {
        let mut purse = super::order::Purse::default();
        for fact in facts {
            purse.put(fact);
        }
        for (charge, known) in purse.charges() {
            self.charge("gateway", order, charge.as_str(), known);
        }
    }

    /// Enters that the gateway has said all that it has of an order: a charge of which it said nothing is missing there.
    pub fn asked(&mut self, order: &OrderId) {
        self.0.push(("asked", vec![text(order)]));
    }

    fn charge(&mut self, book: &'static str, order: &OrderId, charge: &str, known: &Charge) {
        let of = |more: [Value; 3]| {
            let mut row: Vec<Value> = vec![book.into(), text(order), charge.into()];
            row.extend(more);
            row
        };
        if let Some(captured) = known.captured {
            let row =
                vec![book.into(), text(order), charge.into(), text(&captured.currency()), captured.minor().into()];
            self.0.push(("charge", row));
        }
        for (refund, (amount, state)) in &known.refunds {
            let state = match state {
                RefundState::Pending => "pending",
                RefundState::Succeeded => "succeeded",
                RefundState::Failed => "failed",
            };
            self.0.push(("refund", of([text(refund), amount.minor().into(), state.into()])));
        }
        for (dispute, (amount, state)) in &known.disputes {
            let state = match state {
                DisputeState::Open => "open",
                DisputeState::Won => "won",
                DisputeState::Lost => "lost",
            };
            self.0.push(("dispute", of([text(dispute), amount.minor().into(), state.into()])));
        }
    }

    /// Enters a party as the owner of its occurrence has it.
    pub fn seat(&mut self, occurrence: &OccurrenceId, seat: &Seat) {
        let state = if seat.state == SeatState::Confirmed { "confirmed" } else { "held" };
        self.party(occurrence, &seat.attendee, state, seat.party.seats.get());
    }

    fn party(&mut self, occurrence: &OccurrenceId, holder: &AttendeeId, state: &str, seats: u32) {
        self.0.push(("seat", vec![text(occurrence), text(holder), state.into(), i64::from(seats).into()]));
    }

    /// Where they differ, sorted. Orders that are under way are compared with the gateway only.
    ///
    /// # Errors
    /// [`EvalError`] when there is more to compare than 100 million steps.
    pub fn differences(&self) -> Result<Vec<Difference>, EvalError> {
        let source = Source { name: "reconcile.dl".into(), text: RULES.into() };
        // The rules are a constant, and a test compiles them.
        let Ok((program, _)) = compile(&[source], &Functions::new()) else { return Ok(Vec::new()) };
        let facts = self.0.iter().map(|(relation, row)| fact(&program, relation, row.clone()));
        let facts = facts.collect::<Result<Vec<_>, _>>()?;
        let limits = Limits { steps: 100_000_000, ..Limits::default() };
        let mut engine = Engine::new(program, limits)?;
        engine.load(facts)?;
        let mut found = Vec::new();
        for relation in RELATIONS {
            let Some(pred) = engine.program().find(relation) else { continue };
            found.extend(engine.rows(pred)?.iter().filter_map(|row| difference(relation, row)));
        }
        found.sort_unstable();
        Ok(found)
    }
}

const RELATIONS: [&str; 7] = [
    "paid_not_ordered",
    "ordered_not_paid",
    "other_money",
    "gateway_differs",
    "no_such_order",
    "seats_missing",
    "seats_unpaid",
];

fn fact(program: &Program, relation: &str, row: Vec<Value>) -> Result<Fact, EvalError> {
    program.fact_of(relation, row)
}

fn text(value: &impl ToString) -> Value {
    Value::from(value.to_string().as_str())
}

/// A row of one of [`RELATIONS`] as what it says.
fn difference(relation: &str, row: &[Value]) -> Option<Difference> {
    let symbol = |at: usize| match row.get(at) {
        Some(Value::Symbol(text)) => Some(text.as_ref().to_owned()),
        _ => None,
    };
    let number = |at: usize| match row.get(at) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    };
    let order = symbol(0)?;
    Some(match relation {
        "paid_not_ordered" => Difference::PaidNotOrdered { order, minor: number(1)? },
        "ordered_not_paid" => Difference::OrderedNotPaid { order, minor: number(1)? },
        "other_money" => Difference::OtherMoney { order, charge: symbol(1)?, currency: symbol(2)?, minor: number(3)? },
        "gateway_differs" => Difference::GatewayDiffers {
            order,
            charge: symbol(1)?,
            currency: symbol(2)?,
            ours: number(3)?,
            theirs: number(4)?,
        },
        "no_such_order" => Difference::NoSuchOrder { order, charge: symbol(1)?, minor: number(2)? },
        "seats_missing" => {
            Difference::SeatsMissing { order, line: number(1)?, occurrence: symbol(2)?, holder: symbol(3)? }
        }
        "seats_unpaid" => {
            Difference::SeatsUnpaid { order, line: number(1)?, occurrence: symbol(2)?, holder: symbol(3)? }
        }
        _ => return None,
    })
}
