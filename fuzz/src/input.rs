//! Events and rules made out of the bytes of the fuzzer.

use std::sync::{Arc, LazyLock};

use arbitrary::{Result, Unstructured};
use boxoffice_core::calendar::{CalendarEvent, Change, Frame, Gap, Length, Range, RecurrenceRule};
use boxoffice_core::id::SeriesId;
use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, ToSpan};

const ZONES: [&str; 9] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Santiago",
    "Europe/Dublin",
    "Asia/Kathmandu",
    "Antarctica/Troll",
];

static FRAMES: LazyLock<Vec<Frame>> = LazyLock::new(|| {
    let zones = ZONES.iter().map(|name| Frame::zoned(name).expect("the database comes with jiff"));
    [Frame::Date, Frame::Floating, Frame::Utc].into_iter().chain(zones).collect()
});

/// Days on which clocks change somewhere, and others that are hard.
const HARD_DAYS: [Date; 12] = [
    date(2026, 3, 29),
    date(2026, 10, 25),
    date(2026, 3, 8),
    date(2026, 11, 1),
    date(2011, 12, 30),
    date(2024, 9, 8),
    date(2026, 4, 5),
    date(2026, 10, 4),
    date(2024, 2, 29),
    date(1, 1, 1),
    date(9999, 12, 31),
    date(2100, 2, 28),
];

/// The lists of BY parts, in the order of [`NAMES`].
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// From 0, yearly, to 6, secondly.
    pub frequency: usize,
    /// INTERVAL.
    pub interval: u32,
    /// COUNT.
    pub count: Option<u32>,
    /// UNTIL as text.
    pub until: Option<String>,
    /// WKST, days from Monday.
    pub week_start: Option<usize>,
    /// BYDAY: a number, or 0, and days from Monday.
    pub days: Vec<(i64, usize)>,
    /// BYMONTH and so on.
    pub lists: [Vec<i64>; 8],
    /// SKIP.
    pub skip: Option<&'static str>,
}

/// FREQ.
pub const FREQUENCIES: [&str; 7] = ["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"];
/// Weekdays.
pub const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/// Parts that are lists of numbers.
pub const NAMES: [&str; 8] =
    ["BYMONTH", "BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYSETPOS"];
const RANGES: [(i64, i64); 8] = [(1, 12), (1, 53), (1, 366), (1, 31), (0, 23), (0, 59), (0, 60), (1, 366)];

impl core::fmt::Display for Rule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "FREQ={};INTERVAL={}", FREQUENCIES[self.frequency], self.interval)?;
        if let Some(count) = self.count {
            write!(f, ";COUNT={count}")?;
        }
        if let Some(until) = &self.until {
            write!(f, ";UNTIL={until}")?;
        }
        if let Some(day) = self.week_start {
            write!(f, ";WKST={}", WEEKDAYS[day])?;
        }
        for (name, list) in NAMES.iter().zip(&self.lists).filter(|(_, list)| !list.is_empty()) {
            let list: Vec<String> = list.iter().map(i64::to_string).collect();
            write!(f, ";{name}={}", list.join(","))?;
        }
        if !self.days.is_empty() {
            let day = |(number, day): &(i64, usize)| match number {
                0 => WEEKDAYS[*day].to_owned(),
                _ => format!("{number}{}", WEEKDAYS[*day]),
            };
            let days: Vec<String> = self.days.iter().map(day).collect();
            write!(f, ";BYDAY={}", days.join(","))?;
        }
        if let Some(skip) = self.skip {
            write!(f, ";RSCALE=GREGORIAN;SKIP={skip}")?;
        }
        Ok(())
    }
}

