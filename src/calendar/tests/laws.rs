//! Laws of expansion: what holds for every rule, start, zone and window, however a series was changed since.

use core::fmt;

use jiff::Span;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::time::Window;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// Each frequency with the seconds that a test looks at: some hundred starts at most.
const FREQUENCIES: [(Frequency, i64); 7] = [
    (Frequency::Yearly, 3_000 * DAY),
    (Frequency::Monthly, 1_000 * DAY),
    (Frequency::Weekly, 400 * DAY),
    (Frequency::Daily, 150 * DAY),
    (Frequency::Hourly, 10 * DAY),
    (Frequency::Minutely, 8 * HOUR),
    (Frequency::Secondly, HOUR / 6),
];

/// Zones, each with a day on which its clocks change.
const ZONES: [(&str, &str); 8] = [
    ("Europe/London", "2026-03-29"),
    ("Europe/London", "2026-10-25"),
    ("Australia/Lord_Howe", "2025-10-05"),
    ("Australia/Lord_Howe", "2025-04-06"),
    ("Pacific/Apia", "2011-12-30"),
    ("America/Sao_Paulo", "2018-11-04"),
    ("America/New_York", "2007-03-11"),
    ("Africa/Casablanca", "2024-04-14"),
];

/// A series, and how many seconds of it are worth looking at.
#[derive(Clone)]
struct Case {
    event: CalendarEvent,
    span: i64,
}

impl fmt::Debug for Case {
    /// In a few lines, so that a law that is broken can be read.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = &self.event;
        let rules: Vec<String> = event.rules.iter().map(ToString::to_string).collect();
        let lengths = (event.length, event.gap, self.span);
        writeln!(f, "\n{} {} {rules:?} {lengths:?}", event.start, event.frame.name())?;
        writeln!(f, "with {:?} without {:?} {:?}", event.dates, event.excluded, event.excluded_days)?;
        let change = |c: &Change| format!("{} {:?} -> {} {:?}", c.of, c.range, c.start, c.length);
        writeln!(f, "changed {:?}", event.changes.iter().map(change).collect::<Vec<_>>())
    }
}

impl Case {
    /// The time that is so many thousandths of the span after the start.
    fn at(&self, thousandths: i64) -> DateTime {
        after(self.event.start, self.span * thousandths / 1_000)
    }

    fn rule(&self) -> &RecurrenceRule {
        &self.event.rules[0]
    }

    fn instant(&self, at: DateTime) -> crate::time::Timestamp {
        self.event.frame.instant(at, &TimeZone::UTC)
    }
}

fn after(at: DateTime, seconds: i64) -> DateTime {
    at.saturating_add(Span::new().seconds(seconds))
}

/// Parts of rules, one of each kind, of which those are taken that the frequency allows beside the ones before.
fn any_parts() -> impl Strategy<Value = Vec<String>> {
    let part = |values: &'static [&'static str]| prop::option::weighted(0.25, select(values));
    let days = part(&["BYDAY=MO", "BYDAY=MO,WE,FR", "BYDAY=SU", "BYDAY=2TU,-1FR", "BYDAY=SA,SU,1MO", "BYDAY=-5MO,TH"]);
    let parts = (
        part(&["INTERVAL=2", "INTERVAL=3", "INTERVAL=5", "INTERVAL=36", "INTERVAL=90"]),
        part(&["WKST=SU", "WKST=WE", "WKST=SA"]),
        part(&["RSCALE=GREGORIAN;SKIP=FORWARD", "RSCALE=GREGORIAN;SKIP=BACKWARD"]),
        part(&["BYMONTH=1,6", "BYMONTH=2", "BYMONTH=3,4,10,11,12"]),
        part(&["BYWEEKNO=1,20", "BYWEEKNO=-1,53", "BYYEARDAY=1,100,-1", "BYYEARDAY=366,-366,60"]),
        part(&["BYMONTHDAY=1", "BYMONTHDAY=-1,31", "BYMONTHDAY=13,29,30", "BYMONTHDAY=-31,28"]),
        days,
        part(&["BYHOUR=9,17", "BYHOUR=0", "BYHOUR=1,2,3"]),
        part(&["BYMINUTE=0,30", "BYMINUTE=15", "BYSECOND=0,40"]),
        part(&["BYSETPOS=1", "BYSETPOS=-1,2", "BYSETPOS=-2", "BYSETPOS=3,-3,1"]),
    );
    parts.prop_map(|(a, b, c, d, e, f, g, h, i, j)| {
        [a, b, c, d, e, f, g, h, i, j].into_iter().flatten().map(String::from).collect()
    })
}

