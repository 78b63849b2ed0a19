//! The rules of a VTIMEZONE (RFC 5545 section 3.6.5), exactly: its observances as a list of changes of local time.
//!
//! *When an observance begins.* At each start that its RRULE gives and at each RDATE, in the local time before
//! (TZOFFSETFROM). DTSTART itself counts when there is no RRULE: Outlook writes a DTSTART of 1 January 1601 above a
//! rule for March. At any moment the observance holds that began last. Before the first one it is the TZOFFSETFROM of
//! that.
//!
//! *How far.* To the end of the year 2199; two rules without end of the usual kind hold for ever.

use jiff::civil::{DateTime, date};
use jiff::tz::{Offset, TimeZone};

use super::tzif::{self, Changes, LocalTime};
use super::yearly::Yearly;
use super::{Component, Property};
use crate::calendar::day::{self, Day};
use crate::calendar::event::{CalendarEvent, Length};
use crate::calendar::occurrence::Select;
use crate::calendar::rule::{End, Frequency, RecurrenceRule, Until};
use crate::calendar::rule_text::{read_date, read_time};
use crate::calendar::zone::Frame;
use crate::id::SeriesId;

/// Changes of local time in one zone at most. Africa/Casablanca has 200 to the year 2087.
const CHANGES_MAX: usize = 2_000;
/// The last year in which changes are listed one by one.
const LAST_YEAR: i64 = 2_199;
/// Years that the rules of one zone which are not [`Yearly`] may span, together: two from 1601 on.
const YEARS_MAX: i64 = 1_300;

/// What is wrong with a VTIMEZONE.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct ZoneError {
    /// Of the file, from 1.
    pub(super) line: usize,
    /// Which property, and what is wrong with it.
    pub(super) what: String,
}

/// The rules of `definition`, a VTIMEZONE, under the name `name`.
///
/// # Errors
/// [`ZoneError`] when an observance has no start or offsets, when a rule is not yearly or monthly, and when there is
/// no observance or there are too many changes.
pub(super) fn read(definition: &Component, name: &str) -> Result<TimeZone, ZoneError> {
    let wrong = |what: &str| ZoneError { line: definition.line, what: what.to_owned() };
    let parts = definition.components.iter().filter(|part| matches!(part.name.as_str(), "STANDARD" | "DAYLIGHT"));
    if parts.clone().count() > CHANGES_MAX {
        return Err(wrong("VTIMEZONE: has more than 2,000 observances"));
    }
    let observances: Vec<Observance> = parts.map(Observance::read).collect::<Result<_, _>>()?;
    if observances.is_empty() {
        return Err(wrong("VTIMEZONE: has neither STANDARD nor DAYLIGHT"));
    }
    // A footer that jiff finds to contradict the list is left out, and the list made longer.
    if let Some(pair) = Pair::of(&observances)
        && let Some(zone) = tzif::load(name, &pair.changes(&observances)?)
    {
        return Ok(zone);
    }
    let changes = changes(&observances, LAST_YEAR, String::new())?;
    tzif::load(name, &changes).ok_or_else(|| wrong("VTIMEZONE: has too many different offsets or names"))
}

/// A STANDARD or DAYLIGHT.
struct Observance {
    line: usize,
    start: DateTime,
    before: i32,
    kind: LocalTime,
    /// With their lines.
    rules: Vec<(RecurrenceRule, usize)>,
    dates: Vec<DateTime>,
}

