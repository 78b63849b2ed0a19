//! A bank, a hall and an order between them: what the shell does, played in one thread, with everything that goes wrong.

use core::time::Duration;
use std::collections::BTreeMap;

use crate::booking::{BookingCommand, BookingOutcome, Party, SeatLedger, SeatState, Seats, decide};
use crate::id::{AttendeeId, OccurrenceId};
use crate::persist::Seq;
use crate::ticket::Money;
use crate::ticket::order::*;
use crate::ticket::payment::*;
use crate::time::Timestamp;

pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn eur(minor: i64) -> Money {
    Money::new(minor, "EUR".parse().unwrap())
}

/// A bank's own books.
#[derive(Clone, Debug, Default)]
pub(super) struct Bank {
    pub session: Option<(Session, SessionState)>,
    pub charges: BTreeMap<ChargeId, Money>,
    pub refunds: BTreeMap<RefundId, (ChargeId, Money, RefundState, Option<String>)>,
    pub disputes: BTreeMap<DisputeId, (ChargeId, Money, DisputeState)>,
    pub refuses_refunds: bool,
    pub refuses_sessions: bool,
    told: u32,
}

impl Bank {
    pub(super) fn facts(&self) -> Vec<PaymentFact> {
        let session = self
            .session
            .iter()
            .map(|(session, state)| PaymentFact::Session { session: session.id.clone(), state: *state });
        let charges =
            self.charges.iter().map(|(id, captured)| PaymentFact::Charge { charge: id.clone(), captured: *captured });
        let refunds = self.refunds.iter().map(|(id, (charge, amount, state, _))| PaymentFact::Refund {
            charge: charge.clone(),
            refund: id.clone(),
            amount: *amount,
            state: *state,
        });
        let disputes = self.disputes.iter().map(|(id, (charge, amount, state))| PaymentFact::Dispute {
            charge: charge.clone(),
            dispute: id.clone(),
            amount: *amount,
            state: *state,
        });
        session.chain(charges).chain(refunds).chain(disputes).collect()
    }

    /// What it tells of one fact.
    pub(super) fn news(&mut self, fact: PaymentFact) -> News {
        self.told += 1;
        let id = NewsId::new(format!("n{}", self.told)).unwrap();
        News { id, order: Some(order_id()), facts: vec![fact] }
    }

    /// The buyer pays so much of an open session; none if it is over.
    pub(super) fn pay(&mut self, charge: &str, amount: Money) -> Vec<News> {
        let Some((session, state)) = self.session.as_mut().filter(|(_, state)| !state.is_over()) else { return vec![] };
        *state = SessionState::Paid;
        let session = PaymentFact::Session { session: session.id.clone(), state: *state };
        let mut news = self.charge(charge, amount);
        news.push(self.news(session));
        news
    }

    /// A charge, whatever the session is.
    pub(super) fn charge(&mut self, charge: &str, captured: Money) -> Vec<News> {
        let charge = ChargeId::new(charge).unwrap();
        self.charges.insert(charge.clone(), captured);
        vec![self.news(PaymentFact::Charge { charge, captured })]
    }

    pub(super) fn refund(
        &mut self,
        charge: &ChargeId,
        amount: Money,
        key: Option<&str>,
        state: RefundState,
    ) -> PaymentFact {
        let refund = RefundId::new(format!("re{}", self.refunds.len() + 1)).unwrap();
        self.refunds.insert(refund.clone(), (charge.clone(), amount, state, key.map(str::to_owned)));
        PaymentFact::Refund { charge: charge.clone(), refund, amount, state }
    }

    pub(super) fn dispute(&mut self, charge: &str, amount: Money, state: DisputeState) -> News {
        let dispute = DisputeId::new(format!("d-{charge}")).unwrap();
        let charge = ChargeId::new(charge).unwrap();
        self.disputes.insert(dispute.clone(), (charge.clone(), amount, state));
        self.news(PaymentFact::Dispute { charge, dispute, amount, state })
    }

    /// What is with us by the bank's own books.
    pub(super) fn balance(&self) -> i64 {
        let charged: i64 = self.charges.values().map(Money::minor).sum();
        let back = self.refunds.values().filter(|(_, _, state, _)| *state != RefundState::Failed);
        let back: i64 = back.map(|(_, amount, ..)| amount.minor()).sum();
        let gone = self.disputes.values().filter(|(_, _, state)| *state != DisputeState::Won);
        charged - back - gone.map(|(_, amount, _)| amount.minor()).sum::<i64>()
    }
}

/// Seats of a holder at the owner of an occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    Held { seats: u32, until: Timestamp },
    Confirmed { seats: u32 },
}

/// The owners of occurrences: one for each line, with its real ledger.
#[derive(Clone, Debug, Default)]
pub(super) struct Hall {
    ledgers: BTreeMap<OccurrenceId, SeatLedger>,
    /// What was answered under which key.
    answers: BTreeMap<String, (BookingCommand, BookingOutcome)>,
}

