//! Whether a notice may go out: preferences, quiet hours, the suppression list.

use std::collections::BTreeSet;

use jiff::civil::Weekday;
use proptest::prelude::*;

use super::*;
use crate::id::AttendeeId;
use crate::persist::{KvWrite, Payload};

fn ann() -> Profile {
    Profile::new("Europe/Berlin").reached("mail", "ann@example.org").reached("push", "https://push.example/ann")
}

fn to(address: &str) -> Permit {
    Permit::Send { to: address.to_owned() }
}

fn noon() -> Timestamp {
    at("2026-01-05T11:00:00Z")
}

fn off(kind: NoticeKind, channel: Option<&str>) -> BTreeSet<SwitchedOff> {
    [SwitchedOff { kind, channel: channel.map(str::to_owned) }].into()
}

#[test]
fn what_is_wanted_goes_out() {
    use NoticeKind::{Cancelled, Confirmation, Digest, Offer, Reminder};
    let off = |kind, channel| Profile { off: off(kind, channel), ..ann() };
    let left = |kind| Profile { unsubscribed: [kind].into(), ..ann() };
    let never = Permit::Never;
    let mail = || to("ann@example.org");
    let table = [
        ("by default all", ann(), Reminder, "mail", false, mail()),
        ("no address", ann(), Reminder, "sms", false, never(Why::NoAddress)),
        ("no address, critical", ann(), Reminder, "sms", true, never(Why::NoAddress)),
        ("off", off(Reminder, None), Reminder, "mail", false, never(Why::SwitchedOff)),
        ("off, critical", off(Reminder, None), Reminder, "mail", true, mail()),
        ("another kind is off", off(Digest, None), Reminder, "mail", false, mail()),
        ("off for this channel", off(Offer, Some("mail")), Offer, "mail", false, never(Why::SwitchedOff)),
        ("off for another", off(Reminder, Some("push")), Reminder, "mail", false, mail()),
        ("transactional, off altogether", off(Offer, None), Offer, "mail", false, mail()),
        ("unsubscribed", left(Digest), Digest, "mail", false, never(Why::Unsubscribed)),
        ("unsubscribed, critical", left(Digest), Digest, "mail", true, mail()),
        ("unsubscribed from another", left(Digest), Reminder, "mail", false, mail()),
        ("transactional, unsubscribed", left(Confirmation), Confirmation, "mail", false, mail()),
        ("transactional, unsubscribed", left(Cancelled), Cancelled, "mail", false, mail()),
    ];
    for (case, profile, kind, channel, critical, wanted) in table {
        assert_eq!(permit(&profile, &kind, channel, critical, noon()), wanted, "{case}");
    }
}

#[test]
fn the_suppression_list_binds_whatever_is_critical() {
    let sent = permit(&ann(), &NoticeKind::Cancelled, "mail", true, noon());
    assert_eq!(sent.clone().unless_suppressed(false), to("ann@example.org"));
    assert_eq!(sent.unless_suppressed(true), Permit::Never(Why::Suppressed));
    let later = Permit::Later { at: noon() };
    assert_eq!(later.clone().unless_suppressed(true), later);
}

fn hours(from: &str, to: &str) -> QuietHours {
    QuietHours::new(clock(from), clock(to))
}

/// Until when it is quiet for somebody in a zone; none if it is not.
fn quiet(zone: &str, hours: &[QuietHours], now: &str) -> Option<Timestamp> {
    let profile = Profile { quiet: hours.to_vec(), ..Profile::new(zone).reached("mail", "a@b.c") };
    match permit(&profile, &NoticeKind::Offer, "mail", false, at(now)) {
        Permit::Later { at } => Some(at),
        Permit::Send { .. } => None,
        Permit::Never(why) => panic!("{why:?}"),
    }
}

