//! Writes the rules of a zone as a VTIMEZONE (RFC 5545 section 3.6.5) that is right for a window of days.
//!
//! Rules that hold for the 28 years after the window (the cycle of weekdays) become an RRULE without end, as far back
//! as they held. Other changes are listed one by one: DTSTART and RDATE of an observance for each pair of offsets and
//! name. A zone without a rule that an RRULE can state, such as Africa/Casablanca, has only such.

use jiff::civil::{Date, DateTime, date};
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::yearly::{MonthDay, Yearly};
use super::{Component, Property};
use crate::calendar::day;
use crate::calendar::rule_text::compact;
use crate::calendar::zone::Zone;

/// Years for which a series without end is described.
const YEARS_MAX: i32 = 40;
/// After so many years the weekdays of all dates come again, but for the leap day that 2100 lacks.
const CYCLE: i64 = 28;

/// The VTIMEZONE of `zone`, right from the day `from` up to and without the day `to`, or for 40 years if `to` is
/// later than that.
pub(super) fn describe(zone: &Zone, from: Date, to: Date) -> Component {
    if let Some(definition) = zone.definition() {
        return named(definition, zone.name());
    }
    let to = from.checked_add(YEARS_MAX.years()).map_or(to, |last| to.min(last)).max(from);
    let past = changes(zone.time_zone(), from, to);
    let year = i64::from(to.year());
    let rules = rules(&past, &later(zone.time_zone(), year), year);
    let covered = |change: &Change| rules.iter().any(|(rule, first)| *first <= change.local && rule.is(change));
    let mut groups: Vec<(&Change, Vec<DateTime>)> = Vec::new();
    for change in past.iter().filter(|change| !covered(change)) {
        match groups.iter_mut().find(|(first, _)| first.kind() == change.kind()) {
            Some((_, dates)) => dates.push(change.local),
            None => groups.push((change, Vec::new())),
        }
    }
    let listed = groups.iter().map(|(first, dates)| {
        let dates: Vec<String> = dates.iter().map(|at| compact(*at).to_string()).collect();
        observance(first, first.local, (!dates.is_empty()).then(|| ("RDATE", dates.join(","))))
    });
    let ruled =
        rules.iter().map(|(rule, first)| observance(&rule.like, *first, Some(("RRULE", rule.yearly.rule_text()))));
    component("VTIMEZONE", vec![property("TZID", &text(zone.name()))], listed.chain(ruled).collect())
}

/// The VTIMEZONE of a zone that is always `seconds` east of UTC.
pub(super) fn fixed(name: &str, seconds: i32) -> Component {
    let local = date(1970, 1, 1).at(0, 0, 0, 0);
    let change = Change { local, before: seconds, after: seconds, name: String::new(), daylight: false };
    component("VTIMEZONE", vec![property("TZID", &text(name))], vec![observance(&change, local, None)])
}

/// A change of local time.
#[derive(Clone, Debug)]
struct Change {
    /// When, in the local time before.
    local: DateTime,
    before: i32,
    after: i32,
    name: String,
    daylight: bool,
}

impl Change {
    /// None at the beginning of time, and where nothing changes: files of the database made for old readers end in
    /// such a change in 2038.
    fn at(zone: &TimeZone, at: Timestamp) -> Option<Self> {
        let just_before = at.checked_sub(SignedDuration::from_secs(1)).ok()?;
        let (old, new) = (zone.to_offset_info(just_before), zone.to_offset_info(at));
        let (before, after) = (old.offset().seconds(), new.offset().seconds());
        if (before, old.dst(), old.abbreviation()) == (after, new.dst(), new.abbreviation()) {
            return None;
        }
        // Where winter is the exception, as in Dublin, every other program expects summer to be.
        let daylight = if old.dst() == new.dst() { new.dst().is_dst() } else { after > before };
        let local = old.offset().to_datetime(at);
        Some(Self { local, before, after, name: new.abbreviation().to_owned(), daylight })
    }

    fn kind(&self) -> (i32, i32, &str, bool) {
        (self.before, self.after, &self.name, self.daylight)
    }

    fn year(&self) -> i64 {
        i64::from(self.local.year())
    }
}

/// The change in force when the window begins, and those up to the end of the year in which it ends.
fn changes(zone: &TimeZone, from: Date, to: Date) -> Vec<Change> {
    // A day more, since the window is in local time.
    let start = instant(from).checked_sub(SignedDuration::from_hours(26)).unwrap_or(Timestamp::MIN);
    let in_force = zone.preceding(start).find_map(|found| Change::at(zone, found.timestamp()));
    let mut changes: Vec<Change> = in_force.into_iter().collect();
    if changes.is_empty() {
        let info = zone.to_offset_info(start);
        let seconds = info.offset().seconds();
        let local = date(from.year().saturating_sub(1).clamp(1, 1_970), 1, 1).at(0, 0, 0, 0);
        let (name, daylight) = (info.abbreviation().to_owned(), false);
        changes.push(Change { local, before: seconds, after: seconds, name, daylight });
    }
    let just_before = start.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(start);
    let following = zone.following(just_before).filter_map(|found| Change::at(zone, found.timestamp()));
    changes.extend(following.take_while(|change| change.local.year() <= to.year()));
    changes
}

