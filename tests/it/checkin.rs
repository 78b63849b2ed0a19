//! Check-in through the handle: one store, one office or two, races and crashes.

use std::sync::Arc;

use boxoffice::booking::{BookingCommand, BookingOutcome, Party, Seats};
use boxoffice::checkin::{
    CheckinOptions, Direction, GateSettings, Revocation, ScanOutcome, ScanReply, ScanRequest, SignedTicket, TicketFlaw,
    TicketKey, TicketVerifier, TicketsOutcome, audit, checkin_stream,
};
use boxoffice::clock::ManualClock;
use boxoffice::id::{DeviceId, Nonce, OccurrenceId};
use boxoffice::persist::{Backend, Fault, MemoryBackend, Seq, SledBackend};
use boxoffice::{BoxOffice, BoxOfficeError, Builder};
use futures_util::future::{join, join_all};

use crate::backends::{MoodyBackend, at, evening, on_sale, until, who};

fn key() -> TicketKey {
    TicketKey::new([7; 32])
}

fn options() -> CheckinOptions {
    CheckinOptions::signing(key())
}

fn office(store: &Arc<dyn Backend>) -> Builder {
    BoxOffice::builder().shared_store(Arc::clone(store)).checkin(options())
}

fn memory() -> Arc<dyn Backend> {
    Arc::new(MemoryBackend::new())
}

/// Books seats and has tickets made out.
async fn tickets(office: &BoxOffice, name: &str, seats: u32) -> Vec<SignedTicket> {
    let book = BookingCommand::Book { attendee: who(name), party: Party::of(seats) };
    assert!(office.run(&evening(), book).await.unwrap().outcome.is_accepted());
    issued(office, name).await
}

async fn issued(office: &BoxOffice, name: &str) -> Vec<SignedTicket> {
    match office.issue_tickets(&evening(), &who(name), None).await.unwrap() {
        TicketsOutcome::Issued(tickets) => tickets,
        other => unreachable!("{other:?}"),
    }
}

fn request(ticket: &SignedTicket, direction: Direction, millis: i64, nonce: &str) -> ScanRequest {
    ScanRequest {
        ticket: ticket.text().to_owned(),
        direction,
        device: DeviceId::new("gate-1").unwrap(),
        device_at: at(millis),
        nonce: Nonce::new(nonce).unwrap(),
    }
}

fn entry(ticket: &SignedTicket, nonce: &str) -> ScanRequest {
    request(ticket, Direction::Entry, 0, nonce)
}

async fn scan(office: &BoxOffice, request: ScanRequest) -> ScanReply {
    office.scan(&evening(), request).await.unwrap()
}

async fn audited(store: &Arc<dyn Backend>) -> u64 {
    audit(&**store, &evening()).await.unwrap().unwrap().inside
}

