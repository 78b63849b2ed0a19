//! How the host fails: one line that names what and where, and an exit code.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use boxoffice::availability::AvailabilityError;
use boxoffice::calendar::ImportError;
use boxoffice::datalog::EvalError;
use boxoffice::federation::http::LinkKeyError;
use boxoffice::payment::GatewayError;
use boxoffice::persist::{Fault, Key, OpenError, PayloadError, StoreError, TransferError};
use boxoffice::{BoxOfficeError, StartError};

use crate::output::complain;

/// Why a command did not do its job.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// A flag or its value is wrong.
    #[error("{0}")]
    Usage(String),
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot import {}: {error}", path.display())]
    Import { path: PathBuf, error: ImportError },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Store(#[from] Fault),
    #[error(transparent)]
    Office(#[from] BoxOfficeError),
    #[error(transparent)]
    Gateway(#[from] GatewayError),
    #[error(transparent)]
    Availability(#[from] AvailabilityError),
    #[error(transparent)]
    Facet(#[from] StoreError),
    #[error(transparent)]
    Transfer(#[from] TransferError),
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: TransferError },
    #[error("{}: {error}", path.display())]
    Rules { path: PathBuf, error: EvalError },
    #[error(transparent)]
    Key(#[from] LinkKeyError),
    #[error("cannot {doing}: {error}")]
    System { doing: &'static str, error: io::Error },
}

/// The value of a key cannot be read.
pub(crate) fn damaged(key: &Key, error: &PayloadError) -> Fault {
    Fault::Corrupt { place: format!("key {key}").into(), reason: error.to_string().into() }
}

impl HostError {
    /// 2 when the caller can mend it, 1 when the machine failed.
    fn code(&self) -> u8 {
        match self {
            // A store that is there and damaged is no mistake of the caller's.
            Self::Open(error) => {
                if matches!(error, OpenError::Engine { .. }) {
                    1
                } else {
                    2
                }
            }
            Self::Usage(_) | Self::Read { .. } | Self::Import { .. } => 2,
            Self::File { error, .. } | Self::Transfer(error) => {
                let callers = matches!(
                    error,
                    TransferError::Line { .. } | TransferError::NotEmpty { .. } | TransferError::Limit { .. }
                );
                if callers { 2 } else { 1 }
            }
            Self::Key(error) => {
                if matches!(error, LinkKeyError::Random) {
                    1
                } else {
                    2
                }
            }
            Self::Rules { error, .. } => {
                if matches!(error, EvalError::Mismatch { .. }) {
                    2
                } else {
                    1
                }
            }
            Self::Facet(_)
            | Self::Gateway(_)
            | Self::Availability(_)
            | Self::Start(_)
            | Self::Store(_)
            | Self::Office(_)
            | Self::System { .. } => 1,
        }
    }

    /// Prints the line and gives the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        complain(&self.to_string());
        ExitCode::from(self.code())
    }
}
