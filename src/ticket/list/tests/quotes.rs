use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[test]
fn what_is_not_sold_is_refused_by_the_first_reason_that_applies() {
    use PriceRefusal::*;
    let list = list_after(&commands());
    let (adult, child, member) = (kind("adult"), kind("child"), kind("member"));
    let ann = |seats, ticket| line(5, "ann", seats, ticket);
    let no_ticket = BasketLine { party: Party::of(1), ..ann(1, "adult") };
    let twice = HolderTwice { occurrence: evening(5), holder: AttendeeId::new("ann").unwrap() };
    let too_many = |day| TooMany { ticket: adult.clone(), occurrence: evening(day), max: 4 };
    let unknown = |code: &str| UnknownCode { code: code.to_owned() };
    let long = (0..1_001).map(|n| line(5, &format!("a{n}"), 1, "child")).collect();
    for (lines, codes, millis, expected) in [
        (vec![], &["NO"][..], 50, Empty),
        (long, &[], 50, TooLong { max: 1_000 }),
        (vec![ann(0, "hat"), ann(1, "adult")], &[], 50, twice),
        (vec![no_ticket.clone(), line(5, "bob", 0, "adult")], &[], 50, NoSeats { line: 1 }),
        (vec![line(5, "bob", 1, "hat"), no_ticket], &["NO"], 50, NoTicket { line: 1 }),
        (vec![ann(9, "hat")], &["NO"], 50, UnknownTicket { ticket: kind("hat") }),
        (vec![ann(9, "adult")], &["NO", "SPRING"], 5, unknown("NO")),
        // What a promotion needs that vouchers unlock is no code that anybody gives.
        (vec![ann(1, "adult")], &["lock"], 50, unknown("lock")),
        (vec![ann(1, "adult")], &["spring"], 50, unknown("spring")),
        (
            vec![ann(1, "adult")],
            &["a code that is longer than the code of any voucher could ever be"],
            50,
            unknown("a code that is longer than the code of any voucher could ever be"),
        ),
        (vec![ann(1, "member")], &["SPRING"], 9, CodeNotYet { code: code("SPRING"), from: at(10) }),
        (vec![ann(1, "member")], &["SPRING"], 90, CodeNoLonger { code: code("SPRING"), until: at(90) }),
        (vec![line(5, "bob", 1, "child"), ann(1, "member")], &[], 5, NeedsCode { ticket: member.clone() }),
        (vec![ann(1, "member")], &["FRIENDS"], 50, NeedsCode { ticket: member }),
        (
            vec![ann(9, "adult"), line(5, "bob", 1, "child")],
            &[],
            19,
            NotYetOnSale { ticket: child.clone(), from: at(20) },
        ),
        (vec![ann(9, "adult"), line(5, "bob", 1, "child")], &[], 80, NoLongerOnSale { ticket: child, until: at(80) }),
        (vec![ann(5, "adult")], &[], 50, too_many(5)),
        // Of all holders together, in each occurrence.
        (vec![ann(2, "adult"), line(6, "ann", 4, "adult"), line(5, "bob", 3, "adult")], &[], 50, too_many(5)),
        (vec![ann(u32::MAX, "adult"), line(5, "bob", u32::MAX, "adult")], &[], 50, too_many(5)),
    ] {
        let basket = basket(lines, codes);
        assert_eq!(list.quote(&basket, at(millis)), Ok(Priced::Refused(expected)));
    }
    let empty = PriceList::new().quote(&basket(vec![ann(1, "adult")], &[]), at(0));
    assert_eq!(empty, Ok(Priced::Refused(UnknownTicket { ticket: adult })));
}

