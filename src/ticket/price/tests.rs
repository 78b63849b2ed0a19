use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::ticket::{Currency, Money, MoneyError};

fn eur(minor: i64) -> Money {
    Money::new(minor, Currency::new("EUR").unwrap())
}

fn share(name: &str, rank: u32, per_10_000: u32, of: Share) -> Promotion {
    Promotion::new(name, rank, Effect::Share { per_10_000, of })
}

fn fixed(name: &str, rank: u32, off: i64) -> Promotion {
    Promotion::new(name, rank, Effect::Fixed { off: eur(off) })
}

/// Two evenings for 10.00 each and a programme for 5.00.
fn cart() -> Cart {
    let lines = vec![Line::new("evening", 2, eur(1_000)).tag("seat"), Line::new("programme", 1, eur(500))];
    Cart::new(lines).unwrap()
}

fn total(cart: &Cart, promotions: &[Promotion]) -> i64 {
    cart.quote(promotions).unwrap().total.minor()
}

#[test]
fn promotions_stack_in_the_order_of_their_ranks() {
    let (list, left) = (Share::List, Share::Left);
    for (promotions, expected) in [
        (vec![], 2_500),
        (vec![share("tenth", 1, 1_000, list)], 2_250),
        // A tenth of the list, then a tenth of what is left; or both of the list.
        (vec![share("a", 1, 1_000, left), share("b", 2, 1_000, left)], 2_025),
        (vec![share("a", 1, 1_000, list), share("b", 2, 1_000, list)], 2_000),
        (vec![fixed("five", 1, 500), share("half", 2, 5_000, left)], 1_000),
        (vec![fixed("five", 2, 500), share("half", 1, 5_000, left)], 750),
        // Ranks are equal: by name.
        (vec![fixed("z", 1, 500), share("a", 1, 5_000, left)], 750),
        // The free order that others sold: a share of what was there before another took most of it.
        (vec![share("forty", 1, 4_000, list), share("seventy", 2, 7_000, list)], 0),
        (vec![share("forty", 1, 4_000, left), share("seventy", 2, 7_000, left)], 450),
        (vec![fixed("all", 1, 9_999)], 0),
        (vec![share("more than all", 1, 99_999, list)], 0),
    ] {
        assert_eq!(total(&cart(), &promotions), expected, "{promotions:?}");
    }
}

#[test]
fn of_a_group_one_counts_and_the_others_say_which() {
    let tenth = share("tenth", 1, 1_000, Share::List).group("autumn");
    let half = share("half", 2, 5_000, Share::List).group("autumn");
    let quote = cart().quote(&[half.clone(), tenth.clone()]).unwrap();
    assert_eq!(quote.total, eur(2_250));
    assert_eq!(quote.refused, [Refused { promotion: "half".into(), why: Refusal::Group { by: "tenth".into() } }]);
    // One that fits and finds nothing to take keeps nobody out.
    let none = Promotion { rank: 0, ..fixed("none", 0, 0).group("autumn") };
    let quote = cart().quote(&[half, tenth, none]).unwrap();
    assert_eq!(quote.offs[0].promotion, "tenth");
    assert_eq!(quote.refused[0], Refused { promotion: "none".into(), why: Refusal::Nothing });
}

#[test]
fn what_a_promotion_needs_is_asked_for() {
    let with = |needs: Needs| share("half", 1, 5_000, Share::List).needs(needs);
    let member = with(Needs { buyer: Some("member".into()), ..Needs::default() });
    let voucher = with(Needs { code: Some("SPRING".into()), ..Needs::default() });
    let large = |least| with(Needs { at_least: Some(eur(least)), ..Needs::default() });
    let seats = with(Needs { tags: BTreeSet::from(["seat".to_owned()]), ..Needs::default() });
    let hats = with(Needs { tags: BTreeSet::from(["hat".to_owned()]), ..Needs::default() });
    for (cart, promotion, expected) in [
        (cart(), &member, Err(Refusal::Buyer)),
        (cart().buyer("member"), &member, Ok(1_250)),
        (cart(), &voucher, Err(Refusal::Code)),
        (cart().code("SPRING"), &voucher, Ok(1_250)),
        (cart(), &large(2_501), Err(Refusal::AtLeast)),
        (cart(), &large(2_500), Ok(1_250)),
        (cart(), &seats, Ok(1_500)),
        (cart(), &hats, Err(Refusal::Nothing)),
    ] {
        let quote = cart.quote(std::slice::from_ref(promotion)).unwrap();
        let found = quote.refused.first().map_or(Ok(quote.total.minor()), |refused| Err(refused.why.clone()));
        assert_eq!(found, expected, "{promotion:?}");
    }
}

