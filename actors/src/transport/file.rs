//! Letters that stay on the machine: for development.

use core::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use boxoffice_core::notify::{Blame, Letter, SendOutcome, Transport};

use super::mail::MailComposer;
use super::name::file_name;

/// Writes each letter into a directory, as a message that mail programs open: one `.eml` file for each notice id.
///
/// A file is written under another name and then renamed, so what is there is whole; a letter whose file is there already is
/// not written again. For development: the files name the recipients, and are not synced to the disk.
///
/// ```
/// use boxoffice::notify::{SendOutcome, Transport};
/// use boxoffice::transport::{FileTransport, MailComposer};
/// # use boxoffice::{id::NoticeId, notify::Letter, persist::Payload};
/// # let letter = Letter {
/// #     id: NoticeId::new("reminder-1")?, kind: "reminder".into(), to: "ann@club.example".into(), subject: "Chess".into(),
/// #     text: "At eight.".into(), html: None, calendar: None, unsubscribe: None, data: Payload::new(&())?,
/// # };
/// # let directory = std::env::temp_dir().join(format!("boxoffice-letters-{}", std::process::id()));
/// let transport = FileTransport::new(&directory, MailComposer::new("tickets@club.example")?);
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// assert!(matches!(transport.send(&letter).await, SendOutcome::Ok { .. }));
/// assert!(transport.path_of(&letter.id).exists());
/// # });
/// # std::fs::remove_dir_all(directory)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FileTransport {
    directory: PathBuf,
    composer: MailComposer,
    /// Makes names of unfinished files differ, should two attempts meet.
    attempts: AtomicU64,
}

impl FileTransport {
    /// Writes into this directory, which is made if it is not there.
    pub fn new(directory: impl Into<PathBuf>, composer: MailComposer) -> Self {
        Self { directory: directory.into(), composer, attempts: AtomicU64::new(0) }
    }

    /// Where the letter of this id is, once it was sent: a name made of the id and its hash.
    pub fn path_of(&self, id: &boxoffice_core::id::NoticeId) -> PathBuf {
        self.directory.join(format!("{}.eml", file_name(id)))
    }
}

#[async_trait]
impl Transport for FileTransport {
    fn dedupes(&self) -> bool {
        true
    }

    async fn send(&self, letter: &Letter) -> SendOutcome {
        let message = match self.composer.compose(letter) {
            Ok(message) => message,
            Err(error) => return error.into(),
        };
        let path = self.path_of(&letter.id);
        let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
        let unfinished = path.with_extension(format!("{}-{attempt}.tmp", std::process::id()));
        on_thread(move || {
            if path.exists() {
                return Ok("written before");
            }
            write_whole(&unfinished, &path, &message)?;
            Ok("written")
        })
        .await
    }
}

fn write_whole(unfinished: &Path, path: &Path, message: &str) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let written = File::create(unfinished).and_then(|mut file| file.write_all(message.as_bytes()));
    let moved = written.and_then(|()| fs::rename(unfinished, path));
    moved.inspect_err(|_| {
        // It may not be there at all; the first error is the one to tell.
        let _removed = fs::remove_file(unfinished);
    })
}

/// Writes each letter to a writer, by default the standard output, as a message of mail with an empty line after it.
///
/// For development. It knows no letter again.
///
/// ```
/// use boxoffice::transport::{MailComposer, StdoutTransport};
///
/// let to_terminal = StdoutTransport::new(MailComposer::new("tickets@club.example")?);
/// let to_memory = StdoutTransport::to_writer(Vec::<u8>::new(), MailComposer::new("tickets@club.example")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StdoutTransport<W = io::Stdout> {
    writer: Arc<Mutex<W>>,
    composer: MailComposer,
}

impl StdoutTransport {
    /// Writes to the standard output.
    pub fn new(composer: MailComposer) -> Self {
        Self::to_writer(io::stdout(), composer)
    }
}

impl<W> StdoutTransport<W> {
    /// Writes to `writer`. A letter is written in one piece, never two at once.
    pub fn to_writer(writer: W, composer: MailComposer) -> Self {
        Self { writer: Arc::new(Mutex::new(writer)), composer }
    }

    /// Looks at the writer, or does something with it; letters wait meanwhile.
    pub fn with_writer<T>(&self, look: impl FnOnce(&mut W) -> T) -> T {
        look(&mut self.writer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W> fmt::Debug for StdoutTransport<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdoutTransport").field("composer", &self.composer).finish_non_exhaustive()
    }
}

#[async_trait]
impl<W: Write + Send + 'static> Transport for StdoutTransport<W> {
    async fn send(&self, letter: &Letter) -> SendOutcome {
        let message = match self.composer.compose(letter) {
            Ok(message) => message,
            Err(error) => return error.into(),
        };
        let writer = Arc::clone(&self.writer);
        on_thread(move || {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            writer.write_all(message.as_bytes())?;
            writer.write_all(b"\r\n")?;
            writer.flush()?;
            Ok("written")
        })
        .await
    }
}

/// Writes where it may block.
async fn on_thread(work: impl FnOnce() -> io::Result<&'static str> + Send + 'static) -> SendOutcome {
    let failed = |reason: String| SendOutcome::Retry { reason, after: None, blame: Blame::Channel };
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(info)) => SendOutcome::Ok { info: info.to_owned() },
        Ok(Err(error)) => failed(format!("cannot write the letter: {}", error.kind())),
        Err(_gone) => failed("the runtime is shutting down".to_owned()),
    }
}
