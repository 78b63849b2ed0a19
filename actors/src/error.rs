//! What can keep a request from being answered. "Sold out" is not among it: that is an answer.

use core::time::Duration;
use std::io;

use boxoffice_core::persist::{Fault, PayloadError};

use crate::availability::AvailabilityError;

/// The request was not answered by the rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxOfficeError {
    /// Too many requests wait. Nothing was decided.
    #[error("too many requests wait, next try in {} ms", retry_after.as_millis())]
    Busy {
        /// When to try again, by how long commits take of late: 1 ms to 10 s. Whoever waits a random time from once to twice
        /// that does not come back with all others.
        retry_after: Duration,
    },
    /// The occurrence's owner failed too often of late. Nothing was decided.
    #[error("owner of the occurrence failed too often, next try in {} ms", retry_after.as_millis())]
    Failing {
        /// When the owner will be started again.
        retry_after: Duration,
    },
    /// The caller's own look at a ledger panicked. Nothing else is affected.
    #[error("inspection panicked")]
    InspectionPanicked,
    /// The box office is shut down or shutting down. Nothing was decided.
    #[error("box office is shut down")]
    ShutDown,
    /// The policies of the occurrence could not be asked. Nothing was decided.
    #[error("policies of the occurrence could not be asked: {0}")]
    Policies(Box<AvailabilityError>),
    /// Another process or another start runs the flows of this shard now.
    #[error("the flows of shard {shard} are run elsewhere")]
    FlowsElsewhere {
        /// Which shard.
        shard: u8,
    },
    /// The flows of this shard failed too often of late and are left alone; see [`Flows::restart`](crate::flows::Flows::restart).
    #[error("the flows of shard {shard} failed too often: {reason}")]
    FlowsFailed {
        /// Which shard.
        shard: u8,
        /// How they failed last.
        reason: String,
    },
    /// What was given has no JSON form.
    #[error(transparent)]
    Payload(PayloadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] Fault),
}

impl BoxOfficeError {
    /// Whether the same request may succeed later. When the fate is unknown, look before you retry.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Failing { .. } => true,
            Self::Store(fault) => matches!(fault, Fault::Unavailable { .. } | Fault::Unknown { .. }),
            Self::Policies(error) => error.is_transient(),
            Self::InspectionPanicked
            | Self::ShutDown
            | Self::FlowsElsewhere { .. }
            | Self::FlowsFailed { .. }
            | Self::Payload(_) => false,
        }
    }
}

/// The box office could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The builder was given no store.
    #[error("no store was given: call Builder::store")]
    NoStore,
    /// The operating system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] io::Error),
    /// The actor system ended before it was up.
    #[error("actor system ended before it was up")]
    System,
    /// Flows run already over this box office: a second set would take them from the first. Give all programs to one builder; what
    /// a notifier brings along is added to by [`NotifierBuilder::flows`](crate::notify::NotifierBuilder::flows).
    #[error("flows run already over this box office; give all programs to one builder")]
    FlowsRun,
}