/// The changes of the 28 years after `year`.
fn later(zone: &TimeZone, year: i64) -> Vec<Change> {
    let Some(last_day) = day::to_date(day::from_civil(year, 12, 30)) else { return Vec::new() };
    let following = zone.following(instant(last_day)).filter_map(|found| Change::at(zone, found.timestamp()));
    let following = following.take_while(|change| change.year() <= year + CYCLE);
    following.filter(|change| change.year() > year).collect()
}

/// A rule, and a change that it stands for.
struct Rule {
    yearly: Yearly,
    like: Change,
}

impl Rule {
    fn is(&self, change: &Change) -> bool {
        let day = self.yearly.day_in(change.year());
        let same_time = self.like.local.time() == change.local.time();
        same_time && day == Some(day::number(change.local.date())) && self.like.kind() == change.kind()
    }
}

/// The two rules of the changes in `later`, each with its first date, as far back as the changes in `past` follow
/// them. None if there are no two rules that give all of `later`, or one a year less or more.
fn rules(past: &[Change], later: &[Change], year: i64) -> Vec<(Rule, DateTime)> {
    let Some(one) = later.first() else { return Vec::new() };
    let Some(other) = later.iter().find(|change| change.kind() != one.kind()) else { return Vec::new() };
    let both = [one, other].map(|like| {
        let own: Vec<&Change> = later.iter().filter(|change| change.kind() == like.kind()).collect();
        rule(&own, year).map(|rule| {
            let first = first(&rule, past, year).unwrap_or(like.local);
            (rule, first)
        })
    });
    let all = later.len() == 2 * usize::try_from(CYCLE).unwrap_or_default();
    match both {
        [Some(one), Some(other)] if all => vec![one, other],
        [..] => Vec::new(),
    }
}

/// The rule behind changes of one kind, one for each year.
fn rule(own: &[&Change], year: i64) -> Option<Rule> {
    let like = *own.first()?;
    if !own.iter().map(|change| change.year()).eq(year + 1..=year + CYCLE) {
        return None;
    }
    let month = i64::from(like.local.month());
    let weekday = i64::from(like.local.weekday().to_monday_zero_offset());
    let earliest = own.iter().map(|change| i64::from(change.local.day())).min()?;
    let number = MonthDay::Number(earliest);
    let firsts = [1, 8, 15, 22].map(|first| MonthDay::From { first, weekday });
    let others = [MonthDay::Last { weekday }, number, MonthDay::From { first: earliest, weekday }];
    let mut rules = firsts.into_iter().chain(others);
    let rules = rules.by_ref().map(|day| Rule { yearly: Yearly { month, day }, like: like.clone() });
    rules.into_iter().find(|rule| own.iter().all(|change| rule.is(change)))
}

/// When the rule begins, if that is before the end of `year`: from then on it was followed each year.
fn first(rule: &Rule, past: &[Change], year: i64) -> Option<DateTime> {
    let followed = |year: i64| past.iter().find(|change| change.year() == year && rule.is(change));
    let mut years = (1..=year).rev().map_while(followed);
    years.by_ref().last().map(|change| change.local)
}

fn instant(day: Date) -> Timestamp {
    Offset::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight())).unwrap_or(Timestamp::MAX)
}

fn observance(like: &Change, start: DateTime, more: Option<(&str, String)>) -> Component {
    let mut properties = vec![
        property("DTSTART", &compact(start).to_string()),
        property("TZOFFSETFROM", &offset(like.before)),
        property("TZOFFSETTO", &offset(like.after)),
    ];
    properties.extend(more.map(|(name, value)| property(name, &value)));
    if !like.name.is_empty() {
        properties.push(property("TZNAME", &text(&like.name)));
    }
    component(if like.daylight { "DAYLIGHT" } else { "STANDARD" }, properties, Vec::new())
}

/// `+0100`, with seconds only where there are some.
fn offset(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let (hours, minutes, rest) = (seconds.abs() / 3_600, seconds.abs() / 60 % 60, seconds.abs() % 60);
    let rest = if rest == 0 { String::new() } else { format!("{rest:02}") };
    format!("{sign}{hours:02}{minutes:02}{rest}")
}

/// A copy with the TZID `name`.
fn named(definition: &Component, name: &str) -> Component {
    let mut copy = definition.clone();
    let tzid = property("TZID", &text(name));
    match copy.properties.iter_mut().find(|property| property.name == "TZID") {
        Some(found) => *found = tzid,
        None => copy.properties.insert(0, tzid),
    }
    copy
}

/// A TEXT value (RFC 5545 section 3.3.11). Controls are left out, so that no name can begin a line of its own.
fn text(plain: &str) -> String {
    let mut escaped = String::with_capacity(plain.len());
    for c in plain.chars().filter(|c| !c.is_control()) {
        if matches!(c, '\\' | ';' | ',') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn property(name: &str, value: &str) -> Property {
    Property { name: name.to_owned(), parameters: Vec::new(), value: value.to_owned(), line: 0 }
}

fn component(name: &str, properties: Vec<Property>, components: Vec<Component>) -> Component {
    Component { name: name.to_owned(), properties, components, line: 0 }
}