#[test]
fn quiet_hours_are_those_of_the_recipients_clock() {
    let night = hours("22:00", "08:00");
    let siesta = hours("13:00", "15:00");
    let (berlin, york, howe) = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe");
    let table = [
        // From, included, to, not included.
        (berlin, &night, "2026-01-05T20:59:59Z", None),
        (berlin, &night, "2026-01-05T21:00:00Z", Some("2026-01-06T07:00:00Z")),
        (berlin, &night, "2026-01-06T06:59:59Z", Some("2026-01-06T07:00:00Z")),
        (berlin, &night, "2026-01-06T07:00:00Z", None),
        (york, &night, "2026-01-06T07:00:00Z", Some("2026-01-06T13:00:00Z")),
        (berlin, &siesta, "2026-01-05T12:30:00Z", Some("2026-01-05T14:00:00Z")),
        (berlin, &siesta, "2026-01-05T00:30:00Z", None),
        // Nights on which clocks change.
        (berlin, &night, "2026-03-28T21:30:00Z", Some("2026-03-29T06:00:00Z")),
        (berlin, &night, "2026-10-24T21:30:00Z", Some("2026-10-25T07:00:00Z")),
        (howe, &night, "2026-10-03T12:00:00Z", Some("2026-10-03T21:00:00Z")),
    ];
    for (zone, hours, now, wanted) in table {
        assert_eq!(quiet(zone, core::slice::from_ref(hours), now), wanted.map(at), "{zone} {now}");
    }
}

#[test]
fn an_edge_in_a_gap_is_behind_it_and_one_in_a_fold_is_the_wider_one() {
    let table = [
        // Berlin, 29 March: 02:00 to 03:00 is left out, at 01:00 UTC.
        (hours("02:30", "04:00"), "2026-03-29T00:59:59Z", None),
        (hours("02:30", "04:00"), "2026-03-29T01:00:00Z", Some("2026-03-29T02:00:00Z")),
        (hours("22:00", "02:30"), "2026-03-29T00:59:59Z", Some("2026-03-29T01:00:00Z")),
        (hours("22:00", "02:30"), "2026-03-29T01:00:00Z", None),
        // All of it in the gap: there is no such stretch.
        (hours("02:10", "02:50"), "2026-03-29T01:00:00Z", None),
        // 25 October: 02:00 to 03:00 is shown twice, from 00:00 and from 01:00 UTC.
        (hours("22:00", "02:30"), "2026-10-25T00:45:00Z", Some("2026-10-25T01:30:00Z")),
        (hours("22:00", "02:30"), "2026-10-25T01:30:00Z", None),
        (hours("02:30", "06:00"), "2026-10-25T00:29:59Z", None),
        (hours("02:30", "06:00"), "2026-10-25T00:30:00Z", Some("2026-10-25T05:00:00Z")),
        (hours("02:30", "06:00"), "2026-10-25T01:10:00Z", Some("2026-10-25T05:00:00Z")),
    ];
    for (hours, now, wanted) in table {
        assert_eq!(quiet("Europe/Berlin", core::slice::from_ref(&hours), now), wanted.map(at), "{hours:?} {now}");
    }
}

#[test]
fn days_are_those_on_which_a_stretch_begins_and_stretches_join() {
    // 2 January 2026 is a Friday.
    let friday = hours("22:00", "10:00").on([Weekday::Friday]);
    let only = core::slice::from_ref(&friday);
    assert_eq!(quiet("UTC", only, "2026-01-03T03:00:00Z"), Some(at("2026-01-03T10:00:00Z")));
    assert_eq!(quiet("UTC", only, "2026-01-04T03:00:00Z"), None);
    assert_eq!(quiet("UTC", only, "2026-01-02T03:00:00Z"), None);
    // A quiet weekend: whole days that follow each other.
    let weekend = hours("00:00", "00:00").on([Weekday::Saturday, Weekday::Sunday]);
    let all = [friday.clone(), weekend, hours("22:00", "07:30")];
    assert_eq!(quiet("UTC", &all, "2026-01-02T23:00:00Z"), Some(at("2026-01-05T07:30:00Z")));
}

#[test]
fn quiet_for_ever_is_a_no() {
    let profile = Profile { quiet: vec![hours("00:00", "00:00")], ..ann() };
    assert_eq!(permit(&profile, &NoticeKind::Offer, "mail", false, noon()), Permit::Never(Why::AlwaysQuiet));
    let halves = Profile { quiet: vec![hours("00:00", "12:00"), hours("11:00", "00:00")], ..ann() };
    assert_eq!(permit(&halves, &NoticeKind::Offer, "mail", false, noon()), Permit::Never(Why::AlwaysQuiet));
    assert_eq!(permit(&profile, &NoticeKind::Offer, "mail", true, noon()), to("ann@example.org"));
}

