//! Days and weeks, as rules call them.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;

use crate::datalog::{Functions, Type, Value};

/// `day(t)`, `week(t)`, `weekday(t)` and `minute_of_day(t)` in a zone.
pub(super) fn functions(zone: &TimeZone) -> Functions {
    let with = |functions: Functions, name: &str, body: fn(DateTime) -> i64| {
        let zone = zone.clone();
        functions.with(name, &[Type::Time], Type::Number, move |values| {
            civil(values, &zone).map(|civil| Value::Number(body(civil)))
        })
    };
    let functions = with(Functions::new(), "day", day);
    let functions = with(functions, "week", week);
    let functions = with(functions, "weekday", |civil| i64::from(civil.weekday().to_monday_one_offset()));
    with(functions, "minute_of_day", |civil| i64::from(civil.hour()) * 60 + i64::from(civil.minute()))
}

/// What clocks show; none beyond the years that have a calendar date.
fn civil(values: &[Value], zone: &TimeZone) -> Option<DateTime> {
    let [Value::Time(at)] = values else { return None };
    let at = jiff::Timestamp::from_millisecond(at.as_millis()).ok()?;
    Some(zone.to_datetime(at))
}

/// Days since 1970-01-01.
fn day(civil: DateTime) -> i64 {
    let since = civil.date().since(date(1970, 1, 1));
    since.map_or(0, |span| i64::from(span.get_days()))
}

/// Weeks since the one of 1970-01-01, each from Monday: two instants have the same if they are in one ISO week.
fn week(civil: DateTime) -> i64 {
    (day(civil) + 3).div_euclid(7)
}
