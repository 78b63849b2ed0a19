use super::*;
use crate::booking::{self, BookingCommand, BookingOutcome, Seats, Shortage};
use crate::id::IdError;

/// Runs what brings the redemptions in line with the list.
#[track_caller]
fn align(store: &MemoryBackend) -> Vec<&'static str> {
    let outcome = |command: &BookingCommand| booked(store, command).name();
    voucher_commands(&loaded(store, AsOf::Now)).iter().map(outcome).collect()
}

fn booked(store: &MemoryBackend, command: &BookingCommand) -> BookingOutcome {
    now(booking::run(store, &voucher_occurrence(&season()), command, at(0))).unwrap().outcome
}

fn redeem(store: &MemoryBackend, order: &str, voucher: &str) -> BookingOutcome {
    let (attendee, party) = redemption(order, &code(voucher)).unwrap();
    booked(store, &BookingCommand::Book { attendee, party })
}

fn give_back(store: &MemoryBackend, order: &str, voucher: &str) -> BookingOutcome {
    let (attendee, _) = redemption(order, &code(voucher)).unwrap();
    booked(store, &BookingCommand::Cancel { attendee })
}

fn none_left(name: &str, capacity: u32) -> BookingOutcome {
    let (pool, capacity) = (Some(pool(name)), Seats::new(capacity));
    BookingOutcome::Full(Shortage { pool, capacity, free: 0, returns: None, places: false })
}

#[test]
fn redemptions_are_told_from_seats_by_their_occurrence() {
    for name in ["season", "s", "a b", "vouchers:x", &"n".repeat(64)] {
        let list = PriceListName::new(name).unwrap();
        assert_eq!(vouchers_of(&voucher_occurrence(&list)), Some(list));
    }
    for id in [
        "chess@20260105T190000",
        "vouchers@19700101",
        "vouchers:season@19700102",
        "vouchers:season@19700101T000000",
        "x-vouchers:season@19700101",
    ] {
        assert_eq!(vouchers_of(&id.parse().unwrap()), None, "{id}");
    }
}

#[test]
fn a_voucher_has_its_uses_and_its_pools_and_the_tightest_is_named() {
    let store = store_after(&commands());
    // Spring has two uses of its own; autumn draws on a pool of three, and so does a third.
    let third =
        Voucher { uses: Some(9), pools: BTreeSet::from([pool("press")]), ..Voucher::new(code("THIRD"), "spring") };
    told(&store, &[PriceCommand::set_voucher(third)]);
    assert_eq!(align(&store), ["opened", "resized", "set", "resized", "set", "resized", "set"]);
    assert_eq!(
        align(&store),
        ["already_open", "as_before", "as_before", "as_before", "as_before", "as_before", "as_before"]
    );
    for (seat, (order, voucher)) in
        (1..).zip([("1", "SPRING"), ("2", "SPRING"), ("1", "AUTUMN"), ("2", "AUTUMN"), ("3", "THIRD")])
    {
        assert_eq!(redeem(&store, order, voucher), BookingOutcome::Booked { seat });
    }
    assert_eq!(redeem(&store, "3", "SPRING"), none_left("code:SPRING", 2));
    assert_eq!(redeem(&store, "4", "AUTUMN"), none_left("press", 3));
    assert_eq!(redeem(&store, "4", "THIRD"), none_left("press", 3));
    assert_eq!(redeem(&store, "4", "NONE"), BookingOutcome::UnknownTicket { ticket: kind("NONE") });
    // An order has one use of a voucher, however often it asks.
    assert!(matches!(redeem(&store, "1", "AUTUMN"), BookingOutcome::Already { .. }));
    // What an order gives up, another has.
    assert_eq!(give_back(&store, "2", "AUTUMN"), BookingOutcome::Cancelled);
    assert!(redeem(&store, "4", "THIRD").is_accepted());
    assert_eq!(redeem(&store, "5", "AUTUMN"), none_left("press", 3));
}

