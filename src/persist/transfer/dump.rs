//! Backups: everything that a store holds, in one file.
//!
//! A text file of JSON lines. The first is `{"boxoffice_backup":1}`, then one [`Item`] a line, and at the end
//! `{"end":{"items":N,"sha256":"..."}}` with the SHA-256 of all bytes before that line, so that a file that was cut short
//! or altered is found out.

use std::io::{BufRead, Write};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Export, TransferError, empty, import};
use crate::persist::backend::Backend;
use crate::persist::contents::{Fingerprint, Item, PAGE};
use crate::persist::record::Cursor;

const VERSION: u32 = 1;
/// A line holds one item, and the largest item is far below this.
const LINE_BYTES_MAX: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    boxoffice_backup: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finish {
    end: End,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    items: u64,
    sha256: Fingerprint,
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dumped {
    /// Events.
    pub events: u64,
    /// Keys with a value.
    pub values: u64,
    /// Idempotency keys.
    pub remembered: u64,
    /// The last event.
    pub through: Cursor,
}

impl Dumped {
    fn count(&mut self, item: &Item) {
        match item {
            Item::Event(event) => {
                self.events += 1;
                self.through = event.cursor;
            }
            Item::Value(..) => self.values += 1,
            Item::Remembered(..) => self.remembered += 1,
            Item::Deleted(_) | Item::Truncated(..) | Item::Next(_) => {}
        }
    }
}

/// Writes everything that `from` holds, as of one moment, to `to`. Writers go on meanwhile. Syncing the file is the
/// caller's.
///
/// # Errors
/// [`TransferError`]. What was written then is no backup: it has no end.
pub async fn backup(from: &Arc<dyn Backend>, to: &mut (dyn Write + Send)) -> Result<Dumped, TransferError> {
    let (mut sum, mut items, mut dumped) = (Sha256::new(), 0, Dumped::default());
    let mut put = |line: String, to: &mut (dyn Write + Send)| {
        sum.update(line.as_bytes());
        to.write_all(line.as_bytes())
    };
    put(line(&Start { boxoffice_backup: VERSION })?, to)?;
    let mut export = Export::begin(from).await?;
    while let Some(page) = export.next().await? {
        for item in &page {
            dumped.count(item);
            put(line(item)?, to)?;
        }
        items += page.len() as u64;
    }
    let end = End { items, sha256: Fingerprint(sum.finalize().into()) };
    to.write_all(line(&Finish { end })?.as_bytes())?;
    to.flush()?;
    tracing::info!(events = dumped.events, values = dumped.values, through = %dumped.through, "backup written");
    Ok(dumped)
}

/// Reads a backup into `to`, which must be empty.
///
/// # Errors
/// [`TransferError`], with the line where there is one. `to` may hold a part then: throw it away.
pub async fn restore(from: &mut (dyn BufRead + Send), to: &dyn Backend) -> Result<Dumped, TransferError> {
    empty(to).await?;
    let (mut sum, mut dumped) = (Sha256::new(), Dumped::default());
    let (mut number, mut items, mut page) = (1, 0, Vec::new());
    let first = next_line(from, number)?;
    match serde_json::from_str::<Start>(&first) {
        Ok(Start { boxoffice_backup: VERSION }) => sum.update(first.as_bytes()),
        Ok(Start { boxoffice_backup: other }) => {
            return wrong(number, format!("is of version {other}, this program reads {VERSION}"));
        }
        Err(_) => return wrong(number, "does not begin a backup".to_owned()),
    }
    loop {
        number += 1;
        let text = next_line(from, number)?;
        if text.is_empty() {
            return wrong(number, "the backup ends here, and was cut short".to_owned());
        }
        if let Ok(Finish { end }) = serde_json::from_str::<Finish>(&text) {
            if end.items != items || end.sha256 != Fingerprint(sum.finalize().into()) {
                return wrong(number, "the lines above are not those that were written".to_owned());
            }
            break;
        }
        sum.update(text.as_bytes());
        items += 1;
        match serde_json::from_str::<Item>(&text) {
            Ok(item) => {
                dumped.count(&item);
                page.push(item);
            }
            Err(error) => return wrong(number, error.to_string()),
        }
        if page.len() == PAGE {
            import(to, core::mem::take(&mut page)).await?;
        }
    }
    if !next_line(from, number + 1)?.is_empty() {
        return wrong(number + 1, "stands behind the end".to_owned());
    }
    import(to, page).await?;
    tracing::info!(events = dumped.events, values = dumped.values, through = %dumped.through, "backup restored");
    Ok(dumped)
}

fn wrong<T>(line: u64, reason: String) -> Result<T, TransferError> {
    Err(TransferError::Line { line, reason })
}

fn line<T: Serialize>(value: &T) -> Result<String, TransferError> {
    let text = serde_json::to_string(value).map_err(std::io::Error::from)?;
    Ok(text + "\n")
}

/// The next line with its end; empty at the end of the file.
pub(super) fn next_line(from: &mut (dyn BufRead + Send), number: u64) -> Result<String, TransferError> {
    let mut text = String::new();
    let read = std::io::Read::take(from, LINE_BYTES_MAX).read_line(&mut text);
    match read {
        Ok(_) if text.len() as u64 == LINE_BYTES_MAX => wrong(number, format!("has over {LINE_BYTES_MAX} bytes")),
        Ok(_) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => wrong(number, "is no UTF-8".to_owned()),
        Err(error) => Err(error.into()),
    }
}
