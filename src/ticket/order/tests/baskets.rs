//! Orders made of baskets.

use proptest::prelude::*;

use super::world::eur;
use crate::booking::Party;
use crate::id::{AttendeeId, OccurrenceId, PriceListName, TicketType, VoucherCode};
use crate::ticket::Money;
use crate::ticket::list::*;
use crate::ticket::order::*;
use crate::ticket::payment::OrderId;
use crate::ticket::price::{Effect, Needs, Promotion, Quote, Share};
use crate::time::Timestamp;

const KINDS: [&str; 3] = ["adult", "child", "hat"];

fn season() -> PriceListName {
    PriceListName::new("season").unwrap()
}

fn who(name: &str) -> AttendeeId {
    AttendeeId::new(name).unwrap()
}

fn id() -> OrderId {
    OrderId::new("o-1").unwrap()
}

fn evening(day: u8) -> OccurrenceId {
    format!("chess@202601{day:02}T190000").parse().unwrap()
}

fn list_after(commands: &[PriceCommand]) -> PriceList {
    let mut list = PriceList::new();
    for command in commands {
        let decision = decide(&list, command, Timestamp::EPOCH);
        let event = decision.event.unwrap_or_else(|| panic!("{command:?}: {:?}", decision.reply));
        list.evolve(list.seq().next(), decision.at, &event);
    }
    list
}

/// Adults cost 24, children 12, hats 3.33; of adults a person may have four. Two vouchers, and a code for everybody.
fn commands(shares: [u32; 2], off: i64) -> Vec<PriceCommand> {
    let offer = |name: &str, price| TicketOffer::new(TicketType::new(name).unwrap(), eur(price));
    let needs = |code: &str| Needs { code: Some(code.to_owned()), ..Needs::default() };
    let share = |per_10_000| Effect::Share { per_10_000, of: Share::Left };
    let voucher = |code: &str, promotion: &str| Voucher::new(VoucherCode::new(code).unwrap(), promotion);
    let [all, spring] = shares;
    vec![
        PriceCommand::Start { currency: "EUR".parse().unwrap() },
        PriceCommand::set_ticket(TicketOffer { per_person: Some(4), ..offer("adult", 2_400) }),
        PriceCommand::set_ticket(offer("child", 1_200)),
        PriceCommand::set_ticket(offer("hat", 333)),
        PriceCommand::set_promotion(Promotion::new("all", 1, share(all)).needs(needs("OPEN"))),
        PriceCommand::set_promotion(Promotion::new("spring", 2, share(spring)).needs(needs("spring"))),
        PriceCommand::set_promotion(Promotion::new("paper", 3, Effect::Fixed { off: eur(off) }).needs(needs("paper"))),
        PriceCommand::set_voucher(voucher("SPRING", "spring")),
        PriceCommand::set_voucher(voucher("COURIER", "paper")),
    ]
}

fn basket(seats: &[(usize, u32)], codes: &[&str]) -> Basket {
    let line = |(n, (kind, seats)): (u8, &(usize, u32))| BasketLine {
        occurrence: evening(n % 3 + 1),
        holder: who(&format!("holder {n}")),
        party: Party::of(*seats).with_ticket(TicketType::new(KINDS[*kind]).unwrap()),
    };
    Basket {
        codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        lines: (0..).zip(seats).map(line).collect(),
        ..Basket::default()
    }
}

fn quoted(list: &PriceList, basket: &Basket) -> (Quote, Vec<VoucherCode>) {
    let priced = list.quote(basket, Timestamp::EPOCH).unwrap();
    let Priced::Quote { quote, vouchers } = priced else { panic!("{priced:?}") };
    (quote, vouchers)
}

fn order(list: &PriceList, basket: &Basket, quote: &Quote, vouchers: &[VoucherCode]) -> Result<NewOrder, QuoteError> {
    let quoted = QuotedBasket { name: &season(), list, basket, quote, vouchers };
    NewOrder::of_basket(id(), who("ann"), "Chess", &quoted)
}

