//! Seats that have names.

use std::collections::BTreeSet;

use super::*;
use crate::seating::{Place, Row, SeatMap, Section};
use BookingOutcome::{
    AsBefore, LeavesSingle, Moved, NotForTicket, NotTogether, PlaceCount, PlacesTaken, Set, UnknownPlace,
};

fn place(text: &str) -> Place {
    Place::new(text).unwrap()
}

/// `A1 A2` is `s/A/1` and `s/A/2`.
fn places(seats: &str) -> BTreeSet<Place> {
    let of = |seat: &str| place(&format!("s/{}/{}", &seat[..1], &seat[1..]));
    seats.split_whitespace().map(of).collect()
}

fn section(name: &str, rows: &[&str], tickets: &[&str]) -> Section {
    let rows = ["A", "B", "C"].iter().zip(rows).map(|(name, seats)| Row::new(*name, *seats).unwrap()).collect();
    Section::with_tickets(name, rows, tickets.iter().map(|name| ticket_type(name)).collect()).unwrap()
}

fn set_rows(rows: &[&str]) -> (i64, BookingCommand) {
    (0, BookingCommand::SetSection { section: section("s", rows, &[]) })
}

fn set(settings: Settings) -> (i64, BookingCommand) {
    (0, BookingCommand::Set { settings })
}

fn party(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::Book { attendee: who(name), party: Party::of(seats) }
}

fn at_places(name: &str, seats: &str) -> BookingCommand {
    BookingCommand::Book { attendee: who(name), party: Party::at(places(seats)) }
}

fn move_to(name: &str, seats: &str) -> BookingCommand {
    BookingCommand::MoveTo { attendee: who(name), places: places(seats) }
}

fn change(name: &str, seats: u32) -> BookingCommand {
    BookingCommand::ChangeSeats { attendee: who(name), seats: Seats::new(seats) }
}

fn block(seats: &str) -> BookingCommand {
    BookingCommand::BlockPlaces { places: places(seats) }
}

fn taken(seats: &str, nearest: &str) -> BookingOutcome {
    PlacesTaken { places: places(seats), nearest: places(nearest) }
}

/// A house of 100 whose section `s` has these rows, and what became of it.
fn hall(rows: &[&str], commands: &[(i64, BookingCommand)]) -> (BookingOutcome, SeatLedger) {
    after(&[&[(i64::MIN, open(100)), set_rows(rows)], commands].concat())
}

/// The seats of everybody, one after the other: `ann: A1 A2`.
fn seats(ledger: &SeatLedger) -> Vec<String> {
    let of = |seat: &Seat| {
        let places: Vec<_> = seat.party.places.iter().map(|place| format!("{}{}", place.row(), place.seat())).collect();
        format!("{}: {}", seat.attendee, places.join(" "))
    };
    ledger.roster().map(of).collect()
}

#[track_caller]
#[expect(clippy::needless_pass_by_value, reason = "callers write the outcome in its place")]
fn told(rows: &[&str], commands: &[(i64, BookingCommand)], expected: BookingOutcome) {
    assert_eq!(hall(rows, commands).0, expected, "{commands:?}");
}

#[track_caller]
fn given(rows: &[&str], commands: &[(i64, BookingCommand)], expected: &[&str]) {
    assert_eq!(seats(&hall(rows, commands).1), expected, "{commands:?}");
}

#[test]
fn who_names_no_places_has_the_best_and_who_names_some_has_those() {
    given(&["1-9"], &[(0, party("ann", 3))], &["ann: A4 A5 A6"]);
    given(&["1-9"], &[(0, at_places("ann", "A1 A2")), (0, party("bob", 1))], &["ann: A1 A2", "bob: A5"]);
    let hold = BookingCommand::Hold { attendee: who("ann"), party: Party::at(places("A9")), term: HoldTerm::For(HOLD) };
    given(&["1-9"], &[(0, hold)], &["ann: A9"]);
    let (_, ledger) = hall(&["1-3"], &[(0, at_places("ann", "A2"))]);
    assert_eq!(ledger.whose(&place("s/A/2")), Some(&who("ann")));
    assert_eq!(ledger.places_of(&who("ann")), Some(&places("A2")));
    assert_eq!(ledger.places_free().cloned().collect::<BTreeSet<_>>(), places("A1 A3"));
    assert_eq!((ledger.free(), ledger.whose(&place("s/A/1"))), (99, None));
}

