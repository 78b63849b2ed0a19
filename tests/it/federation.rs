//! Whom to trust: every step decided, recorded, and kept. And what the other files about federation share.

use std::sync::Arc;
use std::time::Duration;

use boxoffice::booking::{Auditor, booking_stream, decode};
use boxoffice::calendar::{CalendarEvent, Frame, Length};
use boxoffice::clock::ManualClock;
use boxoffice::federation::{
    Because, Federation, FederationBuilder, Grants, MemoryNet, PeerBook, PeerChange, PeerCommand, PeerCommandOutcome,
    PeerKey, PeerName, Trust, run_peer,
};
use boxoffice::id::{OccurrenceId, SeriesId};
use boxoffice::jiff::ToSpan;
use boxoffice::jiff::civil::date;
use boxoffice::persist::{Backend, MemoryBackend, Seq};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, booking::Seats};

use crate::backends::at;

/// 2026-01-01T00:00:00Z, where the clocks of all systems begin.
pub(crate) const BEGIN: i64 = 1_767_225_600_000;

pub(crate) fn peer(name: &str) -> PeerName {
    PeerName::new(name).unwrap()
}

pub(crate) fn because() -> Because {
    Because::new("ann", "decided at the meeting").unwrap()
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One system: a box office and a federation in a store of their own, with a clock of their own.
pub(crate) struct System {
    pub(crate) office: BoxOffice,
    pub(crate) fed: Federation,
    pub(crate) store: Arc<dyn Backend>,
    pub(crate) clock: ManualClock,
    pub(crate) name: PeerName,
    pub(crate) key: PeerKey,
}

impl System {
    pub(crate) fn start(net: &MemoryNet, name: &str, key: u8) -> Self {
        Self::on(net, name, key, Arc::new(MemoryBackend::new()), |builder| builder)
    }

    /// Starts on a store; every series whose id does not begin with `private` is public.
    pub(crate) fn on(
        net: &MemoryNet,
        name: &str,
        key: u8,
        store: Arc<dyn Backend>,
        tune: impl FnOnce(FederationBuilder) -> FederationBuilder,
    ) -> Self {
        let (name, key, clock) = (peer(name), PeerKey::new([key; 32]), ManualClock::new(at(BEGIN)));
        let office = BoxOffice::builder().shared_store(Arc::clone(&store)).clock(clock.clone()).start().unwrap();
        let builder = Federation::builder(name.clone(), net.link(&name, key))
            .public(|series| !series.id().unwrap().as_str().starts_with("private"))
            .retries(boxoffice_core::flow::RetryPolicy::once());
        let fed = tune(builder).start(&office).unwrap();
        net.join(&fed);
        Self { office, fed, store, clock, name, key }
    }

    pub(crate) async fn change(&self, other: &System, command: PeerCommand) -> PeerCommandOutcome {
        self.fed.change(&other.name, command, because()).await.unwrap()
    }

    /// Makes `other` known and allows it, with these grants.
    pub(crate) async fn allow(&self, other: &System, grants: Grants) {
        let url = format!("https://{}/", other.name).parse().unwrap();
        for command in [PeerCommand::Add { url, key: other.key }, PeerCommand::Allow] {
            assert_eq!(self.change(other, command).await, PeerCommandOutcome::Done);
        }
        let granted = self.change(other, PeerCommand::Grant { grants }).await;
        assert!(matches!(granted, PeerCommandOutcome::Done | PeerCommandOutcome::AsBefore));
    }

    /// Schedules a weekly evening of two hours from 2026-01-05T19:00Z.
    pub(crate) async fn weekly(&self, name: &str, summary: &str) {
        let reply = self.office.schedule(weekly(name, summary)).await.unwrap();
        assert_eq!(reply.outcome, boxoffice::schedule::SeriesOutcome::Scheduled);
    }

    /// The same, with the first evening on sale.
    pub(crate) async fn on_sale(&self, name: &str, capacity: u32) -> OccurrenceId {
        self.weekly(name, name).await;
        let evening = first(name);
        assert!(self.office.open(&evening, Seats::new(capacity)).await.unwrap().outcome.is_accepted());
        evening
    }

    /// Checks every event of an occurrence; how many seats are confirmed.
    pub(crate) async fn audited(&self, occurrence: &OccurrenceId) -> u64 {
        let mut auditor = Auditor::new();
        let events = self.store.read(&booking_stream(occurrence), Seq::FIRST, 100_000).await.unwrap();
        for event in &events {
            auditor.check(event.seq, event.at, &decode(event).unwrap()).unwrap();
        }
        self.office.seats(occurrence).await.unwrap().confirmed
    }
}

pub(crate) fn weekly(name: &str, summary: &str) -> CalendarEvent {
    let (start, length) = (date(2026, 1, 5).at(19, 0, 0, 0), Length::exact(2.hours()).unwrap());
    CalendarEvent::new(SeriesId::new(name).unwrap(), summary, start, Frame::Utc, length)
        .repeating("FREQ=WEEKLY".parse().unwrap())
}

/// The first evening of what [`System::weekly`] schedules.
pub(crate) fn first(name: &str) -> OccurrenceId {
    format!("{name}@20260105T190000Z").parse().unwrap()
}

fn add(key: u8) -> PeerCommand {
    PeerCommand::Add { url: "https://library.example/".parse().unwrap(), key: PeerKey::new([key; 32]) }
}

/// A store in which the library was brought to that trust.
async fn brought_to(trust: Option<Trust>) -> (MemoryBackend, PeerBook) {
    let (store, mut book) = (MemoryBackend::new(), PeerBook::new());
    let commands = match trust {
        None => vec![],
        Some(Trust::Unknown) => vec![add(1)],
        Some(Trust::Invited) => vec![add(1), PeerCommand::Invite],
        Some(Trust::Allowed) => vec![add(1), PeerCommand::Allow],
        Some(Trust::Suspended) => vec![add(1), PeerCommand::Suspend],
    };
    for command in commands {
        let outcome = decided(&store, &mut book, "library.example", &command).await;
        assert_eq!(outcome, PeerCommandOutcome::Done);
    }
    (store, book)
}

async fn decided(store: &MemoryBackend, book: &mut PeerBook, name: &str, command: &PeerCommand) -> PeerCommandOutcome {
    run_peer(store, book, &peer("club.example"), &peer(name), command, &because(), Timestamp::EPOCH).await.unwrap()
}

#[tokio::test]
async fn every_step_of_trust_is_as_the_table_says() {
    use PeerCommandOutcome::{AlreadyAllowed, AlreadyKnown, AsBefore, Done, NotKnown};
    use Trust::{Allowed, Invited, Suspended, Unknown};
    let commands = [add(1), PeerCommand::Invite, PeerCommand::Allow, PeerCommand::Suspend, PeerCommand::Remove];
    let table = [
        (None, [Done, NotKnown, NotKnown, NotKnown, NotKnown], [Some(Unknown), None, None, None, None]),
        (
            Some(Unknown),
            [AlreadyKnown, Done, Done, Done, Done],
            [Some(Unknown), Some(Invited), Some(Allowed), Some(Suspended), None],
        ),
        (
            Some(Invited),
            [AlreadyKnown, AsBefore, Done, Done, Done],
            [Some(Invited), Some(Invited), Some(Allowed), Some(Suspended), None],
        ),
        (
            Some(Allowed),
            [AlreadyKnown, AlreadyAllowed, AsBefore, Done, Done],
            [Some(Allowed), Some(Allowed), Some(Allowed), Some(Suspended), None],
        ),
        (
            Some(Suspended),
            [AlreadyKnown, Done, Done, AsBefore, Done],
            [Some(Suspended), Some(Invited), Some(Allowed), Some(Suspended), None],
        ),
    ];
    for (before, outcomes, after) in table {
        for ((command, outcome), after) in commands.iter().zip(outcomes).zip(after) {
            let (store, mut book) = brought_to(before).await;
            let seq = book.seq();
            let found = decided(&store, &mut book, "library.example", command).await;
            let trust = book.get(&peer("library.example")).map(|peer| peer.trust);
            assert_eq!((&found, trust), (&outcome, after), "{command:?} when {before:?}");
            assert_eq!(book.seq() > seq, outcome == Done, "what is not done is not recorded");
            let mut read = PeerBook::new();
            read.catch_up(&store).await.unwrap();
            assert_eq!(read, book);
        }
    }
}

#[tokio::test]
async fn a_system_is_no_peer_of_itself_and_no_key_has_two_names() {
    let (store, mut book) = brought_to(Some(Trust::Allowed)).await;
    assert_eq!(decided(&store, &mut book, "club.example", &add(9)).await, PeerCommandOutcome::Ourselves);
    let taken = PeerCommandOutcome::KeyTaken { by: peer("library.example") };
    assert_eq!(decided(&store, &mut book, "theatre.example", &add(1)).await, taken);
    assert_eq!(decided(&store, &mut book, "theatre.example", &add(2)).await, PeerCommandOutcome::Done);
    let pin = PeerCommand::Pin { key: PeerKey::new([1; 32]) };
    assert_eq!(decided(&store, &mut book, "theatre.example", &pin).await, taken);
    assert_eq!(decided(&store, &mut book, "library.example", &pin).await, PeerCommandOutcome::AsBefore);
}

#[tokio::test]
async fn every_change_is_recorded_with_who_and_why_and_outlives_the_process() {
    let (net, store): (_, Arc<dyn Backend>) = (MemoryNet::new(), Arc::new(MemoryBackend::new()));
    let library = System::start(&net, "library.example", 2);
    let club = System::on(&net, "club.example", 1, Arc::clone(&store), |builder| builder);
    club.allow(&library, Grants::default()).await;
    club.clock.advance(seconds(60));
    let why = Because::new("bob", "they sold our seats\u{2014}twice").unwrap();
    let suspended = club.fed.change(&library.name, PeerCommand::Suspend, why.clone()).await.unwrap();
    assert_eq!(suspended, PeerCommandOutcome::Done);
    club.fed.shutdown().await;
    club.office.shutdown().await;

    let again = System::on(&net, "club.example", 1, store, |builder| builder);
    assert_eq!(again.fed.peer(&library.name).await.unwrap().unwrap().trust, Trust::Suspended);
    let history = again.fed.history(Some(&library.name)).await.unwrap();
    let (seq, when, last) = history.last().unwrap();
    assert_eq!((seq.get(), *when, &last.because), (3, at(BEGIN + 60_000), &why));
    assert_eq!(last.change, PeerChange::Trusted { trust: Trust::Suspended });
    assert_eq!(history[0].2.because, because());
    assert!(again.fed.history(Some(&peer("nobody.example"))).await.unwrap().is_empty());
}
