//! An order, folded from what is recorded of it.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Came, Cut, OrderEnd, OrderEvent};
use super::line::{LineState, NewOrder, PlacedLine};
use super::purse::{Charge, Purse};
use crate::booking::Seats;
use crate::persist::Seq;
use crate::ticket::currency::Currency;
use crate::ticket::money::Money;
use crate::ticket::payment::{ChargeId, NewsId, PaymentFact, RefundAsk, Session, SessionState};
use crate::time::Timestamp;

/// Refunds of one charge that may come to nothing before no more are asked for.
const FAILURES_MAX: usize = 3;

/// A refund that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub ask: RefundAsk,
    /// Minor units of all refunds of the charge before it.
    pub ever: i128,
    pub is_refused: bool,
}

/// An order as it stands: a fold of its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub(super) placed: NewOrder,
    pub(super) currency: Currency,
    pub(super) gateway: String,
    pub(super) placed_at: Timestamp,
    pub(super) changed_at: Timestamp,
    pub(super) seq: Seq,
    pub(super) lines: Vec<PlacedLine>,
    pub(super) session: Option<Session>,
    pub(super) attempt: u32,
    pub(super) session_refused: Option<String>,
    /// When the gateway was last asked how the session stands.
    pub(super) asked_at: Option<Timestamp>,
    pub(super) purse: Purse,
    pub(super) news: BTreeSet<NewsId>,
    pub(super) asks: BTreeMap<String, Asked>,
    /// Minor units that stay with us though their seats were given up.
    pub(super) kept: i128,
    /// Minor units that go back though the seats stay.
    pub(super) allowed: i128,
    pub(super) closings: u64,
    pub(super) end: Option<OrderEnd>,
}

impl Order {
    /// An order as its first event says it; none if that is another, or says of no lines.
    pub fn begin(seq: Seq, at: Timestamp, event: &OrderEvent) -> Option<Self> {
        let OrderEvent::Placed { order, gateway } = event else { return None };
        let placed = NewOrder::clone(order);
        Some(Self {
            currency: placed.lines.first()?.net.currency(),
            lines: placed.lines.iter().cloned().map(PlacedLine::of).collect(),
            placed,
            gateway: gateway.clone(),
            placed_at: at,
            changed_at: at,
            seq,
            session: None,
            attempt: 0,
            session_refused: None,
            asked_at: None,
            purse: Purse::default(),
            news: BTreeSet::new(),
            asks: BTreeMap::new(),
            kept: 0,
            allowed: 0,
            closings: 0,
            end: None,
        })
    }

    /// Takes in what happened next.
    pub fn evolve(&mut self, seq: Seq, at: Timestamp, event: &OrderEvent) {
        (self.seq, self.changed_at) = (seq, at);
        self.take_in(at, event);
        let is_about_money = matches!(
            event,
            OrderEvent::LineHeld { .. }
                | OrderEvent::Told { .. }
                | OrderEvent::CancelAsked { .. }
                | OrderEvent::Allowed { .. }
        );
        if is_about_money {
            self.mark_paid();
        }
    }

    /// What is held and paid for stays so until it is confirmed. The owner of the occurrence may have been told by then: should money
    /// go back in between, the seats are given up as confirmed ones are.
    fn mark_paid(&mut self) {
        let is_held = |state| !matches!(state, LineState::Wanted | LineState::Refused);
        if self.lines.iter().all(|line| is_held(line.state)) && self.ours() >= self.due() {
            // A voucher stays as long as anything that it made cheaper.
            let any_stays = self.lines.iter().any(|line| !line.line.voucher && is_held(line.state) && line.stays());
            for line in self.lines.iter_mut().filter(|line| any_stays && line.stays()) {
                if matches!(line.state, LineState::Held { .. }) {
                    line.state = LineState::Paid;
                }
            }
        }
    }