#[test]
fn an_order_has_the_lines_of_the_basket_and_a_use_for_each_voucher_that_took_something() {
    let list = list_after(&commands([0, 5_000], 1));
    let basket = basket(&[(0, 2), (2, 1)], &["SPRING", "COURIER", "OPEN"]);
    let (quote, vouchers) = quoted(&list, &basket);
    let order = order(&list, &basket, &quote, &vouchers).unwrap();
    let line = |line: &OrderLine| (line.holder.to_string(), line.net, line.per_person, line.voucher);
    let expected = [
        ("holder 0".to_owned(), quote.lines[0].net, Some(4), false),
        ("holder 1".to_owned(), quote.lines[1].net, None, false),
        ("7:COURIER:o-1".to_owned(), eur(0), None, true),
        ("6:SPRING:o-1".to_owned(), eur(0), None, true),
    ];
    assert_eq!(order.lines.iter().map(line).collect::<Vec<_>>(), expected);
    // Half of 51.33 EUR, and a cent.
    assert_eq!(order.total().unwrap(), Some(eur(2_565)));
    assert!(order.lines[2..].iter().all(|line| line.occurrence == voucher_occurrence(&season())));
    assert_eq!(order.check(), None);
}

#[test]
fn a_quote_of_another_basket_or_list_makes_no_order() {
    let list = list_after(&commands([0, 0], 1));
    let bought = basket(&[(0, 2), (1, 1)], &[]);
    let (quote, _) = quoted(&list, &bought);
    let other = |line| Err(QuoteError::OtherBasket { line });
    for (seats, expected) in [(&[(0, 2)][..], other(1)), (&[(0, 2), (1, 2)], other(1)), (&[(1, 2), (1, 1)], other(0))] {
        assert_eq!(order(&list, &basket(seats, &[]), &quote, &[]), expected);
    }
    assert_eq!(order(&PriceList::new(), &bought, &quote, &[]), other(0));
}

#[test]
fn an_order_is_known_by_its_basket_and_not_by_what_it_costs() {
    let list = list_after(&commands([0, 5_000], 1));
    let bought = basket(&[(0, 2), (2, 1)], &["SPRING", "OPEN"]);
    let (quote, vouchers) = quoted(&list, &bought);
    let mut order = order(&list, &bought, &quote, &vouchers).unwrap();
    order.lines[0].net = eur(1);
    let table = [
        (bought.clone(), true),
        // A code that opened what takes nothing is not known to the order.
        (basket(&[(0, 2), (2, 1)], &["SPRING"]), true),
        (basket(&[(0, 2), (2, 1)], &["COURIER"]), false),
        (basket(&[(0, 2)], &["SPRING"]), false),
        (basket(&[(0, 2), (2, 1), (1, 1)], &["SPRING"]), false),
        (basket(&[(0, 3), (2, 1)], &["SPRING"]), false),
        (basket(&[(2, 1), (0, 2)], &["SPRING"]), false),
    ];
    for (basket, is_same) in table {
        assert_eq!(order.is_of_basket(&season(), &basket), is_same, "{basket:?}");
    }
    assert!(!order.is_of_basket(&PriceListName::new("other").unwrap(), &bought));
}

proptest! {
    #[test]
    fn the_lines_add_up_to_the_quote(
        seats in prop::collection::vec((0_usize..3, 1_u32..5), 1..6),
        codes in prop::sample::subsequence(vec!["SPRING", "COURIER", "OPEN"], 0..=3),
        shares in [0_u32..=10_000, 0_u32..=10_000],
        off in 0_i64..9_000,
    ) {
        let list = list_after(&commands(shares, off.max(1)));
        let basket = basket(&seats, &codes);
        let Priced::Quote { quote, vouchers } = list.quote(&basket, Timestamp::EPOCH).unwrap() else {
            // More adults in one evening than a person may have.
            return Ok(());
        };
        let order = order(&list, &basket, &quote, &vouchers).unwrap();
        prop_assert_eq!(order.total().unwrap(), Some(quote.total));
        let nets: Vec<Money> = order.lines.iter().take(seats.len()).map(|line| line.net).collect();
        prop_assert_eq!(nets, quote.lines.iter().map(|line| line.net).collect::<Vec<_>>());
        prop_assert_eq!(order.lines.iter().filter(|line| line.voucher).count(), vouchers.len());
        prop_assert_eq!(order.check(), None);
        prop_assert!(order.is_of_basket(&season(), &basket));
    }
}
