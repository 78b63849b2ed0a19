use proptest::prelude::*;

use super::*;

fn outcomes(commands: &[PriceCommand]) -> Vec<PriceOutcome> {
    let replies = now(run(&MemoryBackend::new(), &season(), commands, at(0))).unwrap();
    replies.into_iter().map(|reply| reply.outcome).collect()
}

#[test]
fn commands_are_answered_by_the_first_reason_that_applies() {
    use PriceOutcome::*;
    let before = commands();
    let dollars = Money::new(1, Currency::new("USD").unwrap());
    let set = PriceCommand::set_ticket;
    let voucher = |voucher: Voucher| PriceCommand::set_voucher(voucher);
    let promote = PriceCommand::set_promotion;
    let share = |per_10_000, of| Promotion::new("x", 1, Effect::Share { per_10_000, of });
    let bundle = |items: &[(&str, u32)]| {
        let items = items.iter().map(|(item, count)| ((*item).to_owned(), *count)).collect();
        Promotion::new("x", 1, Effect::Bundle { items, price: eur(1) })
    };
    let spring = || Voucher::new(code("NEW"), "spring");
    let pools = |count: u32| (0..count).map(|n| pool(&format!("p{n}"))).collect::<BTreeSet<_>>();
    let currency = eur(0).currency();
    for (command, expected) in [
        (start(), Unchanged),
        (PriceCommand::Start { currency: dollars.currency() }, AlreadyStarted { currency }),
        (before[1].clone(), Unchanged),
        (set(offer("adult", 1_300)), Set),
        (set(TicketOffer::new(kind("adult"), dollars)), Invalid(PriceFlaw::OtherCurrency { currency })),
        (set(offer("adult", -1)), Invalid(PriceFlaw::Negative)),
        (set(TicketOffer { sale: window(5, 5), ..offer("a", 1) }), Invalid(PriceFlaw::NeverOnSale)),
        (set(TicketOffer { code: Some(String::new()), ..offer("a", 1) }), Invalid(PriceFlaw::NoName)),
        (set(TicketOffer { pools: pools(25), ..offer("a", 1) }), Set),
        (set(TicketOffer { pools: pools(26), ..offer("a", 1) }), Invalid(PriceFlaw::TooManyPools { max: 25 })),
        (
            set(TicketOffer { tags: BTreeSet::from(["x".repeat(4_000)]), ..offer("a", 1) }),
            Invalid(PriceFlaw::TooLarge { bytes_max: 3_800 }),
        ),
        (PriceCommand::RemoveTicket { ticket: kind("adult") }, Removed),
        (PriceCommand::RemoveTicket { ticket: kind("hat") }, NotThere),
        (promote(half("", "lock")), Invalid(PriceFlaw::NoName)),
        (promote(half("x", "")), Invalid(PriceFlaw::NoName)),
        (
            promote(Promotion::new("x", 1, Effect::Fixed { off: dollars })),
            Invalid(PriceFlaw::OtherCurrency { currency }),
        ),
        (promote(Promotion::new("x", 1, Effect::Rate { unit: eur(-1) })), Invalid(PriceFlaw::Negative)),
        (promote(share(10_000, Share::List)), Set),
        (promote(share(10_001, Share::List)), Invalid(PriceFlaw::MoreThanAll { max: 10_000 })),
        (promote(share(u32::MAX, Share::Left)), Invalid(PriceFlaw::MoreThanAll { max: 10_000 })),
        (promote(bundle(&[("a", 1), ("b", 2)])), Set),
        (promote(bundle(&[])), Invalid(PriceFlaw::EmptyBundle)),
        (promote(bundle(&[("a", 0), ("b", 0)])), Invalid(PriceFlaw::EmptyBundle)),
        (promote(half("spring", "other")), Set),
        (promote(half("spring", "lock").needs(Needs::default())), Unlocked { by: code("AUTUMN") }),
        (PriceCommand::RemovePromotion { promotion: "spring".to_owned() }, Unlocked { by: code("AUTUMN") }),
        (PriceCommand::RemovePromotion { promotion: "friends".to_owned() }, Removed),
        (PriceCommand::RemovePromotion { promotion: "none".to_owned() }, NotThere),
        (uses("press", 3), Unchanged),
        (uses("press", 0), Set),
        (uses("code:SPRING", 5), Invalid(PriceFlaw::ReservedPool)),
        (voucher(spring()), Set),
        (voucher(Voucher { window: window(9, 8), ..spring() }), Invalid(PriceFlaw::NeverOnSale)),
        (voucher(Voucher { pools: pools(26), ..spring() }), Invalid(PriceFlaw::TooManyPools { max: 25 })),
        (voucher(Voucher::new(code("NEW"), "none")), UnknownPromotion { promotion: "none".to_owned() }),
        (voucher(Voucher { pools: pools(1), ..spring() }), UnknownPool { pool: pool("p0") }),
        (PriceCommand::WithdrawVoucher { code: code("SPRING") }, Removed),
        (PriceCommand::WithdrawVoucher { code: code("NONE") }, NotThere),
    ] {
        let all: Vec<PriceCommand> = before.iter().cloned().chain([command.clone()]).collect();
        assert_eq!(outcomes(&all).pop(), Some(expected), "{command:?}");
    }
    let open = promote(Promotion::new("open", 1, Effect::Fixed { off: eur(1) }));
    let locked = voucher(Voucher::new(code("NEW"), "open"));
    assert_eq!(outcomes(&[start(), open, locked])[2], NeedsNoCode { promotion: "open".to_owned() });
    assert_eq!(outcomes(&before[1..]), vec![NotStarted; before.len() - 1]);
    let withdraw = PriceCommand::WithdrawVoucher { code: code("SPRING") };
    let twice: Vec<_> = before.into_iter().chain([withdraw.clone(), withdraw]).collect();
    assert_eq!(outcomes(&twice).pop(), Some(Unchanged));
}

