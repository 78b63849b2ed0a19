//! Which moment is asked about.

use super::record::{RecordedEvent, Seq};
use crate::time::Timestamp;

/// Up to where a stream is folded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsOf {
    /// All that is recorded.
    #[default]
    Now,
    /// Events up to and including this one.
    Seq(Seq),
    /// Events recorded at or before this instant.
    Time(Timestamp),
}

impl AsOf {
    /// Whether an event had happened then.
    pub fn includes(self, recorded: &RecordedEvent) -> bool {
        match self {
            Self::Now => true,
            Self::Seq(seq) => recorded.seq <= seq,
            Self::Time(at) => recorded.at <= at,
        }
    }
}