#[test]
fn what_is_sold_has_a_line_for_each_of_the_basket() {
    let list = list_after(&commands());
    let ann = |seats, ticket| line(5, "ann", seats, ticket);
    for (lines, codes, millis, total, vouchers) in [
        (vec![ann(4, "adult"), line(6, "ann", 4, "adult")], &[][..], 0, 9_600, &[][..]),
        (vec![ann(1, "child")], &[], 20, 700, &[]),
        (vec![ann(1, "child")], &[], 79, 700, &[]),
        (vec![ann(2, "member"), line(5, "bob", 2, "adult")], &["CLUB"], 0, 3_400, &[]),
        (vec![ann(1, "adult")], &["SPRING"], 10, 600, &["SPRING"]),
        // Two that open the same: it counts once, and one of them is used.
        (vec![ann(1, "adult")], &["SPRING", "AUTUMN"], 10, 600, &["AUTUMN"]),
        // One that anybody may give, as often as one likes.
        (vec![ann(1, "adult")], &["FRIENDS"], 0, 600, &[]),
        (vec![ann(1, "adult")], &["FRIENDS", "AUTUMN"], 0, 0, &["AUTUMN"]),
    ] {
        let basket = basket(lines, codes);
        let (quote, used) = quoted(&list, &basket, millis);
        let used: Vec<&str> = used.iter().map(VoucherCode::as_str).collect();
        assert_eq!((quote.total.minor(), used.as_slice()), (total, vouchers), "{basket:?}");
        assert_eq!(quote.lines.len(), basket.lines.len());
        for (line, wanted) in quote.lines.iter().zip(&basket.lines) {
            let ticket = wanted.party.ticket.as_ref().map(TicketType::as_str);
            assert_eq!((Some(line.item.as_str()), line.count), (ticket, wanted.party.seats.get()));
        }
    }
}

#[test]
fn a_voucher_of_which_nothing_came_is_not_used() {
    let mut all = commands();
    let needs = Needs { at_least: Some(eur(5_000)), ..half("spring", "lock").needs };
    all[4] = PriceCommand::set_promotion(half("spring", "lock").needs(needs));
    let list = list_after(&all);
    let small = basket(vec![line(5, "ann", 1, "adult")], &["AUTUMN"]);
    let (quote, used) = quoted(&list, &small, 0);
    assert_eq!((quote.total, used), (eur(1_200), vec![]));
    let large = basket(vec![line(5, "ann", 4, "adult"), line(6, "ann", 1, "adult")], &["AUTUMN"]);
    assert_eq!(quoted(&list, &large, 0).1, [code("AUTUMN")]);
}

#[test]
fn a_voucher_that_was_withdrawn_leaves_its_promotion_locked() {
    // The promotion needs what the voucher is called.
    let promotion = PriceCommand::set_promotion(half("spring", "SPRING"));
    let voucher = PriceCommand::set_voucher(Voucher::new(code("SPRING"), "spring"));
    let ticket = PriceCommand::set_ticket(offer("adult", 1_200));
    let store = store_after(&[start(), ticket, promotion, voucher.clone()]);
    let asked = basket(vec![line(5, "ann", 1, "adult")], &["SPRING"]);
    assert_eq!(quoted(&loaded(&store, AsOf::Now), &asked, 0).0.total, eur(600));
    told(&store, &[PriceCommand::WithdrawVoucher { code: code("SPRING") }]);
    let list = loaded(&store, AsOf::Now);
    let refused = PriceRefusal::UnknownCode { code: "SPRING".to_owned() };
    assert_eq!(list.quote(&asked, at(0)), Ok(Priced::Refused(refused)));
    assert_eq!(list.vouchers().count(), 0);
    told(&store, &[voucher]);
    assert_eq!(quoted(&loaded(&store, AsOf::Now), &asked, 0).1, [code("SPRING")]);
}

#[test]
fn seats_of_other_orders_count_for_how_many_one_may_have() {
    let list = list_after(&commands());
    let has = |seats| BTreeMap::from([(evening(5), BTreeMap::from([(kind("adult"), seats)]))]);
    let asked = basket(vec![line(5, "ann", 2, "adult"), line(6, "ann", 4, "adult")], &[]);
    let with = |seats| list.quote(&Basket { has: has(seats), ..asked.clone() }, at(50)).unwrap();
    assert!(matches!(with(2), Priced::Quote { .. }));
    let too_many = PriceRefusal::TooMany { ticket: kind("adult"), occurrence: evening(5), max: 4 };
    assert_eq!(with(3), Priced::Refused(too_many.clone()));
    assert_eq!(with(u32::MAX), Priced::Refused(too_many));
}

