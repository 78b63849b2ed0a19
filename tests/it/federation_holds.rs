//! Seats that one system asks of another: once for each message, by the owner's clock, never sold twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use boxoffice::BoxOfficeError;
use boxoffice::booking::{Party, Seats};
use boxoffice::federation::{
    Asked, Grants, GuestStep, HoldGrant, HoldId, Holder, Looked, MemoryNet, MessageBody, PeerBook, PeerCommand,
    PeerCommandOutcome, PeerKey, PeerMessage, PeerOutcome, PeerReply, Refusal, RemoteAnswer, RemoteEvent, RemoteHold,
    RemoteStage, Verb, Wanted, guest_holds, guest_key, guest_step, load_asked, record_asked, run_peer,
};
use boxoffice::id::OccurrenceId;
use boxoffice::jiff::civil::date;
use boxoffice::persist::{Backend, MemoryBackend, Seq};
use futures_util::FutureExt;
use futures_util::future::join_all;
use proptest::prelude::*;

use crate::backends::{at, until, who};
use crate::federation::{BEGIN, System, first, seconds};

fn hold(name: impl AsRef<str>) -> HoldId {
    HoldId::new(name).unwrap()
}

fn wanted(occurrence: &OccurrenceId, seats: u32) -> Wanted {
    let holder = Holder::new("bob").unwrap();
    Wanted { occurrence: occurrence.clone(), party: Party::of(seats), holder, term: seconds(300) }
}

/// An owner with so many seats on sale, and a peer that may hold eight of them for ten minutes.
async fn pair(net: &MemoryNet, capacity: u32) -> (System, System, OccurrenceId) {
    let owner = System::start(net, "club.example", 1);
    let asker = System::start(net, "library.example", 2);
    let evening = owner.on_sale("chess", capacity).await;
    owner.allow(&asker, Grants::holding(8, seconds(600))).await;
    asker.allow(&owner, Grants::default()).await;
    (owner, asker, evening)
}

impl System {
    async fn ask(&self, owner: &System, name: &str, occurrence: &OccurrenceId, seats: u32) -> RemoteStage {
        known(self.fed.hold(&owner.name, &hold(name), wanted(occurrence, seats)).await.unwrap())
    }

    async fn confirm(&self, owner: &System, name: &str) -> RemoteStage {
        known(self.fed.confirm(&owner.name, &hold(name)).await.unwrap())
    }

    async fn release(&self, owner: &System, name: &str) -> RemoteStage {
        known(self.fed.release(&owner.name, &hold(name)).await.unwrap())
    }

    fn message(&self, owner: &System, name: &str, body: MessageBody) -> PeerMessage {
        PeerMessage { from: self.name.clone(), to: owner.name.clone(), hold: hold(name), body }
    }

    /// Says something to the owner, past any link.
    async fn say(&self, owner: &System, name: &str, body: MessageBody) -> PeerOutcome {
        let message = self.message(owner, name, body);
        owner.fed.receive(&self.name, &self.key, message).await.unwrap().outcome
    }
}

fn known(answer: RemoteAnswer) -> RemoteStage {
    match answer {
        RemoteAnswer::Known(hold) => hold.stage,
        other => unreachable!("{other:?}"),
    }
}

fn held(left: u64) -> PeerOutcome {
    PeerOutcome::Held { until_in: seconds(left) }
}

async fn taken(owner: &System, occurrence: &OccurrenceId) -> (u64, u64) {
    let seats = owner.office.seats(occurrence).await.unwrap();
    (seats.held, seats.confirmed)
}

/// Splits the chess of a system, and opens three seats where the later part begins: its name there, and in a feed.
async fn split_in_two(owner: &System) -> (OccurrenceId, OccurrenceId) {
    let later: OccurrenceId = "chess@20260119T190000Z".parse().unwrap();
    let mut split = crate::federation::weekly("chess", "Chess, anew");
    split.start = date(2026, 1, 19).at(19, 0, 0, 0);
    assert_eq!(owner.office.split_series(&later, split).await.unwrap().outcome.name(), "split");
    assert!(owner.office.open(&later, Seats::new(3)).await.unwrap().outcome.is_accepted());
    let named: OccurrenceId = "chess_R20260119T190000Z@20260119T190000Z".parse().unwrap();
    (later, named)
}