#[test]
fn places_that_cannot_be_had_are_refused_by_descending_precedence() {
    let rows = ["1-4", "1-4"];
    told(
        &rows,
        &[(
            0,
            BookingCommand::Book {
                attendee: who("ann"),
                party: Party { seats: Seats::new(3), ..Party::at(places("A1")) },
            },
        )],
        PlaceCount { wanted: Seats::new(3) },
    );
    told(&rows, &[(0, at_places("ann", "A1 A9"))], UnknownPlace { place: place("s/A/9") });
    told(&rows, &[(0, at_places("ann", "A1")), (1, at_places("bob", "A1 A2"))], taken("A1", "B1 B2"));
    // Too few are free: that comes first.
    let three = [(0, at_places("ann", "A1 A2 A3"))];
    told(&["1-4"], &[&three[..], &[(1, at_places("bob", "A1"))]].concat(), taken("A1", "A4"));
    let short = Shortage { pool: None, capacity: Seats::new(4), free: 1, returns: None, places: true };
    told(&["1-4"], &[&three[..], &[(1, at_places("bob", "A1 A2"))]].concat(), BookingOutcome::Full(short));
    told(&rows, &[(0, block("A1")), (1, at_places("bob", "A1"))], taken("A1", "A2"));
    let wait = BookingCommand::Wait { attendee: who("ann"), party: Party::at(places("A1")) };
    told(
        &rows,
        &[
            set(Settings { waitlist: Some(Waitlist { offer_for: HOLD, pass_over: false }), ..Settings::default() }),
            (0, wait),
        ],
        PlaceCount { wanted: Seats::new(0) },
    );
    // Where seats have no names, there are no places.
    check(5, &[(0, at_places("ann", "A1"))], UnknownPlace { place: place("s/A/1") });
    check(5, &[(0, party("ann", 1)), (0, move_to("ann", "A1"))], UnknownPlace { place: place("s/A/1") });
}

#[test]
fn a_section_may_be_for_some_kinds_of_ticket() {
    let tickets = |name: &str| (0, BookingCommand::SetTicket { ticket: ticket_type(name), pools: BTreeSet::new() });
    let vip = (0, BookingCommand::SetSection { section: section("v", &["1-2"], &["vip"]) });
    let of = |name: &str, party: Party| (0, BookingCommand::Book { attendee: who(name), party });
    let vips = |party: Party| party.with_ticket(ticket_type("vip"));
    let house = [tickets("vip"), vip];
    let then = |more: &[(i64, BookingCommand)]| [&house[..], more].concat();
    told(&["1-2"], &then(&[of("ann", Party::at([place("v/A/1")]))]), NotForTicket { place: place("v/A/1") });
    told(&["1-2"], &then(&[of("ann", vips(Party::at([place("v/A/1")])))]), Booked { seat: 1 });
    told(&["1-2"], &then(&[of("ann", Party::of(3))]), BookingOutcome::PartySize { max: Seats::new(2) });
    told(&["1-2"], &then(&[of("ann", vips(Party::of(4)))]), Booked { seat: 1 });
    let short = Shortage { pool: None, capacity: Seats::new(2), free: 0, returns: None, places: true };
    told(&["1-2"], &then(&[of("ann", Party::of(2)), of("bob", Party::of(1))]), BookingOutcome::Full(short));
    told(&["1-2"], &then(&[of("ann", Party::of(2)), of("bob", vips(Party::of(2)))]), Booked { seat: 3 });
    // The capacity holds beside the map.
    let small = [(0, open(1)), set_rows(&["1-9"]), (0, book("ann")), (0, book("bob"))];
    assert_eq!(after(&small).0, full(1));
}

