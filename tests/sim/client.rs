//! Clients: each asks, waits for the answer as long as it has patience, and asks again.

use core::time::Duration;
use std::rc::Rc;

use boxoffice_core::booking::{BookingCommand, BookingReply, HoldTerm, Party, Submission};
use boxoffice_core::id::{AttendeeId, OccurrenceId};
use boxoffice_core::persist::IdempotencyKey;
use boxoffice_core::time::Timestamp;
use futures_util::future::{Either, select};

use crate::dice::{Dice, mix};
use crate::menu::Menu;
use crate::reply::{Answer, Failure};
use crate::sim::{Sim, is_held, open};
use crate::watch::Asked;

/// How the clients of a run behave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) menu: Menu,
    /// How many each asks.
    pub(crate) commands: u64,
    /// In a thousand: commands with a key.
    pub(crate) keyed: u64,
    /// Whether offices know that there are others.
    pub(crate) beside_others: bool,
    /// Milliseconds until an answer is given up.
    pub(crate) patience: u64,
    /// Milliseconds between two commands, at most.
    pub(crate) think: u64,
    /// In a thousand: commands that are bound to what the client saw.
    pub(crate) bound: u64,
}

struct Client {
    sim: Rc<Sim>,
    number: u64,
    manner: Manner,
    keys: u64,
}

/// What one client does from beginning to end.
pub(crate) async fn run(sim: Rc<Sim>, number: u64, manner: Manner) {
    let mut client = Client { sim, number, manner, keys: 0 };
    if number == 0 {
        client.open_doors().await;
    }
    for _ in 0..manner.commands {
        client.dice_pass().await;
        if client.sim.is_calm() {
            break;
        }
        let errand = client.throw(|dice| dice.below(100));
        match errand {
            0..5 if !client.sim.is_plain() => client.cart().await,
            5..12 => client.look().await,
            12..20 => client.ask_again().await,
            _ => client.ask_something().await,
        }
    }
    client.sim.client_done();
}

impl Client {
    fn throw<R>(&self, throw: impl FnOnce(&mut Dice) -> R) -> R {
        self.sim.world.dice(throw)
    }

    async fn dice_pass(&self) {
        let think = self.throw(|dice| dice.within(0, self.manner.think));
        self.sim.world.pass(think).await;
    }

