//! What holds whatever comes, in whatever order.

use proptest::prelude::*;

use super::world::*;
use crate::ticket::order::*;
use crate::ticket::payment::*;

/// Something that happens around an order.
#[derive(Clone, Debug)]
enum Happens {
    Pays(i64),
    ChargesAgain(i64),
    RefundsElsewhere(i64),
    Disputes(DisputeState),
    RefundFails,
    Passes(u32),
    GoesDown(bool),
    SellsOut(bool),
    Cancels(u16, u32, i64),
    Allows(i64),
    /// The news that waits at this place is told, so often.
    Tells(usize, usize),
    /// A step is taken and not recorded: the process ended in between.
    Crashes,
    Steps(usize),
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        3 => prop_oneof![Just(3_500_i64), 1..5_000_i64].prop_map(Happens::Pays),
        1 => (1..5_000_i64).prop_map(Happens::ChargesAgain),
        1 => (1..3_000_i64).prop_map(Happens::RefundsElsewhere),
        1 => prop_oneof![Just(DisputeState::Open), Just(DisputeState::Won), Just(DisputeState::Lost)]
            .prop_map(Happens::Disputes),
        1 => Just(Happens::RefundFails),
        2 => (1..40_u32).prop_map(Happens::Passes),
        1 => any::<bool>().prop_map(Happens::GoesDown),
        1 => any::<bool>().prop_map(Happens::SellsOut),
        1 => (0..2_u16, 1..3_u32, 0..500_i64).prop_map(|(line, seats, kept)| Happens::Cancels(line, seats, kept)),
        1 => (1..1_000_i64).prop_map(Happens::Allows),
        6 => (0..8_usize, 1..4_usize).prop_map(|(at, times)| Happens::Tells(at, times)),
        2 => Just(Happens::Crashes),
        4 => (1..6_usize).prop_map(Happens::Steps),
    ]
}

struct Play {
    world: World,
    outbox: Vec<News>,
}

impl Play {
    #[expect(clippy::too_many_lines, reason = "one arm for each thing that happens")]
    fn one(&mut self, what: &Happens) {
        let world = &mut self.world;
        match *what {
            Happens::Pays(amount) => self.outbox.extend(world.bank.pay("paid", eur(amount))),
            Happens::ChargesAgain(amount) => {
                let charge = format!("c{}", world.bank.charges.len() + 1);
                self.outbox.extend(world.bank.charge(&charge, eur(amount)));
            }
            Happens::RefundsElsewhere(amount) => {
                let Some((charge, captured)) =
                    world.bank.charges.iter().next().map(|(id, captured)| (id.clone(), *captured))
                else {
                    return;
                };
                let gone: i64 = world
                    .bank
                    .refunds
                    .values()
                    .filter(|(of, ..)| *of == charge)
                    .map(|(_, amount, ..)| amount.minor())
                    .sum();
                let is_disputed = world.bank.disputes.values().any(|(of, ..)| *of == charge);
                if gone + amount <= captured.minor() && !is_disputed {
                    let fact = world.bank.refund(&charge, eur(amount), None, RefundState::Succeeded);
                    self.outbox.push(world.bank.news(fact));
                }
            }
            Happens::Disputes(state) => {
                let first = world.bank.charges.iter().next().map(|(id, captured)| (id.clone(), *captured));
                let Some((charge, captured)) = first else { return };
                let is_refunded = world.bank.refunds.values().any(|(of, ..)| *of == charge);
                let stood = world.bank.disputes.values().find(|(of, ..)| *of == charge).map(|(_, _, state)| *state);
                if !is_refunded && stood.is_none_or(|stood| stood < state) {
                    self.outbox.push(world.bank.dispute(charge.as_str(), captured, state));
                }
            }
            Happens::RefundFails => {
                let Some((id, refund)) = world.bank.refunds.iter_mut().next() else { return };
                refund.2 = RefundState::Failed;
                let (charge, amount, state, _) = refund.clone();
                let fact = PaymentFact::Refund { charge, refund: id.clone(), amount, state };
                self.outbox.push(world.bank.news(fact));
            }
            Happens::Passes(minutes) => world.now = world.now + MINUTE * minutes,
            Happens::GoesDown(is_down) => world.is_down = is_down,
            Happens::SellsOut(is_full) => world.sell_out(is_full),
            Happens::Cancels(line, seats, kept) => {
                let asked =
                    OrderChange::Cancel { cuts: vec![cut(line, seats)], kept: Some(eur(kept)), reason: String::new() };
                if let Changing::Do(event) = world.order.change_asked(asked) {
                    world.record(event);
                }
            }
            Happens::Allows(amount) => {
                let asked = OrderChange::Allow { amount: eur(amount), reason: String::new() };
                if let Changing::Do(event) = world.order.change_asked(asked) {
                    world.record(event);
                }
            }
            Happens::Tells(at, times) => {
                if self.outbox.is_empty() {
                    return;
                }
                let news = self.outbox[at % self.outbox.len()].clone();
                for _ in 0..times {
                    world.hear(&news);
                }
            }
            Happens::Crashes => {
                if let Next::Do(action) = world.order.next(world.now) {
                    drop(world.act(&action));
                }
            }
            Happens::Steps(steps) => {
                for _ in 0..steps {
                    match world.order.next(world.now) {
                        Next::Do(action) => {
                            let Some(event) = world.act(&action) else { break };
                            world.record(event);
                        }
                        Next::Close(end) => world.record(OrderEvent::Closed { end }),
                        Next::Wait { .. } | Next::Done(_) => break,
                    }
                }
            }
        }
    }