/// A rule near `start`.
pub fn rule(u: &mut Unstructured<'_>, start: DateTime) -> Result<Rule> {
    let frequency = u.int_in_range(0..=6)?;
    let interval = match u.int_in_range(0..=9_u8)? {
        0..=3 => 1,
        4..=6 => u.int_in_range(1..=7)?,
        7 => u.int_in_range(1..=2_000)?,
        8 => *u.choose(&[24, 48, 1_440, 86_400, 172_800, 604_800, 100_000, 4_294_967_295])?,
        _ => u.arbitrary::<u32>()?.max(1),
    };
    let mut rule = Rule { frequency, interval, ..Rule::default() };
    match u.int_in_range(0..=7_u8)? {
        0 => rule.count = Some(u.int_in_range(1..=20)?),
        1 => rule.count = Some(u.int_in_range(1..=100_000)?),
        2 => rule.count = Some(u.arbitrary::<u32>()?.max(1)),
        3 => {
            let at = near(u, start)?;
            let form = u.choose(&["%Y%m%d", "%Y%m%dT%H%M%S", "%Y%m%dT%H%M%SZ"])?;
            rule.until = Some(at.strftime(form).to_string());
        }
        _ => {}
    }
    if u.ratio(1, 3)? {
        rule.week_start = Some(u.int_in_range(0..=6)?);
    }
    let parts: u16 = u.arbitrary()?;
    for (place, ((low, high), list)) in RANGES.into_iter().zip(&mut rule.lists).enumerate() {
        // Few parts at a time, or nothing is left of the days.
        if parts >> place & 1 == 1 && parts >> (place + 8) & 1 == 1 {
            let negative = matches!(NAMES[place], "BYWEEKNO" | "BYYEARDAY" | "BYMONTHDAY" | "BYSETPOS");
            let most = match u.int_in_range(0..=7_u8)? {
                0 => high,
                1..=3 => 1,
                _ => 4,
            };
            if most == high && u.arbitrary()? {
                *list = (low..=high).collect();
                continue;
            }
            for _ in 0..most.min(40) {
                let number = u.int_in_range(low..=high)?;
                list.push(if negative && u.arbitrary()? { -number } else { number });
            }
        }
    }
    if u.ratio(1, 3)? {
        for _ in 0..u.int_in_range(1..=5)? {
            let number = if u.ratio(1, 3)? { u.int_in_range(-5..=5)? } else { 0 };
            let number = if u.ratio(1, 20)? { u.int_in_range(-53..=53)? } else { number };
            let number = if frequency > 1 || !rule.lists[1].is_empty() { 0 } else { number };
            rule.days.push((number, u.int_in_range(0..=6)?));
        }
    }
    if u.ratio(1, 10)? {
        rule.skip = Some(u.choose(&["OMIT", "BACKWARD", "FORWARD"])?);
    }
    Ok(rule)
}

/// A civil time from year 1 to 9999, often one that is hard.
pub fn moment(u: &mut Unstructured<'_>) -> Result<DateTime> {
    let day = match u.int_in_range(0..=4_u8)? {
        0 => date(1, 1, 1).checked_add(u.int_in_range(0..=3_652_058_i32)?.days()).unwrap_or(Date::MAX),
        1 | 2 => *u.choose(&HARD_DAYS)?,
        _ => date(2020, 1, 1).checked_add(u.int_in_range(0..=3_000_i32)?.days()).unwrap_or(Date::MAX),
    };
    let second = match u.int_in_range(0..=2_u8)? {
        0 => u.int_in_range(0..=86_399_i64)?,
        1 => u.int_in_range(0..=8_i64)? * 1_800,
        _ => u.int_in_range(0..=23_i64)? * 3_600,
    };
    Ok(plus(day.at(0, 0, 0, 0), second))
}

/// `at` and so many seconds, within the years 1 to 9999.
pub fn plus(at: DateTime, seconds: i64) -> DateTime {
    let ends = (date(1, 1, 1).at(0, 0, 0, 0), date(9999, 12, 31).at(23, 59, 59, 0));
    let there = at.saturating_add(SignedDuration::from_secs(seconds));
    there.clamp(ends.0, ends.1)
}

/// Another time, seconds to centuries away.
pub fn near(u: &mut Unstructured<'_>, at: DateTime) -> Result<DateTime> {
    let away = match u.int_in_range(0..=7_u8)? {
        0 => 0,
        1 => u.int_in_range(-7_200..=7_200)?,
        2 => u.int_in_range(-48..=48)? * 1_800,
        3 => u.int_in_range(-400..=4_000)? * 86_400,
        4 => u.int_in_range(-100_000_000..=1_000_000_000)?,
        5 => u.int_in_range(-1_000_000_000..=30_000_000_000)?,
        _ => u.int_in_range(0..=100)? * 86_400,
    };
    Ok(plus(at, away))
}

fn length(u: &mut Unstructured<'_>) -> Result<Length> {
    let hours = |hours: i64| Length::exact(hours.hours()).expect("whole hours");
    Ok(match u.int_in_range(0..=5_u8)? {
        0..=2 => Length::ZERO,
        3 => hours(u.int_in_range(0..=72)?),
        4 => Length::days(u.int_in_range(0..=40)?),
        _ => hours(1),
    })
}