#[tokio::test]
async fn seats_are_held_confirmed_and_given_up() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    let until = at(BEGIN + 300_000);
    assert_eq!(asker.ask(&owner, "a", &evening, 2).await, RemoteStage::Held { until });
    assert_eq!(asker.ask(&owner, "b", &evening, 3).await, RemoteStage::Held { until });
    assert_eq!(taken(&owner, &evening).await, (5, 0));
    let open = asker.fed.open_holds().await.unwrap();
    assert_eq!(open.iter().map(|open| open.hold.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(asker.confirm(&owner, "a").await, RemoteStage::Confirmed);
    assert_eq!(asker.release(&owner, "b").await, RemoteStage::Released);
    assert_eq!(taken(&owner, &evening).await, (0, 2));
    assert!(asker.fed.open_holds().await.unwrap().is_empty());
    let roster = owner.office.roster(&evening).await.unwrap();
    assert_eq!(roster[0].attendee, who("peer:library.example/a/bob"));
    // What is over stays so, whatever is asked.
    assert_eq!(asker.release(&owner, "a").await, RemoteStage::Confirmed);
    assert_eq!(asker.confirm(&owner, "b").await, RemoteStage::Released);
    assert_eq!(
        asker.ask(&owner, "c", &evening, 9).await,
        RemoteStage::Refused(Refusal::TooManyHeld { max: Seats::new(8) })
    );
    assert_eq!(asker.fed.confirm(&owner.name, &hold("nothing")).await.unwrap(), RemoteAnswer::NoSuchHold);
    let reused = asker.fed.hold(&owner.name, &hold("a"), wanted(&evening, 1)).await.unwrap();
    assert_eq!(reused.name(), "id_reused");
    assert_eq!(owner.audited(&evening).await, 2);
    assert_eq!(owner.office.stats().federation_messages, 5);
}

#[tokio::test]
async fn a_full_house_says_how_many_are_free() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 3).await;
    assert_eq!(asker.ask(&owner, "a", &evening, 2).await.name(), "held");
    assert_eq!(asker.ask(&owner, "b", &evening, 2).await, RemoteStage::Full { free: 1 });
    // For ever: seats that come back are for whoever asks anew.
    assert_eq!(asker.release(&owner, "a").await, RemoteStage::Released);
    assert_eq!(asker.say(&owner, "b", MessageBody::Hold(wanted(&evening, 2))).await, PeerOutcome::Full { free: 1 });
    assert_eq!(asker.ask(&owner, "c", &evening, 2).await.name(), "held");
}

#[tokio::test]
async fn a_message_that_comes_twice_is_answered_alike_and_counts_once() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    net.twice(&asker.name, &owner.name, true);
    assert_eq!(asker.ask(&owner, "a", &evening, 2).await.name(), "held");
    assert_eq!(asker.confirm(&owner, "a").await, RemoteStage::Confirmed);
    assert_eq!(asker.ask(&owner, "b", &evening, 2).await.name(), "held");
    assert_eq!(asker.release(&owner, "b").await, RemoteStage::Released);
    let events = owner.store.head(&boxoffice::booking::booking_stream(&evening)).await.unwrap().last;
    assert_eq!(events, Seq::new(5), "opened, held, confirmed, held, released");
    // Much later, and in another order: nothing changes.
    assert_eq!(asker.say(&owner, "b", MessageBody::Release).await, PeerOutcome::Released);
    assert_eq!(asker.say(&owner, "a", MessageBody::Confirm).await, PeerOutcome::Confirmed);
    assert_eq!(asker.say(&owner, "a", MessageBody::Hold(wanted(&evening, 2))).await, held(300));
    let withdrawn = PeerOutcome::Refused(Refusal::Withdrawn);
    assert_eq!(asker.say(&owner, "b", MessageBody::Hold(wanted(&evening, 2))).await, withdrawn);
    let other = PeerOutcome::Refused(Refusal::IdReused);
    assert_eq!(asker.say(&owner, "a", MessageBody::Hold(wanted(&evening, 1))).await, other);
    assert_eq!(taken(&owner, &evening).await, (0, 2));
}

#[tokio::test]
async fn messages_that_overtake_each_other_leave_no_seat_held_for_nobody() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    for (name, first) in [("a", MessageBody::Release), ("b", MessageBody::Confirm)] {
        assert_eq!(asker.say(&owner, name, first.clone()).await, PeerOutcome::NotHeld);
        let late = asker.say(&owner, name, MessageBody::Hold(wanted(&evening, 2))).await;
        assert_eq!(late, PeerOutcome::Refused(Refusal::Withdrawn));
        assert_eq!(asker.say(&owner, name, first).await, PeerOutcome::NotHeld, "the same as the first time");
    }
    assert_eq!(taken(&owner, &evening).await, (0, 0));
}

