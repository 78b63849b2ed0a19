//! Scans that happened offline: recorded, whatever a gate would have said.

use super::*;
use Direction::{Entry, Exit};
use ScanOutcome::{Admitted, AlreadyIn, Left};

fn house_of_ann() -> (House, Ticket) {
    let mut house = House::new();
    house.command(1, &book("ann", 1));
    let ticket = house.ticket("ann", 1);
    (house, ticket)
}

#[test]
fn an_upload_is_recorded_in_the_order_in_which_it_happened() {
    let (mut house, ann) = house_of_ann();
    let scans = [(30, &ann, Exit), (10, &ann, Entry), (20, &ann, Entry)];
    assert_eq!(house.upload(100, &scans), ["admitted", "already_in", "left"]);
    assert_eq!(house.counts(), (1, 1, 1, 0));
    assert_eq!(house.gate.status().conflicts.get("already_in"), Some(&1));
    assert!(house.log.iter().all(|(recorded, _)| *recorded == at(100)));
}

#[test]
fn who_went_in_offline_is_in_even_if_he_should_not_be() {
    let (mut house, ann) = house_of_ann();
    house.command(2, &cancel("ann"));
    assert_eq!(house.upload(100, &[(10, &ann, Entry)]), ["revoked"]);
    assert!(house.gate.is_inside(&ann.id()));
    assert_eq!(house.counts(), (1, 1, 0, 1));
    assert_eq!(house.gate.status().refused.len(), 0, "nobody was refused");
    assert_eq!(house.leave(101, &ann), Left);
}

#[test]
fn a_ticket_for_elsewhere_is_noted_and_counts_nobody_in() {
    let (mut house, ann) = house_of_ann();
    let elsewhere = Ticket { occurrence: other_evening(), ..ann.clone() };
    assert_eq!(house.upload(100, &[(10, &elsewhere, Entry)]), ["other_occurrence"]);
    assert_eq!(house.counts(), (0, 0, 0, 0));
    assert_eq!(house.enter(101, &ann), Admitted);
}

#[test]
fn a_late_scan_is_judged_as_of_its_own_time() {
    let (mut house, ann) = house_of_ann();
    house.set(GateSettings { opens: Some(at(10)), closes: Some(at(20)), reentry: true });
    let expiring = ann.clone().expiring(at(15));
    assert_eq!(house.upload(100, &[(9, &ann, Entry)]), ["not_open_yet"]);
    assert_eq!(house.upload(100, &[(11, &ann, Exit), (12, &expiring, Entry)]), ["left", "admitted"]);
    assert_eq!(house.upload(100, &[(13, &ann, Exit), (15, &expiring, Entry)]), ["left", "expired"]);
    // A clock that is ahead is not believed.
    assert_eq!(house.upload(100, &[(5_000, &ann, Exit)]), ["left"]);
    assert_eq!(house.upload(100, &[(5_001, &ann, Entry)]), ["gate_closed"]);
}

/// Recorded scans, an upload, what is said of it, and who is in at the end.
#[test]
fn of_two_that_went_the_same_way_the_one_recorded_later_is_the_conflict() {
    type Ways = [(i64, Direction)];
    let cases: [(&Ways, &Ways, &[&str], bool); 8] = [
        // In at gate one offline, and then at gate two, which did not know.
        (&[(20, Entry)], &[(10, Entry)], &["already_in"], true),
        // In and out at gate one: then gate two was right.
        (&[(20, Entry)], &[(10, Entry), (15, Exit)], &["admitted", "left"], true),
        (&[(20, Entry)], &[(10, Entry), (25, Exit)], &["already_in", "left"], false),
        (&[(10, Entry), (30, Exit)], &[(20, Exit)], &["not_in"], false),
        (&[(10, Entry), (30, Exit)], &[(15, Exit), (20, Entry)], &["left", "admitted"], false),
        (&[(10, Entry)], &[(10, Entry)], &["already_in"], true),
        (&[], &[(10, Exit)], &["not_in"], false),
        (&[(10, Entry), (20, Exit)], &[(5, Entry), (6, Entry)], &["admitted", "already_in"], false),
    ];
    for (recorded, upload, expected, inside) in cases {
        let (mut house, ann) = house_of_ann();
        for (now, direction) in recorded {
            assert!(house.scan(*now, &ann, *direction).is_accepted());
        }
        let scans: Vec<_> = upload.iter().map(|(then, direction)| (*then, &ann, *direction)).collect();
        let said = house.upload(100, &scans);
        assert_eq!((said.as_slice(), house.gate.is_inside(&ann.id())), (expected, inside), "{recorded:?} {upload:?}");
    }
}

#[test]
fn an_upload_that_comes_again_changes_nothing() {
    let (mut house, ann) = house_of_ann();
    let scans: Vec<_> = [(10, Entry, "a"), (20, Exit, "b"), (20, Exit, "c")]
        .map(|(then, direction, nonce)| scan_of(key().sign(ann.clone()), direction, at(then), nonce))
        .into();
    let mut upload = |scans: Vec<Scan>| {
        let late = in_order(scans).into_iter();
        late.map(|late| house.reply(100, &GateCommand::Record(late))).collect::<Vec<_>>()
    };
    let first = upload(scans[..2].to_vec());
    assert_eq!(upload(scans[..2].to_vec()), first);
    let whole = upload(scans.clone());
    assert_eq!(whole[..2], first[..]);
    assert_eq!(whole[2].conflict(), Some(&ScanOutcome::NotIn));
    assert_eq!(first[0].conflict(), None);
    assert_eq!(house.log.len(), 3);
}

#[test]
fn an_online_scan_sees_what_was_uploaded() {
    let (mut house, ann) = house_of_ann();
    assert_eq!(house.upload(100, &[(10, &ann, Entry)]), ["admitted"]);
    assert_eq!(house.enter(101, &ann), AlreadyIn { since: at(10), seq: Seq::new(1) });
}