#[tokio::test]
async fn tickets_are_made_out_for_confirmed_seats_and_let_in_once() {
    let (store, clock) = (memory(), ManualClock::new(at(1_000)));
    let office = on_sale(office(&store).clock(clock.clone()), 5).await;
    let wish = async |name| office.issue_tickets(&evening(), &who(name), None).await.unwrap();
    assert_eq!(wish("ann").await, TicketsOutcome::NotBooked);
    let held = office.hold(&evening(), &who("ann"), core::time::Duration::from_secs(60)).await.unwrap();
    assert!(held.outcome.is_accepted());
    assert_eq!(wish("ann").await, TicketsOutcome::NotConfirmed);
    assert_eq!(office.confirm(&evening(), &who("ann")).await.unwrap().outcome, BookingOutcome::Confirmed);
    let ann = issued(&office, "ann").await;
    assert_eq!((ann.len(), ann[0].receipt, ann[0].issued_at), (1, held.seq, at(1_000)));
    let group = tickets(&office, "bob", 3).await;
    assert_eq!(group.iter().map(|ticket| ticket.seat.get()).collect::<Vec<_>>(), [1, 2, 3]);

    let admitted = scan(&office, entry(&ann[0], "1")).await;
    assert_eq!((&admitted.outcome, admitted.seq), (&ScanOutcome::Admitted, Seq::new(1)));
    assert_eq!(scan(&office, entry(&ann[0], "1")).await, admitted);
    let twice = scan(&office, entry(&ann[0], "2")).await;
    assert_eq!(twice.outcome, ScanOutcome::AlreadyIn { since: at(1_000), seq: Seq::new(1) });
    for (nonce, ticket) in ["3", "4", "5"].iter().zip(&group) {
        assert_eq!(scan(&office, entry(ticket, nonce)).await.outcome, ScanOutcome::Admitted);
    }
    assert!(office.cancel(&evening(), &who("bob")).await.unwrap().outcome.is_accepted());
    assert_eq!(scan(&office, request(&group[0], Direction::Exit, 0, "6")).await.outcome, ScanOutcome::Left);
    let revoked = ScanOutcome::Revoked { why: Revocation::NoSeats };
    assert_eq!(scan(&office, entry(&group[0], "7")).await.outcome, revoked);

    let status = office.gate_status(&evening()).await.unwrap();
    assert_eq!((status.inside, status.entered, status.entries, status.exits), (3, 4, 4, 1));
    assert_eq!(status.refused.into_iter().collect::<Vec<_>>(), [("already_in".into(), 1), ("revoked".into(), 1)]);
    let of_ann = office.scans_of(&evening(), &who("ann")).await.unwrap();
    assert_eq!(of_ann.iter().map(|(seq, _, _)| seq.get()).collect::<Vec<_>>(), [1, 2]);
    let stats = office.stats();
    assert_eq!((stats.scans_answered, stats.scans_accepted), (8, 6));
    assert_eq!(audited(&store).await, 3);
}

#[tokio::test]
async fn what_is_no_genuine_ticket_is_refused_and_not_recorded() {
    let store = memory();
    let office = on_sale(office(&store), 5).await;
    let good = tickets(&office, "ann", 1).await.remove(0);
    let forged = TicketKey::new([8; 32]).sign((*good).clone());
    let nonsense = ScanRequest { ticket: "let me in".to_owned(), ..entry(&good, "1") };
    let malformed = ScanOutcome::Malformed { flaw: TicketFlaw::Prefix };
    assert_eq!(scan(&office, nonsense.clone()).await.outcome, malformed);
    assert_eq!(scan(&office, entry(&forged, "1")).await.outcome, ScanOutcome::UnknownKey { key: forged.key() });
    let uploaded = office.upload_scans(&evening(), vec![nonsense, entry(&forged, "1")]).await.unwrap();
    assert_eq!(uploaded.iter().map(|reply| reply.outcome.name()).collect::<Vec<_>>(), ["malformed", "unknown_key"]);
    assert_eq!(store.head(&checkin_stream(&evening())).await.unwrap().last, Seq::UNWRITTEN);

    // An office that only scans, and accepts the keys of both.
    let options = CheckinOptions::verifying().accepting(key().public()).unwrap();
    let options = options.accepting(TicketKey::new([8; 32]).public()).unwrap();
    let gate = BoxOffice::builder().shared_store(Arc::clone(&store)).checkin(options).start().unwrap();
    assert_eq!(gate.issue_tickets(&evening(), &who("ann"), None).await.unwrap(), TicketsOutcome::NoKey);
    assert_eq!(scan(&gate, entry(&forged, "1")).await.outcome, ScanOutcome::Admitted);
    assert_eq!(scan(&office, entry(&good, "2")).await.outcome.name(), "already_in", "it is the same ticket");
}

#[tokio::test]
async fn no_answer_leaves_before_the_scan_is_stored() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()).checkin(options()), 5).await;
    let ticket = tickets(&office, "ann", 1).await.remove(0);
    store.close_gate();
    let commits = store.commits();
    let asked = tokio::spawn({
        let (office, request) = (office.clone(), entry(&ticket, "1"));
        async move { scan(&office, request).await }
    });
    until(async || store.commits() > commits).await;
    assert_eq!(store.head(&checkin_stream(&evening())).await.unwrap().last, Seq::UNWRITTEN);
    assert!(!asked.is_finished());
    let late = tokio::spawn({
        let office = office.clone();
        async move { office.gate_status(&evening()).await.unwrap().inside }
    });
    store.let_pass(1);
    assert_eq!(asked.await.unwrap().outcome, ScanOutcome::Admitted);
    assert_eq!(late.await.unwrap(), 1);
}