#[tokio::test]
async fn a_lost_answer_shows_nothing_until_it_is_asked_again() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    net.lose_replies(&asker.name, &owner.name, 1);
    let lost = asker.fed.hold(&owner.name, &hold("a"), wanted(&evening, 2)).await.unwrap();
    assert_eq!((lost.name(), lost.stage()), ("unknown", Some(&RemoteStage::Asked)));
    assert_eq!(taken(&owner, &evening).await, (2, 0), "the owner has acted");
    owner.clock.advance(seconds(100));
    // Two hundred seconds are left, and our clock has not moved.
    let settled = known(asker.fed.settle(&owner.name, &hold("a")).await.unwrap());
    assert_eq!(settled, RemoteStage::Held { until: at(BEGIN + 200_000) });
    net.lose_replies(&asker.name, &owner.name, 1);
    let lost = asker.fed.confirm(&owner.name, &hold("a")).await.unwrap();
    assert_eq!(lost.stage(), Some(&RemoteStage::Confirming { refused: None }));
    // It may be confirmed: nothing is given up now.
    let kept = asker.fed.release(&owner.name, &hold("a")).await.unwrap();
    assert_eq!(kept.stage(), Some(&RemoteStage::Confirmed), "what was out is settled first");
    assert_eq!(taken(&owner, &evening).await, (0, 2));
    assert_eq!(asker.office.stats().federation_unanswered, 2);
}

#[tokio::test]
async fn a_hold_lapses_by_the_owners_clock_through_a_partition() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 2).await;
    assert_eq!(asker.ask(&owner, "a", &evening, 1).await.name(), "held");
    assert_eq!(asker.ask(&owner, "b", &evening, 1).await.name(), "held");
    net.cut(&owner.name, &asker.name, true);
    let cut = asker.fed.confirm(&owner.name, &hold("a")).await.unwrap();
    assert_eq!(cut.name(), "unknown");
    assert_eq!(asker.fed.confirm(&owner.name, &hold("b")).await.unwrap().name(), "unknown");
    // The clock of whoever asked may run as it likes.
    asker.clock.set(at(0));
    owner.clock.advance(seconds(300));
    until(async || taken(&owner, &evening).await == (0, 0)).await;
    assert!(owner.office.book(&evening, &who("ann")).await.unwrap().outcome.is_accepted());
    net.cut(&owner.name, &asker.name, false);
    // Whoever is first has the seat that is left; the other has money due back.
    let stage = known(asker.fed.settle(&owner.name, &hold("b")).await.unwrap());
    assert_eq!(stage, RemoteStage::Reacquired);
    assert!(stage.is_ours());
    assert_eq!(known(asker.fed.settle(&owner.name, &hold("a")).await.unwrap()), RemoteStage::RefundDue);
    assert_eq!(owner.audited(&evening).await, 2);
}

