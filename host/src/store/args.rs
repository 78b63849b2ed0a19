//! The command line of `boxoffice store`.

use std::path::PathBuf;

use boxoffice::persist::Location;
use clap::{Args, Subcommand};

use super::place::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// List the streams
    Ls(LsArgs),
    /// Print the events of a stream as JSON lines
    Cat(CatArgs),
    /// Check every record: its checksum, the density of sequence numbers, index and catalog
    ///
    /// Works on a copy of the files and changes nothing: a storage engine that opens a damaged store cuts off what it cannot
    /// read. A store behind a socket is looked at where it is.
    Verify(VerifyArgs),
    /// Copy everything readable of a damaged store into a new one
    ///
    /// Works on a copy of the files and changes nothing in STORE. Events that stand behind a gap in their stream cannot
    /// follow it; they are written to DEST.lost.jsonl and not into the new store.
    Repair(RepairArgs),
    /// Write everything to a file, as of one moment; the store may be in use
    Backup(BackupArgs),
    /// Read a backup into a new store
    Restore(RestoreArgs),
    /// Print events as JSON lines, for other programs
    Export(ExportArgs),
    /// Append events from JSON lines
    ///
    /// A line with a sequence number is appended only in that place, so that importing twice appends once; one without is
    /// appended wherever the stream stands.
    Import(ImportArgs),
    /// Count what is there
    Stats(OneStore),
    /// Copy a store into a new one, of whatever engine, and compare the two
    ///
    /// The store may be in use: the copy catches up a few times, and says whether it is still behind.
    Copy(CopyArgs),
    /// Serve the store on a Unix socket, for unix:SOCKET elsewhere on this machine
    ///
    /// Whoever may open the socket may do everything; it is made for its owner alone.
    Serve(ServeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct OneStore {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// Open the store itself, for want of room for a copy
    #[arg(long)]
    pub(crate) in_place: bool,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// Also the streams that belong to the store itself
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    /// The stream
    #[arg(value_name = "STREAM")]
    pub(crate) stream: String,
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// First sequence number
    #[arg(long, value_name = "SEQ", default_value_t = 1)]
    pub(crate) from: u64,
    /// Events at most
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    pub(crate) limit: u64,
}

#[derive(Debug, Args)]
pub(crate) struct RepairArgs {
    /// The damaged store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Location,
    /// The new store: sled:DIR or fjall:DIR, a directory that is not there yet
    #[arg(long, value_name = "DEST")]
    pub(crate) copy: Location,
    /// Print one line of JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// The file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The new store: sled:DIR or fjall:DIR, a directory that is not there yet
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Location,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The store
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
    /// Only this stream [default: all of the host's, in commit order]
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The file, or - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The store, which is made when there is none
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Place,
}

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// The store to copy
    #[arg(long, value_name = "STORE")]
    pub(crate) from: Place,
    /// The new store: sled:DIR or fjall:DIR, a directory that is not there yet
    #[arg(long, value_name = "STORE")]
    pub(crate) to: Location,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The store, which is made when there is none
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Location,
    /// The socket
    #[arg(long, value_name = "SOCKET")]
    pub(crate) socket: PathBuf,
}