#[test]
fn settings_keep_parties_together_and_no_seat_single() {
    let together = set(Settings { together: true, ..Settings::default() });
    told(&["1-2 | 3-4"], &[together.clone(), (0, party("ann", 3))], NotTogether);
    told(&["1-2 | 3-4"], &[together.clone(), (0, at_places("ann", "A2 A3"))], NotTogether);
    told(&["1-2 | 3-4"], &[together.clone(), (0, at_places("ann", "A3 A4"))], Booked { seat: 1 });
    told(&["1-2 | 3-4"], &[together.clone(), (0, party("ann", 2)), (1, change("ann", 3))], NotTogether);
    given(&["1-2 | 3-4"], &[(0, party("ann", 3))], &["ann: A1 A2 A3"]);
    let careful = set(Settings { no_single_seats: true, ..Settings::default() });
    let single = LeavesSingle { places: places("A1"), nearest: places("A1 A2") };
    told(&["1-5"], &[careful.clone(), (0, at_places("ann", "A2 A3"))], single);
    told(&["1-5"], &[careful.clone(), (0, at_places("ann", "A1 A2"))], Booked { seat: 1 });
    told(&["1-5"], &[(0, at_places("ann", "A2 A3"))], Booked { seat: 1 });
    // Whatever they take, one is left alone.
    told(&["1-3"], &[careful, (0, at_places("ann", "A2 A3"))], Booked { seat: 1 });
}

#[test]
fn a_party_moves_grows_and_shrinks_and_has_seats_all_the_while() {
    let rows = ["1-6", "1-6"];
    let ann = [(0, at_places("ann", "A1 A2")), (0, at_places("bob", "A5"))];
    let then = |command| [&ann[..], &[(1, command)]].concat();
    given(&rows, &then(move_to("ann", "A2 A3")), &["ann: A2 A3", "bob: A5"]);
    told(&rows, &then(move_to("ann", "A2 A3")), Moved);
    told(&rows, &then(move_to("ann", "A1 A2")), BookingOutcome::Unchanged);
    told(&rows, &then(move_to("ann", "A1")), PlaceCount { wanted: Seats::new(2) });
    told(&rows, &then(move_to("ann", "A4 A5")), taken("A5", "A3 A4"));
    told(&rows, &then(move_to("cyd", "A4")), BookingOutcome::NotBooked);
    given(&rows, &then(change("ann", 3)), &["ann: A1 A2 A3", "bob: A5"]);
    given(&rows, &then(change("ann", 5)), &["ann: A1 A2 A3 A4 A6", "bob: A5"]);
    given(&rows, &then(change("ann", 1)), &["ann: A1", "bob: A5"]);
    let transfer = BookingCommand::Transfer { from: who("ann"), to: who("cyd") };
    given(&rows, &then(transfer), &["cyd: A1 A2", "bob: A5"]);
    // What was given up can be had.
    let moved = [&then(move_to("ann", "B1 B2"))[..], &[(2, at_places("cyd", "A1 A2"))]].concat();
    given(&rows, &moved, &["ann: B1 B2", "bob: A5", "cyd: A1 A2"]);
}

#[test]
fn a_late_payment_has_its_own_places_again_or_the_best() {
    let hold = |name: &str, seats: &str| {
        let party = Party::at(places(seats));
        BookingCommand::Hold { attendee: who(name), party, term: HoldTerm::For(HOLD) }
    };
    let rows = ["1-5"];
    given(&rows, &[(0, hold("ann", "A1 A2")), (100, confirm("ann"))], &["ann: A1 A2"]);
    let other = [(0, hold("ann", "A1 A2")), (100, at_places("bob", "A2")), (101, confirm("ann"))];
    told(&rows, &other, BookingOutcome::Reacquired { seat: 2 });
    given(&rows, &other, &["bob: A2", "ann: A3 A4"]);
    let gone = [(0, hold("ann", "A1 A2")), (100, party("bob", 4)), (101, confirm("ann"))];
    told(&rows, &gone, BookingOutcome::RefundDue);
}

#[test]
fn requests_and_offers_have_places_once_they_are_given() {
    let ask = |seats: &str| (0, BookingCommand::Request { attendee: who("ann"), party: Party::at(places(seats)) });
    let approve = (1, BookingCommand::Approve { attendee: who("ann") });
    told(&["1-5"], &[ask("A7")], UnknownPlace { place: place("s/A/7") });
    given(&["1-5"], &[ask("A2"), approve.clone()], &["ann: A2"]);
    told(&["1-5"], &[ask("A1"), (0, at_places("bob", "A1")), approve.clone()], taken("A1", "A2"));
    let ask = (0, BookingCommand::Request { attendee: who("ann"), party: Party::of(2) });
    given(&["1-2"], &[ask, approve], &["ann: A1 A2"]);
    let waitlist =
        set(Settings { waitlist: Some(Waitlist { offer_for: HOLD, pass_over: false }), ..Settings::default() });
    let wait = |name: &str, seats| BookingCommand::Wait { attendee: who(name), party: Party::of(seats) };
    let line = [waitlist, (0, party("ann", 2)), (1, wait("bob", 2)), (2, cancel("ann"))];
    given(&["1-2"], &line, &["bob: A1 A2"]);
    let unblocked = (2, BookingCommand::UnblockPlaces { places: places("A1") });
    let line = [line[0].clone(), (0, block("A1 A2")), (1, wait("bob", 1)), unblocked];
    given(&["1-2"], &line, &["bob: A1"]);
}