    fn take_in(&mut self, at: Timestamp, event: &OrderEvent) {
        match event {
            OrderEvent::Placed { .. } => {}
            OrderEvent::LineHeld { line, until } => self.set(*line, LineState::Held { until: *until }),
            OrderEvent::HoldMatched { line, until } => {
                self.set(*line, LineState::Held { until: *until });
                self.change(*line, |line| line.is_matched = true);
            }
            OrderEvent::LineRefused { line, .. } => self.set(*line, LineState::Refused),
            OrderEvent::LineReleased { line } => self.set(*line, LineState::Released),
            OrderEvent::LineReclaimed { line } => self.set(*line, LineState::Reclaimed),
            OrderEvent::LineConfirmed { line, .. } => self.set(*line, LineState::Confirmed),
            OrderEvent::LineLost { line, noted } => {
                self.set(*line, LineState::Lost);
                self.change(*line, |line| line.is_noted = *noted);
            }
            OrderEvent::NoteSettled { line } => self.change(*line, |line| line.is_noted = false),
            OrderEvent::SessionOpened { session, attempt } => {
                (self.session, self.attempt) = (Some(session.clone()), *attempt);
            }
            OrderEvent::SessionRefused { reason } => self.session_refused = Some(reason.clone()),
            OrderEvent::Told { news, facts, came } => self.told(at, news.as_ref(), facts, came),
            OrderEvent::CancelAsked { cuts, kept, .. } => {
                for cut in cuts {
                    self.change(cut.line, |line| {
                        line.to_give_up = (line.to_give_up + cut.seats.get()).min(line.seats.get());
                    });
                }
                self.kept += i128::from(kept.minor());
                self.end = None;
            }
            OrderEvent::SeatsGivenUp { cut } => self.given_up(*cut),
            OrderEvent::GiveUpRefused { line, .. } => {
                self.change(*line, |line| (line.to_give_up, line.is_stranded) = (0, true));
            }
            OrderEvent::Allowed { amount, .. } => {
                let of_seats = i128::from(amount.minor()).min(self.owes() - self.keeps());
                self.kept = self.keeps() - (i128::from(amount.minor()) - of_seats).min(self.keeps());
                self.allowed += of_seats;
                self.end = None;
            }
            OrderEvent::Reversed => {
                for line in self.lines.iter_mut().filter(|line| line.has_seats()) {
                    line.to_give_up = line.seats.get();
                }
            }
            OrderEvent::RefundAsked { ask } => {
                let ever = self.purse.charges.get(&ask.charge).map_or(0, Charge::refunds_ever);
                self.asks.insert(ask.key.clone(), Asked { ask: ask.clone(), ever, is_refused: false });
            }
            OrderEvent::RefundRefused { key, .. } => {
                if let Some(asked) = self.asks.get_mut(key) {
                    asked.is_refused = true;
                }
            }
            OrderEvent::Closed { end } => {
                self.closings += 1;
                self.end = Some(end.clone());
            }
            OrderEvent::Reopened => {
                self.end = None;
                // Whoever looks after it wants refunds that were refused to be asked for again.
                self.asks.retain(|_, asked| !asked.is_refused);
                self.lines.iter_mut().for_each(|line| line.is_stranded = false);
            }
        }
    }

    fn given_up(&mut self, cut: Cut) {
        self.change(cut.line, |line| {
            line.to_give_up = line.to_give_up.saturating_sub(cut.seats.get());
            line.seats = Seats::new(line.seats.get().saturating_sub(cut.seats.get()));
            if line.seats.get() == 0 {
                line.state = LineState::GivenUp;
            }
        });
    }

    fn told(&mut self, at: Timestamp, news: Option<&NewsId>, facts: &[PaymentFact], came: &[Came]) {
        match news {
            Some(news) => drop(self.news.insert(news.clone())),
            None => self.asked_at = Some(at),
        }
        for fact in facts {
            // Where a charge stands otherwise than we thought, what was refused may be asked for again, and is another amount.
            if self.purse.put(fact)
                && let Some(charge) = fact.charge()
            {
                self.asks.retain(|_, asked| !asked.is_refused || asked.ask.charge != *charge);
            }
        }
        if came.iter().any(|came| *came != Came::Known) {
            self.end = None;
        }
    }

    fn set(&mut self, line: u16, state: LineState) {
        self.change(line, |line| line.state = state);
    }

    fn change(&mut self, line: u16, change: impl FnOnce(&mut PlacedLine)) {
        if let Some(line) = self.lines.get_mut(usize::from(line)) {
            change(line);
        }
    }

    /// As it was placed.
    pub fn placed(&self) -> &NewOrder {
        &self.placed
    }

    /// When it was placed.
    pub fn placed_at(&self) -> Timestamp {
        self.placed_at
    }

    /// When the latest of its events was recorded.
    pub fn changed_at(&self) -> Timestamp {
        self.changed_at
    }

    /// Who takes the money.
    pub fn gateway(&self) -> &str {
        &self.gateway
    }

