//! What systems publish and what others make of it: taken whole or not at all, merged by the rules, waited for by nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use boxoffice::calendar::{
    CalendarEvent, Component, Feed, Property, Select, escape_text, merge, read_icalendar, write_icalendar,
};
use boxoffice::federation::{
    Because, FeedAnswer, FeedEnvelope, FeedLimits, FeedRefusal, FetchedFeed, Grants, MemoryNet, MergeGap, MergeOptions,
    MergedAgenda, PeerBook, PeerChange, PeerCommand, PeerCommandOutcome, PeerEvent, PeerFeed, PeerKey, PeerName,
    Provenance, Pulled, SyncOutcome, Trust, merge_feeds, merged_calendar,
};
use boxoffice::id::SeriesId;
use boxoffice::jiff::tz::TimeZone;
use boxoffice::persist::{Backend, MemoryBackend, Seq};
use boxoffice::schedule::{Agenda, AgendaEntry, AgendaOptions};
use boxoffice::time::{Timestamp, Window};
use proptest::prelude::*;

use crate::backends::{at, until};
use crate::federation::{BEGIN, System, because, peer, seconds, weekly};

/// Two weeks from 2026-01-05.
fn fortnight() -> Window {
    Window::new("2026-01-05T00:00Z".parse().unwrap(), "2026-01-19T00:00Z".parse().unwrap())
}

impl System {
    async fn merged(&self) -> MergedAgenda {
        self.fed.agenda(fortnight(), &TimeZone::UTC, AgendaOptions::default()).await.unwrap()
    }

    /// What the agenda shows, in short: origin, id, whether it is stale.
    async fn shown(&self) -> Vec<(String, String, bool)> {
        shown(&self.merged().await)
    }
}

fn shown(agenda: &MergedAgenda) -> Vec<(String, String, bool)> {
    let line = |entry: &boxoffice::federation::MergedEntry| {
        let (origin, stale) = match &entry.provenance {
            Provenance::Local => (String::new(), false),
            Provenance::Peer { origin, stale, .. } => (origin.to_string(), *stale),
        };
        (origin, entry.entry.occurrence.id().to_string(), stale)
    };
    agenda.entries.iter().map(line).collect()
}

fn line(origin: &str, id: &str, stale: bool) -> (String, String, bool) {
    (origin.to_owned(), id.to_owned(), stale)
}

async fn two(net: &MemoryNet) -> (System, System) {
    let (club, library) = (System::start(net, "club.example", 1), System::start(net, "library.example", 2));
    library.weekly("tea", "Tea, and cake").await;
    library.weekly("private-club", "Nobody's business").await;
    club.allow(&library, Grants::default()).await;
    library.allow(&club, Grants::default()).await;
    (club, library)
}

#[tokio::test]
async fn a_peers_public_series_stand_in_the_agenda_with_where_they_come_from() {
    let net = MemoryNet::new();
    let (club, library) = two(&net).await;
    club.weekly("chess", "Chess").await;
    assert!(club.fed.sync_now(&library.name).await.unwrap().is_current(), "it may have been fetched by itself already");
    assert_eq!(club.fed.sync_now(&library.name).await.unwrap(), SyncOutcome::Unchanged);
    let expected = |stale| {
        let entry = |origin: &str, series, day| {
            line(origin, &format!("{series}@202601{day}T190000Z"), stale && !origin.is_empty())
        };
        vec![
            entry("", "chess", "05"),
            entry("library.example", "tea", "05"),
            entry("", "chess", "12"),
            entry("library.example", "tea", "12"),
        ]
    };
    assert_eq!(club.shown().await, expected(false));
    assert_eq!(club.merged().await.entries[1].entry.occurrence.summary(), "Tea, and cake");

    // A day later and a millisecond, while nothing gets through, it is shown as stale.
    net.cut(&club.name, &library.name, true);
    club.clock.advance(seconds(86_400));
    assert_eq!(club.shown().await, expected(false));
    club.clock.advance(Duration::from_millis(1));
    assert_eq!(club.shown().await, expected(true));
    let failed = club.fed.sync_now(&library.name).await.unwrap();
    assert_eq!(failed.name(), "unreachable");
    let standing = club.fed.standing().await.unwrap().remove(0);
    assert_eq!((standing.seq, standing.events, standing.stale), (Some(1), 1, true));
    assert!(standing.failures > 0);
    assert_eq!(standing.trouble.unwrap().name, "unreachable");

    net.cut(&club.name, &library.name, false);
    assert_eq!(club.fed.sync_now(&library.name).await.unwrap(), SyncOutcome::Unchanged);
    assert_eq!(club.shown().await, expected(false));
    library.weekly("go", "Go").await;
    assert_eq!(club.fed.sync_now(&library.name).await.unwrap(), SyncOutcome::Fetched { seq: 2, events: 2 });
}

