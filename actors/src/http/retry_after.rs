//! When an answer asks for another try.

use core::time::Duration;

use boxoffice_core::time::Timestamp;

/// The longest wait that a receiver may ask for.
const AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3). At most a day.
pub(crate) fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let date = || {
        let instant = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
        Some(Timestamp::from_millis(instant.as_millisecond()).saturating_since(now))
    };
    let seconds = value.parse().ok().map(Duration::from_secs);
    seconds.or_else(date).map(|wait| wait.min(AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_and_is_at_most_a_day() {
        let now: Timestamp = "2026-01-05T19:00:00Z".parse().unwrap();
        let cases = [
            ("120", Some(120)),
            ("0", Some(0)),
            ("999999999", Some(86_400)),
            ("Mon, 05 Jan 2026 19:00:30 GMT", Some(30)),
            ("Mon, 05 Jan 2026 18:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ];
        for (value, seconds) in cases {
            assert_eq!(retry_after(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
