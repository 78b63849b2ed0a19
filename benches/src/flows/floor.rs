//! The floor under every engine: a file, one record for each outcome, one write and one fdatasync for all that wait. No
//! start, no result, no identities, nothing to replay from.

use std::fs::{File, OpenOptions};
use std::io::Write;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use super::{Engine, outcome};
use crate::Result;

/// A record, and whom to tell that it is on the disk.
type Append = (Vec<u8>, oneshot::Sender<()>);

pub struct Floor {
    writer: mpsc::UnboundedSender<Append>,
    /// Removed when it is dropped.
    _folder: tempfile::TempDir,
}

impl Floor {
    pub fn open() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = OpenOptions::new().create(true).append(true).open(folder.path().join("log"))?;
        let (writer, waiting) = mpsc::unbounded_channel();
        // Ends with the last sender; whoever waits for an answer is told by its sender being dropped.
        std::thread::spawn(move || write(file, waiting));
        Ok(Self { writer, _folder: folder })
    }
}

fn write(mut file: File, mut waiting: mpsc::UnboundedReceiver<Append>) -> Result<()> {
    while let Some((mut bytes, done)) = waiting.blocking_recv() {
        let mut group = vec![done];
        while let Ok((more, done)) = waiting.try_recv() {
            bytes.extend(more);
            group.push(done);
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        for done in group {
            done.send(()).map_err(|()| "caller is gone")?;
        }
    }
    Ok(())
}

#[async_trait]
impl Engine for Floor {
    fn name(&self) -> &'static str {
        "raw file"
    }

    async fn flow(&self, n: u64, steps: u32) -> Result<u64> {
        let mut sum = 0;
        for step in 0..steps {
            let outcome = outcome(n, step);
            let (done, written) = oneshot::channel();
            self.writer.send((format!("flow {n} step {step} outcome {outcome}\n").into_bytes(), done))?;
            written.await?;
            sum += outcome;
        }
        Ok(sum)
    }
}