impl Observance {
    fn read(part: &Component) -> Result<Self, ZoneError> {
        let before = offset(part, "TZOFFSETFROM")?;
        let after = offset(part, "TZOFFSETTO")?;
        let start = required(part, "DTSTART")?;
        let name = part.properties.iter().find(|property| property.name == "TZNAME");
        let name = tzif::abbreviation(name.map_or("", |property| &property.value), after);
        let all = |name: &'static str| part.properties.iter().filter(move |property| property.name == name);
        let dates = all("RDATE").flat_map(|property| property.value.split(',').map(move |text| (property, text)));
        Ok(Self {
            line: part.line,
            start: moment(&start.value, before).ok_or_else(|| wrong(start, "is no date with a time"))?,
            before,
            kind: LocalTime { offset: after, daylight: part.name == "DAYLIGHT", name },
            rules: all("RRULE").map(rule).collect::<Result<_, _>>()?,
            dates: dates
                .map(|(property, text)| moment(text, before).ok_or_else(|| wrong(property, "has no such date")))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The rule that never ends, if there is one.
    fn endless(&self) -> Option<&RecurrenceRule> {
        self.rules.iter().map(|(rule, _)| rule).find(|rule| rule.end == End::Never)
    }

    fn utc(&self, at: DateTime) -> i64 {
        seconds(at) - i64::from(self.before)
    }

    /// The moments at which it begins up to the end of year `last`.
    fn onsets(&self, last: i64, budget: &mut Budget) -> Result<Vec<i64>, ZoneError> {
        let mut onsets: Vec<DateTime> = self.dates.clone();
        for (rule, line) in &self.rules {
            let keep = |at: &DateTime| match rule.end {
                End::Until(Until::Utc(until)) => self.utc(*at) <= seconds(until),
                End::Until(Until::Local(until)) => *at <= until,
                End::Until(Until::Date(until)) => at.date() <= until,
                End::Never | End::Count(_) => true,
            };
            let found = match Yearly::of(rule, self.start) {
                Some(yearly) => yearly_starts(yearly, rule, self.start, last),
                None => budget.other_starts(rule, self.start, last).map_err(|what| self.wrong_rule(*line, what))?,
            };
            onsets.extend(found.into_iter().take_while(keep));
        }
        if self.rules.is_empty() || onsets.is_empty() {
            onsets.push(self.start);
        }
        budget.changes += onsets.len();
        if budget.changes > CHANGES_MAX {
            return Err(self.wrong_rule(self.line, "VTIMEZONE: changes more than 2,000 times"));
        }
        Ok(onsets.into_iter().filter(|at| i64::from(at.year()) <= last).map(|at| self.utc(at)).collect())
    }

    fn wrong_rule(&self, line: usize, what: &str) -> ZoneError {
        ZoneError { line: if line == 0 { self.line } else { line }, what: what.to_owned() }
    }
}

/// What reading one zone may cost.
#[derive(Default)]
struct Budget {
    changes: usize,
    years: i64,
}

impl Budget {
    /// The starts of a rule that is not [`Yearly`].
    fn other_starts(
        &mut self,
        rule: &RecurrenceRule,
        start: DateTime,
        last: i64,
    ) -> Result<Vec<DateTime>, &'static str> {
        self.years += (last - i64::from(start.year()) + 1).max(0);
        if self.years > YEARS_MAX {
            return Err("RRULE: its rules go over too many years");
        }
        starts(rule, start, day::from_civil(last, 12, 31)).ok_or("RRULE: has too many starts")
    }
}

/// The starts of a rule up to the day `last`; none if there are too many. The one place here that expands rules.
fn starts(rule: &RecurrenceRule, start: DateTime, last: Day) -> Option<Vec<DateTime>> {
    let series = SeriesId::new("VTIMEZONE").ok()?;
    // UNTIL is in UTC and is left to the caller, who knows the offset.
    let endless = if matches!(rule.end(), End::Until(_)) { rule.clone().ending(End::Never) } else { rule.clone() };
    let event = CalendarEvent::new(series, "", start, Frame::Floating, Length::ZERO).repeating(endless);
    let to = day::to_date(last + 1).map_or(DateTime::MAX, DateTime::from);
    let starts = event.occurrences(start, to, Select::Starting).take(CHANGES_MAX + 1);
    let found: Option<Vec<DateTime>> = starts.map(|found| Some(found.ok()?.start)).collect();
    found.filter(|found| found.len() <= CHANGES_MAX)
}

fn yearly_starts(yearly: Yearly, rule: &RecurrenceRule, start: DateTime, last: i64) -> Vec<DateTime> {
    let days = (i64::from(start.year())..=last).filter_map(|year| yearly.day_in(year));
    let starts = days.filter_map(day::to_date).map(|date| date.to_datetime(start.time()));
    let count = match rule.end {
        End::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
        End::Never | End::Until(_) => usize::MAX,
    };
    starts.filter(|at| *at >= start).take(count).collect()
}

/// All changes up to the end of year `last`.
fn changes(observances: &[Observance], last: i64, footer: String) -> Result<Changes, ZoneError> {
    let mut budget = Budget::default();
    let mut onsets: Vec<(i64, &Observance)> = Vec::new();
    for observance in observances {
        onsets.extend(observance.onsets(last, &mut budget)?.into_iter().map(|at| (at, observance)));
    }
    // Of two that begin at once, the one that first did so later counts, then the later one in the file.
    onsets.sort_by_key(|(at, observance)| (*at, observance.start));
    let Some((_, first)) = onsets.first() else {
        let line = observances.first().map_or(0, |observance| observance.line);
        return Err(ZoneError { line, what: "VTIMEZONE: begins after the year 2199".to_owned() });
    };
    let name = tzif::abbreviation("", first.before);
    let before = LocalTime { offset: first.before, daylight: false, name };
    let mut changes: Vec<(i64, LocalTime)> = Vec::with_capacity(onsets.len());
    for (at, observance) in onsets {
        if changes.last().is_some_and(|(last, _)| *last == at) {
            changes.pop();
        }
        if changes.last().map_or(&before, |(_, kind)| kind) != &observance.kind {
            changes.push((at, observance.kind.clone()));
        }
    }
    Ok(Changes { before, list: changes, footer })
}

/// The two rules without end that most zones come to, which a POSIX TZ text can state (RFC 9636 section 3.3).
struct Pair {
    footer: String,
}

impl Pair {
    fn of(observances: &[Observance]) -> Option<Self> {
        let mut endless = observances.iter().filter(|observance| observance.endless().is_some());
        let (one, other) = (endless.next()?, endless.next()?);
        let (standard, daylight) = if one.kind.daylight { (other, one) } else { (one, other) };
        let each_other = standard.before == daylight.kind.offset && daylight.before == standard.kind.offset;
        let alone = endless.next().is_none() && one.kind.daylight != other.kind.daylight;
        if !each_other || !alone || one.rules.len() != 1 || other.rules.len() != 1 {
            return None;
        }
        let day = |observance: &Observance| {
            let yearly = Yearly::of(observance.endless()?, observance.start)?;
            let time = seconds(observance.start).rem_euclid(86_400);
            Some((yearly.month, format!("{}/{}", yearly.posix_text()?, clock(time))))
        };
        let ((month, begins), (other_month, ends)) = (day(daylight)?, day(standard)?);
        let part = |kind: &LocalTime| format!("<{}>{}", kind.name, clock(-i64::from(kind.offset)));
        let footer = format!("{}{},{begins},{ends}", part(&standard.kind), part(&daylight.kind));
        (month != other_month).then_some(Self { footer })
    }

    /// The changes until both rules have begun and everything else has ended, and the footer.
    fn changes(self, observances: &[Observance]) -> Result<Changes, ZoneError> {
        let mut budget = Budget::default();
        let mut settled = i64::MIN;
        for observance in observances {
            // A rule without end only has to have begun.
            let last = observance.endless().map_or(LAST_YEAR, |_| i64::from(observance.start.year()));
            let onsets = observance.onsets(last, &mut budget)?;
            let dates = observance.dates.iter().copied().chain([observance.start]).map(seconds);
            settled = onsets.into_iter().chain(dates).fold(settled, i64::max);
        }
        let (year, _, _) = day::to_civil(settled.div_euclid(86_400));
        let last = year + 2;
        let footer = if last < LAST_YEAR { self.footer } else { String::new() };
        changes(observances, last.min(LAST_YEAR), footer)
    }
}

/// Seconds as `-1:30:00`, without what is zero at the end.
fn clock(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let (hours, minutes, rest) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    match (minutes, rest) {
        (0, 0) => format!("{sign}{hours}"),
        (_, 0) => format!("{sign}{hours}:{minutes:02}"),
        _ => format!("{sign}{hours}:{minutes:02}:{rest:02}"),
    }
}

/// Seconds since 1970 as if `at` were UTC.
fn seconds(at: DateTime) -> i64 {
    at.duration_since(date(1970, 1, 1).at(0, 0, 0, 0)).as_secs()
}

fn wrong(property: &Property, what: &str) -> ZoneError {
    let value: String = property.value.chars().filter(|c| !c.is_control()).take(80).collect();
    ZoneError { line: property.line, what: format!("{}: {value:?} {what}", property.name) }
}

fn required<'a>(part: &'a Component, name: &str) -> Result<&'a Property, ZoneError> {
    let found = part.properties.iter().find(|property| property.name == name);
    found.ok_or_else(|| ZoneError { line: part.line, what: format!("{}: has no {name}", part.name) })
}

