//! What tells a process that runs on to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::HostError;

/// SIGTERM and ctrl-c.
pub(crate) struct Ends {
    terminate: Signal,
    interrupt: Signal,
}

impl Ends {
    pub(crate) fn new() -> Result<Self, HostError> {
        let hear = |kind| signal(kind).map_err(|error| HostError::System { doing: "hear signals", error });
        Ok(Self { terminate: hear(SignalKind::terminate())?, interrupt: hear(SignalKind::interrupt())? })
    }

    pub(crate) async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