#[test]
fn a_rate_for_members_is_never_dearer_than_the_list() {
    let rate = |unit| Promotion::new("members", 1, Effect::Rate { unit: eur(unit) });
    assert_eq!(total(&cart(), &[rate(700)]), 1_400 + 500);
    assert_eq!(total(&cart(), &[rate(400)]), 800 + 400);
    assert_eq!(total(&cart(), &[rate(2_000)]), 2_500);
}

#[test]
fn sets_are_sold_as_often_as_the_cart_has_them_and_share_nothing() {
    let set = |name: &str, rank, items: &[(&str, u32)], price| {
        let items = items.iter().map(|(item, count)| ((*item).to_owned(), *count)).collect::<BTreeMap<_, _>>();
        Promotion::new(name, rank, Effect::Bundle { items, price: eur(price) })
    };
    let lines = vec![
        Line::new("evening", 2, eur(1_000)),
        Line::new("programme", 5, eur(500)),
        // Of one item there may be two lines, at two prices.
        Line::new("evening", 3, eur(800)),
    ];
    let cart = Cart::new(lines).unwrap();
    let list = 2_000 + 2_500 + 2_400;
    // Twice two evenings and a programme: the first four evenings, two programmes.
    let pair = set("pair", 1, &[("evening", 2), ("programme", 1)], 1_500);
    let quote = cart.quote(std::slice::from_ref(&pair)).unwrap();
    assert_eq!(quote.total.minor(), list - (2_000 + 1_600 + 1_000 - 2 * 1_500));
    // What is in a set is in no other: one evening is left, and three programmes.
    let other = set("one of each", 2, &[("evening", 1), ("programme", 1)], 1_000);
    let quote = cart.quote(&[pair, other]).unwrap();
    assert_eq!(quote.offs[1].off, eur(800 + 500 - 1_000));
    for nothing in [
        set("none", 1, &[], 0),
        set("zero", 1, &[("evening", 0)], 0),
        set("hat", 1, &[("hat", 1)], 0),
        set("dear", 1, &[("evening", 1)], 9_000),
    ] {
        assert_eq!(total(&cart, &[nothing]), list);
    }
}

#[test]
fn carts_and_promotions_that_make_no_sense_are_refused_by_name() {
    let dollar = Money::new(1, Currency::new("USD").unwrap());
    let two = MoneyError::Currencies { left: eur(1).currency(), right: dollar.currency() };
    assert_eq!(Cart::new(vec![]), Err(PriceError::Empty));
    assert_eq!(Cart::new(vec![Line::new("a", 1, eur(-1))]), Err(PriceError::Negative { line: 0 }));
    assert_eq!(Cart::new(vec![Line::new("a", 1, eur(1)), Line::new("b", 1, dollar)]), Err(PriceError::Money(two)));
    assert_eq!(Cart::new(vec![Line::new("a", 2, eur(i64::MAX))]), Err(PriceError::Money(MoneyError::Overflow)));
    let many = vec![Line::new("a", 1, eur(1)); 1_001];
    assert_eq!(Cart::new(many), Err(PriceError::TooLong { count: 1_001, limit: 1_000 }));
    let twice = cart().quote(&[fixed("a", 1, 1), fixed("a", 2, 1)]);
    assert_eq!(twice, Err(PriceError::TwoOfAName { name: "a".into() }));
    let foreign = Promotion::new("foreign", 1, Effect::Fixed { off: dollar });
    assert!(matches!(cart().quote(&[foreign]), Err(PriceError::Money(MoneyError::Currencies { .. }))));
}

#[test]
fn a_search_that_runs_out_of_its_budget_says_so() {
    let promotions: Vec<Promotion> = (0..12).map(|n| fixed(&format!("p{n:02}"), n, 1)).collect();
    let all = which_promotions(&cart(), &promotions, eur(2_498), 10_000).unwrap();
    assert_eq!((all.sets.len(), all.complete), (66, true));
    let some = which_promotions(&cart(), &promotions, eur(2_498), 20).unwrap();
    assert_eq!((some.quotes, some.complete), (20, false));
    assert!(some.sets.iter().all(|set| all.sets.contains(set)));
    let none = which_promotions(&cart(), &promotions, eur(1), 10_000).unwrap();
    assert_eq!((none.sets.len(), none.complete, none.quotes), (0, true, 4_096));
}