#[tokio::test]
async fn scans_that_wait_are_recorded_together() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()).checkin(options()), 100).await;
    let group = tickets(&office, "ann", 50).await;
    store.close_gate();
    let before = store.commits();
    let scans: Vec<_> = group
        .iter()
        .enumerate()
        .map(|(n, ticket)| {
            let (office, request) = (office.clone(), entry(ticket, &n.to_string()));
            tokio::spawn(async move { scan(&office, request).await.outcome })
        })
        .collect();
    until(async || store.commits() > before).await;
    store.let_pass(100);
    for outcome in join_all(scans).await {
        assert_eq!(outcome.unwrap(), ScanOutcome::Admitted);
    }
    let commits = store.commits() - before;
    assert!(commits < 25, "{commits} commits for 50 scans");
}

#[tokio::test]
async fn a_lost_answer_is_had_by_asking_again() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()).checkin(options()), 5).await;
    let ticket = tickets(&office, "ann", 1).await.remove(0);
    store.lose_answers(1);
    let lost = office.scan(&evening(), entry(&ticket, "1")).await;
    assert!(matches!(lost, Err(BoxOfficeError::Store(Fault::Unknown { .. }))), "{lost:?}");
    let again = scan(&office, entry(&ticket, "1")).await;
    assert_eq!((again.outcome, again.seq), (ScanOutcome::Admitted, Seq::new(1)));
    store.refuse(1);
    let refused = office.scan(&evening(), entry(&ticket, "2")).await;
    assert!(matches!(refused, Err(BoxOfficeError::Store(Fault::Unavailable { .. }))), "{refused:?}");
    assert_eq!(scan(&office, entry(&ticket, "2")).await.outcome.name(), "already_in");
}

#[tokio::test]
async fn who_is_in_is_in_after_a_restart_and_a_repeated_scan_is_still_one() {
    let folder = tempfile::tempdir().unwrap();
    let open = || BoxOffice::builder().store(SledBackend::open(folder.path()).unwrap()).checkin(options());
    let first = on_sale(open(), 5).await;
    let ticket = tickets(&first, "ann", 1).await.remove(0);
    let settings = GateSettings { reentry: false, ..GateSettings::default() };
    assert_eq!(first.set_gate(&evening(), settings).await.unwrap(), Seq::new(1));
    let admitted = scan(&first, entry(&ticket, "1")).await;
    first.shutdown().await;

    let again = on_sale(open(), 5).await;
    assert_eq!(again.gate_status(&evening()).await.unwrap().inside, 1);
    assert_eq!(scan(&again, entry(&ticket, "1")).await, admitted);
    assert_eq!(scan(&again, request(&ticket, Direction::Exit, 0, "2")).await.outcome, ScanOutcome::Left);
    assert_eq!(scan(&again, entry(&ticket, "3")).await.outcome, ScanOutcome::NoReentry);
    again.shutdown().await;
}