/// Two wait for the front, which only their tickets give; the back is for everybody.
#[test]
fn who_waits_for_one_section_holds_up_nobody_of_another() {
    let front = section("front", &["1"], &["vip"]);
    let waitlist =
        set(Settings { waitlist: Some(Waitlist { offer_for: HOLD, pass_over: false }), ..Settings::default() });
    let vip = |name: &str| (who(name), Party::of(1).with_ticket(ticket_type("vip")));
    let back = section("s", &["1-2"], &["basic"]);
    let basic = |name: &str| (who(name), Party::of(1).with_ticket(ticket_type("basic")));
    let tickets = ["vip", "basic"]
        .map(|name| (0, BookingCommand::SetTicket { ticket: ticket_type(name), pools: BTreeSet::new() }));
    let book = |(attendee, party)| (0, BookingCommand::Book { attendee, party });
    let wait = |(attendee, party)| (0, BookingCommand::Wait { attendee, party });
    let house = [
        (i64::MIN, open(9)),
        waitlist,
        (0, BookingCommand::SetSection { section: front }),
        (0, BookingCommand::SetSection { section: back }),
    ];
    let house = [&house[..], &tickets, &[book(vip("ann")), wait(vip("bob"))]].concat();
    let then = |more: &[(i64, BookingCommand)]| after(&[&house[..], more].concat());
    assert_eq!(then(&[book(basic("cyd"))]).0, Booked { seat: 2 });
    assert!(matches!(then(&[book(vip("cyd"))]).0, BookingOutcome::Full(Shortage { places: true, .. })));
    let (_, ledger) = then(&[book(basic("cyd")), book(basic("dan")), wait(basic("eve")), (1, cancel("cyd"))]);
    assert_eq!(ledger.waiters().map(|waiter| waiter.attendee.as_str()).collect::<Vec<_>>(), ["bob"]);
    assert_eq!(seats(&ledger).last().map(String::as_str).map(|eve| &eve[..5]), Some("eve: "));
}

#[test]
fn nobody_loses_a_place_by_another_map() {
    let ann = (0, at_places("ann", "A2"));
    told(&["1-3"], &[ann.clone(), set_rows(&["1 3"])], taken("A2", ""));
    told(&["1-3"], &[ann.clone(), set_rows(&["1-3"])], AsBefore);
    told(&["1-3"], &[ann.clone(), set_rows(&["2-9"])], Set);
    told(&["1-3"], &[(0, BookingCommand::RemoveSection { section: "x".to_owned() })], AsBefore);
    let remove = |at| (at, BookingCommand::RemoveSection { section: "s".to_owned() });
    told(&["1-3"], &[ann.clone(), remove(1)], taken("A2", ""));
    told(&["1-3"], &[ann.clone(), (1, cancel("ann")), remove(1)], Set);
    given(&["1-3"], &[remove(1), (2, party("ann", 2))], &["ann: "]);
    told(&["1-3"], &[remove(1), (2, party("ann", 2)), set_rows(&["1-3"])], BookingOutcome::Taken { taken: 2 });
    let huge: Vec<_> = (0..4)
        .map(|n| {
            let rows = (0..30).map(|row| Row::new(row.to_string(), "1-1000").unwrap()).collect();
            (0, BookingCommand::SetSection { section: Section::new(n.to_string(), rows).unwrap() })
        })
        .collect();
    told(&["1-3"], &huge, BookingOutcome::SeatMapFull { max: 100_000 });
}

