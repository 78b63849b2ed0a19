//! Peers in a store: their stream, and one command without an actor.

use super::ledger::{PeerBook, PeerCommand, PeerCommandOutcome, PeerEvent, decide_peer};
use super::name::PeerName;
use super::peer::Because;
use super::wire;
use crate::persist::{Backend, CommitOutcome, Expect, Fault, RecordedEvent, Seq, StreamName, Transaction};
use crate::time::Timestamp;

const STREAM: &str = "peers";
/// Events read at a time.
const PAGE: usize = 1_024;

/// The stream in which all changes of peers are recorded: `peers`.
pub fn peers_stream() -> StreamName {
    StreamName::stored(STREAM)
}

/// Hands over the events of a stream after `after`, which must follow without a gap.
pub(super) async fn each(
    backend: &dyn Backend,
    stream: &StreamName,
    after: Seq,
    mut see: impl FnMut(&RecordedEvent) -> Result<(), Fault> + Send,
) -> Result<(), Fault> {
    let mut last = after;
    loop {
        let page = backend.read(stream, last.next(), PAGE).await?;
        for event in &page {
            if event.seq != last.next() {
                return Err(Fault::corrupt(format!("{} of stream {stream}", last.next()), "is missing"));
            }
            see(event)?;
            last = event.seq;
        }
        if page.len() < PAGE {
            return Ok(());
        }
    }
}

impl PeerBook {
    /// Folds what was recorded since.
    ///
    /// # Errors
    /// [`Fault`] when storage failed or an event cannot be read; what was folded before it is.
    pub async fn catch_up(&mut self, backend: &dyn Backend) -> Result<(), Fault> {
        each(backend, &peers_stream(), self.seq(), |event| {
            let decoded = wire::decode(event)?;
            self.evolve(event.seq, event.at, &decoded);
            Ok(())
        })
        .await
    }
}

/// Everything that was decided about peers, oldest first: as which event it is recorded, when, and what it was. Of one peer, if
/// one is named.
///
/// # Errors
/// [`Fault`] when storage failed or an event cannot be read.
pub async fn peer_history(
    backend: &dyn Backend,
    peer: Option<&PeerName>,
) -> Result<Vec<(Seq, Timestamp, PeerEvent)>, Fault> {
    let mut found = Vec::new();
    each(backend, &peers_stream(), Seq::UNWRITTEN, |event| {
        let decoded = wire::decode(event)?;
        if peer.is_none_or(|peer| *peer == decoded.peer) {
            found.push((event.seq, event.at, decoded));
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Runs a command to its outcome: catches up, decides, appends, and does so again while others are quicker. `us` is our own
/// name.
///
/// ```
/// use boxoffice_core::federation::{Because, PeerBook, PeerCommand, PeerCommandOutcome, PeerKey, PeerName, peer_history, run_peer};
/// use boxoffice_core::persist::MemoryBackend;
/// use boxoffice_core::time::Timestamp;
///
/// # futures_util::FutureExt::now_or_never(async {
/// let (store, now, mut book) = (MemoryBackend::new(), Timestamp::EPOCH, PeerBook::new());
/// let (us, library) = (PeerName::new("club.example")?, PeerName::new("library.example")?);
/// let because = Because::new("ann", "they asked")?;
/// let add = PeerCommand::Add { url: "https://library.example/".parse()?, key: PeerKey::new([7; 32]) };
/// let added = run_peer(&store, &mut book, &us, &library, &add, &because, now).await?;
/// assert_eq!(added, PeerCommandOutcome::Done);
/// let again = run_peer(&store, &mut book, &us, &library, &add, &because, now).await?;
/// assert_eq!(again, PeerCommandOutcome::AlreadyKnown);
/// assert_eq!(peer_history(&store, Some(&library)).await?[0].2.because, because);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap().unwrap();
/// ```
///
/// # Errors
/// [`Fault`] when storage failed, an event cannot be read, or the store takes no events of this size.
pub async fn run_peer(
    backend: &dyn Backend,
    book: &mut PeerBook,
    us: &PeerName,
    peer: &PeerName,
    command: &PeerCommand,
    because: &Because,
    now: Timestamp,
) -> Result<PeerCommandOutcome, Fault> {
    loop {
        book.catch_up(backend).await?;
        let change = match decide_peer(book, us, peer, command) {
            Ok(change) => change,
            Err(outcome) => return Ok(outcome),
        };
        let event = PeerEvent { peer: peer.clone(), because: because.clone(), change };
        let (at, seq) = (now.max(book.latest_at()), book.seq());
        let append = Transaction::append(&peers_stream(), Expect::At(seq), vec![wire::encode(at, &event)]);
        match backend.commit_one(append).await? {
            CommitOutcome::Done(_) | CommitOutcome::Already(_) => {
                book.evolve(seq.next(), at, &event);
                return Ok(PeerCommandOutcome::Done);
            }
            CommitOutcome::Conflict(_) => {}
            refused @ (CommitOutcome::Refused(_) | CommitOutcome::KeyReused) => return Err(not_taken(&refused)),
        }
    }
}

/// That the store does not take what was to be written.
pub(super) fn not_taken(refused: &CommitOutcome) -> Fault {
    Fault::Unavailable { reason: format!("the store does not take what was to be recorded: {refused:?}").into() }
}