#[test]
fn quiet_hours_that_never_end_are_refused_and_read_if_they_were_kept() {
    use Weekday::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};
    let all = [Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday];
    let whole = || hours("00:00", "00:00");
    let work = || hours("09:00", "17:00").on([Monday, Tuesday, Wednesday, Thursday, Friday]);
    let refused = [
        vec![whole()],
        vec![hours("13:30", "13:30")],
        vec![whole().on(all)],
        vec![hours("00:00", "12:00"), hours("11:00", "00:00")],
        vec![hours("22:00", "07:00"), hours("07:00", "22:00")],
        all.map(|day| whole().on([day])).to_vec(),
        vec![work(), hours("17:00", "09:00"), whole().on([Saturday, Sunday])],
        vec![hours("12:00", "12:00").on([Sunday, Tuesday, Thursday, Saturday]), hours("12:00", "12:00").on(all)],
    ];
    let kept = [
        vec![],
        vec![hours("00:00", "23:59")],
        vec![hours("07:01", "07:00")],
        vec![hours("22:00", "07:00"), hours("07:01", "22:00")],
        vec![whole().on([Saturday, Sunday]), hours("22:00", "08:00")],
        vec![whole().on(all[1..].iter().copied()), hours("00:01", "00:00").on([Sunday])],
        vec![work(), hours("17:00", "09:00"), whole().on([Saturday])],
    ];
    let who = AttendeeId::new("ann").unwrap();
    for quiet in refused {
        let profile = Profile { quiet, ..ann() };
        assert_eq!(put_profile(&who, &profile), Err(ProfileError::AlwaysQuiet), "{:?}", profile.quiet);
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
    }
    for quiet in kept {
        let profile = Profile { quiet, ..ann() };
        assert!(put_profile(&who, &profile).is_ok(), "{:?}", profile.quiet);
    }
}

#[test]
fn many_quiet_hours_end_where_they_end_and_more_than_28_are_refused() {
    // One after the other, with some minutes left free every day.
    let clock = |minute: u16| clock(&format!("{:02}:{:02}", minute / 60, minute % 60));
    let row = |count: u16, length: u16| -> Vec<QuietHours> {
        (0..count).map(|n| QuietHours::new(clock(n * length), clock((n + 1) * length))).collect()
    };
    assert_eq!(quiet("UTC", &row(28, 51), "2026-01-05T00:00:00Z"), Some(at("2026-01-05T23:48:00Z")));
    assert_eq!(quiet("UTC", &row(143, 10), "2026-01-05T00:00:00Z"), Some(at("2026-01-05T23:50:00Z")));
    let who = AttendeeId::new("ann").unwrap();
    assert!(put_profile(&who, &Profile { quiet: row(28, 51), ..ann() }).is_ok());
    let many = Profile { quiet: row(29, 20), ..ann() };
    assert_eq!(put_profile(&who, &many), Err(ProfileError::TooManyQuietHours { count: 29 }));
}

/// Quiet hours that meet often.
fn coarse() -> impl Strategy<Value = QuietHours> {
    let day = (0..7_i8).prop_map(|day| Weekday::from_monday_zero_offset(day).unwrap());
    let hour = || (0..4_u8).prop_map(|quarter| LocalTime::new(quarter * 6, 0).unwrap());
    (hour(), hour(), prop::collection::vec(day, 0..7)).prop_map(|(from, to, days)| QuietHours { from, to, days })
}

proptest! {
    #[test]
    fn what_is_refused_is_what_never_ends(hours in prop::collection::vec(coarse(), 0..8), minute in 0..20_160_i64) {
        let now = Timestamp::from_millis(noon().as_millis() + minute * 60_000);
        let profile = Profile { quiet: hours, ..Profile::new("UTC").reached("mail", "a@b.c") };
        let always = permit(&profile, &NoticeKind::Offer, "mail", false, now) == Permit::Never(Why::AlwaysQuiet);
        prop_assert_eq!(profile.check() == Err(ProfileError::AlwaysQuiet), always);
    }
}