#[test]
fn a_quote_stays_what_it_was_when_the_list_is_changed() {
    let store = store_after(&commands());
    let asked = basket(vec![line(5, "ann", 2, "adult"), line(5, "bob", 1, "child")], &["SPRING"]);
    let before = loaded(&store, AsOf::Now);
    let sold = serde_json::to_string(&before.quote(&asked, at(50)).unwrap()).unwrap();
    told(
        &store,
        &[
            PriceCommand::set_ticket(offer("adult", 9_999)),
            PriceCommand::RemoveTicket { ticket: kind("child") },
            PriceCommand::set_promotion(Promotion { rank: 9, ..half("spring", "other") }),
            PriceCommand::WithdrawVoucher { code: code("SPRING") },
        ],
    );
    let gone = PriceRefusal::UnknownTicket { ticket: kind("child") };
    assert_eq!(loaded(&store, AsOf::Now).quote(&asked, at(50)), Ok(Priced::Refused(gone)));
    // What was kept says the same, and so does the list as of then.
    let then = loaded(&store, AsOf::Seq(before.seq()));
    assert_eq!(serde_json::from_str::<Priced>(&sold).unwrap(), then.quote(&asked, at(50)).unwrap());
    assert_eq!(then, before);
}

#[test]
fn sums_beyond_what_can_be_kept_are_errors_and_no_panic() {
    let list = list_after(&[start(), PriceCommand::set_ticket(offer("adult", i64::MAX))]);
    assert!(list.quote(&basket(vec![line(5, "ann", 2, "adult")], &[]), at(0)).is_err());
}

#[test]
fn the_promotions_that_give_a_total_are_found_by_name() {
    let list = list_after(&commands());
    let asked = basket(vec![line(5, "ann", 1, "adult")], &[]);
    let found = |total, budget| list.which_promotions(&asked, at(50), eur(total), budget).unwrap();
    let Sought::Found(both) = found(600, 100) else { panic!("it is sold") };
    let names: Vec<Vec<&str>> = both.sets.iter().map(|set| set.iter().map(String::as_str).collect()).collect();
    assert_eq!((names, both.complete), (vec![vec!["friends"], vec!["spring"]], true));
    let Sought::Found(cut) = found(0, 2) else { panic!("it is sold") };
    assert_eq!((cut.sets.len(), cut.complete), (0, false));
    let refused = list.which_promotions(&basket(vec![], &[]), at(0), eur(0), 9);
    assert_eq!(refused, Ok(Sought::Refused(PriceRefusal::Empty)));
}

/// Tickets a to d, promotions p0.. of all kinds, some of which need a code that a voucher of the same number opens.
fn any_commands() -> impl Strategy<Value = Vec<PriceCommand>> {
    let tags = prop::collection::btree_set(Just("seat".to_owned()), 0..2);
    let tickets = prop::collection::vec((0_i64..3_000, tags.clone()), 4..5);
    let effect = prop_oneof![
        (0_u32..=10_000).prop_map(|per_10_000| Effect::Share { per_10_000, of: Share::List }),
        (0_u32..=10_000).prop_map(|per_10_000| Effect::Share { per_10_000, of: Share::Left }),
        (0_i64..4_000).prop_map(|off| Effect::Fixed { off: eur(off) }),
        (0_i64..2_000).prop_map(|unit| Effect::Rate { unit: eur(unit) }),
        (1_u32..3, 0_i64..3_000).prop_map(|(count, price)| {
            Effect::Bundle { items: BTreeMap::from([("a".to_owned(), count), ("b".to_owned(), 1)]), price: eur(price) }
        }),
    ];
    let promotions = prop::collection::vec((0_u32..4, effect, tags, prop::bool::ANY), 0..6);
    (tickets, promotions).prop_map(|(tickets, promotions)| {
        let mut commands = vec![start()];
        for (name, (price, tags)) in ["a", "b", "c", "d"].iter().zip(tickets) {
            commands.push(PriceCommand::set_ticket(TicketOffer { tags, ..offer(name, price) }));
        }
        let mut vouchers = Vec::new();
        for (n, (rank, effect, tags, locked)) in promotions.into_iter().enumerate() {
            let code_needed = locked.then(|| format!("lock {n}"));
            let needs = Needs { tags, code: code_needed, ..Needs::default() };
            commands.push(PriceCommand::set_promotion(Promotion::new(format!("p{n}"), rank, effect).needs(needs)));
            vouchers.extend(
                locked.then(|| PriceCommand::set_voucher(Voucher::new(code(&format!("V{n}")), format!("p{n}")))),
            );
        }
        commands.extend(vouchers);
        commands
    })
}

