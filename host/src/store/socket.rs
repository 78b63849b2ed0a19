//! The store on a Unix socket. Each message is its length in four bytes, big-endian, and so many bytes of JSON.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use boxoffice::persist::{Backend, Fault, Request, Response, Transport, serve};
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::HostError;

/// Bytes of a message at most: a moment of all keys of a large store.
const MESSAGE_MAX: u32 = 1 << 30;

/// A connection to the process that serves a store.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    stream: Mutex<UnixStream>,
}

impl Socket {
    pub(super) fn connect(path: &Path) -> Result<Self, HostError> {
        let stream = UnixStream::connect(path).map_err(|error| HostError::Read { path: path.to_owned(), error })?;
        Ok(Self { path: path.to_owned(), stream: Mutex::new(stream) })
    }
}

#[async_trait]
impl Transport for Socket {
    async fn call(&self, request: Request) -> Result<Response, Fault> {
        let lost = |error: &dyn core::fmt::Display| {
            let reason = format!("{}: {error}", self.path.display());
            Fault::Unknown { reason: reason.into() }
        };
        let mut stream = self.stream.lock().map_err(|error| lost(&error))?;
        send(&mut *stream, &request).map_err(|error| lost(&error))?;
        let response = receive(&mut *stream).map_err(|error| lost(&error))?;
        response.ok_or_else(|| lost(&"the other end closed the connection"))
    }
}

fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    let bytes = serde_json::to_vec(message)?;
    let too_long = || io::Error::new(ErrorKind::InvalidData, "message is too long");
    let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= MESSAGE_MAX).ok_or_else(too_long)?;
    to.write_all(&length.to_be_bytes())?;
    to.write_all(&bytes)?;
    to.flush()
}

/// None when the other end closed the connection between two messages.
fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_be_bytes(length);
    if length > MESSAGE_MAX {
        return Err(io::Error::new(ErrorKind::InvalidData, "message is too long"));
    }
    // Read as it comes: a length alone must not take memory.
    let mut bytes = Vec::new();
    from.take(length.into()).read_to_end(&mut bytes)?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Takes the socket at `path`. Nothing is removed but the socket of a process that is gone.
pub(super) fn bind(path: &Path) -> Result<UnixListener, HostError> {
    let fail = |error| HostError::Read { path: path.to_owned(), error };
    if let Ok(there) = fs::symlink_metadata(path) {
        if !there.file_type().is_socket() {
            return Err(HostError::Usage(format!("{} is there already, and is no socket", path.display())));
        }
        match UnixStream::connect(path) {
            Ok(_) => return Err(HostError::Usage(format!("{} is served by another process", path.display()))),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        }
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(fail)?;
    Ok(listener)
}

/// Serves `backend` until the process ends, a thread for each connection.
pub(super) fn listen(listener: &UnixListener, backend: &Arc<dyn Backend>, path: &Path) -> Result<(), HostError> {
    let fail = |error| HostError::Read { path: path.to_owned(), error };
    tracing::info!(socket = %path.display(), "serving");
    for connection in listener.incoming() {
        let (backend, connection) = (Arc::clone(backend), connection.map_err(fail)?);
        std::thread::spawn(move || {
            if let Err(error) = attend(&*backend, connection) {
                tracing::warn!(%error, "connection ended");
            }
        });
    }
    Ok(())
}

fn attend(backend: &dyn Backend, mut connection: UnixStream) -> io::Result<()> {
    while let Some(request) = receive::<Request>(&mut connection)? {
        let _span = tracing::debug_span!("request", op = %request.op).entered();
        // The embedded stores answer at once, on the thread that asks.
        let response = serve(backend, &request).now_or_never();
        let response = response.ok_or_else(|| io::Error::other("the store did not answer"))?;
        send(&mut connection, &response)?;
    }
    Ok(())
}