#[tokio::test]
async fn our_feed_has_the_same_bytes_until_it_says_something_else() {
    let net = MemoryNet::new();
    let (club, library) = two(&net).await;
    let FeedAnswer::Feed(first) = library.fed.feed(None).await.unwrap() else { panic!("it may be read") };
    library.clock.advance(seconds(60));
    library.weekly("private-other", "Not public either").await;
    assert_eq!(library.fed.feed(Some(&first.etag)).await.unwrap(), FeedAnswer::NotModified(first.etag.clone()));
    assert_eq!(library.fed.feed(None).await.unwrap(), FeedAnswer::Feed(Arc::clone(&first)));
    assert!(first.calendar.contains("SUMMARY:Tea\\, and cake\r\n"), "{}", first.calendar);
    assert!(!first.calendar.contains("Nobody"));
    library.weekly("go", "Go").await;
    let FeedAnswer::Feed(second) = library.fed.feed(Some(&first.etag)).await.unwrap() else { panic!("it is another") };
    assert_eq!((first.seq, second.seq, second.at), (1, 2, at(BEGIN + 60_000)));
    assert_ne!(first.etag, second.etag);

    // For peers: those who may read it, with the key that is pinned.
    let asked = async |key| library.fed.feed_for(&club.name, &PeerKey::new([key; 32]), None).await.unwrap();
    assert!(matches!(asked(1).await, FeedAnswer::Feed(_)));
    assert_eq!(asked(9).await, FeedAnswer::NotAllowed);
    let grants = Grants { feed: false, ..Grants::default() };
    assert_eq!(library.change(&club, PeerCommand::Grant { grants }).await, PeerCommandOutcome::Done);
    assert_eq!(asked(1).await, FeedAnswer::NotAllowed);
}

fn ical(events: &str) -> String {
    format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n")
}

fn vevent(uid: &str, more: &str) -> String {
    format!("BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTART:20260106T190000Z\r\n{more}END:VEVENT\r\n")
}

fn envelope(seq: u64, calendar: &str) -> FeedEnvelope {
    FeedEnvelope { origin: peer("library.example"), seq, at: at(BEGIN), calendar: calendar.to_owned() }
}

fn pulled(bytes: impl Into<Vec<u8>>) -> Pulled {
    Pulled::Feed { bytes: bytes.into(), etag: None }
}