    /// Its lines, as they stand.
    pub fn lines(&self) -> &[PlacedLine] {
        &self.lines
    }

    /// Where the buyer pays, once there is such a place.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// What the gateway has told of its money.
    pub fn purse(&self) -> &Purse {
        &self.purse
    }

    /// How it ended; none while something is to be done, or waited for.
    pub fn end(&self) -> Option<&OrderEnd> {
        self.end.as_ref()
    }

    /// How often it has ended. Each time it goes on again, that is another flow.
    pub fn closings(&self) -> u64 {
        self.closings
    }

    /// The event of its stream that it stands at.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// What it costs as it was placed.
    pub fn total(&self) -> Money {
        // An order without lines, or of several currencies, is not placed.
        self.placed.total().ok().flatten().unwrap_or_else(|| self.money(0))
    }

    /// What of its money is ours now: taken, not given back, not under dispute. In its own currency. None when that is beyond what
    /// an amount can be.
    pub fn received(&self) -> Option<Money> {
        i64::try_from(self.ours()).ok().map(|minor| Money::new(minor, self.currency))
    }

    /// What should be ours: the cost of the seats that it has or may have yet, what is kept of those given up, less what was
    /// allowed.
    pub fn owed(&self) -> Money {
        self.money(self.owes())
    }

    /// What is kept of the money for seats that were given up.
    pub fn kept(&self) -> Money {
        self.money(self.keeps())
    }

    /// Of seats that could not be given up after all, nothing is kept.
    fn keeps(&self) -> i128 {
        let cost = |line: &PlacedLine| i128::from(line.line.net.minor());
        let left = |line: &PlacedLine| if line.state.is_live() { i128::from(line.cost().minor()) } else { 0 };
        self.kept.min(self.lines.iter().map(|line| cost(line) - left(line)).sum())
    }

    /// What goes back though the seats stay.
    pub fn allowed(&self) -> Money {
        self.money(self.allowed)
    }

    pub(super) fn money(&self, minor: i128) -> Money {
        let minor = i64::try_from(minor).unwrap_or(if minor < 0 { i64::MIN } else { i64::MAX });
        Money::new(minor, self.currency)
    }

    pub(super) fn ours(&self) -> i128 {
        self.purse.sum(self.currency, Charge::ours)
    }

    pub(super) fn ours_if_won(&self) -> i128 {
        self.purse.sum(self.currency, Charge::ours_if_won)
    }

    pub(super) fn owes(&self) -> i128 {
        self.cost_of(LineState::is_live)
    }

    /// What would be due if lines that were let go had their seats again.
    pub(super) fn due(&self) -> i128 {
        self.cost_of(|state| state.is_live() || state == LineState::Released)
    }

    fn cost_of(&self, counts: impl Fn(LineState) -> bool) -> i128 {
        let lines: i128 =
            self.lines.iter().filter(|line| counts(line.state)).map(|line| i128::from(line.cost().minor())).sum();
        // What was allowed was of the cost of seats: it does not eat what is kept of others.
        (lines - self.allowed).max(0) + self.keeps()
    }

    /// How the session stands, as far as it was told.
    pub(super) fn session_state(&self) -> Option<SessionState> {
        let session = self.session.as_ref()?;
        Some(self.purse.sessions.get(&session.id).copied().unwrap_or(SessionState::Open))
    }

    /// The refund that was asked for, and of which nothing is known yet.
    pub(super) fn outstanding(&self) -> Option<&RefundAsk> {
        self.asks.values().find(|asked| self.is_open(asked)).map(|asked| &asked.ask)
    }

    fn is_open(&self, asked: &Asked) -> bool {
        let ever = self.purse.charges.get(&asked.ask.charge).map_or(0, Charge::refunds_ever);
        !asked.is_refused && ever < asked.ever + i128::from(asked.ask.amount.minor())
    }

    /// Whether a refund was asked for, and nothing is known yet of what became of it.
    pub fn is_asked(&self, key: &str) -> bool {
        self.asks.get(key).is_some_and(|asked| self.is_open(asked))
    }

    /// Whether nothing more can be given back of a charge, as far as we know.
    pub(super) fn is_stuck(&self, charge: &ChargeId) -> bool {
        let refused = self.asks.values().any(|asked| asked.is_refused && asked.ask.charge == *charge);
        refused || self.purse.charges.get(charge).is_some_and(|charge| charge.refunds_failed() >= FAILURES_MAX)
    }
}