fn any_rule(frequency: Frequency) -> impl Strategy<Value = RecurrenceRule> {
    any_parts().prop_map(move |parts| {
        let mut rule = RecurrenceRule::every(frequency).to_string();
        for part in parts {
            let longer = format!("{rule};{part}");
            if longer.parse::<RecurrenceRule>().is_ok() {
                rule = longer;
            }
        }
        rule.parse().unwrap()
    })
}

fn any_frame() -> impl Strategy<Value = (Frame, DateTime)> {
    let zoned = select(&ZONES).prop_map(|(zone, day)| (Frame::zoned(zone).unwrap(), day.parse().unwrap()));
    let other = select(vec![Frame::Floating, Frame::Utc, Frame::Date]);
    prop_oneof![3 => zoned, 2 => other.prop_map(|frame| (frame, date(2024, 2, 28).into()))]
}

/// A series with a rule and nothing else.
fn any_series() -> impl Strategy<Value = Case> {
    (select(&FREQUENCIES), any_frame(), -600..100_i64).prop_flat_map(
        |((frequency, span), (frame, near), thousandths)| {
            let frame = if frame == Frame::Date && frequency > Frequency::Daily { Frame::Floating } else { frame };
            let grain = if frequency == Frequency::Secondly { 1 } else { 900 };
            let start = after(near, span * thousandths / 1_000 / grain * grain);
            any_rule(frequency).prop_map(move |rule| {
                let series = SeriesId::new("s").unwrap();
                let event = CalendarEvent::new(series, "", start, frame.clone(), Length::ZERO).repeating(rule);
                Case { event, span }
            })
        },
    )
}

/// The same with ends of every kind.
fn any_ending_series() -> impl Strategy<Value = Case> {
    (any_series(), 0..5_u8, 1..80_u32, 0..1_200_i64).prop_map(|(mut case, kind, count, thousandths)| {
        let until = case.at(thousandths);
        let end = match (kind, &case.event.frame) {
            (0 | 1, _) => End::Count(count),
            (2, _) => End::Never,
            (3, _) | (_, Frame::Date) => End::Until(Until::Date(until.date())),
            (_, Frame::Floating) => End::Until(Until::Local(until)),
            (_, Frame::Utc | Frame::Zoned(_)) => End::Until(Until::Utc(until)),
        };
        case.event.rules = vec![case.rule().clone().ending(end)];
        case
    })
}

fn any_length() -> impl Strategy<Value = Length> {
    let exact = (0..40 * 24 * 60_i64).prop_map(|minutes| Length::exact(minutes.minutes()).unwrap());
    prop_oneof![Just(Length::ZERO), exact, (0..=40_u16).prop_map(Length::days)]
}

/// A change of the picked start: how far it is moved, in thousandths, and whether later ones are too.
type Picked = (Index, i64, bool, bool, Length);

/// The same with dates added and taken away, and occurrences moved, cancelled, or moved with all later ones.
fn any_changed_series() -> impl Strategy<Value = Case> {
    let picked = (any::<Index>(), -100..100_i64, prop::bool::weighted(0.3), any::<bool>(), any_length());
    let some = |most: usize| prop::collection::vec(any::<Index>(), 0..most);
    let dates = prop::collection::vec((any::<Index>(), 0..3_i64, prop::option::of(any_length())), 0..5);
    let changes = prop::collection::vec(picked, 0..4);
    let parts = (any_ending_series(), any_length(), some(5), some(2), dates, changes, any::<bool>());
    parts.prop_map(|(mut case, length, excluded, days, dates, changes, skip)| {
        case.event.gap = if skip { Gap::Skip } else { Gap::Shift };
        let found = case.event.occurrences(DateTime::MIN, case.at(1_100), Select::Starting).take(60);
        let originals: Vec<DateTime> = found.map(|found| found.unwrap().recurrence().at()).collect();
        case.event.length = whole_days(&case.event.frame, length);
        if originals.is_empty() {
            return case;
        }
        for (index, quarters, length) in dates {
            let at = if case.event.frame == Frame::Date { quarters * DAY } else { quarters * 900 };
            let length = length.map(|length| whole_days(&case.event.frame, length));
            case.event.dates.push((after(*index.get(&originals), at), length));
        }
        case.event.excluded = excluded.iter().map(|index| *index.get(&originals)).collect();
        case.event.excluded_days = days.iter().map(|index| index.get(&originals).date()).collect();
        for change in changes {
            add_change(&mut case, &originals, change);
        }
        case
    })
}

fn whole_days(frame: &Frame, length: Length) -> Length {
    if *frame == Frame::Date { Length { exact: jiff::SignedDuration::ZERO, ..length } } else { length }
}