    fn occurrence(&self) -> OccurrenceId {
        self.throw(|dice| dice.pick(&self.sim.plan.occurrences).clone())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.sim.world.now())
    }

    /// A key that nobody has used, or none.
    fn key(&mut self) -> Option<IdempotencyKey> {
        self.throw(|dice| dice.permille(self.manner.keyed)).then(|| {
            self.keys += 1;
            IdempotencyKey::new(format!("c{}-{}", self.number, self.keys)).unwrap()
        })
    }

    async fn open_doors(&mut self) {
        let menu = self.manner.menu;
        for occurrence in self.sim.plan.occurrences.clone() {
            let capacity = self.throw(|dice| dice.within(1, menu.capacity));
            let key = self.key();
            self.ask(&occurrence, open(capacity), key).await;
            let prepare = if menu.plain { Vec::new() } else { self.throw(|dice| menu.preparations(dice)) };
            for command in prepare {
                self.ask(&occurrence, command, None).await;
            }
        }
    }

    async fn ask_something(&mut self) {
        let (occurrence, now, menu) = (self.occurrence(), self.now(), self.manner.menu);
        let (known, owed) = (self.sim.watch.known(&occurrence), self.sim.watch.owed(&occurrence));
        let command = self.throw(|dice| menu.draw(dice, now, &known, &owed));
        let key = self.key();
        self.ask(&occurrence, command, key).await;
    }

    async fn look(&mut self) {
        let occurrence = self.occurrence();
        let looked = self.sim.look(&occurrence);
        let patience = self.sim.world.pass(self.manner.patience);
        drop(select(Box::pin(looked), patience).await);
    }

    /// What was answered once is answered so for ever, and a key is good for one command.
    async fn ask_again(&mut self) {
        let said = self.sim.said.borrow().iter().map(|(at, said)| (at.clone(), said.0.clone())).collect::<Vec<_>>();
        if said.is_empty() {
            return;
        }
        let ((occurrence, key), command) = self.throw(|dice| dice.pick(&said).clone());
        if self.throw(|dice| dice.permille(800)) {
            self.ask(&occurrence, command, Some(key)).await;
            return;
        }
        let other = BookingCommand::Cancel { attendee: AttendeeId::new("somebody-else").unwrap() };
        let submission = Submission { key: Some(key), ..Submission::from(other) };
        if let Ok(reply) = self.attempt(&occurrence, submission).await {
            self.sim.world.saw(reply.outcome.name());
            assert_eq!(reply.outcome.name(), "key_reused");
        }
    }

    /// Asks until there is an answer. Without a key, only if nothing can have come of it before.
    async fn ask(
        &mut self,
        occurrence: &OccurrenceId,
        command: BookingCommand,
        key: Option<IdempotencyKey>,
    ) -> Option<BookingReply> {
        let strict = key.is_some() || self.manner.beside_others || self.sim.is_quiet_life();
        let asked = Asked { occurrence: occurrence.clone(), command, since: self.sim.world.now(), strict };
        let known =
            key.as_ref().is_some_and(|key| self.sim.said.borrow().contains_key(&(occurrence.clone(), key.clone())));
        let low = self.sim.low();
        // What was said before is no command of its own.
        let call = (!known).then(|| self.sim.record.borrow_mut().call(occurrence, &asked.command, low));
        loop {
            let observed = self.throw(|dice| dice.permille(self.manner.bound)).then(|| self.sim.watch.seq(occurrence));
            let observed = observed.filter(|_| key.is_none());
            let submission = Submission { key: key.clone(), observed, ..Submission::from(asked.command.clone()) };
            let calm = self.sim.is_calm();
            match self.attempt(occurrence, submission).await {
                Ok(reply) => {
                    self.hear(&asked, key, call, &reply);
                    return Some(reply);
                }
                Err(failure) if key.is_none() && !failure.is_without_effect() => {
                    assert!(!calm || failure == Failure::Gone, "{failure:?}, though all is calm");
                    return None;
                }
                Err(_) if key.is_none() && self.throw(|dice| dice.permille(500)) => {
                    _ = call.map(|call| self.sim.record.borrow_mut().without_effect(call));
                    return None;
                }
                Err(_) => self.dice_pass().await,
            }
            self.sim.world.pass(1).await;
        }
    }

    fn hear(&self, asked: &Asked, key: Option<IdempotencyKey>, call: Option<u64>, reply: &BookingReply) {
        let now = self.sim.world.now();
        self.sim.world.saw(reply.outcome.name());
        self.sim.world.note(mix(reply.seq.get()) ^ reply.outcome.name().len() as u64);
        if let Some(call) = call {
            self.sim.record.borrow_mut().returns(call, &reply.outcome, self.sim.high());
        }
        let Some(key) = key else { return self.sim.watch.check_answer(asked, reply, now) };
        let mut said = self.sim.said.borrow_mut();
        let first = said.entry((asked.occurrence.clone(), key));
        if let std::collections::btree_map::Entry::Occupied(first) = &first {
            assert_eq!(first.get().1, *reply, "under {:?} something else was said before", first.key());
        } else {
            self.sim.watch.check_answer(asked, reply, now);
        }
        first.or_insert_with(|| (asked.command.clone(), reply.clone()));
    }

    async fn attempt(&self, occurrence: &OccurrenceId, submission: Submission) -> Answer {
        self.sim.world.hop().await;
        let Some(office) = self.sim.office() else {
            self.sim.world.pass(5).await;
            return Err(Failure::Busy);
        };
        // Once all is calm everybody has all the time of the world.
        let patience = self.manner.patience + if self.sim.is_calm() { 60_000 } else { 0 };
        let answer = office.run(occurrence, submission);
        match select(answer, Box::pin(self.sim.world.pass(patience))).await {
            Either::Left((answer, _)) => answer.unwrap_or(Err(Failure::Gone)),
            Either::Right(_) => {
                self.sim.world.saw("an answer given up");
                Err(Failure::Gone)
            }
        }
    }

    /// As in `actors/src/cart.rs`: holds in the order of ids, given back when one is refused.
    async fn cart(&mut self) {
        let attendee = AttendeeId::new(format!("cart-{}", self.sim.world.number())).unwrap();
        let hold_for = Duration::from_millis(self.throw(|dice| dice.within(1, 3_000)));
        let deadline = self.now() + hold_for;
        self.sim.watch.expect_cart(&attendee, deadline);
        let mut held = Vec::new();
        for occurrence in self.sim.plan.occurrences.clone() {
            let (party, term) = (Party::default(), HoldTerm::Until(deadline));
            let key = self.key();
            let reply =
                self.ask(&occurrence, BookingCommand::Hold { attendee: attendee.clone(), party, term }, key).await;
            if !reply.is_some_and(|reply| is_held(&reply.outcome)) {
                for occurrence in held {
                    self.ask(&occurrence, BookingCommand::Release { attendee: attendee.clone() }, None).await;
                }
                return self.sim.abandoned.borrow_mut().push(attendee);
            }
            held.push(occurrence);
            if self.throw(|dice| dice.permille(100)) {
                // Whoever takes it ends in the middle.
                return self.sim.abandoned.borrow_mut().push(attendee);
            }
        }
        for occurrence in held {
            let key = self.key();
            self.ask(&occurrence, BookingCommand::Confirm { attendee: attendee.clone() }, key).await;
        }
    }
}