#[test]
fn blocked_places_are_there_for_nobody() {
    let (_, ledger) = hall(&["1-3"], &[(0, block("A1 A2")), (0, book("ann")), (0, book("bob"))]);
    assert_eq!((seats(&ledger), ledger.places_blocked()), (vec!["ann: A3".to_owned()], &places("A1 A2")));
    // There is capacity, and no place for anybody.
    assert_eq!((ledger.free(), SeatCount::from(&ledger).left()), (99, SeatsLeft::SoldOut));
    told(&["1-3"], &[(0, at_places("ann", "A1")), (1, block("A1 A2"))], taken("A1", ""));
    told(&["1-3"], &[(0, block("A1")), (1, block("A1"))], AsBefore);
    told(&["1-3"], &[(0, block("A7"))], UnknownPlace { place: place("s/A/7") });
    let unblock = |at, seats: &str| (at, BookingCommand::UnblockPlaces { places: places(seats) });
    told(&["1-3"], &[unblock(0, "A1")], AsBefore);
    told(&["1-3"], &[(0, block("A1 A2")), unblock(1, "A2 A3"), (2, at_places("ann", "A2"))], Booked { seat: 1 });
    let many: BTreeSet<_> = (0..1000).map(|n| place(&format!("s/A/{n}"))).collect();
    told(&["0-999"], &[(0, BookingCommand::BlockPlaces { places: many })], PlaceCount { wanted: Seats::new(270) });
    told(
        &["0-999"],
        &[(0, BookingCommand::Resize { capacity: Seats::new(1_000), below: Below::Refuse }), (0, party("ann", 300))],
        BookingOutcome::PartySize { max: Seats::new(270) },
    );
}

/// What any store takes as one event is at most 4,000 bytes.
#[test]
fn the_longest_events_and_answers_fit_into_any_store() {
    let long = |n: usize| format!("{n:>016}");
    let name = "n".repeat(64);
    let rows = vec![Row::new(long(1), (0..100).map(long).collect::<Vec<_>>().join(" ")).unwrap()];
    let section = Section::new(&name, rows).unwrap();
    let all: BTreeSet<Place> = section.places().collect();
    let set = BookingCommand::SetSection { section };
    let who = AttendeeId::new("\"".repeat(256)).unwrap();
    let (_, ledger) = after(&[(0, open(500)), (0, set)]);
    let size =
        |seats: u32| decide(&ledger, &BookingCommand::Book { attendee: who.clone(), party: Party::of(seats) }, at(0));
    let BookingOutcome::PartySize { max } = size(100).outcome else { panic!("100 fit") };
    let decision = size(max.get());
    let [event] = &decision.events[..] else { panic!("{decision:?}") };
    let recorded = encode(at(0), event);
    assert!(recorded.data.json().len() + recorded.event_type.as_str().len() + 560 < 4_000);
    let outcome = PlacesTaken { places: all.clone(), nearest: all };
    let reply = BookingReply {
        outcome,
        seq: Seq::new(1),
        hash: ChainHash::default(),
        warnings: vec!["w".repeat(4_000).into()].into(),
        places: ledger.places_free().cloned().collect(),
    };
    assert!(answers::to_payload(&open(1), &reply).json().len() < 3_900);
}

#[test]
fn whoever_has_seats_is_told_their_places_in_the_reply() {
    let (_, ledger) = hall(&["1-4"], &[]);
    let mut owner = Owner::new(StreamName::new("s").unwrap(), ledger, 10);
    assert_eq!(owner.submit(party("ann", 3), 1, at(1)), Submitted::Waits);
    assert_eq!(owner.submit(party("ann", 1), 2, at(1)), Submitted::Waits);
    assert_eq!(owner.submit(cancel("ann"), 3, at(1)), Submitted::Waits);
    assert!(owner.next_transaction().is_some());
    let told: Vec<_> = owner.committed().into_iter().map(|(_, reply)| reply.places.len()).collect();
    assert_eq!(told, [3, 3, 0]);
    let (store, evening) = (MemoryBackend::new(), "chess@20260105".parse().unwrap());
    let tell = |command| ready(run(&store, &evening, &command, at(1))).unwrap();
    assert_eq!(tell(open(9)).places, BTreeSet::new());
    assert_eq!(tell(set_rows(&["1-4"]).1).places, BTreeSet::new());
    assert_eq!(tell(at_places("ann", "A1 A2")).places, places("A1 A2"));
    assert_eq!(tell(at_places("bob", "A1 A3")).outcome.name(), "places_taken");
    assert_eq!(tell(move_to("ann", "A3 A4")).places, places("A3 A4"));
    assert_eq!(tell(BookingCommand::Transfer { from: who("ann"), to: who("cyd") }).places, places("A3 A4"));
    assert_eq!(tell(cancel("cyd")).places, BTreeSet::new());
}