#[test]
fn a_zone_that_is_not_known_any_more_is_utc() {
    assert_eq!(
        quiet("Mars/Olympus", &[hours("22:00", "08:00")], "2026-01-05T22:00:00Z"),
        Some(at("2026-01-06T08:00:00Z"))
    );
}

#[test]
fn a_profile_is_read_as_it_was_written() {
    let mut full = Profile { locale: Some("de".to_owned()), off: off(NoticeKind::Offer, Some("push")), ..ann() };
    full.quiet = vec![hours("22:00", "07:00").on([Weekday::Friday]), hours("13:00", "14:00")];
    full.digest = Some(DigestTimes::Weekly { on: Weekday::Monday, at: clock("08:00") });
    full.unsubscribed = [NoticeKind::Digest, NoticeKind::custom("news").unwrap()].into();
    let json = serde_json::to_string(&full).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), full);
    assert_eq!(
        json,
        r#"{"addresses":{"mail":"ann@example.org","push":"https://push.example/ann"},"zone":"Europe/Berlin","locale":"de","quiet":[{"from":"22:00","to":"07:00","days":["fri"]},{"from":"13:00","to":"14:00"}],"off":[{"kind":"offer","channel":"push"}],"digest":{"weekly":{"on":"mon","at":"08:00"}},"unsubscribed":["digest","news"]}"#
    );
    assert_eq!(serde_json::from_str::<Profile>(r#"{"zone":"UTC"}"#).unwrap(), Profile::new("UTC"));
    for json in ["{}", r#"{"zone":"UTC","color":1}"#, r#"{"zone":"UTC","unsubscribed":["No Kind"]}"#] {
        assert!(serde_json::from_str::<Profile>(json).is_err(), "{json}");
    }
}

#[test]
fn a_profile_that_cannot_be_kept_is_refused() {
    let who = AttendeeId::new("ann").unwrap();
    let zone = "Mars/Olympus".to_owned();
    assert_eq!(put_profile(&who, &Profile::new(zone.clone())), Err(ProfileError::UnknownZone { zone }));
    let long = Profile::new("UTC").reached("mail", "a".repeat(4_000));
    assert_eq!(put_profile(&who, &long), Err(ProfileError::TooLong { length: 4_038 }));
    let KvWrite::Put(key, value) = put_profile(&who, &ann()).unwrap() else { panic!("a profile is put") };
    assert_eq!((key.as_str(), value.read::<Profile>().unwrap()), ("recipient/ann", ann()));
    assert_eq!(forget_profile(&who), KvWrite::Delete(key));
}

#[test]
fn what_no_channel_and_no_language_has_is_refused_where_it_stands_and_read_if_it_was_kept() {
    let base = || Profile::new("UTC");
    let control = |at| ProfileError::ControlCharacter { channel: "mail".to_owned(), at };
    let channel = |place, name: &str| ProfileError::ChannelName { place, name: name.to_owned() };
    let switched = |name: &str| Profile { off: off(NoticeKind::Reminder, Some(name)), ..base() };
    let mut refused = vec![
        (base().reached("mail", "a@b.c\r\nBcc: d@e.f"), control(5)),
        (base().reached("mail", "a@b.c\n"), control(5)),
        (base().reached("mail", "\0"), control(0)),
        (base().reached("mail", "a\u{85}b"), control(1)),
        (base().reached("BAD CHANNEL", "a@b.c"), channel("addresses", "BAD CHANNEL")),
        (base().reached("", "a@b.c"), channel("addresses", "")),
        (base().reached("m".repeat(90), "a@b.c"), channel("addresses", &"m".repeat(80))),
        (switched("Mail"), channel("off", "Mail")),
    ];
    let locales = [
        "",
        "d",
        "de_DE",
        "de-",
        "-de",
        "de--at",
        "x",
        "x-",
        "de-überall",
        "123",
        "de\r\n",
        "abcdefghi",
        "de-abcdefghi",
    ];
    refused.extend(locales.map(|locale| {
        let locale = locale.to_owned();
        (Profile { locale: Some(locale.clone()), ..base() }, ProfileError::Locale { locale })
    }));
    let who = AttendeeId::new("ann").unwrap();
    for (profile, wanted) in refused {
        let found = put_profile(&who, &profile).unwrap_err();
        assert_eq!(found, wanted);
        assert!(!found.to_string().contains(char::is_control) && !found.to_string().contains("a@b.c"), "{found}");
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile);
    }
    for locale in
        ["de", "DE", "pt-BR", "zh-Hant-TW", "sl-rozaj-biske-1994", "de-u-co-phonebk", "x-house", "i-klingon", "es-419"]
    {
        let profile =
            Profile { locale: Some(locale.to_owned()), ..switched("e-mail_2.b").reached("sms", "+49 30 1ü") };
        assert!(put_profile(&who, &profile).is_ok(), "{locale}");
    }
}

