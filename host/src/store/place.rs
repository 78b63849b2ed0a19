//! Where a store is, for a tool: a location, or a socket on which another process serves one.

use core::str::FromStr;
use std::path::PathBuf;
use std::sync::Arc;

use boxoffice::persist::{Backend, Location, OpenError, Remote};

use super::socket::Socket;
use crate::error::HostError;

#[derive(Clone, Debug)]
pub(crate) enum Place {
    Here(Location),
    Socket(PathBuf),
}

impl FromStr for Place {
    type Err = OpenError;

    fn from_str(text: &str) -> Result<Self, OpenError> {
        match text.strip_prefix("unix:") {
            Some("") => Err(OpenError::Location { location: text.to_owned() }),
            Some(socket) => Ok(Self::Socket(socket.into())),
            None => text.parse().map(Self::Here),
        }
    }
}

impl Place {
    pub(crate) async fn open(&self, create: bool) -> Result<Arc<dyn Backend>, HostError> {
        match self {
            Self::Here(location) => Ok(location.open(create)?),
            Self::Socket(path) => Ok(Arc::new(Remote::connect(Socket::connect(path)?).await?)),
        }
    }
}
