//! Agendas of many systems as one: what peers cost, and what a slow and a lying one cost the others.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use boxoffice::BoxOffice;
use boxoffice::calendar::{CalendarEvent, Feed, Frame, Length, write_icalendar};
use boxoffice::clock::{Clock as _, SystemClock};
use boxoffice::federation::{
    Because, ETag, Federation, FeedEnvelope, FeedLimits, FetchedFeed, LinkError, LinkFault, Peer, PeerCommand, PeerKey,
    PeerLink, PeerMessage, PeerName, PeerReply, Pulled,
};
use boxoffice::flows::RetryPolicy;
use boxoffice::id::SeriesId;
use boxoffice::jiff::civil::date;
use boxoffice::jiff::tz::TimeZone;
use boxoffice::jiff::{Span, ToSpan as _};
use boxoffice::persist::MemoryBackend;
use boxoffice::schedule::AgendaOptions;
use boxoffice::time::{Timestamp, Window};
use tokio::sync::watch;

use crate::Result;
use crate::load::{Measured, closed_loop};

/// Peers that are followed.
const PEERS: [usize; 3] = [1, 10, 100];
/// Entries of each, one after the other in 2026.
const ENTRIES: usize = 1_000;
/// Series of our own, one entry each.
const OWN: usize = 1_000;

/// What peers say, without a network.
#[derive(Debug)]
struct Said {
    feeds: BTreeMap<PeerName, Vec<u8>>,
    /// Nobody says anything before.
    begun: watch::Receiver<bool>,
}

#[async_trait]
impl PeerLink for Said {
    async fn pull(&self, peer: &Peer, have: Option<&ETag>, _: usize) -> std::result::Result<Pulled, LinkError> {
        let has_begun = self.begun.clone().wait_for(|begun| *begun).await.is_ok();
        // Whoever says nothing is waited for until the time is over.
        let Some(bytes) = self.feeds.get(&peer.name).filter(|_| has_begun) else { return std::future::pending().await };
        let etag = ETag::new("one").ok();
        let is_had = have.is_some() && have == etag.as_ref();
        Ok(if is_had { Pulled::NotModified } else { Pulled::Feed { bytes: bytes.clone(), etag } })
    }

    async fn send(&self, _: &Peer, _: &PeerMessage) -> std::result::Result<PeerReply, LinkError> {
        Err(LinkError::new(LinkFault::Unreachable, "nothing is sent here"))
    }
}

fn name(n: usize) -> Result<PeerName> {
    Ok(PeerName::new(format!("peer-{n}.example"))?)
}

fn entry(id: &str, n: usize) -> Result<CalendarEvent> {
    let start = date(2026, 1, 1).at(8, 0, 0, 0).checked_add(Span::new().minutes(i64::try_from(n % 8_000)? * 61))?;
    let length = Length::exact(1.hours())?;
    Ok(CalendarEvent::new(SeriesId::new(id)?, "An evening of chess, with tea", start, Frame::Utc, length))
}

/// What a peer publishes.
fn envelope(n: usize) -> Result<Vec<u8>> {
    let at = Timestamp::from_millis(1_767_225_600_000);
    let events: Vec<_> = (0..ENTRIES).map(|k| entry(&format!("p{n}-{k}"), k * 8 + n % 8)).collect::<Result<_>>()?;
    let calendar = write_icalendar(&Feed::new("-//boxoffice//benches//EN", at), &events);
    Ok(FeedEnvelope { origin: name(n)?, seq: 1, at, calendar }.to_json().into_bytes())
}

/// A system that follows `count` peers that are well, and with `ill` two more: one says nothing, one lies. They are asked every
/// second.
async fn system(
    count: usize,
    feeds: &BTreeMap<PeerName, Vec<u8>>,
    ill: bool,
) -> Result<(BoxOffice, Federation, watch::Sender<bool>)> {
    let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    for n in 0..OWN {
        let _reply = office.schedule(entry(&format!("own-{n}"), n * 8)?).await?;
    }
    let (slow, liar) = (PeerName::new("slow.example")?, PeerName::new("liar.example")?);
    let mut said = feeds.clone();
    // Another's feed.
    said.extend(feeds.values().next().map(|lie| (liar.clone(), lie.clone())));
    let mut names: Vec<_> = (0..count).map(name).collect::<Result<_>>()?;
    if ill {
        names.extend([slow, liar]);
    }
    let (begin, begun) = watch::channel(false);
    let federation = Federation::builder(PeerName::new("ours.example")?, Said { feeds: said, begun })
        .every(Duration::from_secs(1))
        .time_limit(Duration::from_secs(2))
        .back_off(RetryPolicy::growing(Duration::from_secs(1), Duration::from_secs(1))?)
        .start(&office)?;
    for (n, peer) in (1_u8..).zip(&names) {
        let (url, key) = (format!("https://{peer}/").parse()?, PeerKey::new([n; 32]));
        for command in [PeerCommand::Add { url, key }, PeerCommand::Allow] {
            let _outcome = federation.change(peer, command, Because::new("bench", "measured")?).await?;
        }
    }
    Ok((office, federation, begin))
}