#[tokio::test]
async fn a_feed_that_is_not_in_order_is_refused_and_what_was_had_stays() {
    let net = MemoryNet::new();
    let club = System::on(&net, "club.example", 1, Arc::new(MemoryBackend::new()), |builder| {
        builder.feed_limits(FeedLimits { bytes_max: 4_000, events_max: 3, ..FeedLimits::default() })
    });
    let library = System::start(&net, "library.example", 2);
    let good = envelope(7, &ical(&vevent("tea", "SUMMARY:Tea\r\n")));
    net.lie(&library.name, Some(pulled(good.to_json())));
    club.allow(&library, Grants::default()).await;
    assert!(club.fed.sync_now(&library.name).await.unwrap().is_current());
    let before = club.merged().await;
    assert_eq!(before.entries.len(), 1);
    let not_had = || club.office.stats().federation_feeds_refused + club.office.stats().federation_pulls_failed;
    let not_had_before = not_had();

    let other = |change: fn(FeedEnvelope) -> FeedEnvelope| change(envelope(8, &ical(&vevent("tea", "")))).to_json();
    let four: String = (0..4).map(|n| vevent(&format!("e{n}"), "")).collect();
    let two = [
        vevent("a", "X-BOXOFFICE-ORIGIN:x.example\r\nX-BOXOFFICE-UID:u\r\n"),
        vevent("b", "X-BOXOFFICE-ORIGIN:x.example\r\nX-BOXOFFICE-UID:u\r\n"),
    ]
    .concat();
    let broken = ical(&vevent("tea", "").replace("20260106", "20261306"));
    let cases: Vec<(String, &str)> = vec![
        (other(|feed| FeedEnvelope { origin: peer("theatre.example"), ..feed }), "wrong_origin"),
        (other(|feed| FeedEnvelope { seq: 6, ..feed }), "replayed"),
        (other(|feed| FeedEnvelope { seq: 7, ..feed }), "forked"),
        (other(|feed| FeedEnvelope { at: at(BEGIN + 300_001), ..feed }), "from_the_future"),
        (other(|feed| feed).replace("boxoffice_feed\":1", "boxoffice_feed\":2"), "version"),
        (envelope(8, &ical(&four)).to_json(), "too_many_events"),
        (envelope(8, &ical(&two)).to_json(), "malformed"),
        (envelope(8, &broken).to_json(), "malformed"),
        (envelope(8, "once upon a time").to_json(), "malformed"),
        (envelope(8, &ical(&vevent("tea", "X-BOXOFFICE-ORIGIN:Not A Name\r\n"))).to_json(), "malformed"),
        (envelope(8, &ical(&vevent("tea", ""))).to_json().replace("\"seq\"", "\"sequence\""), "malformed"),
        ("{".to_owned(), "malformed"),
        (String::new(), "malformed"),
        (envelope(8, &ical(&vevent("tea", &format!("DESCRIPTION:{}\r\n", "x".repeat(4_000))))).to_json(), "too_large"),
    ];
    let count = cases.len() as u64;
    for (lie, name) in cases {
        net.lie(&library.name, Some(pulled(lie.clone())));
        let outcome = club.fed.sync_now(&library.name).await.unwrap();
        assert_eq!(outcome.name(), name, "{lie:.200}: {outcome:?}");
        assert_eq!(club.merged().await, before, "{name}");
    }
    let standing = club.fed.standing().await.unwrap().remove(0);
    assert_eq!((u64::from(standing.failures), standing.seq), (count, Some(7)));
    // One that is in order is taken, and is the end of it. The clock may be ahead by five minutes.
    let next = FeedEnvelope { at: at(BEGIN + 300_000), ..envelope(8, &ical("")) };
    net.lie(&library.name, Some(pulled(next.to_json())));
    assert_eq!(club.fed.sync_now(&library.name).await.unwrap(), SyncOutcome::Fetched { seq: 8, events: 0 });
    assert!(club.merged().await.entries.is_empty());
    assert_eq!(club.fed.standing().await.unwrap()[0].failures, 0);
    assert_eq!(not_had() - not_had_before, count);
}

#[tokio::test]
async fn what_was_fetched_outlives_the_process_and_so_does_its_number() {
    let (net, store): (_, Arc<dyn Backend>) = (MemoryNet::new(), Arc::new(MemoryBackend::new()));
    let library = System::start(&net, "library.example", 2);
    let club = System::on(&net, "club.example", 1, Arc::clone(&store), |builder| builder);
    // More than one value of the store takes.
    let events: String = (0..200).map(|n| vevent(&format!("e{n}"), "SUMMARY:\u{201c}Tea\u{201d}\r\n")).collect();
    net.lie(&library.name, Some(pulled(envelope(7, &ical(&events)).to_json())));
    club.allow(&library, Grants::default()).await;
    // It may have been fetched by itself already.
    assert!(club.fed.sync_now(&library.name).await.unwrap().is_current());
    assert_eq!(club.fed.standing().await.unwrap()[0].events, 200);
    let before = club.merged().await;
    club.fed.shutdown().await;
    club.office.shutdown().await;

    net.cut(&peer("club.example"), &library.name, true);
    let again = System::on(&net, "club.example", 1, store, |builder| builder);
    assert_eq!(again.merged().await, before, "while nothing gets through");
    net.cut(&again.name, &library.name, false);
    net.lie(&library.name, Some(pulled(envelope(6, &ical("")).to_json())));
    let replayed = SyncOutcome::Refused(FeedRefusal::Replayed { found: 6, had: 7 });
    assert_eq!(again.fed.sync_now(&library.name).await.unwrap(), replayed);

    // Another key is another publisher: what was had counts no longer, and its numbers begin anew.
    let other = PeerKey::new([5; 32]);
    assert_eq!(again.change(&library, PeerCommand::Pin { key: other }).await, PeerCommandOutcome::Done);
    assert!(again.merged().await.entries.is_empty());
    assert_eq!(again.fed.sync_now(&library.name).await.unwrap().name(), "bad_signature");
    net.lie(&library.name, Some(pulled(envelope(1, &ical(&vevent("tea", ""))).to_json())));
    let _link = net.link(&library.name, other);
    assert_eq!(again.fed.sync_now(&library.name).await.unwrap(), SyncOutcome::Fetched { seq: 1, events: 1 });
}

