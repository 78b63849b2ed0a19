//! What is best, as tables, and as laws against a search that tries everything.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::id::TicketType;

fn place(text: &str) -> Place {
    Place::new(text).unwrap()
}

fn row(name: &str, seats: &str) -> Row {
    Row::new(name, seats).unwrap()
}

fn hall(rows: &[&str]) -> SeatMap {
    let rows = ["A", "B", "C", "D"].iter().zip(rows).map(|(name, seats)| row(name, seats)).collect();
    SeatMap::new(vec![Section::new("s", rows).unwrap()]).unwrap()
}

/// Rows `A`, `B`, ... of the section `s`, of which these seats are taken.
fn seating(rows: &[&str], taken: &[&str]) -> Seating {
    let mut seating = Seating::new(hall(rows));
    for seat in taken {
        assert!(seating.take(&place(&format!("s/{seat}"))), "{seat}");
    }
    seating
}

fn names(places: Option<BTreeSet<Place>>) -> Vec<String> {
    let places = places.unwrap_or_default();
    places.iter().map(|place| format!("{}{}", place.row(), place.seat())).collect()
}

#[track_caller]
fn check(seating: &Seating, wanted: Wanted<'_>, expected: &[&str]) {
    for seed in 0..4 {
        assert_eq!(names(seating.best_available(&wanted, seed)), expected);
    }
}

#[test]
fn a_block_in_the_middle_of_the_first_row_is_best() {
    check(&seating(&["1-9", "1-9"], &[]), Wanted::seats(3), &["A4", "A5", "A6"]);
    check(&seating(&["1-5", "1-7"], &[]), Wanted::seats(7), &["B1", "B2", "B3", "B4", "B5", "B6", "B7"]);
}

#[test]
fn the_first_row_is_left_for_one_in_which_no_seat_is_left_alone() {
    // Row A has five: four of them leave one alone, wherever they are.
    check(&seating(&["1-5", "1-8"], &[]), Wanted::seats(4), &["B3", "B4", "B5", "B6"]);
    // There is no other row.
    assert_eq!(seating(&["1-5"], &[]).best_available(&Wanted::seats(4), 1).unwrap().len(), 4);
    // A gap ends a stretch as the end of the row does.
    check(&seating(&["1-3 | 4-5"], &[]), Wanted::seats(2), &["A4", "A5"]);
}

#[test]
fn pieces_are_as_few_as_there_can_be_and_not_given_to_whoever_sits_together() {
    let pieces = seating(&["1-2 | 3-5", "1-2"], &[]);
    check(&pieces, Wanted::seats(5), &["A1", "A2", "A3", "A4", "A5"]);
    check(&pieces, Wanted::seats(5).together(true), &[]);
    check(&pieces, Wanted::seats(7), &["A1", "A2", "A3", "A4", "A5", "B1", "B2"]);
    check(&pieces, Wanted::seats(8), &[]);
}

#[test]
fn accessible_seats_are_given_last_or_when_they_are_asked_for() {
    let hall = seating(&["1* 2-4", "1-3"], &[]);
    let four = names(hall.best_available(&Wanted::seats(4), 1));
    assert!(four.len() == 4 && !four.contains(&"A1".to_owned()), "{four:?}");
    assert_eq!(names(hall.best_available(&Wanted::seats(4).together(true), 1)), ["A1", "A2", "A3", "A4"]);
    assert_eq!(names(hall.best_available(&Wanted::seats(7), 1)).len(), 7);
    check(&hall, Wanted { accessible: true, ..Wanted::seats(1) }, &["A1"]);
    check(&hall, Wanted { accessible: true, ..Wanted::seats(2) }, &[]);
}

#[test]
fn equal_choices_are_told_apart_by_the_seed_and_by_nothing_else() {
    let hall = seating(&["1-8"], &[]);
    let choices: BTreeSet<_> = (0..50).map(|seed| names(hall.best_available(&Wanted::seats(1), seed))).collect();
    assert_eq!(choices, [vec!["A4".to_owned()], vec!["A5".to_owned()]].into());
}

#[test]
fn who_has_seats_has_more_beside_them_and_an_alternative_is_near() {
    let hall = seating(&["1-9", "1-9"], &["A/3", "A/4"]);
    let has: BTreeSet<_> = ["s/A/3", "s/A/4"].map(place).into();
    // On the other side one would be left alone.
    assert_eq!(names(hall.beside(&has, &Wanted::seats(2).together(true), 5)), ["A5", "A6"]);
    assert_eq!(names(hall.beside(&has, &Wanted::seats(8), 5)).len(), 8);
    assert_eq!(hall.beside(&has, &Wanted::seats(8).together(true), 5), None);
    let near: BTreeSet<_> = (0..50).map(|seed| names(hall.nearest_to(&has, &Wanted::seats(2), seed))).collect();
    assert_eq!(near.iter().map(|near| near.join(" ")).collect::<Vec<_>>(), ["A1 A2", "A5 A6"]);
    assert_eq!(names(Some(hall.singles_left(&["s/A/2", "s/B/2"].map(place).into()))), ["A1", "B1"]);
}