#[test]
fn what_is_changed_on_the_list_holds_for_what_is_redeemed_after() {
    let store = store_after(&commands());
    let spring = |uses| PriceCommand::set_voucher(Voucher { uses, ..Voucher::new(code("SPRING"), "spring") });
    align(&store);
    assert!(redeem(&store, "1", "SPRING").is_accepted() && redeem(&store, "2", "SPRING").is_accepted());
    // Below what is used up: nobody loses a use.
    told(&store, &[spring(Some(1))]);
    align(&store);
    assert_eq!(redeem(&store, "3", "SPRING"), none_left("code:SPRING", 1));
    told(&store, &[spring(None)]);
    align(&store);
    assert!(redeem(&store, "3", "SPRING").is_accepted());
    // Withdrawn, with a limit and without: none is left, and those that were stay counted in the pools.
    told(&store, &["SPRING", "AUTUMN"].map(|code_of| PriceCommand::WithdrawVoucher { code: code(code_of) }));
    assert!(redeem(&store, "1", "AUTUMN").is_accepted());
    align(&store);
    assert_eq!(redeem(&store, "4", "SPRING"), none_left("code:SPRING", 0));
    assert_eq!(redeem(&store, "2", "AUTUMN"), none_left("code:AUTUMN", 0));
    let other = Voucher { pools: BTreeSet::from([pool("press")]), ..Voucher::new(code("OTHER"), "spring") };
    told(&store, &[uses("press", 2), PriceCommand::set_voucher(other)]);
    align(&store);
    assert!(redeem(&store, "1", "OTHER").is_accepted());
    assert_eq!(redeem(&store, "2", "OTHER"), none_left("press", 2));
    // Taken again: what was used is counted on.
    told(&store, &[spring(Some(4))]);
    align(&store);
    assert!(redeem(&store, "4", "SPRING").is_accepted());
    assert_eq!(redeem(&store, "5", "SPRING"), none_left("code:SPRING", 4));
}

#[test]
fn a_redemption_has_one_name_for_each_order_and_code() {
    let name = |order: &str, voucher: &str| redemption(order, &code(voucher)).unwrap().0;
    assert_eq!(name("order-17", "SPRING").as_str(), "6:SPRING:order-17");
    // However codes and orders are spelled.
    assert_ne!(name("b:c", "a"), name("c", "a:b"));
    assert_ne!(name("1:a:b", "x"), name("b", "x:1:a"));
    let longest = "c".repeat(VoucherCode::LENGTH_MAX);
    assert!(redemption(&"o".repeat(193), &code(&longest)).is_ok());
    assert!(matches!(redemption(&"o".repeat(194), &code(&longest)), Err(IdError::TooLong { .. })));
    assert!(redemption("a\nb", &code("A")).is_err());
    // The names that are derived of the longest are names.
    let list = PriceListName::new("l".repeat(PriceListName::LENGTH_MAX)).unwrap();
    let occurrence = voucher_occurrence(&list);
    assert_eq!(occurrence.to_string().parse::<OccurrenceId>(), Ok(occurrence));
    let many = (0..25).map(|n| format!("{n:p>64}")).collect::<Vec<_>>();
    let pools = many.iter().map(|name| pool(name)).collect();
    let heavy = Voucher { uses: Some(1), pools, ..Voucher::new(code(&longest), "spring") };
    let sizes = many.iter().map(|name| uses(name, 1));
    let store =
        store_after(&commands().into_iter().chain(sizes).chain([PriceCommand::set_voucher(heavy)]).collect::<Vec<_>>());
    assert!(align(&store).iter().all(|outcome| ["opened", "resized", "set"].contains(outcome)));
    assert!(PoolName::new(format!("code:{longest}")).is_ok() && TicketType::new(longest).is_ok());
}

#[test]
fn kinds_of_tickets_draw_on_the_pools_that_the_list_names() {
    let offered = TicketOffer { pools: BTreeSet::from([pool("balcony")]), ..offer("child", 1) };
    let list = list_after(&[start(), PriceCommand::set_ticket(offered), PriceCommand::set_ticket(offer("adult", 1))]);
    let set = |name: &str, pools: &[&str]| BookingCommand::SetTicket {
        ticket: kind(name),
        pools: pools.iter().map(|name| pool(name)).collect(),
    };
    assert_eq!(ticket_commands(&list), [set("adult", &[]), set("child", &["balcony"])]);
    assert_eq!(voucher_commands(&list), []);
}