/// Seats of an evening.
const SEATS: u32 = 1_000;

impl Hall {
    /// Decides as an owner does: the same question under the same key is answered once.
    fn ask(
        &mut self,
        occurrence: &OccurrenceId,
        key: String,
        command: BookingCommand,
        now: Timestamp,
    ) -> BookingOutcome {
        if let Some((asked, answer)) = self.answers.get(&key) {
            return if *asked == command { answer.clone() } else { BookingOutcome::KeyReused };
        }
        let answer = self.run(occurrence, &command, now);
        self.answers.insert(key, (command, answer.clone()));
        answer
    }

    /// Somebody asks who is no order.
    pub(super) fn run(
        &mut self,
        occurrence: &OccurrenceId,
        command: &BookingCommand,
        now: Timestamp,
    ) -> BookingOutcome {
        let ledger = self.ledgers.entry(occurrence.clone()).or_default();
        let decision = decide(ledger, command, now);
        for event in &decision.events {
            ledger.evolve(decision.at, event);
        }
        decision.outcome
    }

    /// All seats of an evening that nobody has are kept from sale, or sold again.
    pub(super) fn block(&mut self, occurrence: &OccurrenceId, is_full: bool, now: Timestamp) {
        let seats = if is_full { self.ledgers.get(occurrence).map_or(u64::from(SEATS), SeatLedger::free) } else { 0 };
        let block = BookingCommand::Block { seats: Seats::new(u32::try_from(seats).unwrap()) };
        assert!(self.run(occurrence, &block, now).is_accepted() || !is_full);
    }
}

#[derive(Clone, Debug)]
pub(super) struct World {
    pub now: Timestamp,
    pub order: Order,
    pub bank: Bank,
    pub hall: Hall,
    /// The gateway cannot be asked.
    pub is_down: bool,
    pub events: Vec<OrderEvent>,
}

pub(super) fn order_id() -> OrderId {
    OrderId::new("o1").unwrap()
}

pub(super) fn line(number: u16, seats: u32, minor: i64) -> OrderLine {
    let occurrence = format!("evening-{number}@20260105T190000").parse().unwrap();
    OrderLine::new(occurrence, AttendeeId::new("ann").unwrap(), Party::of(seats), eur(minor))
}

impl World {
    pub(super) fn new(lines: Vec<OrderLine>) -> Self {
        let now = Timestamp::from_millis(1_000_000);
        let new = NewOrder::new(order_id(), AttendeeId::new("ann").unwrap(), "Evening", lines);
        assert_eq!(new.check(), None);
        let placed = OrderEvent::Placed { order: Box::new(new), gateway: "bank".to_owned() };
        let order = Order::begin(Seq::FIRST, now, &placed).unwrap();
        let (bank, mut hall) = (Bank::default(), Hall::default());
        for line in order.lines() {
            let open = BookingCommand::Open { capacity: Seats::new(SEATS) };
            assert_eq!(hall.run(&line.line.occurrence, &open, now), BookingOutcome::Opened);
        }
        Self { now, order, bank, hall, is_down: false, events: vec![placed] }
    }

    /// Placed, held, and with a session that waits to be paid.
    pub(super) fn selling(lines: Vec<OrderLine>) -> Self {
        let mut world = Self::new(lines);
        world.run();
        assert!(world.order.session().is_some(), "{world:?}");
        world
    }

    pub(super) fn record(&mut self, event: OrderEvent) {
        // As it would be read back.
        let read: OrderEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(read, event);
        self.order.evolve(self.order.seq().next(), self.now, &event);
        self.events.push(event);
    }

    pub(super) fn hear(&mut self, news: &News) -> Vec<Came> {
        let Hearing::New(event) = self.order.hear(news) else { return vec![] };
        let OrderEvent::Told { came, .. } = &event else { panic!("{event:?}") };
        let came = came.clone();
        self.record(event);
        came
    }

    /// Does all that is to be done now; how it stands then.
    pub(super) fn run(&mut self) -> Next {
        for _ in 0..1_000 {
            match self.order.next(self.now) {
                Next::Do(action) => {
                    let Some(event) = self.act(&action) else { return Next::Do(action) };
                    self.record(event);
                }
                Next::Close(end) => self.record(OrderEvent::Closed { end }),
                next @ (Next::Wait { .. } | Next::Done(_)) => return next,
            }
        }
        panic!("it goes round for ever: {:?}", self.events);
    }

    pub(super) fn pass(&mut self, length: Duration) -> Next {
        self.now = self.now + length;
        self.run()
    }

    /// What a holder has now: a hold that has lapsed is gone.
    pub(super) fn has(&self, line: u16) -> Option<Has> {
        let line = &self.order.lines()[usize::from(line)].line;
        let seat = self.hall.ledgers[&line.occurrence].seat_of(&line.holder)?;
        let seats = seat.party.seats.get();
        match seat.state {
            SeatState::Confirmed => Some(Has::Confirmed { seats }),
            SeatState::Held { until, .. } => (until > self.now).then_some(Has::Held { seats, until }),
        }
    }

