//! Systems on loopback: each a box office, a federation, and a server for peers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::booking::{BookingOutcome, Party, Seats};
use boxoffice::calendar::{CalendarEvent, Frame, Length};
use boxoffice::federation::http::{HttpLink, LinkKey, PeerServer, ServeLimits, serve};
use boxoffice::federation::{
    Because, Federation, FederationBuilder, Grants, Holder, PeerCommand, PeerCommandOutcome, PeerKey, PeerName, Wanted,
};
use boxoffice::flows::RetryPolicy;
use boxoffice::http::HttpClient;
use boxoffice::id::{OccurrenceId, SeriesId};
use boxoffice::jiff::civil::date;
use boxoffice::jiff::tz::TimeZone;
use boxoffice::persist::MemoryBackend;
use boxoffice::schedule::AgendaOptions;
use boxoffice::time::{Timestamp, Window};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) fn name(text: &str) -> PeerName {
    PeerName::new(text).unwrap()
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// For loopback.
pub(crate) fn http() -> HttpClient {
    HttpClient::new().unwrap().allow_private(true).allow_plain(true)
}

pub(crate) struct System {
    pub(crate) office: BoxOffice,
    pub(crate) federation: Federation,
    pub(crate) name: PeerName,
    pub(crate) key: Arc<LinkKey>,
    pub(crate) at: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for System {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl System {
    pub(crate) async fn start(text: &str, secret: u8) -> Self {
        Self::tuned(text, secret, ServeLimits::default(), http(), |one| one).await
    }

    pub(crate) async fn tuned(
        text: &str,
        secret: u8,
        limits: ServeLimits,
        client: HttpClient,
        builder: impl FnOnce(FederationBuilder) -> FederationBuilder,
    ) -> Self {
        let (name, key) = (name(text), Arc::new(LinkKey::new([secret; 32])));
        let office = BoxOffice::builder().store(MemoryBackend::new()).start().unwrap();
        let link = HttpLink::new(name.clone(), Arc::clone(&key)).unwrap().with_http(client);
        let federation = Federation::builder(name.clone(), link).public(|_| true).retries(RetryPolicy::once());
        let federation = builder(federation).start(&office).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let answers = PeerServer::new(federation.clone(), Arc::clone(&key));
        let server = tokio::spawn(serve(listener, answers, limits, std::future::pending()));
        Self { office, federation, name, key, at, server }
    }

    pub(crate) async fn change(&self, peer: &PeerName, command: PeerCommand) {
        let because = Because::new("ann", "decided at the meeting").unwrap();
        let outcome = self.federation.change(peer, command, because).await.unwrap();
        assert!(matches!(outcome, PeerCommandOutcome::Done | PeerCommandOutcome::AsBefore), "{outcome:?}");
    }

    /// Makes a system known that is found there, and allows it.
    pub(crate) async fn allow(&self, peer: &PeerName, key: PeerKey, at: SocketAddr, grants: Grants) {
        let url = format!("http://{at}").parse().unwrap();
        self.change(peer, PeerCommand::Add { url, key }).await;
        self.change(peer, PeerCommand::Grant { grants }).await;
        self.change(peer, PeerCommand::Allow).await;
    }

    pub(crate) async fn knows(&self, other: &Self, grants: Grants) {
        self.allow(&other.name, other.key.public(), other.at, grants).await;
    }

    /// An evening on 2026-01-05, with so many seats.
    pub(crate) async fn evening(&self, series: &str, seats: u32) -> OccurrenceId {
        let monday = date(2026, 1, 5).at(19, 0, 0, 0);
        let event = CalendarEvent::new(SeriesId::new(series).unwrap(), series, monday, Frame::Utc, Length::ZERO);
        assert_eq!(self.office.schedule(event).await.unwrap().outcome, boxoffice::schedule::SeriesOutcome::Scheduled);
        let evening: OccurrenceId = format!("{series}@20260105T190000Z").parse().unwrap();
        let opened = self.office.open(&evening, Seats::new(seats)).await.unwrap();
        assert_eq!(opened.outcome, BookingOutcome::Opened);
        evening
    }

    /// What takes place that week, and where it comes from.
    pub(crate) async fn agenda(&self) -> Vec<(String, Option<PeerName>)> {
        let window = Window::new(at("2026-01-05T00:00:00Z"), at("2026-01-12T00:00:00Z"));
        let merged = self.federation.agenda(window, &TimeZone::UTC, AgendaOptions::default()).await.unwrap();
        assert_eq!(merged.gaps, []);
        let entries = merged.entries.iter();
        entries.map(|one| (one.entry.occurrence.summary().to_owned(), one.provenance.origin().cloned())).collect()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn wanted(occurrence: &OccurrenceId, seats: u32) -> Wanted {
    let holder = Holder::new("order").unwrap();
    Wanted { occurrence: occurrence.clone(), party: Party::of(seats), holder, term: Duration::from_secs(300) }
}