fn whole(frame: &Frame, at: DateTime) -> DateTime {
    if *frame == Frame::Date { at.date().at(0, 0, 0, 0) } else { at }
}

fn change(u: &mut Unstructured<'_>, event: &CalendarEvent, of: DateTime) -> Result<Change> {
    let lasting: bool = u.arbitrary()?;
    let frame = if u.ratio(1, 6)? { u.choose(&FRAMES)?.clone() } else { event.frame.clone() };
    // From hours to months, either way.
    let moved = match u.int_in_range(0..=3_u8)? {
        0 => 0,
        1 => u.int_in_range(-48..=48)? * 1_800,
        _ => u.int_in_range(-200..=200)? * 86_400,
    };
    let start = whole(&frame, whole(&event.frame, plus(of, moved)));
    Ok(Change {
        of: whole(&event.frame, of),
        range: if lasting { Range::ThisAndFuture } else { Range::This },
        start,
        frame,
        length: length(u)?,
        summary: Arc::from("x"),
        cancelled: u.arbitrary()?,
        details: Arc::default(),
    })
}

/// An event with everything that says when it happens; none if its rule is refused.
pub fn event(u: &mut Unstructured<'_>) -> Result<Option<CalendarEvent>> {
    let start = moment(u)?;
    let frame = u.choose(&FRAMES)?.clone();
    let series = SeriesId::new("s").expect("a name");
    let mut event = CalendarEvent::new(series, "", start, frame, length(u)?);
    let frame = event.frame.clone();
    let start = event.start;
    let lenient: bool = u.arbitrary()?;
    let read = |u: &mut Unstructured<'_>| -> Result<Option<RecurrenceRule>> {
        let text = rule(u, start)?.to_string();
        Ok(if lenient { RecurrenceRule::read_lenient(&text).ok() } else { text.parse().ok() })
    };
    let rules = if u.ratio(1, 8)? { u.int_in_range(0..=4)? } else { 1 };
    for _ in 0..rules {
        let Some(rule) = read(u)? else { return Ok(None) };
        event.rules.push(rule);
    }
    if u.ratio(1, 6)? {
        event.excluded_rules.extend(read(u)?);
    }
    if u.arbitrary()? {
        event.gap = Gap::Skip;
    }
    // The starts themselves are what is worth excluding and changing.
    let known: Vec<DateTime> = starts(&event);
    let some = |u: &mut Unstructured<'_>| -> Result<DateTime> {
        let at = if !known.is_empty() && u.ratio(3, 4)? { *u.choose(&known)? } else { near(u, start)? };
        Ok(whole(&frame, at))
    };
    if u.ratio(1, 3)? {
        for _ in 0..u.int_in_range(0..=3)? {
            event.excluded.push(some(u)?);
        }
        for _ in 0..u.int_in_range(0..=3)? {
            let at = some(u)?;
            let length = if u.arbitrary()? { Some(length(u)?) } else { None };
            event.dates.push((at, length));
        }
        if u.ratio(1, 4)? {
            event.excluded_days.push(some(u)?.date());
        }
    }
    if u.ratio(1, 3)? {
        for _ in 0..u.int_in_range(1..=4)? {
            let of = some(u)?;
            let change = change(u, &event, of)?;
            if event.changes.iter().all(|other| other.of != change.of) {
                event.changes.push(change);
            }
        }
        event.changes.sort_by_key(|change| change.of);
    }
    Ok(Some(event))
}

fn starts(event: &CalendarEvent) -> Vec<DateTime> {
    let to = plus(event.start, 400 * 86_400);
    let found = event.occurrences(event.start, to, boxoffice_core::calendar::Select::Starting);
    found.with_steps(300).flatten().take(12).map(|found| found.recurrence().at()).collect()
}

/// Three moments, ascending, around an event.
pub fn windows(u: &mut Unstructured<'_>, event: &CalendarEvent) -> Result<[DateTime; 3]> {
    let from = near(u, event.start)?;
    let mut lengths = [0, 0];
    for length in &mut lengths {
        *length = match u.int_in_range(0..=9_u8)? {
            0 | 1 => u.int_in_range(0..=7_200)?,
            2..=5 => u.int_in_range(0..=40)? * 86_400,
            6..=8 => u.int_in_range(0..=800)? * 43_200,
            _ => u.int_in_range(0..=20_000_000_000)?,
        };
    }
    let middle = plus(from, lengths[0]);
    Ok([from, middle, plus(middle, lengths[1])])
}