    /// The owner of a line's occurrence is asked by hand.
    pub(super) fn by_hand(&mut self, line: u16, command: &BookingCommand) -> BookingOutcome {
        let occurrence = self.order.lines()[usize::from(line)].line.occurrence.clone();
        self.hall.run(&occurrence, command, self.now)
    }

    /// Evenings have no free seats, or have them again.
    pub(super) fn sell_out(&mut self, is_full: bool) {
        for line in self.order.lines() {
            self.hall.block(&line.line.occurrence, is_full, self.now);
        }
    }

    fn change_seats(&mut self, line: u16, change: SeatChange) -> OrderEvent {
        let mut answers = Vec::new();
        loop {
            match self.order.seat_step(line, change, &answers) {
                SeatStep::Ask { occurrence, key, command } => {
                    answers.push(self.hall.ask(&occurrence, key, command, self.now));
                }
                SeatStep::Record(event) => return event,
                SeatStep::Stuck(reason) => panic!("{reason}: {answers:?} {:?}", self.events),
            }
        }
    }

    /// Does what the shell does; none if the gateway cannot be asked.
    pub(super) fn act(&mut self, action: &Action) -> Option<OrderEvent> {
        Some(match action {
            Action::Record(event) => event.clone(),
            Action::Seats { line, change } => self.change_seats(*line, *change),
            Action::Open(_) | Action::Expire(_) | Action::Refund(_) if self.is_down => return None,
            Action::Open(ask) => {
                if self.bank.refuses_sessions {
                    return Some(OrderEvent::SessionRefused { reason: "no".to_owned() });
                }
                let id = SessionId::new(format!("s-{}", ask.key())).unwrap();
                let session = Session { id, url: "https://pay.example/s".to_owned(), until: ask.until };
                let (session, _) = self.bank.session.get_or_insert((session, SessionState::Open)).clone();
                OrderEvent::SessionOpened { session, attempt: ask.attempt }
            }
            Action::Expire(_) => {
                let (_, state) = self.bank.session.as_mut().expect("it was opened");
                if *state == SessionState::Open {
                    *state = SessionState::Expired;
                }
                self.order.answered(self.bank.facts())
            }
            Action::Refund(ask) => {
                if self.bank.refuses_refunds {
                    return Some(OrderEvent::RefundRefused { key: ask.key.clone(), reason: "no".to_owned() });
                }
                let back = self
                    .bank
                    .refunds
                    .values()
                    .filter(|(of, _, state, _)| *of == ask.charge && *state != RefundState::Failed);
                let back: i64 = back.map(|(_, amount, ..)| amount.minor()).sum();
                let is_known = self.bank.refunds.values().any(|(.., key)| key.as_deref() == Some(&ask.key));
                if !is_known && back + ask.amount.minor() > self.bank.charges[&ask.charge].minor() {
                    return Some(OrderEvent::RefundRefused { key: ask.key.clone(), reason: "too much".to_owned() });
                }
                if !is_known {
                    self.bank.refund(&ask.charge, ask.amount, Some(&ask.key), RefundState::Succeeded);
                }
                self.order.answered(self.bank.facts())
            }
        })
    }

    /// Money, seats and order agree, once everything has been told.
    pub(super) fn assert_squared(&self) {
        let ours = self.order.received().unwrap().minor();
        assert_eq!(ours, self.bank.balance(), "the bank's books: {:?}\n{:?}", self.bank, self.events);
        let owed = self.order.owed().minor();
        match self.order.end() {
            Some(OrderEnd::Short { missing }) => assert_eq!(owed - ours, missing.minor()),
            Some(OrderEnd::RefundStuck { left }) => assert_eq!(ours - owed, left.minor()),
            Some(_) => assert_eq!(ours, owed, "{:?}\n{:?}", self.order, self.events),
            None => panic!("not ended: {:?}\n{:?}", self.order.next(self.now), self.events),
        }
        for (number, line) in (0_u16..).zip(self.order.lines()) {
            let has = Has::Confirmed { seats: line.seats.get() };
            let seats = (line.state == LineState::Confirmed && !line.is_stranded).then_some(has);
            assert_eq!(self.has(number), seats, "line {number}: {:?}", self.events);
        }
        let dues = self.hall.ledgers.values().any(|ledger| ledger.refunds_due().next().is_some());
        let is_stuck = matches!(self.order.end(), Some(OrderEnd::RefundStuck { .. }));
        assert!(!dues || is_stuck, "dues are settled: {:?}", self.events);
    }
}

/// All seats of a line.
pub(super) fn cut(line: u16, seats: u32) -> Cut {
    Cut { line, seats: Seats::new(seats) }
}