#[tokio::test]
async fn a_slow_peer_delays_nobody_and_is_given_up_in_time() {
    let net = MemoryNet::new();
    let club = System::on(&net, "club.example", 1, Arc::new(MemoryBackend::new()), |builder| builder.at_once(2));
    let (slow, quick) = (System::start(&net, "a-slow.example", 2), System::start(&net, "quick.example", 3));
    quick.weekly("tea", "Tea").await;
    quick.allow(&club, Grants::default()).await;
    slow.weekly("golf", "Golf").await;
    slow.allow(&club, Grants::default()).await;
    net.stall(&club.name, &slow.name, true);
    club.allow(&slow, Grants::default()).await;
    club.allow(&quick, Grants::default()).await;
    club.weekly("chess", "Chess").await;
    // All others go on, and no clock has moved.
    assert!(club.fed.sync_now(&quick.name).await.unwrap().is_current());
    assert_eq!(club.shown().await.len(), 4);
    let of_slow = async || club.fed.standing().await.unwrap().remove(0);
    assert_eq!(of_slow().await.failures, 0, "it still has time");
    club.clock.advance(seconds(10));
    until(async || of_slow().await.failures == 1).await;
    assert_eq!(of_slow().await.trouble.unwrap().name, "timed_out");
    // It is left alone for a while: then asked again by itself, and had.
    net.stall(&club.name, &slow.name, false);
    assert!(club.fed.sync_now(&quick.name).await.unwrap().is_current());
    assert_eq!(club.shown().await.len(), 4);
    let pulls = club.office.stats().federation_pulls;
    club.clock.advance(seconds(14));
    assert!(club.fed.sync_now(&quick.name).await.unwrap().is_current());
    assert_eq!(club.office.stats().federation_pulls, pulls + 1, "not due yet");
    club.clock.advance(seconds(16));
    until(async || club.shown().await.len() == 6).await;
}

#[tokio::test]
async fn only_who_is_allowed_is_shown() {
    let net = MemoryNet::new();
    let (club, library) = two(&net).await;
    assert!(club.fed.sync_now(&library.name).await.unwrap().is_current());
    assert_eq!(club.shown().await.len(), 2);
    assert_eq!(club.change(&library, PeerCommand::Suspend).await, PeerCommandOutcome::Done);
    assert!(club.shown().await.is_empty());
    assert_eq!(club.fed.sync_now(&library.name).await.unwrap(), SyncOutcome::NotFollowed);
    assert!(club.fed.standing().await.unwrap().is_empty());
    assert_eq!(club.change(&library, PeerCommand::Invite).await, PeerCommandOutcome::Done);
    assert!(club.fed.sync_now(&library.name).await.unwrap().is_current());
    assert!(club.shown().await.is_empty(), "it can be looked at, and is not shown");
    assert_eq!(club.fed.standing().await.unwrap()[0].events, 1);
    assert_eq!(club.change(&library, PeerCommand::Allow).await, PeerCommandOutcome::Done);
    assert_eq!(club.shown().await.len(), 2);
    assert_eq!(club.change(&library, PeerCommand::Remove).await, PeerCommandOutcome::Done);
    assert!(club.shown().await.is_empty());
    assert_eq!(club.fed.sync_now(&peer("nobody.example")).await.unwrap(), SyncOutcome::NotFollowed);
}