fn any_basket() -> impl Strategy<Value = Basket> {
    let line = (1_u32..6, prop::sample::select(vec!["a", "b", "c", "d"]));
    let codes = prop::collection::btree_set(0_usize..6, 0..4);
    (prop::collection::vec(line, 1..6), codes).prop_map(|(lines, codes)| {
        let lines = lines.into_iter().enumerate().map(|(n, (seats, ticket))| line_of(n, seats, ticket)).collect();
        Basket { lines, codes: codes.into_iter().map(|n| format!("V{n}")).collect(), ..Basket::default() }
    })
}

fn line_of(n: usize, seats: u32, ticket: &str) -> BasketLine {
    line(5, &format!("holder {n}"), seats, ticket)
}

proptest! {
    #[test]
    fn parts_are_the_whole_nothing_is_below_zero_and_each_voucher_took_something(
        commands in any_commands(),
        asked in any_basket(),
    ) {
        let list = list_after(&commands);
        let taken: BTreeSet<String> = list.vouchers().map(|voucher| voucher.code.to_string()).collect();
        let strange = asked.codes.iter().find(|code| !taken.contains(*code)).cloned();
        match (list.quote(&asked, at(0)).unwrap(), strange) {
            (Priced::Refused(refusal), strange) => {
                prop_assert_eq!(Some(refusal), strange.map(|code| PriceRefusal::UnknownCode { code }));
            }
            (Priced::Quote { quote, vouchers }, strange) => {
                prop_assert_eq!(strange, None);
                let nets: Vec<Money> = quote.lines.iter().map(|line| line.net).collect();
                prop_assert_eq!(Money::sum(&nets).unwrap(), Some(quote.total));
                prop_assert!(quote.lines.iter().all(|line| line.net.minor() >= 0));
                prop_assert_eq!(quote.lines.len(), asked.lines.len());
                let off: i64 = quote.offs.iter().map(|off| off.off.minor()).sum();
                prop_assert_eq!(quote.list.minor() - off, quote.total.minor());
                // A voucher for each promotion that took something and needs one, and no other.
                let took: BTreeSet<&str> = quote.offs.iter().map(|off| off.promotion.as_str()).collect();
                let used = list.vouchers().filter(|voucher| took.contains(voucher.promotion.as_str()));
                prop_assert_eq!(used.map(|voucher| voucher.code.clone()).collect::<Vec<_>>(), vouchers);
            }
        }
    }

    #[test]
    fn the_order_in_which_a_list_was_made_means_nothing(
        commands in any_commands(),
        asked in any_basket(),
        order in prop::collection::vec(0_u32..99, 20),
    ) {
        let list = list_after(&commands);
        // Vouchers come after what they unlock; all else in any order.
        let late = |command: &PriceCommand| matches!(command, PriceCommand::SetVoucher { .. });
        let mut shuffled: Vec<(bool, u32, PriceCommand)> =
            commands.into_iter().skip(1).zip(order).map(|(command, place)| (late(&command), place, command)).collect();
        shuffled.sort_by_key(|(late, place, _)| (*late, *place));
        let other = [start()].into_iter().chain(shuffled.into_iter().map(|(_, _, command)| command)).collect::<Vec<_>>();
        prop_assert_eq!(list_after(&other).quote(&asked, at(0)), list.quote(&asked, at(0)));
    }

    #[test]
    fn shares_of_the_list_add_up_whatever_their_ranks(
        shares in prop::collection::vec((0_u32..4_000, 0_u32..9, 0_u32..9), 0..4),
        asked in any_basket(),
    ) {
        let with = |rank: fn(&(u32, u32, u32)) -> u32| {
            let tickets = ["a", "b", "c", "d"].into_iter().zip([999, 1_250, 333, 1]);
            let mut commands = vec![start()];
            commands.extend(tickets.map(|(name, price)| PriceCommand::set_ticket(offer(name, price))));
            commands.extend(shares.iter().enumerate().map(|(n, it)| {
                let effect = Effect::Share { per_10_000: it.0, of: Share::List };
                PriceCommand::set_promotion(Promotion::new(format!("p{n}"), rank(it), effect))
            }));
            quoted(&list_after(&commands), &Basket { codes: BTreeSet::new(), ..asked.clone() }, 0).0
        };
        let (one, other) = (with(|it| it.1), with(|it| it.2));
        prop_assert_eq!(one.lines, other.lines);
    }
}