#[tokio::test]
async fn whoever_asked_finds_after_a_crash_what_is_open() {
    let (net, store): (_, Arc<dyn Backend>) = (MemoryNet::new(), Arc::new(MemoryBackend::new()));
    let owner = System::start(&net, "club.example", 1);
    let evening = owner.on_sale("chess", 10).await;
    let asker = System::on(&net, "library.example", 2, Arc::clone(&store), |builder| builder);
    owner.allow(&asker, Grants::holding(8, seconds(600))).await;
    asker.allow(&owner, Grants::default()).await;
    assert_eq!(asker.ask(&owner, "held", &evening, 1).await.name(), "held");
    net.keep(&asker.name, &owner.name, true);
    for name in ["asked", "given-up"] {
        let answer = asker.fed.hold(&owner.name, &hold(name), wanted(&evening, 1)).await.unwrap();
        assert_eq!(answer.name(), "unknown");
    }
    let answer = asker.fed.release(&owner.name, &hold("given-up")).await.unwrap();
    assert_eq!(answer.stage(), Some(&RemoteStage::Releasing { refused: None }));
    let late = net.kept(&asker.name, &owner.name);
    assert_eq!(
        late.iter().map(PeerMessage::id).collect::<Vec<_>>(),
        ["asked/hold", "given-up/hold", "given-up/release"]
    );
    net.keep(&asker.name, &owner.name, false);
    drop(asker);

    let again = System::on(&net, "library.example", 2, store, |builder| builder);
    let open = again.fed.open_holds().await.unwrap();
    let open: Vec<_> = open.iter().map(|open| (open.hold.as_str(), open.stage.name())).collect();
    assert_eq!(open, [("asked", "asked"), ("given-up", "releasing"), ("held", "held")]);
    assert_eq!(again.release(&owner, "held").await, RemoteStage::Released);
    assert_eq!(again.release(&owner, "asked").await, RemoteStage::NotHeld);
    assert_eq!(known(again.fed.settle(&owner.name, &hold("given-up")).await.unwrap()), RemoteStage::NotHeld);
    // What was on its way all the time comes too late to take anything.
    for message in late.into_iter().rev() {
        let reply = owner.fed.receive(&again.name, &again.key, message).await.unwrap();
        assert!(matches!(reply.outcome, PeerOutcome::NotHeld | PeerOutcome::Refused(Refusal::Withdrawn)), "{reply:?}");
    }
    assert_eq!(taken(&owner, &evening).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_race_for_the_last_seats_never_get_more_than_there_are() {
    let net = MemoryNet::new();
    let owner = System::start(&net, "club.example", 1);
    let evening = owner.on_sale("chess", 7).await;
    let mut askers = Vec::new();
    for (name, key) in [("a.example", 2), ("b.example", 3), ("c.example", 4)] {
        let asker = System::start(&net, name, key);
        owner.allow(&asker, Grants::holding(8, seconds(600))).await;
        asker.allow(&owner, Grants::default()).await;
        net.twice(&asker.name, &owner.name, true);
        askers.push(asker);
    }
    let (owner, evening) = (&owner, &evening);
    let races = askers.iter().flat_map(|asker| {
        (0..6).map(move |order| async move {
            let name = format!("order-{order}");
            let stage = asker.ask(owner, &name, evening, 1).await;
            if order % 3 == 0 && stage.name() == "held" {
                assert_eq!(asker.release(owner, &name).await, RemoteStage::Released);
            } else if stage.name() == "held" {
                return u64::from(asker.confirm(owner, &name).await.is_ours());
            }
            0
        })
    });
    let ours: u64 = join_all(races).await.into_iter().sum();
    let local =
        join_all((0..9).map(|n| async move { owner.office.book(evening, &who(format!("l{n}"))).await.unwrap() }));
    let local = local.await.iter().filter(|reply| reply.outcome.is_accepted()).count() as u64;
    assert_eq!(ours + local, 7, "what the askers believe is what the owner sold");
    assert_eq!(owner.audited(evening).await, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_holds_no_more_than_granted_however_it_asks() {
    let net = MemoryNet::new();
    let (owner, asker, chess) = pair(&net, 100).await;
    let go = owner.on_sale("go", 100).await;
    let (owner, asker) = (&owner, &asker);
    let evenings = [&chess, &go];
    let asked = (0..20).map(|n| async move {
        asker.say(owner, &format!("o{n}"), MessageBody::Hold(wanted(evenings[n % 2], 1))).await
    });
    let outcomes = join_all(asked).await;
    let got = outcomes.iter().filter(|outcome| matches!(outcome, PeerOutcome::Held { .. })).count();
    assert_eq!(got, 8);
    assert_eq!(taken(owner, &chess).await.0 + taken(owner, &go).await.0, 8);
    // What was refused stays refused; what is confirmed or lapsed makes room.
    let refused = outcomes.iter().position(|outcome| matches!(outcome, PeerOutcome::Refused(_))).unwrap();
    let held = outcomes.iter().position(|outcome| matches!(outcome, PeerOutcome::Held { .. })).unwrap();
    assert_eq!(asker.say(owner, &format!("o{held}"), MessageBody::Confirm).await, PeerOutcome::Confirmed);
    let again = asker.say(owner, &format!("o{refused}"), MessageBody::Hold(wanted(evenings[refused % 2], 1))).await;
    assert_eq!(again, PeerOutcome::Refused(Refusal::TooManyHeld { max: Seats::new(8) }));
    let one_more = async |name: &str| asker.say(owner, name, MessageBody::Hold(wanted(&chess, 1))).await;
    assert_eq!(one_more("p1").await.name(), "held");
    assert_eq!(one_more("p2").await.name(), "too_many_held");
    owner.clock.advance(seconds(301));
    assert_eq!(one_more("p3").await.name(), "held");
}

#[tokio::test]
async fn a_hold_is_no_longer_than_granted() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    let long = Wanted { term: Duration::MAX, ..wanted(&evening, 1) };
    let stage = known(asker.fed.hold(&owner.name, &hold("a"), long).await.unwrap());
    assert_eq!(stage, RemoteStage::Held { until: at(BEGIN + 600_000) });
}

#[tokio::test]
async fn who_is_not_allowed_to_hold_takes_nothing_and_leaves_no_trace() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    owner.weekly("private-party", "Birthday").await;
    let birthday = first("private-party");
    assert!(owner.office.open(&birthday, Seats::new(5)).await.unwrap().outcome.is_accepted());
    let stranger = System::start(&net, "stranger.example", 9);
    let ask = || MessageBody::Hold(wanted(&evening, 1));
    let before = owner.store.scan("federation/asked", None, 10).await.unwrap().len();

    let not_allowed = PeerOutcome::Refused(Refusal::NotAllowed);
    assert_eq!(stranger.say(&owner, "a", ask()).await, not_allowed);
    // The right name, proven with another key; and a message that somebody else was sent, or sent.
    let message = asker.message(&owner, "a", ask());
    let other_key = owner.fed.receive(&asker.name, &PeerKey::new([9; 32]), message.clone()).await.unwrap();
    assert_eq!(other_key.outcome, not_allowed);
    let not_ours = PeerMessage { to: stranger.name.clone(), ..message.clone() };
    let not_theirs = PeerMessage { from: stranger.name.clone(), ..message };
    for message in [not_ours, not_theirs] {
        let reply = owner.fed.receive(&asker.name, &asker.key, message).await.unwrap();
        assert_eq!(reply.outcome, PeerOutcome::Refused(Refusal::NotForUs));
    }
    // A series that is not public, one that was never scheduled, an evening that there is not.
    for occurrence in [birthday, first("nothing"), "chess@20260106T190000Z".parse().unwrap()] {
        let reply = asker.say(&owner, "b", MessageBody::Hold(wanted(&occurrence, 1))).await;
        assert_eq!(reply, PeerOutcome::Refused(Refusal::NotOnSale), "{occurrence}");
    }
    let no_holds = PeerCommand::Grant { grants: Grants::default() };
    assert_eq!(owner.change(&asker, no_holds).await, PeerCommandOutcome::Done);
    assert_eq!(asker.say(&owner, "c", ask()).await, not_allowed);
    assert_eq!(owner.store.scan("federation/asked", None, 10).await.unwrap().len(), before);
    assert_eq!(taken(&owner, &evening).await, (0, 0));
    let nobody = asker.fed.hold(&stranger.name, &hold("a"), wanted(&evening, 1)).await.unwrap();
    assert_eq!(nobody, RemoteAnswer::NotAllowed);
    assert_eq!(owner.office.stats().federation_messages_refused, 8);
}

#[tokio::test]
async fn a_peer_that_is_suspended_in_mid_hold_can_do_nothing_and_the_hold_lapses() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 2).await;
    assert_eq!(asker.ask(&owner, "a", &evening, 2).await.name(), "held");
    assert_eq!(owner.change(&asker, PeerCommand::Suspend).await, PeerCommandOutcome::Done);
    let refused = RemoteStage::Confirming { refused: Some(Refusal::NotAllowed) };
    assert_eq!(asker.confirm(&owner, "a").await, refused, "never shown as confirmed, and still open");
    assert_eq!(asker.say(&owner, "a", MessageBody::Release).await, PeerOutcome::Refused(Refusal::NotAllowed));
    assert_eq!(taken(&owner, &evening).await, (2, 0));
    owner.clock.advance(seconds(300));
    until(async || taken(&owner, &evening).await == (0, 0)).await;
    for name in ["ann", "eve"] {
        assert!(owner.office.book(&evening, &who(name)).await.unwrap().outcome.is_accepted());
    }
    assert_eq!(owner.change(&asker, PeerCommand::Allow).await, PeerCommandOutcome::Done);
    assert_eq!(known(asker.fed.settle(&owner.name, &hold("a")).await.unwrap()), RemoteStage::RefundDue);
    assert_eq!(owner.audited(&evening).await, 2);
}

