//! A POST of which only the head of the answer is read.

use core::time::Duration;

use boxoffice_core::time::Timestamp;
use hyper::Method;
use hyper::body::Bytes;
use hyper::header::{HeaderName, RETRY_AFTER};

use super::wire::{converse, request};
use super::{Client, Fault, Target};

/// The longest wait that a receiver may ask for.
const AFTER_MAX: Duration = Duration::from_secs(24 * 3_600);

/// What a receiver said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<String>,
}

impl Reply {
    /// How long the receiver asks to be left alone, at most a day.
    pub(crate) fn wait(&self, now: Timestamp) -> Option<Duration> {
        self.retry_after.as_deref().and_then(|value| wait(value, now))
    }
}

impl Client {
    /// Posts, and reads the head of the answer.
    pub(crate) async fn post(
        &self,
        target: &Target,
        headers: &[(HeaderName, String)],
        body: impl Into<Bytes>,
    ) -> Result<Reply, Fault> {
        let request = request(&Method::POST, target, headers, body.into())?;
        let stream = self.open(target, self.connect_timeout).await?;
        converse(stream, request, async |answer| {
            let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
            Ok(Reply { status: answer.status().as_u16(), retry_after: retry_after.map(str::to_owned) })
        })
        .await
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3).
fn wait(value: &str, now: Timestamp) -> Option<Duration> {
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
            assert_eq!(wait(value, now), seconds.map(Duration::from_secs), "{value}");
        }
    }
}