/// How long it takes until all feeds are had, beside reading the same bytes and nothing else.
async fn fetched(
    count: usize,
    federation: &Federation,
    begin: &watch::Sender<bool>,
    feeds: &BTreeMap<PeerName, Vec<u8>>,
) -> Result<(Duration, Duration)> {
    let begun = Instant::now();
    begin.send_replace(true);
    let had = (0..count).map(|n| async move { Result::Ok(federation.sync_now(&name(n)?).await?) });
    for outcome in futures_util::future::try_join_all(had).await? {
        if !outcome.is_current() {
            return Err(format!("{outcome:?}").into());
        }
    }
    let ours = begun.elapsed();
    let begun = Instant::now();
    for n in 0..count {
        let peer = name(n)?;
        let bytes = feeds.get(&peer).ok_or("no feed")?;
        let feed = FetchedFeed::read(bytes, &peer, SystemClock.now(), &FeedLimits::default())?;
        assert_eq!(feed.events.len(), ENTRIES);
    }
    Ok((ours, begun.elapsed()))
}

fn fortnight() -> Result<Window> {
    Ok(Window::new("2026-03-01T00:00Z".parse()?, "2026-03-15T00:00Z".parse()?))
}

/// Agendas of two weeks, one caller: our own, and the merged one with how many entries it has.
async fn agendas(office: &BoxOffice, federation: &Federation) -> Result<(Measured, Measured, usize)> {
    let (window, own) = (fortnight()?, office.clone());
    let local = closed_loop(1, move |_, _| {
        let own = own.clone();
        async move {
            let _agenda = own.agenda(window, &TimeZone::UTC, AgendaOptions::default()).await?;
            Ok(())
        }
    });
    let local = local.await?;
    let entries = federation.agenda(window, &TimeZone::UTC, AgendaOptions::default()).await?.entries.len();
    let asked = federation.clone();
    let merged = closed_loop(1, move |_, _| {
        let asked = asked.clone();
        async move {
            let _agenda = asked.agenda(window, &TimeZone::UTC, AgendaOptions::default()).await?;
            Ok(())
        }
    });
    Ok((local, merged.await?, entries))
}

pub async fn federation() -> Result<()> {
    let most = PEERS.iter().copied().max().unwrap_or_default();
    let feeds = (0..most).map(|n| Ok((name(n)?, envelope(n)?))).collect::<Result<BTreeMap<_, _>>>()?;
    println!("\npeers of {ENTRIES} entries each, beside {OWN} series of our own; agendas of two weeks, one caller");
    println!("| peers | all fetched | of reading alone | own agenda p50 | p99 | merged, entries | p50 | p99 |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for count in PEERS {
        for ill in [false, true] {
            let (office, federation, begin) = system(count, &feeds, ill).await?;
            let (ours, alone) = fetched(count, &federation, &begin, &feeds).await?;
            let (local, merged, entries) = agendas(&office, &federation).await?;
            let more = if ill { ", a slow and a lying one" } else { "" };
            let micros = |measured: &Measured, part| measured.quantile(part).as_micros();
            println!(
                "| {count}{more} | {} ms | {:.1} | {} us | {} us | {entries} | {} us | {} us |",
                ours.as_millis(),
                ours.as_secs_f64() / alone.as_secs_f64().max(1e-9),
                micros(&local, 0.5),
                micros(&local, 0.99),
                micros(&merged, 0.5),
                micros(&merged, 0.99),
            );
            federation.shutdown().await;
            office.shutdown().await;
        }
    }
    Ok(())
}