#[test]
fn a_search_ends_when_every_larger_set_has_one_that_was_found_in_it() {
    let off: Vec<Promotion> = (0..64).map(|n| fixed(&format!("p{n:02}"), n, 1)).collect();
    // Without any promotion it costs that: there is no other minimal set.
    let none = which_promotions(&cart(), &off, eur(2_500), 100_000).unwrap();
    assert_eq!((none.sets, none.complete, none.quotes), (vec![BTreeSet::new()], true, 1));
    let one = which_promotions(&cart(), &off, eur(2_499), 100_000).unwrap();
    assert_eq!((one.sets.len(), one.complete, one.quotes), (64, true, 65));
    assert!(one.sets.iter().all(|set| set.len() == 1));
}

#[test]
fn a_search_that_mostly_passes_sets_over_ends_within_its_budget_too() {
    // Each of 50 does it alone, and 14 do nothing however many: there are 10^14 sets of up to 14, and 2^14 without one of those 50.
    let promotions: Vec<Promotion> = (0..64).map(|n| fixed(&format!("p{n:02}"), n, i64::from(n < 50))).collect();
    let found = which_promotions(&cart(), &promotions, eur(2_499), 20_000).unwrap();
    assert_eq!((found.sets.len(), found.complete), (50, false));
    assert!(found.quotes < 20_000);
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let tags = prop::collection::btree_set(prop::sample::select(vec!["seat".to_owned(), "food".to_owned()]), 0..3);
    let line = (prop::sample::select(vec!["a", "b", "c"]), 0_u32..5, 0_i64..2_000, tags);
    let line = line.prop_map(|(item, count, unit, tags)| Line { tags, ..Line::new(item, count, eur(unit)) });
    prop::collection::vec(line, 1..5)
}

fn effect() -> impl Strategy<Value = Effect> {
    let of = prop::sample::select(vec![Share::List, Share::Left]);
    let items = prop::collection::btree_map(prop::sample::select(vec!["a".to_owned(), "b".to_owned()]), 0_u32..3, 0..3);
    prop_oneof![
        (0_u32..12_000, of).prop_map(|(per_10_000, of)| Effect::Share { per_10_000, of }),
        (0_i64..3_000).prop_map(|off| Effect::Fixed { off: eur(off) }),
        (0_i64..2_000).prop_map(|unit| Effect::Rate { unit: eur(unit) }),
        (items, 0_i64..3_000).prop_map(|(items, price)| Effect::Bundle { items, price: eur(price) }),
    ]
}

fn promotions(most: usize) -> impl Strategy<Value = Vec<Promotion>> {
    let group = prop::option::of(prop::sample::select(vec!["x", "y"]));
    let tags = prop::collection::btree_set(Just("seat".to_owned()), 0..2);
    let code = prop::option::of(Just("CODE".to_owned()));
    let at_least = prop::option::of((0_i64..4_000).prop_map(eur));
    let one = (0_u32..4, effect(), group, tags, code, at_least);
    prop::collection::vec(one, 0..=most).prop_map(|all| {
        let named = all.into_iter().enumerate().map(|(n, (rank, effect, group, tags, code, at_least))| Promotion {
            group: group.map(str::to_owned),
            needs: Needs { tags, code, at_least, buyer: None },
            ..Promotion::new(format!("p{n}"), rank, effect)
        });
        named.collect()
    })
}

/// All minimal sets, by trying each.
fn by_hand(cart: &Cart, promotions: &[Promotion], wanted: Money) -> BTreeSet<BTreeSet<String>> {
    let mut sets = BTreeSet::new();
    for mask in 0..1_usize << promotions.len() {
        let chosen: Vec<Promotion> = promotions
            .iter()
            .enumerate()
            .filter(|(n, _)| mask >> n & 1 == 1)
            .map(|(_, promotion)| promotion.clone())
            .collect();
        let with = chosen.iter().filter_map(|one| one.needs.code.clone()).fold(cart.clone(), Cart::code);
        if with.quote(&chosen).unwrap().total == wanted {
            sets.insert(chosen.into_iter().map(|one| one.name).collect::<BTreeSet<String>>());
        }
    }
    let minimal = |set: &&BTreeSet<String>| !sets.iter().any(|other| other != *set && other.is_subset(set));
    sets.iter().filter(minimal).cloned().collect()
}