/// A book in which these peers are allowed, or whatever is said.
fn book(peers: &[(&str, Trust, bool)]) -> PeerBook {
    let (mut book, mut seq) = (PeerBook::new(), Seq::UNWRITTEN);
    for (place, (name, trust, relay)) in (1_u8..).zip(peers) {
        let (url, key) = ("https://p.example/".parse().unwrap(), PeerKey::new([place; 32]));
        let grants = Grants { relay: *relay, ..Grants::default() };
        for change in
            [PeerChange::Added { url, key }, PeerChange::Trusted { trust: *trust }, PeerChange::Granted { grants }]
        {
            seq = seq.next();
            let because: Because = because();
            book.evolve(seq, at(BEGIN), &PeerEvent { peer: peer(name), because, change });
        }
    }
    book
}

fn fed(name: &str, calendar: &str) -> PeerFeed {
    let envelope = FeedEnvelope { origin: peer(name), seq: 1, at: at(BEGIN), calendar: calendar.to_owned() };
    let json = envelope.to_json();
    let feed = FetchedFeed::read(json.as_bytes(), &peer(name), at(BEGIN), &FeedLimits::default()).unwrap();
    PeerFeed { feed: Arc::new(feed), fetched_at: at(BEGIN) }
}

fn local(events: &[CalendarEvent]) -> Agenda {
    let utc = TimeZone::UTC;
    let found = merge(events, fortnight(), &utc, Select::Overlapping).map(Result::unwrap);
    let entries =
        found.map(|occurrence| AgendaEntry { window: occurrence.window(&TimeZone::UTC), occurrence, capacity: None });
    Agenda { entries: entries.collect(), truncated: Vec::new() }
}

fn merged(own: &[CalendarEvent], book: &PeerBook, feeds: &[PeerFeed], options: &MergeOptions) -> MergedAgenda {
    let us = peer("club.example");
    merge_feeds(local(own), &us, book, feeds, fortnight(), &TimeZone::UTC, at(BEGIN), options)
}