    /// Everything is told in the end, and everybody can be asked.
    fn last(&mut self) {
        self.world.is_down = false;
        self.world.run();
        for news in core::mem::take(&mut self.outbox) {
            self.world.hear(&news);
        }
        // What nobody told is asked for, as a statement does.
        let event = self.world.order.answered(self.world.bank.facts());
        self.world.record(event);
        for _ in 0..10 {
            if let Next::Done(_) = self.world.pass(MINUTE * 600) {
                break;
            }
        }
    }
}

#[test]
fn the_cost_of_more_seats_than_anybody_has_takes_no_time_and_no_memory() {
    let line = line(0, u32::MAX, i64::MAX);
    assert_eq!(line.cost_of(line.party.seats), line.net);
    assert_eq!(line.cost_of(crate::booking::Seats::new(0)), eur(0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_money_seats_and_order_agree_in_the_end(story in prop::collection::vec(happens(), 0..40)) {
        let mut play = Play { world: World::new(vec![line(0, 2, 2_000), line(1, 1, 1_500)]), outbox: vec![] };
        for what in &story {
            play.one(what);
        }
        play.last();
        play.world.assert_squared();
        // The same events give the same order.
        let mut again = Order::begin(crate::persist::Seq::FIRST, play.world.order.placed_at(), &play.world.events[0]).unwrap();
        for event in &play.world.events[1..] {
            again.evolve(again.seq().next(), play.world.now, event);
        }
        prop_assert_eq!(again.lines(), play.world.order.lines());
        prop_assert_eq!(again.end(), play.world.order.end());
        prop_assert_eq!(again.purse(), play.world.order.purse());
    }

    #[test]
    fn facts_come_to_the_same_in_any_order_and_however_often(
        amounts in prop::collection::vec(1..1_000_i64, 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let facts: Vec<PaymentFact> = amounts.iter().enumerate().map(|(at, amount)| {
            let charge = ChargeId::new(format!("c{}", at % 2)).unwrap();
            let states = [RefundState::Pending, RefundState::Succeeded, RefundState::Failed];
            let disputes = [DisputeState::Open, DisputeState::Won, DisputeState::Lost];
            match at % 3 {
                0 => PaymentFact::Charge { charge, captured: eur(*amount) },
                1 => PaymentFact::Refund { charge, refund: RefundId::new(format!("r{}", at % 4)).unwrap(), amount: eur(*amount), state: states[at % 3] },
                _ => PaymentFact::Dispute { charge, dispute: DisputeId::new("d").unwrap(), amount: eur(*amount), state: disputes[(at / 3) % 3] },
            }
        }).collect();
        let (mut one, mut other) = (Purse::default(), Purse::default());
        for fact in &facts {
            one.put(fact);
        }
        for at in &order {
            other.put(at.get(&facts));
        }
        for fact in facts.iter().rev() {
            other.put(fact);
        }
        prop_assert_eq!(one, other);
    }

    #[test]
    fn each_seat_costs_its_share_by_the_largest_remainder(seats in 1..50_u32, minor in 0..10_000_i64, asked in 0..60_u32) {
        let line = line(0, seats, minor);
        let shares = line.net.allocate(&vec![1; seats as usize]).unwrap();
        let first: i64 = shares.iter().take(asked as usize).map(crate::ticket::Money::minor).sum();
        prop_assert_eq!(line.cost_of(crate::booking::Seats::new(asked)), eur(first));
    }
}

#[test]
fn an_answer_with_more_than_is_recorded_at_once_is_recorded_in_pieces_that_fit() {
    let mut world = World::selling(vec![line(0, 2, 2_000)]);
    let charge = ChargeId::new("c".repeat(ChargeId::LENGTH_MAX)).unwrap();
    let refund = |n: usize| PaymentFact::Refund {
        charge: charge.clone(),
        refund: RefundId::new(format!("{n:0>width$}", width = RefundId::LENGTH_MAX)).unwrap(),
        amount: eur(1),
        state: RefundState::Succeeded,
    };
    let facts: Vec<PaymentFact> = (0..100).map(refund).collect();
    let mut told = 0;
    while told < facts.len() {
        let event = world.order.answered(facts.clone());
        let OrderEvent::Told { facts: some, .. } = &event else { panic!("{event:?}") };
        assert!(!some.is_empty() && serde_json::to_string(&event).unwrap().len() < 3_900, "{some:?}");
        told += some.len();
        world.record(event);
    }
    assert_eq!(world.order.purse().charges()[&charge].refunds.len(), 100);
}