#[tokio::test]
async fn a_part_of_a_split_series_is_found_by_the_name_that_its_feed_gives_it() {
    let net = MemoryNet::new();
    let (owner, asker, _) = pair(&net, 10).await;
    let (later, named) = split_in_two(&owner).await;
    assert_eq!(asker.ask(&owner, "a", &named, 3).await.name(), "held");
    assert_eq!(taken(&owner, &later).await, (3, 0));
}

#[tokio::test]
async fn seats_whose_hold_was_never_noted_count_for_as_long_as_the_ledger_has_them() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 100).await;
    let message = asker.message(&owner, "a", MessageBody::Hold(wanted(&evening, 8)));
    let grant = HoldGrant { seats_max: Seats::new(8), term_max: seconds(600) };
    // It was written down, and the owner ended. A second before it would have lapsed it was asked again; the seats were taken,
    // and the owner ended once more.
    let none = guest_holds(&*owner.store, &asker.name).await.unwrap();
    let GuestStep::Record(asked) = guest_step(None, &message, &grant, held_now(0), at(BEGIN)) else {
        panic!("it is new")
    };
    assert!(record_asked(&*owner.store, &message, None, &asked, Some((&none, &[]))).await.unwrap());
    owner.clock.advance(seconds(299));
    let GuestStep::Run(occurrence, command) =
        guest_step(Some(&asked), &message, &grant, Looked::default(), at(BEGIN + 299_000))
    else {
        panic!("it is in time")
    };
    let taken_now = owner.office.run_once(&occurrence, command, guest_key(&message).unwrap()).await.unwrap();
    assert_eq!(taken_now.outcome.name(), "held");
    owner.clock.advance(seconds(2));
    assert_eq!(taken(&owner, &evening).await, (8, 0));
    let more = MessageBody::Hold(wanted(&evening, 1));
    assert_eq!(asker.say(&owner, "b", more.clone()).await.name(), "too_many_held");
    owner.clock.advance(seconds(298));
    assert_eq!(asker.say(&owner, "c", more).await.name(), "held", "all have lapsed");
}