#[test]
fn what_is_no_map_is_told_with_its_place() {
    let told = |rows: &str| Row::new("A", rows).unwrap_err().to_string();
    assert_eq!(told("1-4 4"), r#"row "A": seat "4" is there twice"#);
    assert_eq!(told(""), r#"row "A" has 0 seats, it may have 1 to 1000"#);
    assert_eq!(
        told("1-2000000000"),
        r#"row "A": "1-2000000000" is no seat, as in 12, and no range of seats, as in 1-20 or 1-19/2"#
    );
    assert_eq!(told("1-999999999"), r#"row "A" has 999999999 seats, it may have 1 to 1000"#);
    assert_eq!(told("1-5/0"), r#"row "A": "1-5/0" is no seat, as in 12, and no range of seats, as in 1-20 or 1-19/2"#);
    let section = |rows: &[&str]| Section::new("s", rows.iter().map(|name| row(name, "1")).collect());
    assert_eq!(section(&["A", "A"]).unwrap_err().to_string(), r#"section "s": row "A" is there twice"#);
    assert_eq!(section(&[]).unwrap_err().to_string(), r#"section "s" has no rows"#);
    let twice = SeatMap::new(vec![section(&["A"]).unwrap(), section(&["B"]).unwrap()]);
    assert_eq!(twice.unwrap_err().to_string(), r#"section "s" is there twice"#);
    let long = (0..300).map(|n| row(&n.to_string(), "1")).collect();
    assert!(matches!(Section::new("s", long), Err(SeatMapError::SectionBytes { .. })));
    let huge = |n: u32| Section::new(n.to_string(), (0..30).map(|n| row(&n.to_string(), "1-1000")).collect()).unwrap();
    let map = SeatMap::new((0..3).map(huge).collect()).unwrap();
    let error = map.with(huge(3)).unwrap_err();
    assert_eq!(error.to_string(), r#"with section "3" there are 120000 seats, the limit is 100000"#);
    for (text, good) in [("s/A/1", true), ("s/A", false), ("s/A/1/2", false), ("s//1", false), ("s/A/\"", false)] {
        assert_eq!(Place::new(text).is_ok(), good, "{text}");
    }
}

#[test]
fn a_map_is_written_in_ranges_and_checked_when_it_is_read() {
    let json = r#"[{"section":"stalls","tickets":["adult"],"rows":[{"row":"A","seats":"1-3/2 | 6-4 x*"}]}]"#;
    let map: SeatMap = serde_json::from_str(json).unwrap();
    let places: Vec<_> = map.places().map(Place::seat).collect();
    assert_eq!(places, ["1", "3", "6", "5", "4", "x"]);
    assert_eq!(serde_json::to_string(&map).unwrap(), json);
    assert!(map.admits(Some(&TicketType::new("adult").unwrap()), &place("stalls/A/x")));
    assert!(!map.admits(None, &place("stalls/A/x")));
    let broken = json.replace("6-4", "6-x");
    assert!(serde_json::from_str::<SeatMap>(&broken).unwrap_err().to_string().contains("6-x"));
}

// ---- laws ----

#[derive(Debug, Clone)]
struct Case {
    seating: Seating,
    ticket: Option<TicketType>,
    seats: u32,
    seed: u64,
}

fn any_row() -> impl Strategy<Value = String> {
    prop::collection::vec(0..9_u8, 1..10).prop_map(|slots| {
        let name = |(n, slot): (usize, &u8)| match slot {
            0 => "|".to_owned(),
            1 => format!("{n}*"),
            _ => n.to_string(),
        };
        let row: Vec<_> = slots.iter().enumerate().map(name).collect();
        format!("{} z", row.join(" "))
    })
}

fn any_case() -> impl Strategy<Value = Case> {
    let section = (prop::collection::vec(any_row(), 1..4), any::<bool>());
    let sections = prop::collection::vec(section, 1..3);
    (sections, any::<u64>(), any::<bool>(), 1..7_u32, any::<u64>()).prop_map(|(sections, taken, vip, seats, seed)| {
        let ticket = || TicketType::new("vip").unwrap();
        let section = |(n, (rows, only)): (usize, (Vec<String>, bool))| {
            let rows = rows.iter().enumerate().map(|(n, seats)| row(&n.to_string(), seats)).collect();
            let tickets = only.then(ticket).into_iter().collect();
            Section::with_tickets(n.to_string(), rows, tickets).unwrap()
        };
        let map = SeatMap::new(sections.into_iter().enumerate().map(section).collect()).unwrap();
        let mut seating = Seating::new(map.clone());
        for (n, place) in map.places().enumerate().filter(|(n, _)| taken >> (n % 64) & 1 == 1) {
            assert!(seating.take(place), "{n}");
        }
        Case { seating, ticket: vip.then(ticket), seats, seed }
    })
}

/// Rows as a reader sees them: runs of neighbours, each seat with its place and whether it is accessible.
fn runs(map: &SeatMap) -> Vec<Vec<(Place, bool)>> {
    let mut runs = Vec::new();
    for section in map.sections() {
        for row in section.rows() {
            let json = serde_json::to_value(row).unwrap();
            for run in json["seats"].as_str().unwrap().split('|') {
                let seat = |token: &str| {
                    let name = token.trim_end_matches('*');
                    (place(&format!("{}/{}/{name}", section.name(), row.name())), token.ends_with('*'))
                };
                runs.push(run.split_whitespace().map(seat).collect());
            }
        }
    }
    runs
}

fn is_single(run: &[(Place, bool)], at: usize, free: &dyn Fn(&Place) -> bool) -> bool {
    let near = [at.checked_sub(1), Some(at + 1)].into_iter().flatten().filter_map(|at| run.get(at));
    free(&run[at].0) && !near.into_iter().any(|(place, _)| free(place))
}

fn singles(map: &SeatMap, free: &dyn Fn(&Place) -> bool) -> BTreeSet<Place> {
    let of = |run: Vec<(Place, bool)>| {
        (0..run.len()).filter(|at| is_single(&run, *at, free)).map(|at| run[at].0.clone()).collect::<Vec<_>>()
    };
    runs(map).into_iter().flat_map(of).collect()
}

/// Every block of neighbours of that length that may be given, accessible seats included or not.
fn blocks(case: &Case, accessible: bool) -> Vec<BTreeSet<Place>> {
    let map = case.seating.map();
    let good = |(place, special): &(Place, bool)| {
        case.seating.is_free(place) && map.admits(case.ticket.as_ref(), place) && (accessible || !special)
    };
    let all = runs(map);
    let windows = all.iter().flat_map(|run| run.windows(case.seats as usize));
    let good = windows.filter(|window| window.iter().all(good));
    good.map(|window| window.iter().map(|(place, _)| place.clone()).collect()).collect()
}

fn suffice(case: &Case, accessible: bool) -> bool {
    let one = Case { seats: 1, ..case.clone() };
    blocks(&one, accessible).len() >= case.seats as usize
}

proptest! {
    #[test]
    fn what_is_chosen_is_free_distinct_enough_and_of_sections_for_the_ticket(case in any_case()) {
        let wanted = Wanted::seats(case.seats).for_ticket(case.ticket.as_ref());
        let chosen = case.seating.best_available(&wanted, case.seed);
        prop_assert_eq!(chosen.is_some(), suffice(&case, true));
        prop_assert_eq!(&chosen, &case.seating.clone().best_available(&wanted, case.seed), "the same seed, the same seats");
        let ordinary = suffice(&case, false);
        let accessible: BTreeSet<_> = runs(case.seating.map()).into_iter().flatten().filter(|seat| seat.1).collect();
        for place in chosen.iter().flatten() {
            prop_assert!(case.seating.is_free(place) && case.seating.map().admits(case.ticket.as_ref(), place));
            prop_assert!(!(ordinary && accessible.contains(&(place.clone(), true))));
        }
        prop_assert!(chosen.is_none_or(|chosen| chosen.len() == case.seats as usize));
    }

    #[test]
    fn what_is_chosen_is_one_block_and_leaves_no_single_if_a_search_of_all_blocks_finds_one(case in any_case()) {
        let wanted = Wanted::seats(case.seats).for_ticket(case.ticket.as_ref());
        let map = case.seating.map();
        let blocks = blocks(&case, !suffice(&case, false));
        let chosen = case.seating.best_available(&wanted, case.seed).unwrap_or_default();
        prop_assert_eq!(blocks.contains(&chosen), !blocks.is_empty());
        let left = |block: &BTreeSet<Place>| {
            let before = singles(map, &|place| case.seating.is_free(place));
            let after = singles(map, &|place| case.seating.is_free(place) && !block.contains(place));
            after.difference(&before).cloned().collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(case.seating.singles_left(&chosen), left(&chosen));
        if blocks.iter().any(|block| left(block).is_empty()) {
            prop_assert_eq!(left(&chosen), BTreeSet::new());
        }
        let together = case.seating.best_available(&wanted.together(true), case.seed);
        prop_assert_eq!(together.is_some(), case.seating.longest_for(case.ticket.as_ref()) >= case.seats as usize);
        prop_assert!(together.is_none_or(|chosen| map.are_together(&chosen)));
    }

    /// No smaller number of the longest stretches has as many seats.
    #[test]
    fn pieces_are_as_few_as_there_can_be(case in any_case()) {
        let ordinary = suffice(&case, false);
        let good = |(place, special): &(Place, bool)| {
            case.seating.is_free(place) && case.seating.map().admits(case.ticket.as_ref(), place) && !(ordinary && *special)
        };
        let mut lengths: Vec<usize> = Vec::new();
        for run in runs(case.seating.map()) {
            lengths.extend(run.split(|seat| !good(seat)).map(<[_]>::len).filter(|length| *length > 0));
        }
        lengths.sort_unstable_by(|one, other| other.cmp(one));
        let least = (1..=lengths.len()).find(|n| lengths[..*n].iter().sum::<usize>() >= case.seats as usize);
        let wanted = Wanted::seats(case.seats).for_ticket(case.ticket.as_ref());
        let chosen = case.seating.best_available(&wanted, case.seed);
        prop_assert_eq!(chosen.map(|chosen| case.seating.map().pieces(&chosen)), least);
    }

    #[test]
    fn more_seats_are_beside_those_that_are_there_wherever_they_can_be(case in any_case(), more in 1..4_u32) {
        let wanted = Wanted::seats(case.seats).for_ticket(case.ticket.as_ref()).together(true);
        let Some(has) = case.seating.best_available(&wanted, case.seed) else { return Ok(()) };
        let mut rest = case.seating.clone();
        for place in &has {
            rest.take(place);
        }
        let found = rest.beside(&has, &Wanted { seats: more, ..wanted }, case.seed);
        // A block of all of them that holds what is there.
        let whole = Case { seats: case.seats + more, ..case.clone() };
        let possible = blocks(&whole, true).iter().any(|block| has.is_subset(block));
        prop_assert_eq!(found.is_some(), possible);
        for place in found.iter().flatten() {
            prop_assert!(rest.is_free(place));
        }
        let apart = rest.beside(&has, &Wanted { seats: more, together: false, ..wanted }, case.seed);
        prop_assert_eq!(apart.map(|more| more.len()), (rest.free_for(case.ticket.as_ref()) >= more as usize).then_some(more as usize));
    }
}

/// Prints how many choices a second there are in a house of 20,000: `cargo test --release -- --ignored --nocapture picks`.
#[test]
#[ignore = "it measures"]
#[expect(clippy::disallowed_methods, clippy::print_stdout, reason = "it measures")]
fn picks_a_second_in_a_house_of_twenty_thousand() {
    use std::time::Instant;
    let rows = |n: usize| (0..n).map(|row| Row::new(row.to_string(), "1-20 | 21-40").unwrap()).collect();
    let map = SeatMap::new((0..20).map(|n| Section::new(n.to_string(), rows(25)).unwrap()).collect()).unwrap();
    assert_eq!(map.size(), 20_000);
    let mut seating = Seating::new(map);
    let (start, mut sold, mut picks) = (Instant::now(), 0, 0_u64);
    while let Some(best) = seating.best_available(&Wanted::seats(1 + u32::try_from(picks % 5).unwrap()), picks) {
        for place in &best {
            seating.take(place);
        }
        (sold, picks) = (sold + best.len(), picks + 1);
    }
    let rate = |picks: u64, start: Instant| u128::from(picks) * 1_000_000 / start.elapsed().as_micros().max(1);
    println!("a whole house: {sold} seats in {picks} picks, {} a second", rate(picks, start));
    for (name, keep) in [("empty", 1), ("every second seat free", 2), ("every fourth seat free", 4)] {
        seating.clear();
        let places: Vec<_> = seating.map().places().cloned().collect();
        for (_, place) in places.iter().enumerate().filter(|(n, _)| n % keep != 0) {
            seating.take(place);
        }
        for (what, together) in [("pieces if need be", false), ("together", true)] {
            let start = Instant::now();
            let found =
                (0..300).filter(|n| seating.best_available(&Wanted::seats(4).together(together), *n).is_some()).count();
            println!("{name}, {what}: {found} found, {} a second", rate(300, start));
        }
    }
}
