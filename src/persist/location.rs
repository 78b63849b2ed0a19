//! Where a store is, as one line of configuration.

use core::fmt;
use core::str::FromStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::backend::Backend;
use super::error::OpenError;
use super::memory::MemoryBackend;

/// Whether a directory holds what sled makes.
pub(super) fn is_sled(path: &Path) -> bool {
    path.join("db").is_file() && path.join("conf").is_file()
}

/// Whether a directory holds what fjall makes.
pub(super) fn is_fjall(path: &Path) -> bool {
    path.join("version").is_file() && path.join("keyspaces").is_dir()
}

/// Where a store is: `sled:DIR`, `fjall:DIR` or `memory:`. A bare `DIR` is what is found there, and sled for a new one.
///
/// ```
/// use boxoffice_core::persist::Location;
/// let location: Location = "fjall:/var/lib/boxoffice".parse()?;
/// assert_eq!(location.to_string(), "fjall:/var/lib/boxoffice");
/// # Ok::<(), boxoffice_core::persist::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// Nowhere: it is gone with the process.
    Memory,
    /// A directory with a sled store.
    Sled(PathBuf),
    /// A directory with a fjall store.
    Fjall(PathBuf),
}

impl FromStr for Location {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        let unknown = || OpenError::Location { location: text.to_owned() };
        match text.split_once(':') {
            Some(("memory", "")) => Ok(Self::Memory),
            Some((_, "")) | None if text.is_empty() || text.ends_with(':') => Err(unknown()),
            Some(("sled", path)) => Ok(Self::Sled(path.into())),
            Some(("fjall", path)) => Ok(Self::Fjall(path.into())),
            Some((scheme, _)) if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                Err(unknown())
            }
            Some(_) | None => Ok(Self::found_at(text.as_ref())),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sled(path) => write!(f, "sled:{}", path.display()),
            Self::Fjall(path) => write!(f, "fjall:{}", path.display()),
        }
    }
}

impl Location {
    /// The location of the store in the directory `path`, by what is in it; a sled store when that is not told.
    pub fn found_at(path: &Path) -> Self {
        if is_fjall(path) { Self::Fjall(path.to_owned()) } else { Self::Sled(path.to_owned()) }
    }

    /// The directory, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Sled(path) | Self::Fjall(path) => Some(path),
        }
    }

    /// That a store of the other engine is not taken for a directory of other files.
    fn matches(&self, path: &Path) -> Result<(), OpenError> {
        let reason = match self {
            Self::Sled(_) if is_fjall(path) => "it is a fjall store",
            Self::Fjall(_) if is_sled(path) && !is_fjall(path) => "it is a sled store",
            Self::Memory | Self::Sled(_) | Self::Fjall(_) => return Ok(()),
        };
        Err(OpenError::NotAStore { path: path.to_owned(), reason: reason.to_owned() })
    }

    /// Opens the store, and makes a new one if `create` says so and there is none.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be opened; [`OpenError::NotBuiltIn`] when this build does not have the engine.
    pub fn open(&self, create: bool) -> Result<Arc<dyn Backend>, OpenError> {
        if let Some(path) = self.path() {
            self.matches(path)?;
        }
        match self {
            Self::Memory => Ok(Arc::new(MemoryBackend::new())),
            #[cfg(feature = "sled")]
            Self::Sled(path) => {
                let options = super::SledOptions { create, ..super::SledOptions::default() };
                Ok(Arc::new(super::SledBackend::open_with(path, options)?))
            }
            #[cfg(feature = "fjall")]
            Self::Fjall(path) => {
                let options = super::FjallOptions { create, ..super::FjallOptions::default() };
                Ok(Arc::new(super::FjallBackend::open_with(path, options)?))
            }
            #[cfg(not(all(feature = "sled", feature = "fjall")))]
            _ => {
                let engine = self.to_string().split(':').next().unwrap_or_default().to_owned();
                tracing::debug!(create, "engine is not built in");
                Err(OpenError::NotBuiltIn { engine })
            }
        }
    }
}