fn held_now(seats: u64) -> Looked {
    Looked { held: Some(seats), ..Looked::default() }
}

#[tokio::test]
async fn what_was_confirmed_stays_so_though_it_is_given_up_and_asked_for_again() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 10).await;
    let says = async |name, body| asker.say(&owner, name, body).await;
    assert_eq!(says("a", MessageBody::Hold(wanted(&evening, 2))).await, held(300));
    for _ in 0..2 {
        assert_eq!(says("a", MessageBody::Confirm).await, PeerOutcome::Confirmed);
        assert_eq!(says("a", MessageBody::Release).await, PeerOutcome::NotHeld);
    }
    // The owner confirmed, and ended before that was noted.
    assert_eq!(says("b", MessageBody::Hold(wanted(&evening, 1))).await, held(300));
    let confirm = asker.message(&owner, "b", MessageBody::Confirm);
    let asked = load_asked(&*owner.store, &asker.name, &hold("b")).await.unwrap();
    let grant = HoldGrant { seats_max: Seats::new(8), term_max: seconds(600) };
    let GuestStep::Run(occurrence, command) =
        guest_step(asked.as_ref(), &confirm, &grant, Looked::default(), at(BEGIN))
    else {
        panic!("it is held")
    };
    let taken_now = owner.office.run_once(&occurrence, command, guest_key(&confirm).unwrap()).await.unwrap();
    assert!(taken_now.outcome.is_accepted());
    for (body, outcome) in
        [(MessageBody::Release, PeerOutcome::NotHeld), (MessageBody::Confirm, PeerOutcome::Confirmed)]
    {
        assert_eq!(says("b", body).await, outcome);
    }
    assert_eq!(taken(&owner, &evening).await, (0, 3));
}

#[tokio::test]
async fn what_a_peer_has_begun_is_carried_through_though_it_hangs_up() {
    let net = MemoryNet::new();
    let (owner, asker, evening) = pair(&net, 100).await;
    let message = asker.message(&owner, "a", MessageBody::Hold(wanted(&evening, 8)));
    let hung_up = owner.fed.receive(&asker.name, &asker.key, message.clone()).now_or_never();
    assert!(hung_up.is_none(), "it takes longer than that");
    let next = asker.say(&owner, "b", MessageBody::Hold(wanted(&evening, 1))).await;
    assert_eq!(next.name(), "too_many_held");
    assert_eq!(taken(&owner, &evening).await, (8, 0));
    assert_eq!(asker.say(&owner, "a", message.body).await, held(300));
}