#[tokio::test]
async fn scans_made_offline_are_recorded_once_and_say_what_was_not_in_order() {
    let (store, clock) = (memory(), ManualClock::new(at(1_000)));
    let office = on_sale(office(&store).clock(clock.clone()), 5).await;
    let ann = tickets(&office, "ann", 1).await.remove(0);
    let bob = tickets(&office, "bob", 1).await.remove(0);
    // What the device took along; then the network went away, and bob cancelled.
    let roster = office.ticket_roster(&evening()).await.unwrap();
    let verifier = TicketVerifier::new().accepting(key().public()).unwrap();
    assert!(office.cancel(&evening(), &who("bob")).await.unwrap().outcome.is_accepted());
    assert_eq!(roster.verify(&verifier, bob.text(), at(500)), Ok(bob.clone()));
    let fresh = office.ticket_roster(&evening()).await.unwrap();
    let revoked = ScanOutcome::Revoked { why: Revocation::NoSeats };
    assert_eq!(fresh.verify(&verifier, bob.text(), at(500)), Err(revoked.clone()));

    assert_eq!(scan(&office, entry(&ann, "online")).await.outcome, ScanOutcome::Admitted);
    let garbage = ScanRequest { ticket: "BOX1.".to_owned(), ..entry(&ann, "x") };
    let upload = vec![
        request(&bob, Direction::Exit, 900, "c"),
        garbage,
        request(&bob, Direction::Entry, 500, "a"),
        request(&ann, Direction::Entry, 600, "b"),
    ];
    let replies = office.upload_scans(&evening(), upload.clone()).await.unwrap();
    let said: Vec<_> = replies.iter().map(|reply| (reply.outcome.name(), reply.seq.get())).collect();
    assert_eq!(said, [("left", 4), ("malformed", 0), ("revoked", 2), ("already_in", 3)]);
    assert_eq!(replies[2].conflict(), Some(&revoked));
    assert_eq!(office.upload_scans(&evening(), upload).await.unwrap(), replies);
    let status = office.gate_status(&evening()).await.unwrap();
    assert_eq!((status.inside, status.entries, status.seq), (1, 2, Seq::new(4)));
    assert_eq!(status.conflicts.into_iter().collect::<Vec<_>>(), [("already_in".into(), 1), ("revoked".into(), 1)]);
    assert_eq!(office.stats().scan_conflicts, 4, "counted with each answer");
    assert_eq!(audited(&store).await, 1);
}