#[test]
fn events_with_places_are_recorded_under_versions_of_their_own() {
    let party = || Party::at(places("A1"));
    let attendee = || who("ann");
    let places = || places("A1");
    let at_a1 = r#""party":{"seats":1,"places":["s/A/1"]}"#;
    let table = [
        (
            BookingEvent::SectionSet { section: section("s", &["1-9 | 10*"], &[]) },
            "section_set.v1",
            r#"{"section":{"section":"s","rows":[{"row":"A","seats":"1-9 | 10*"}]}}"#.to_owned(),
        ),
        (BookingEvent::SectionRemoved { section: "s".to_owned() }, "section_removed.v1", r#"{"name":"s"}"#.to_owned()),
        (BookingEvent::PlacesBlocked { places: places() }, "places_blocked.v1", r#"{"places":["s/A/1"]}"#.to_owned()),
        (
            BookingEvent::PlacesUnblocked { places: places() },
            "places_unblocked.v1",
            r#"{"places":["s/A/1"]}"#.to_owned(),
        ),
        (
            BookingEvent::SeatBooked { attendee: attendee(), party: party() },
            "seat_booked.v3",
            format!(r#"{{"attendee":"ann",{at_a1}}}"#),
        ),
        (
            BookingEvent::SeatHeld { attendee: attendee(), party: party(), hold_for: HOLD },
            "seat_held.v3",
            format!(r#"{{"attendee":"ann",{at_a1},"hold_ms":100}}"#),
        ),
        (
            BookingEvent::SeatReacquired { attendee: attendee(), party: party() },
            "seat_reacquired.v2",
            format!(r#"{{"attendee":"ann",{at_a1}}}"#),
        ),
        (
            BookingEvent::RefundDue { attendee: attendee(), party: party() },
            "refund_due.v2",
            format!(r#"{{"attendee":"ann",{at_a1}}}"#),
        ),
        (
            BookingEvent::SeatRequested { attendee: attendee(), party: party() },
            "seat_requested.v2",
            format!(r#"{{"attendee":"ann",{at_a1}}}"#),
        ),
        (
            BookingEvent::SeatOffered { attendee: attendee(), places: places(), hold_for: HOLD },
            "seat_offered.v2",
            r#"{"attendee":"ann","places":["s/A/1"],"hold_ms":100}"#.to_owned(),
        ),
        (
            BookingEvent::PartyChanged { attendee: attendee(), seats: Seats::ONE, places: places() },
            "party_changed.v2",
            r#"{"attendee":"ann","seats":1,"places":["s/A/1"]}"#.to_owned(),
        ),
        (
            BookingEvent::PartyChanged { attendee: attendee(), seats: Seats::ONE, places: BTreeSet::new() },
            "party_changed.v1",
            r#"{"attendee":"ann","seats":1}"#.to_owned(),
        ),
    ];
    for (event, event_type, json) in table {
        let recorded = encode(at(5), &event);
        assert_eq!((recorded.event_type.as_str(), recorded.data.json()), (&*format!("booking.{event_type}"), &*json));
        assert_eq!(decode(&stored(1, recorded)).unwrap(), event);
    }
}

#[test]
fn the_audit_finds_what_is_wrong_with_places() {
    let book = |name: &str, party: Party| BookingEvent::SeatBooked { attendee: who(name), party };
    let map = || BookingEvent::SectionSet { section: section("s", &["1-3"], &[]) };
    let open = || BookingEvent::SaleOpened { capacity: Seats::new(9) };
    let at_seats = |seats: &str| Party::at(places(seats));
    let table = [
        (vec![map(), book("ann", at_seats("A1")), book("bob", at_seats("A1"))], "a place was given twice"),
        (vec![map(), book("ann", Party::of(1))], "there are more seats taken than places, or fewer"),
        (vec![map(), book("ann", at_seats("A9"))], "a place was given that there is not"),
        (vec![book("ann", at_seats("A1"))], "a place was given that there is not"),
        (
            vec![map(), BookingEvent::PlacesBlocked { places: places("A1") }, book("ann", at_seats("A1"))],
            "a place was given that is kept from sale",
        ),
        (
            vec![map(), book("ann", at_seats("A1")), BookingEvent::PlacesBlocked { places: places("A1") }],
            "a place was blocked that somebody has or there is not",
        ),
        (vec![book("ann", Party::of(1)), map()], "seats were given names though somebody had one without"),
        (
            vec![map(), book("ann", at_seats("A1")), BookingEvent::SectionRemoved { section: "s".to_owned() }],
            "a place that somebody has is in the seat map no more",
        ),
        (
            vec![
                map(),
                book("ann", at_seats("A1")),
                book("bob", at_seats("A2")),
                BookingEvent::PartyChanged { attendee: who("ann"), seats: Seats::ONE, places: places("A2") },
            ],
            "a place was given twice",
        ),
        (
            vec![BookingEvent::SectionSet { section: section("s", &["1-3"], &["vip"]) }, book("ann", at_seats("A1"))],
            "a place was given on a ticket that is not for its section",
        ),
    ];
    for (events, expected) in table {
        let mut auditor = Auditor::new();
        let all: Vec<_> = [open()].into_iter().chain(events).collect();
        let mut checked = all.iter().zip(1..).map(|(event, seq)| auditor.check(Seq::new(seq), at(0), event));
        let breach = checked.find_map(Result::err).unwrap();
        assert_eq!((breach.seq.get(), &*breach.what), (all.len() as u64, expected));
    }
}

// ---- properties ----

pub(super) fn any_places() -> impl Strategy<Value = BTreeSet<Place>> {
    let names = vec!["s/A/1", "s/A/2", "s/A/3", "s/A/4", "s/B/1", "s/B/2", "s/B/3", "v/A/1", "v/A/2", "v/A/3", "x/A/1"];
    prop::collection::btree_set(prop::sample::select(names).prop_map(place), 1..4)
}

/// A map of nine places, two of which are for the balcony.
pub(super) fn halls() -> Vec<BookingCommand> {
    let sections = [section("s", &["1-4", "1 | 2 3*"], &[]), section("v", &["1-2"], &["balcony"])];
    sections.into_iter().map(|section| BookingCommand::SetSection { section }).collect()
}

pub(super) fn any_hall_command() -> impl Strategy<Value = BookingCommand> {
    let sections = vec![
        section("s", &["1-4", "1 | 2 3*"], &[]),
        section("s", &["1-3"], &["student"]),
        section("v", &["1-3"], &[]),
    ];
    prop_oneof![
        4 => prop::sample::select(sections).prop_map(|section| BookingCommand::SetSection { section }),
        1 => prop::sample::select(vec!["s", "v"])
            .prop_map(|section| BookingCommand::RemoveSection { section: section.to_owned() }),
        2 => any_places().prop_map(|places| BookingCommand::BlockPlaces { places }),
        2 => any_places().prop_map(|places| BookingCommand::UnblockPlaces { places }),
    ]
}

proptest! {
    #[test]
    fn every_place_is_had_by_one_is_blocked_or_is_free(history in any_history()) {
        let mut ledger = SeatLedger::new();
        for (now, command) in with_instants(&[&[(0, open(7))], &history[..]].concat()) {
            let decision = decide(&ledger, command, now);
            let before = ledger.clone();
            for event in &decision.events {
                ledger.evolve(decision.at, event);
            }
            let map: &SeatMap = ledger.seat_map();
            let had: Vec<&Place> = ledger.roster().flat_map(|seat| &seat.party.places).collect();
            let all: BTreeSet<&Place> =
                had.iter().copied().chain(ledger.places_free()).chain(ledger.places_blocked()).collect();
            prop_assert_eq!(all.len(), had.len() + ledger.places_free().count() + ledger.places_blocked().len());
            prop_assert_eq!(all, map.places().collect::<BTreeSet<_>>());
            for seat in ledger.roster() {
                let named = if map.is_empty() { 0 } else { seat.party.seats.get() as usize };
                prop_assert_eq!(seat.party.places.len(), named);
                for place in &seat.party.places {
                    prop_assert_eq!(ledger.whose(place), Some(&seat.attendee));
                }
            }
            if let PlacesTaken { nearest, .. } | LeavesSingle { nearest, .. } = &decision.outcome {
                let can_be_had = |place: &Place| {
                    ledger.places_free().any(|free| free == place) || before.whose(place) == command.attendee()
                };
                prop_assert!(!decision.events.is_empty() || nearest.iter().all(can_be_had));
            }
        }
    }
}