#[tokio::test]
async fn what_was_held_is_answered_as_it_was_though_its_series_is_no_longer_public() {
    let (net, is_public) = (MemoryNet::new(), Arc::new(AtomicBool::new(true)));
    let shown = Arc::clone(&is_public);
    let owner = System::on(&net, "club.example", 1, Arc::new(MemoryBackend::new()), |builder| {
        builder.public(move |_| shown.load(Ordering::SeqCst))
    });
    let asker = System::start(&net, "library.example", 2);
    let evening = owner.on_sale("chess", 10).await;
    let (later, named) = split_in_two(&owner).await;
    owner.allow(&asker, Grants::holding(8, seconds(600))).await;
    asker.allow(&owner, Grants::default()).await;
    net.lose_replies(&asker.name, &owner.name, 2);
    for (name, of) in [("a", &evening), ("b", &named)] {
        let lost = asker.fed.hold(&owner.name, &hold(name), wanted(of, 2)).await.unwrap();
        assert_eq!(lost.name(), "unknown");
    }
    is_public.store(false, Ordering::SeqCst);
    let until = at(BEGIN + 300_000);
    for name in ["a", "b"] {
        let settled = known(asker.fed.settle(&owner.name, &hold(name)).await.unwrap());
        assert_eq!(settled, RemoteStage::Held { until }, "{name}");
        assert_eq!(asker.release(&owner, name).await, RemoteStage::Released, "{name}");
    }
    let refused = |refusal| PeerOutcome::Refused(refusal);
    let ask = async |name: &str, of: &OccurrenceId| asker.say(&owner, name, MessageBody::Hold(wanted(of, 2))).await;
    assert_eq!(ask("c", &evening).await, refused(Refusal::NotOnSale), "what is new is not had");
    assert_eq!(ask("a", &named).await, refused(Refusal::IdReused), "another evening");
    assert_eq!((taken(&owner, &evening).await, taken(&owner, &later).await), ((0, 0), (0, 0)));
}

#[tokio::test]
async fn a_peer_that_is_suspended_while_its_message_waits_for_its_turn_gets_nothing() {
    let (net, store) = (MemoryNet::new(), crate::backends::MoodyBackend::new());
    let owner = System::on(&net, "club.example", 1, Arc::new(store.clone()), |builder| builder);
    let asker = System::start(&net, "library.example", 2);
    let evening = owner.on_sale("chess", 10).await;
    owner.allow(&asker, Grants::holding(8, seconds(600))).await;
    asker.allow(&owner, Grants::default()).await;
    // Nothing else is to be written: both feeds are published and had.
    assert!(owner.fed.sync_now(&asker.name).await.unwrap().is_current());
    assert!(asker.fed.sync_now(&owner.name).await.unwrap().is_current());
    store.close_gate();
    let before = store.commits();
    let ask = |name: &str| {
        let message = asker.message(&owner, name, MessageBody::Hold(wanted(&evening, 1)));
        let (fed, from, key) = (owner.fed.clone(), asker.name.clone(), asker.key);
        tokio::spawn(async move { fed.receive(&from, &key, message).await.unwrap().outcome })
    };
    let first = ask("a");
    until(async || store.commits() == before + 1).await;
    let second = ask("b");
    // There and back again: the second stands behind the first by now.
    let nothing = owner.fed.settle(&asker.name, &hold("nothing")).await.unwrap();
    assert_eq!(nothing, RemoteAnswer::NoSuchHold);
    // By another process on the same store.
    let (us, name, same_store) = (owner.name.clone(), asker.name.clone(), store.clone());
    let suspended = tokio::spawn(async move {
        let (mut book, why) = (PeerBook::new(), crate::federation::because());
        run_peer(&same_store, &mut book, &us, &name, &PeerCommand::Suspend, &why, at(BEGIN)).await.unwrap()
    });
    until(async || store.commits() == before + 2).await;
    store.let_pass(2);
    assert_eq!(suspended.await.unwrap(), PeerCommandOutcome::Done);
    store.let_pass(100);
    assert_eq!(first.await.unwrap().name(), "held");
    assert_eq!(second.await.unwrap(), PeerOutcome::Refused(Refusal::NotAllowed));
    assert_eq!(taken(&owner, &evening).await, (1, 0));
}

#[test]
fn an_owner_is_not_believed_that_seats_are_held_for_longer_than_was_asked() {
    let mut asked = RemoteHold::new(crate::federation::peer("a.example"), hold("a"), wanted(&first("chess"), 2));
    let outcome = PeerOutcome::Held { until_in: Duration::MAX };
    asked.evolve(&RemoteEvent::Answered { verb: Verb::Hold, outcome, sent_at: at(BEGIN) });
    assert_eq!(asked.stage, RemoteStage::Held { until: at(BEGIN + 300_000) });
}