/// `+0100`, `-00:44:30` (RFC 5545 section 3.3.14, and with colons), in seconds.
fn offset(part: &Component, name: &str) -> Result<i32, ZoneError> {
    let property = required(part, name)?;
    let read = || {
        let text = property.value.trim();
        let (sign, text) = match text.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 2 | 4 | 6) {
            return None;
        }
        let number = |at: usize| digits.get(at..at + 2).map_or(Some(0), |two| two.parse::<i32>().ok());
        let (hours, minutes, seconds) = (number(0)?, number(2)?, number(4)?);
        let total = sign * (hours * 3_600 + minutes * 60 + seconds);
        (minutes < 60 && seconds < 60 && Offset::from_seconds(total).is_ok()).then_some(total)
    };
    read().ok_or_else(|| wrong(property, "is no offset such as +0100, of 25:59:59 at most"))
}

/// A local time; one in UTC, which is not allowed here but seen, is brought to `before`; of a period it is the start.
fn moment(text: &str, before: i32) -> Option<DateTime> {
    let text = text.trim().split('/').next()?;
    let Some((day, time)) = text.split_once(['T', 't']) else {
        return Some(read_date(text)?.to_datetime(jiff::civil::Time::midnight()));
    };
    let day = read_date(day)?;
    match time.strip_suffix(['Z', 'z']) {
        Some(time) => {
            day.to_datetime(read_time(time)?).checked_add(jiff::SignedDuration::from_secs(before.into())).ok()
        }
        None => Some(day.to_datetime(read_time(time)?)),
    }
}

fn rule(property: &Property) -> Result<(RecurrenceRule, usize), ZoneError> {
    let rule: RecurrenceRule = property.value.parse().map_err(|error| wrong(property, &format!("({error})")))?;
    if rule.frequency > Frequency::Monthly {
        return Err(wrong(property, "is neither yearly nor monthly"));
    }
    Ok((rule, property.line))
}