#[tokio::test]
async fn an_upload_of_thousands_is_one_order_whatever_it_is_cut_into() {
    let store = memory();
    let office = on_sale(office(&store), 5).await;
    let ticket = tickets(&office, "ann", 1).await.remove(0);
    let way = |n| if n % 2 == 0 { Direction::Entry } else { Direction::Exit };
    let scans = (0..2_500).rev().map(|n| request(&ticket, way(n), n, &n.to_string()));
    let replies = office.upload_scans(&evening(), scans.collect()).await.unwrap();
    assert!(replies.iter().all(|reply| reply.conflict().is_none()));
    let status = office.gate_status(&evening()).await.unwrap();
    assert_eq!((status.entries, status.exits, status.inside), (1_250, 1_250, 0));
    assert_eq!(audited(&store).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_scans_of_a_ticket_at_two_offices_one_admits() {
    let store = memory();
    let (left, right) = (on_sale(office(&store), 5).await, on_sale(office(&store), 5).await);
    let ticket = tickets(&left, "ann", 1).await.remove(0);
    let scans = (0..40).map(|n| {
        let office = if n % 2 == 0 { left.clone() } else { right.clone() };
        let request = entry(&ticket, &format!("{}", n / 4));
        tokio::spawn(async move { scan(&office, request).await })
    });
    let replies: Vec<_> = join_all(scans).await.into_iter().map(Result::unwrap).collect();
    for four in replies.chunks(4) {
        assert!(four.iter().all(|reply| *reply == four[0]), "one nonce, one answer: {four:?}");
    }
    assert_eq!(replies.iter().filter(|reply| reply.outcome == ScanOutcome::Admitted).count(), 4);
    assert_eq!(store.head(&checkin_stream(&evening())).await.unwrap().last, Seq::new(10));
    assert_eq!(audited(&store).await, 1);
}

/// Whoever comes second sees the first: nobody is admitted on a seat that was given up before.
async fn cancel_and_scan_race(store: Arc<dyn Backend>) {
    let (left, right) = (on_sale(office(&store), 100).await, on_sale(office(&store), 100).await);
    let mut admitted = 0;
    for round in 0..60 {
        let name = format!("p{round}");
        let ticket = tickets(&left, &name, 1).await.remove(0);
        let (cancelled, scanned) = join(
            tokio::spawn({
                let (left, name) = (left.clone(), name.clone());
                async move { left.cancel(&evening(), &who(name)).await.unwrap() }
            }),
            tokio::spawn({
                let right = right.clone();
                async move { scan(&right, entry(&ticket, &name)).await }
            }),
        )
        .await;
        let (cancelled, scanned) = (cancelled.unwrap(), scanned.unwrap());
        assert_eq!(cancelled.outcome, BookingOutcome::Cancelled);
        match scanned.outcome {
            ScanOutcome::Admitted => {
                admitted += 1;
                assert!(scanned.booking < cancelled.seq, "{scanned:?} {cancelled:?}");
            }
            ScanOutcome::Revoked { .. } => assert!(scanned.booking >= cancelled.seq, "{scanned:?} {cancelled:?}"),
            other => unreachable!("{other:?}"),
        }
    }
    assert_eq!(audited(&store).await, admitted);
    left.shutdown().await;
    right.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_and_a_scan_at_once_are_one_after_the_other() {
    cancel_and_scan_race(memory()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancellation_and_a_scan_at_once_are_one_after_the_other_on_a_disk() {
    let folder = tempfile::tempdir().unwrap();
    cancel_and_scan_race(Arc::new(SledBackend::open(folder.path()).unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_come_in_while_the_sale_goes_on() {
    let store = memory();
    let (sale, gate) = (on_sale(office(&store), 10_000).await, on_sale(office(&store), 10_000).await);
    let group = tickets(&sale, "ann", 100).await;
    let selling = tokio::spawn({
        let sale = sale.clone();
        async move {
            for buyer in 0..2_000 {
                assert!(sale.book(&evening(), &who(format!("b{buyer}"))).await.unwrap().outcome.is_accepted());
            }
        }
    });
    for (n, ticket) in group.iter().enumerate() {
        assert_eq!(scan(&gate, entry(ticket, &n.to_string())).await.outcome, ScanOutcome::Admitted);
    }
    selling.await.unwrap();
    assert_eq!(audited(&store).await, 100);
}

#[tokio::test]
async fn gates_that_were_forgotten_are_read_again() {
    let store = memory();
    let office = office(&store).start().unwrap();
    let nights: Vec<OccurrenceId> = (1..=28).map(|day| format!("chess@202601{day:02}").parse().unwrap()).collect();
    for night in &nights {
        assert!(office.open(night, Seats::new(1)).await.unwrap().outcome.is_accepted());
        assert!(office.book(night, &who("ann")).await.unwrap().outcome.is_accepted());
    }
    for (round, expected) in ["admitted", "already_in"].iter().enumerate() {
        for night in &nights {
            let TicketsOutcome::Issued(tickets) = office.issue_tickets(night, &who("ann"), None).await.unwrap() else {
                panic!("no tickets")
            };
            let reply = office.scan(night, entry(&tickets[0], &round.to_string())).await.unwrap();
            assert_eq!(reply.outcome.name(), *expected);
        }
    }
}

#[tokio::test]
async fn shutdown_answers_the_scans_that_were_taken() {
    let store = MoodyBackend::new();
    let office = on_sale(BoxOffice::builder().store(store.clone()).checkin(options()), 5).await;
    let ticket = tickets(&office, "ann", 1).await.remove(0);
    store.close_gate();
    let commits = store.commits();
    let taken = tokio::spawn({
        let (office, request) = (office.clone(), entry(&ticket, "1"));
        async move { office.scan(&evening(), request).await }
    });
    until(async || store.commits() > commits).await;
    let shutdown = tokio::spawn(office.clone().shutdown());
    until(async || {
        tokio::task::yield_now().await;
        futures_util::FutureExt::now_or_never(office.gate_status(&evening())) == Some(Err(BoxOfficeError::ShutDown))
    })
    .await;
    assert!(!taken.is_finished());
    store.let_pass(1);
    assert_eq!(taken.await.unwrap().unwrap().outcome, ScanOutcome::Admitted);
    shutdown.await.unwrap();
    assert_eq!(office.scan(&evening(), entry(&ticket, "2")).await, Err(BoxOfficeError::ShutDown));
}