#[test]
fn a_hold_whose_fate_the_owner_forgot_is_too_late_once_it_would_have_lapsed() {
    let evening = first("chess");
    let (from, to) = (crate::federation::peer("a.example"), crate::federation::peer("b.example"));
    let message = PeerMessage { from, to, hold: hold("a"), body: MessageBody::Hold(wanted(&evening, 2)) };
    let grant = HoldGrant { seats_max: Seats::new(4), term_max: seconds(60) };
    let step = |asked: Option<&Asked>, held, millis| {
        guest_step(asked, &message, &grant, Looked { held, ..Looked::default() }, at(millis))
    };
    assert_eq!(step(None, None, 0), GuestStep::Count);
    let GuestStep::Record(asked) = step(None, Some(2), 0) else { panic!("two and two are four") };
    assert!(matches!(step(Some(&asked), None, 59_999), GuestStep::Run(..)), "asked again in time, it is carried out");
    assert_eq!(step(Some(&asked), None, 60_000), GuestStep::Answer(PeerOutcome::Refused(Refusal::TooLate)));
    let GuestStep::Record(Asked::Hold(refused)) = step(None, Some(3), 0) else { panic!("written down all the same") };
    assert_eq!(refused.refused, Some(Refusal::TooManyHeld { max: Seats::new(4) }));
}

#[tokio::test]
async fn an_answer_that_leaves_is_stored_and_a_failed_store_answers_nothing() {
    let net = MemoryNet::new();
    let store = crate::backends::MoodyBackend::new();
    let owner = System::on(&net, "club.example", 1, Arc::new(store.clone()), |builder| builder);
    let asker = System::start(&net, "library.example", 2);
    let evening = owner.on_sale("chess", 10).await;
    owner.allow(&asker, Grants::holding(8, seconds(86_400))).await;
    let ask = async |message: &PeerMessage| owner.fed.receive(&asker.name, &asker.key, message.clone()).await;
    let mut all = 0;
    // However many commits fail, before they are written or after: asked again, it is one hold.
    for (seats, (lost, failed)) in (1..).zip([(0, 1), (1, 0), (2, 0), (3, 0), (2, 1)]) {
        let message = asker.message(
            &owner,
            &format!("o{seats}"),
            MessageBody::Hold(Wanted { term: seconds(36_000), ..wanted(&evening, 1) }),
        );
        store.lose_answers(lost);
        store.refuse(failed);
        let mut failures = 0;
        let reply = loop {
            match ask(&message).await {
                Ok(reply) => break reply,
                // The owner's supervisor goes by the clock.
                Err(BoxOfficeError::Failing { retry_after }) => owner.clock.advance(retry_after),
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
            failures += 1;
            assert!(failures < 10, "it must end");
        };
        all += failures;
        assert_eq!(reply.outcome.name(), "held");
        assert_eq!(taken(&owner, &evening).await, (seats, 0));
    }
    assert!(all > 0);
}

proptest! {
    #[test]
    fn messages_and_replies_are_read_back_and_nonsense_is_refused(
        name in "[A-Za-z0-9_-]{1,64}", holder in "[^\\p{C}]{1,24}", seats in 0_u32..9, term in 0_u64..1 << 50,
        bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..400,
    ) {
        let body = MessageBody::Hold(Wanted {
            occurrence: first("chess"), party: Party::of(seats), holder: Holder::new(holder).unwrap(),
            term: Duration::from_millis(term),
        });
        let (from, to) = (crate::federation::peer("a.example"), crate::federation::peer("b.example"));
        let message = PeerMessage { from, to, hold: hold(name), body };
        let json = message.to_json();
        prop_assert_eq!(PeerMessage::read(json.as_bytes()).unwrap(), message.clone());
        let reply = message.reply(PeerOutcome::Held { until_in: Duration::from_millis(term) });
        prop_assert_eq!(PeerReply::read(reply.to_json().as_bytes()).unwrap(), reply.clone());
        prop_assert!(reply.answers(&message));
        let other = PeerReply { verb: Verb::Confirm, ..reply };
        prop_assert!(!other.answers(&message));
        prop_assert!(PeerMessage::read(&json.as_bytes()[..cut.min(json.len() - 1)]).is_err());
        prop_assert!(PeerMessage::read(&bytes).is_err());
        prop_assert!(PeerReply::read(&bytes).is_err());
    }
}

#[test]
fn a_message_over_the_limit_is_not_read() {
    let long = vec![b' '; PeerMessage::BYTES_MAX + 1];
    assert!(PeerMessage::read(&long).unwrap_err().to_string().contains("over the limit"));
    let other = br#"{"boxoffice_message":2,"from":"a.example","to":"b.example","hold":"a","body":"confirm"}"#;
    assert_eq!(PeerMessage::read(other).unwrap_err().to_string(), "version 2 is not known here");
}