#[test]
fn an_address_is_suppressed_under_its_hash() {
    let key = suppression_key("mail", "ann@example.org");
    assert_eq!(key.as_str(), PINNED);
    assert_eq!(suppression_key("mail", " Ann@Example.ORG "), key);
    assert_ne!(suppression_key("mai", "lann@example.org"), key);
    let entry = Suppression { by: SuppressedBy::Bounce, at: Timestamp::from_millis(7) };
    let wanted = Payload::from_json(r#"{"by":"bounce","at":7}"#).unwrap();
    assert_eq!(suppress("mail", "ann@example.org", entry), KvWrite::Put(key.clone(), wanted));
    assert_eq!(unsuppress("mail", "ANN@example.org"), KvWrite::Delete(key));
}

#[test]
fn addresses_do_not_appear_in_debug_forms() {
    let shown = format!("{:?} {:?}", ann(), to("ann@example.org"));
    assert!(!shown.contains("example"), "{shown}");
}

#[test]
fn names_of_kinds_are_read_as_they_are_written() {
    for kind in NoticeKind::BUILT_IN {
        assert_eq!(kind.name().parse(), Ok(kind.clone()));
        assert!(NoticeKind::custom(kind.name()).is_err());
    }
    let transactional = NoticeKind::BUILT_IN.into_iter().filter(NoticeKind::is_transactional);
    let names: Vec<String> = transactional.map(String::from).collect();
    assert_eq!(names, ["confirmation", "offer", "hold_lapsing", "rescheduled", "cancelled"]);
    for text in ["", "News", "a b", "a/b", &"x".repeat(65)] {
        assert!(text.parse::<NoticeKind>().is_err(), "{text}");
    }
}

proptest! {
    /// Whenever it is quiet, it is quiet until then and not any more then.
    #[test]
    fn when_quiet_hours_are_over_it_is_not_quiet(
        name in prop::sample::select(&["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"][..]),
        edges in prop::collection::vec((0..24_u8, 0..60_u8, 0..24_u8, 0..60_u8, prop::option::of(1..=7_i8)), 1..4),
        // From 2011 to 2030.
        now in 1_293_840_000_000..1_893_456_000_000_i64,
    ) {
        let quiet = edges.into_iter().map(|(a, b, c, d, day)| {
            let hours = QuietHours::new(LocalTime::new(a, b).unwrap(), LocalTime::new(c, d).unwrap());
            hours.on(day.map(|day| Weekday::from_monday_one_offset(day).unwrap()))
        });
        let profile = Profile { quiet: quiet.collect(), ..Profile::new(name).reached("mail", "a@b.c") };
        let ask = |now| permit(&profile, &NoticeKind::Reminder, "mail", false, now);
        let now = Timestamp::from_millis(now);
        if let Permit::Later { at } = ask(now) {
            prop_assert!(at > now);
            prop_assert_eq!(ask(at), to("a@b.c"));
            let half = Timestamp::from_millis(now.as_millis().midpoint(at.as_millis() - 1));
            prop_assert_eq!(ask(half), Permit::Later { at }, "it is quiet all the time until then");
        }
    }
}

const PINNED: &str = "suppressed/ebb0c7cc973b60550a7a7419134902174dcae1bd9dc1c2058007717b78078660";