#[test]
fn a_list_has_so_many_of_each_and_what_is_there_may_still_be_changed() {
    let many: Vec<_> = (0..1_001).map(|n| PriceCommand::set_ticket(offer(&format!("t{n}"), 1))).collect();
    let again = PriceCommand::set_ticket(offer("t7", 2));
    let all: Vec<_> = [start()].into_iter().chain(many).chain([again]).collect();
    let outcomes = outcomes(&all);
    let (last, before) = (outcomes[1_002].clone(), outcomes[1_001].clone());
    assert_eq!((before, last), (PriceOutcome::TooMany { max: 1_000 }, PriceOutcome::Set));
    assert!(outcomes[..1_001].iter().all(PriceOutcome::is_accepted));
}

#[test]
fn a_stream_never_goes_back_in_time() {
    let store = MemoryBackend::new();
    for (millis, command) in [(50, start()), (10, uses("press", 1))] {
        assert!(now(run(&store, &season(), &[command], at(millis))).unwrap()[0].outcome.is_accepted());
    }
    assert_eq!(loaded(&store, AsOf::Time(at(49))).currency(), None);
    assert_eq!(loaded(&store, AsOf::Time(at(50))).voucher_pools().count(), 1);
}

#[test]
fn answers_say_on_which_event_they_rest() {
    let store = MemoryBackend::new();
    let seqs = |commands: &[PriceCommand]| -> Vec<Seq> {
        now(run(&store, &season(), commands, at(0))).unwrap().into_iter().map(|reply| reply.seq).collect()
    };
    assert_eq!(seqs(&[uses("press", 1), start(), uses("press", 1), start()]), [0, 1, 2, 2].map(Seq::new));
    assert_eq!(seqs(&[uses("press", 1), uses("press", 2)]), [2, 3].map(Seq::new));
}

proptest! {
    /// Whatever is refused changes nothing, and the same commands again change nothing more.
    #[test]
    fn to_say_it_again_changes_nothing(order in prop::collection::vec(0_usize..9, 0..20)) {
        let all = commands();
        let chosen: Vec<PriceCommand> = order.into_iter().map(|at| all[at].clone()).collect();
        let store = MemoryBackend::new();
        let first = now(run(&store, &season(), &chosen, at(0))).unwrap();
        let list = loaded(&store, AsOf::Now);
        let accepted = first.iter().filter(|reply| reply.outcome.is_accepted()).count() as u64;
        prop_assert_eq!(list.seq(), Seq::new(accepted));
        let accepted: Vec<PriceCommand> = chosen.into_iter().zip(&first)
            .filter(|(_, reply)| reply.outcome.is_accepted()).map(|(command, _)| command).collect();
        let again = now(run(&store, &season(), &accepted, at(0))).unwrap();
        prop_assert!(again.iter().all(|reply| reply.outcome == PriceOutcome::Unchanged));
        prop_assert_eq!(loaded(&store, AsOf::Now), list);
    }
}