#[test]
fn a_feed_that_takes_too_many_steps_is_cut_and_takes_none_from_others() {
    let bomb = "RRULE:FREQ=SECONDLY\r\n";
    let bombs = ical(&(0..50).map(|n| vevent(&format!("b{n}"), bomb)).collect::<String>());
    let never = ical(&vevent("n", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30\r\n"));
    let book = book(&[
        ("b.example", Trust::Allowed, false),
        ("n.example", Trust::Allowed, false),
        ("t.example", Trust::Allowed, false),
    ]);
    let feeds = [fed("b.example", &bombs), fed("n.example", &never), fed("t.example", &ical(&vevent("tea", "")))];
    let options = MergeOptions { steps_max: 2_000, entries_max: 100, ..MergeOptions::default() };
    let found = merged(&[weekly("chess", "Chess")], &book, &feeds, &options);
    let of = |origin: Option<&str>| {
        found.entries.iter().filter(|entry| entry.provenance.origin().map(PeerName::as_str) == origin).count()
    };
    assert_eq!((of(None), of(Some("t.example"))), (2, 1));
    assert_eq!(of(Some("b.example")), 100);
    let gaps: Vec<_> = found
        .gaps
        .iter()
        .map(|gap| match gap {
            MergeGap::TooManySteps { via, .. } => (via.as_str(), "steps"),
            MergeGap::TooManyEntries { via, .. } => (via.as_str(), "entries"),
            _ => ("", "local"),
        })
        .collect();
    assert_eq!(gaps, [("b.example", "steps"), ("b.example", "entries")]);
}

#[test]
fn however_few_entries_a_peer_may_have_they_are_the_first() {
    let twice = ["a", "b", "c"].map(|uid| vevent(uid, "RRULE:FREQ=HOURLY;INTERVAL=5\r\n"));
    let book = book(&[("p.example", Trust::Allowed, false)]);
    let feeds = [fed("p.example", &ical(&twice.concat()))];
    let all = merged(&[], &book, &feeds, &MergeOptions::default());
    assert_eq!((all.entries.len(), all.gaps.len()), (3 * 59, 0));
    for entries_max in (0..20).chain([100, 176]) {
        let found = merged(&[], &book, &feeds, &MergeOptions { entries_max, ..MergeOptions::default() });
        assert_eq!(found.entries, all.entries[..entries_max]);
        let (via, from) = (peer("p.example"), all.entries[entries_max].entry.window.start);
        assert_eq!(found.gaps, [MergeGap::TooManyEntries { via, from }]);
    }
}

#[tokio::test]
async fn a_changed_feed_is_built_once_however_many_ask_for_it() {
    let (net, store) = (MemoryNet::new(), crate::backends::MoodyBackend::new());
    let library = System::on(&net, "library.example", 2, Arc::new(store.clone()), |builder| builder);
    library.weekly("tea", "Tea").await;
    store.close_gate();
    let before = store.commits();
    let asked: Vec<_> = (0..4)
        .map(|_| {
            let fed = library.fed.clone();
            tokio::spawn(async move { fed.feed(None).await.unwrap() })
        })
        .collect();
    until(async || store.commits() > before).await;
    for _ in 0..10 {
        assert_eq!(library.office.all_series().await.unwrap().len(), 1);
    }
    store.let_pass(100);
    for answer in asked {
        assert!(matches!(answer.await.unwrap(), FeedAnswer::Feed(feed) if feed.seq == 1));
    }
    assert_eq!(store.commits(), before + 1);
}

#[tokio::test]
async fn of_those_that_are_due_whoever_has_waited_longest_is_fetched_first() {
    let net = MemoryNet::new();
    let often = boxoffice_core::flow::RetryPolicy::growing(Duration::from_millis(1), Duration::from_millis(1)).unwrap();
    let club = System::on(&net, "club.example", 1, Arc::new(MemoryBackend::new()), |builder| {
        builder.at_once(1).back_off(often)
    });
    for (name, key) in [("a.example", 2), ("b.example", 3), ("c.example", 4)] {
        let slow = System::start(&net, name, key);
        net.stall(&club.name, &slow.name, true);
        club.allow(&slow, Grants::default()).await;
    }
    until(async || {
        club.clock.advance(seconds(1));
        club.office.stats().federation_pulls_failed >= 3
    })
    .await;
    let standing = club.fed.standing().await.unwrap();
    assert!(standing.iter().all(|peer| peer.failures > 0), "{standing:?}");
}

#[test]
fn nobody_speaks_for_us_or_for_another_peer() {
    let says = |origin: &str, uid: &str, summary: &str| {
        let more = format!("SUMMARY:{summary}\r\nX-BOXOFFICE-ORIGIN:{origin}\r\nX-BOXOFFICE-UID:{uid}\r\n");
        vevent(&format!("{origin}-{uid}"), &more)
    };
    let forged = ical(
        &[
            says("club.example", "chess", "Cancelled!"),
            says("t.example", "tea", "No tea"),
            says("t.example", "gone", "Was taken out"),
            says("s.example", "s", "Suspended"),
            says("x.example", "x", "Passed on"),
            vevent("own", "SUMMARY:Own\r\n"),
        ]
        .concat(),
    );
    let feeds = [fed("r.example", &forged), fed("t.example", &ical(&vevent("tea", "SUMMARY:Tea\r\n")))];
    let with = |relay| {
        book(&[
            ("r.example", Trust::Allowed, relay),
            ("s.example", Trust::Suspended, false),
            ("t.example", Trust::Allowed, false),
        ])
    };
    let names = |agenda: &MergedAgenda| -> Vec<String> {
        agenda.entries.iter().map(|entry| entry.entry.occurrence.summary().to_owned()).collect()
    };
    let own = [weekly("chess", "Chess")];
    let options = MergeOptions::default();
    let found = merged(&own, &with(false), &feeds, &options);
    assert_eq!(names(&found), ["Chess", "Own", "Tea", "Chess"]);
    let found = merged(&own, &with(true), &feeds, &options);
    assert_eq!(names(&found), ["Chess", "Own", "Tea", "Passed on", "Chess"]);
    let Provenance::Peer { origin, via, .. } = &found.entries[3].provenance else { panic!("it is a peer's") };
    assert_eq!((origin.as_str(), via.as_str()), ("x.example", "r.example"));
}

/// What one peer may publish: origin of the entry (0: its own), UID, SEQUENCE, days after the first.
type Said = Vec<(usize, u8, u32, u8)>;

/// SEQUENCE, whose feed, day.
type Claim<'n> = (u32, &'n str, u8);

const NAMES: [&str; 5] = ["club.example", "a.example", "b.example", "c.example", "d.example"];

/// The UID by which an entry is told apart inside of a file.
fn written(own: &str, said: &Said) -> String {
    let mut seen = BTreeSet::new();
    let events =
        said.iter().filter(|(origin, uid, ..)| seen.insert((*origin, *uid))).map(|(origin, uid, sequence, day)| {
            let relayed = match origin {
                0 => String::new(),
                place => format!("X-BOXOFFICE-ORIGIN:{}\r\nX-BOXOFFICE-UID:u{uid}\r\n", NAMES[place - 1]),
            };
            let name = if *origin == 0 { format!("u{uid}") } else { format!("{origin}-u{uid}") };
            let more = format!("SUMMARY:{own}\r\nSEQUENCE:{sequence}\r\nDURATION:PT1H\r\n{relayed}");
            vevent(&name, &more).replace("20260106", &format!("202601{:02}", 5 + day))
        });
    ical(&events.collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Against a second reading of the rules: every entry that anybody says is looked at by itself, and shown or not.
    #[test]
    fn the_merged_agenda_is_the_union_that_the_rules_allow(
        said in proptest::collection::vec(proptest::collection::vec((0_usize..6, 0_u8..3, 0_u32..3, 0_u8..18), 0..8), 4),
        trust in proptest::collection::vec((0_usize..4, any::<bool>()), 4),
        had in proptest::collection::vec(any::<bool>(), 4),
        order in any::<bool>(),
    ) {
        let trusts = [Trust::Unknown, Trust::Invited, Trust::Allowed, Trust::Suspended];
        let peers: Vec<(&str, Trust, bool)> =
            trust.iter().enumerate().map(|(n, (trust, relay))| (NAMES[n + 1], trusts[*trust], *relay)).collect();
        let mut feeds: Vec<PeerFeed> = (0..4).filter(|n| had[*n])
            // A peer that names itself as the origin says what it could say without.
            .map(|n| fed(NAMES[n + 1], &written(NAMES[n + 1], &said[n].iter().filter(|(o, ..)| *o != n + 2).copied().collect())))
            .collect();
        let feeds_of: BTreeSet<&str> = (0..4).filter(|n| had[*n]).map(|n| NAMES[n + 1]).collect();
        if order { feeds.reverse(); }
        let own = [weekly("u0", "Ours"), weekly("u1", "Ours")];
        let found = merged(&own, &book(&peers), &feeds, &MergeOptions::default());

        // All claims: (origin, uid) -> (sequence, via, day), as they are written.
        let mut claims: BTreeMap<(&str, u8), Vec<Claim<'_>>> = BTreeMap::new();
        for (n, (name, trust, relay)) in peers.iter().enumerate().filter(|(n, _)| had[*n]) {
            let mut seen = BTreeSet::new();
            for (origin, uid, sequence, day) in said[n].iter().filter(|(o, ..)| *o != n + 2) {
                let whose = if *origin == 0 { name } else { NAMES[origin - 1] };
                if !seen.insert((*origin, *uid)) || *trust != Trust::Allowed || whose == NAMES[0] { continue }
                if *origin != 0 {
                    let known = peers.iter().find(|(peer, ..)| *peer == whose).map(|(_, trust, _)| *trust);
                    let barred = known.is_some_and(|trust| trust != Trust::Allowed) || feeds_of.contains(whose);
                    if barred || !relay { continue }
                }
                claims.entry((whose, *uid)).or_default().push((*sequence, name, *day));
            }
        }
        let mut expected: Vec<(Timestamp, String, String, String)> = Vec::new();
        for ((origin, uid), claims) in claims {
            let newest = claims.iter().map(|claim| claim.0).max().unwrap();
            let (_, via, day) = claims.iter().filter(|claim| claim.0 == newest).min_by_key(|claim| claim.1).unwrap();
            let start: Timestamp = format!("2026-01-{:02}T19:00:00Z", 5 + day).parse().unwrap();
            if start < fortnight().end {
                expected.push((start, origin.to_owned(), format!("u{uid}@202601{:02}T190000Z", 5 + day), (*via).to_owned()));
            }
        }
        for entry in local(&own).entries {
            expected.push((entry.window.start, String::new(), entry.occurrence.id().to_string(), String::new()));
        }
        expected.sort();
        let found: Vec<_> = found.entries.iter().map(|MergedLine { entry, provenance }| {
            let (origin, via) = match provenance {
                Provenance::Local => (String::new(), String::new()),
                Provenance::Peer { origin, via, .. } => (origin.to_string(), via.to_string()),
            };
            (entry.window.start, origin, entry.occurrence.id().to_string(), via)
        }).collect();
        prop_assert_eq!(found, expected);
    }

    /// Whatever a peer's texts are, what is passed on has the lines that it should have and no other.
    #[test]
    fn a_peers_text_makes_no_line_of_its_own(
        summary in text(), uid in "[^\\p{C}]{1,40}", description in text(), place in text(), raw in text(),
    ) {
        let mut component = Component::new("VEVENT");
        component.push(Property::of_text("UID", &uid));
        component.push(Property::new("DTSTART", "20260106T190000Z"));
        component.push(Property::of_text("SUMMARY", &summary));
        component.push(Property::of_text("DESCRIPTION", &description));
        component.push(Property::new("LOCATION", place).with_parameter("ALTREP", raw.clone()));
        component.push(Property::new("URL", raw.clone()));
        component.push(Property::new("ATTACH", raw.clone()));
        component.push(Property::new("X-BOXOFFICE-POLICIES", escape_text(&raw)));
        let envelope = FeedEnvelope { origin: peer("a.example"), seq: 1, at: at(BEGIN), calendar: ical(&component.to_string()) };
        let read = FetchedFeed::read(envelope.to_json().as_bytes(), &peer("a.example"), at(BEGIN), &FeedLimits::default());
        prop_assume!(read.is_ok());
        let feeds = [PeerFeed { feed: Arc::new(read.unwrap()), fetched_at: at(BEGIN) }];
        let (us, book) = (peer("club.example"), book(&[("a.example", Trust::Allowed, false)]));
        let events = merged_calendar(vec![weekly("chess", "Chess")], &us, &book, &feeds);
        prop_assert_eq!(events.len(), 2);
        let file = write_icalendar(&Feed::new("-//Club//EN", Timestamp::EPOCH), &events);
        let unfolded = file.replace("\r\n ", "");
        prop_assert!(!unfolded.replace("\r\n", "").contains(['\r', '\n']));
        let allowed = ["BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "RRULE",
            "SUMMARY", "DESCRIPTION", "LOCATION", "URL", "X-BOXOFFICE-ORIGIN", "X-BOXOFFICE-UID"];
        let mut begins = 0;
        for line in unfolded.split_terminator("\r\n") {
            let name = line.split([':', ';']).next().unwrap();
            prop_assert!(allowed.contains(&name), "{line:?}");
            prop_assert!(name != "URL" || line.starts_with("URL:http"), "{line:?}");
            begins += usize::from(line == "BEGIN:VEVENT");
        }
        prop_assert_eq!(begins, 2);
        let again = read_icalendar(file.as_bytes()).unwrap();
        let theirs = SeriesId::new(format!("a.example:{}", uid.trim())).unwrap();
        let theirs = again.events.iter().find(|event| event.series == theirs).unwrap();
        prop_assert_eq!(&theirs.summary, &feeds[0].feed.events[0].event.summary);
    }

    #[test]
    fn nonsense_is_refused_as_a_feed_and_never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..400), calendar in text(), seq in any::<u64>(), millis in any::<i64>(),
    ) {
        let (from, limits) = (peer("a.example"), FeedLimits::default());
        prop_assert!(FetchedFeed::read(&bytes, &from, at(BEGIN), &limits).is_err());
        let envelope = FeedEnvelope { origin: from.clone(), seq, at: at(millis), calendar };
        let read = FetchedFeed::read(envelope.to_json().as_bytes(), &from, at(BEGIN), &limits);
        prop_assert!(read.is_err(), "a text that is no calendar");
    }
}

use boxoffice::federation::MergedEntry as MergedLine;

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[^\\p{C}]{0,12}",
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\nATTENDEE:mailto:eve@example.org\r\n".to_owned()),
        Just("\\n;,:\"^n\\".to_owned()),
        Just("END:VEVENT\r\nBEGIN:VEVENT".to_owned()),
        Just("http://x.example/".to_owned()),
        Just("\u{2028}\u{85}\u{b}\u{0}".to_owned()),
        "[x]{70,80}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}