proptest! {
    #[test]
    fn the_parts_add_up_and_nothing_goes_below_zero(lines in lines(), promotions in promotions(6)) {
        let cart = Cart::new(lines).unwrap().code("CODE");
        let quote = cart.quote(&promotions).unwrap();
        let nets: Vec<Money> = quote.lines.iter().map(|line| line.net).collect();
        prop_assert_eq!(Money::sum(&nets).unwrap(), Some(quote.total));
        let mut off = 0;
        for one in &quote.offs {
            prop_assert_eq!(Money::sum(&one.lines).unwrap(), Some(one.off));
            prop_assert!(one.off.minor() > 0 && one.lines.iter().all(|line| line.minor() >= 0));
            prop_assert_eq!(one.lines.len(), quote.lines.len());
            off += one.off.minor();
        }
        prop_assert_eq!(quote.list.minor() - off, quote.total.minor());
        prop_assert!(quote.lines.iter().all(|line| line.net.minor() >= 0 && line.net.minor() <= line.list.minor()));
        // Every promotion is accounted for once.
        prop_assert_eq!(quote.offs.len() + quote.refused.len(), promotions.len());
    }

    #[test]
    fn shares_of_the_list_do_not_depend_on_their_order(
        lines in lines(),
        shares in prop::collection::vec((0_u32..8_000, 0_u32..9, 0_u32..9), 0..5),
    ) {
        let cart = Cart::new(lines).unwrap();
        let ranked = |rank: fn(&(u32, u32, u32)) -> u32| -> Vec<Promotion> {
            let one = |(n, it): (usize, &(u32, u32, u32))| share(&format!("p{n}"), rank(it), it.0, Share::List);
            shares.iter().enumerate().map(one).collect()
        };
        let (one, other) = (cart.quote(&ranked(|it| it.1)).unwrap(), cart.quote(&ranked(|it| it.2)).unwrap());
        prop_assert_eq!(one.lines, other.lines);
    }

    #[test]
    fn the_order_in_which_promotions_are_given_means_nothing(lines in lines(), promotions in promotions(6)) {
        let cart = Cart::new(lines).unwrap();
        let reversed: Vec<Promotion> = promotions.iter().rev().cloned().collect();
        prop_assert_eq!(cart.quote(&promotions), cart.quote(&reversed));
    }

    #[test]
    fn a_quote_is_read_back_as_it_was_recorded(lines in lines(), promotions in promotions(6)) {
        let quote = Cart::new(lines).unwrap().quote(&promotions).unwrap();
        let json = serde_json::to_string(&quote).unwrap();
        prop_assert_eq!(serde_json::from_str::<Quote>(&json).unwrap(), quote);
        let json = serde_json::to_string(&promotions).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Promotion>>(&json).unwrap(), promotions);
    }

    #[test]
    fn the_search_backward_agrees_with_trying_everything(lines in lines(), promotions in promotions(5), pick: prop::sample::Index) {
        let cart = Cart::new(lines).unwrap();
        // A total that some set gives.
        let mask = pick.index(1 << promotions.len());
        let chosen: Vec<Promotion> =
            promotions.iter().enumerate().filter(|(n, _)| mask >> n & 1 == 1).map(|(_, promotion)| promotion.clone()).collect();
        let with = chosen.iter().filter_map(|one| one.needs.code.clone()).fold(cart.clone(), Cart::code);
        let wanted = with.quote(&chosen).unwrap().total;
        let found = which_promotions(&cart, &promotions, wanted, u64::MAX).unwrap();
        prop_assert!(found.complete && !found.sets.is_empty());
        let sets: BTreeSet<BTreeSet<String>> = found.sets.iter().cloned().collect();
        prop_assert_eq!(sets, by_hand(&cart, &promotions, wanted));
        let (least, best) = cheapest(&cart, &promotions, u64::MAX).unwrap();
        prop_assert!(least.minor() <= wanted.minor() && best.complete);
        prop_assert!(by_hand(&cart, &promotions, least).contains(&best.sets[0]));
    }
}