fn add_change(case: &mut Case, originals: &[DateTime], (index, moved, all_later, cancelled, length): Picked) {
    let of = *index.get(originals);
    let grain = if case.event.frame == Frame::Date { DAY } else { 900 };
    let frame = case.event.frame.clone();
    if case.event.changes.iter().all(|change| change.of != of) {
        case.event.changes.push(Change {
            of,
            range: if all_later { Range::ThisAndFuture } else { Range::This },
            start: after(of, case.span * moved / 1_000 / grain * grain),
            length: whole_days(&frame, length),
            frame,
            summary: "changed".into(),
            cancelled,
            details: std::sync::Arc::default(),
        });
    }
}

/// Three times around the span, ascending.
fn any_cuts() -> impl Strategy<Value = [i64; 3]> {
    prop::array::uniform3(-150..1_200_i64).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

fn viewer() -> TimeZone {
    TimeZone::get("Europe/London").unwrap()
}

fn within(
    event: &CalendarEvent,
    from: crate::time::Timestamp,
    to: crate::time::Timestamp,
    select: Select,
) -> Vec<Occurrence> {
    event.occurrences_within(Window::new(from, to), &viewer(), select).map(Result::unwrap).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn windows_that_meet_give_together_what_one_window_gives(case in any_changed_series(), cuts in any_cuts()) {
        let [a, b, c] = cuts.map(|cut| case.at(cut));
        let whole = all(&case.event, a, c);
        let placed = |o: &Occurrence| (o.window(&TimeZone::UTC).start, o.recurrence());
        let disorder = whole.windows(2).find(|pair| placed(&pair[0]) >= placed(&pair[1]));
        prop_assert_eq!(disorder, None, "strictly ascending");
        prop_assert!(whole.iter().all(|o| a <= o.start && o.start < c), "inside the window");
        prop_assert_eq!([all(&case.event, a, b), all(&case.event, b, c)].concat(), whole);

        let mut cuts = [a, b, c].map(|cut| case.event.frame.instant(cut, &viewer()));
        // A time in a gap is later than some that clocks show after it.
        cuts.sort_unstable();
        let [a, b, c] = cuts;
        let whole = within(&case.event, a, c, Select::Starting);
        prop_assert!(whole.iter().all(|o| Window::new(a, c).contains(o.window(&viewer()).start)));
        let parts = [within(&case.event, a, b, Select::Starting), within(&case.event, b, c, Select::Starting)];
        prop_assert_eq!(parts.concat(), whole);
    }

    #[test]
    fn a_window_gives_what_a_walk_from_the_start_gives_there(
        case in any_ending_series(), skip: bool, from in prop_oneof![0..1_200_i64, 0..6_000_i64], length in 0..300_i64,
    ) {
        let mut event = case.event.clone();
        event.gap = if skip { Gap::Skip } else { Gap::Shift };
        let (from, to) = (case.at(from), case.at(from + length));
        let mut walked = all(&event, DateTime::MIN, to);
        walked.retain(|occurrence| occurrence.start >= from);
        prop_assert_eq!(all(&event, from, to), walked);
    }

    #[test]
    fn a_rule_that_begins_some_of_its_intervals_later_gives_the_tail(case in any_series(), times in 0..80_i64) {
        let interval = i64::from(case.rule().interval());
        let times = times * interval;
        let (whole, one) = match case.rule().frequency() {
            // Whole intervals, and no year that there is not.
            Frequency::Yearly => (Span::new().years(times.min(7_000 / interval * interval)), Span::new().years(1)),
            Frequency::Monthly => (Span::new().months(times), Span::new().months(1)),
            Frequency::Weekly => (Span::new().weeks(times), Span::new().weeks(1)),
            Frequency::Daily => (Span::new().days(times), Span::new().days(1)),
            Frequency::Hourly => (Span::new().hours(times), Span::new().hours(1)),
            Frequency::Minutely => (Span::new().minutes(times), Span::new().minutes(1)),
            Frequency::Secondly => (Span::new().seconds(times), Span::new().seconds(1)),
        };
        // A week without a day has that of the start.
        prop_assume!(case.rule().by_week.is_empty() || !case.rule().by_day.is_empty());
        // A law of rules: a series that begins in a gap is another one there.
        let frame = if case.event.frame == Frame::Date { Frame::Date } else { Frame::Floating };
        let mut event = CalendarEvent { frame, ..case.event.clone() };
        // A day that every month has.
        event.start = event.start.with().day(event.start.day().min(28)).build().unwrap();
        let mut later = event.clone();
        later.start = event.start.checked_add(whole).unwrap();
        // SKIP=FORWARD may move a day out of the period before.
        let from = if case.rule().skip() == Skip::Omit { later.start } else { later.start.checked_add(one).unwrap() };
        let to = after(from, case.span / 4);
        prop_assert_eq!(all(&event, from, to), all(&later, from, to));
    }

    #[test]
    fn a_rule_reads_back_as_it_was_written(case in any_ending_series()) {
        let text = case.rule().to_string();
        prop_assert_eq!(&text.parse::<RecurrenceRule>().unwrap(), case.rule());
        prop_assert_eq!(&RecurrenceRule::read_lenient(&text).unwrap(), case.rule());
        prop_assert_eq!(text.parse::<RecurrenceRule>().unwrap().to_string(), text);
    }

    #[test]
    fn a_series_knows_its_occurrences_by_their_ids_and_no_others(case in any_changed_series(), at in 0..1_000_i64) {
        // Two starts that a gap makes one may be moved apart with all later ones, and are then two: a known limit.
        let moved_on = case.event.changes.iter().any(|change| change.range == Range::ThisAndFuture);
        prop_assume!(!moved_on || !matches!(case.event.frame, Frame::Zoned(_)));
        let found = all(&case.event, case.at(at), case.at(at + 300));
        for occurrence in found.iter().take(10) {
            prop_assert!(case.event.has_occurrence(&occurrence.recurrence()).unwrap(), "{}", occurrence.id());
        }
        let ids: Vec<_> = all(&case.event, DateTime::MIN, case.at(2_000)).iter().map(Occurrence::recurrence).collect();
        for occurrence in found.iter().take(3) {
            let grain = if case.event.frame == Frame::Date { DAY } else { 60 };
            let other = after(occurrence.recurrence().at(), case.span / 100 / grain * grain);
            let other = case.event.recurrence_id(other);
            prop_assert_eq!(case.event.has_occurrence(&other).unwrap(), ids.contains(&other), "{}", other);
        }
    }

    #[test]
    fn a_civil_window_is_the_window_of_its_instants(case in any_changed_series(), cuts in any_cuts()) {
        let [from, to] = [cuts[0], cuts[2]].map(|cut| case.at(cut));
        let zoned = matches!(case.event.frame, Frame::Zoned(_) | Frame::Utc);
        prop_assume!(zoned && [from, to].iter().all(|cut| case.event.frame.shown(*cut) == *cut));
        let instants = within(&case.event, case.instant(from), case.instant(to), Select::Starting);
        prop_assert_eq!(all(&case.event, from, to), instants);
    }

    #[test]
    fn what_takes_place_in_a_window_is_found_however_long_ago_it_began(case in any_changed_series(), cuts in any_cuts()) {
        let [from, to] = [cuts[1], cuts[2]].map(|cut| case.event.frame.instant(case.at(cut), &viewer()));
        let long_before = crate::time::Timestamp::from_millis(from.as_millis() - 50 * DAY * 1_000);
        let mut wide = within(&case.event, long_before, to, Select::Starting);
        wide.retain(|occurrence| {
            let found = occurrence.window(&viewer());
            found.end > from || (found.is_empty() && found.start == from)
        });
        prop_assert_eq!(within(&case.event, from, to, Select::Overlapping), wide);
    }

    #[test]
    fn many_series_are_merged_into_what_sorting_them_gives(
        cases in prop::collection::vec(any_changed_series().prop_filter("years apart", |case| case.span > DAY), 1..4),
        cuts in any_cuts(), overlapping: bool,
    ) {
        let select = if overlapping { Select::Overlapping } else { Select::Starting };
        let least = cases.iter().min_by_key(|case| case.span).unwrap();
        let [from, to] = [cuts[0], cuts[2]].map(|cut| least.instant(least.at(cut)));
        // Each of them twice, so that there is always something to be merged.
        let events: Vec<CalendarEvent> = cases.iter().chain(&cases).zip(["d", "a", "c", "b", "f", "e"])
            .map(|(case, name)| CalendarEvent { series: SeriesId::new(name).unwrap(), ..case.event.clone() })
            .collect();
        let (window, viewer) = (Window::new(from, to), viewer());
        let merged: Vec<Occurrence> = merge(&events, window, &viewer, select).map(Result::unwrap).collect();
        let mut sorted: Vec<Occurrence> = events.iter().flat_map(|event| within(event, from, to, select)).collect();
        sorted.sort_by_key(|occurrence| (occurrence.window(&viewer).start, occurrence.id()));
        prop_assert_eq!(merged, sorted);
    }
}
