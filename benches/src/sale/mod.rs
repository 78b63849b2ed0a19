//! Whole sales: a stampede, a last seat, a festival, a long tail, bots. Each ends with an audit of every stream.

mod fair;
mod festival;
mod flash;
mod peers;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use boxoffice::booking::{Auditor, BookingCommand, BookingReply, Seats, Tally, booking_stream, decode};
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::persist::{Backend, Seq, SledBackend};
use boxoffice::{BoxOffice, BoxOfficeError};

use crate::Result;
use crate::load::{disk_p50, pause};

pub use fair::fair;
pub use festival::festival;
pub use flash::{flash, last_seat};
pub use peers::peers;
pub use tail::{bots, resident, tail};

/// A sled store in a temporary directory, with a box office on it.
struct House {
    folder: tempfile::TempDir,
    store: Arc<dyn Backend>,
    office: BoxOffice,
}

impl House {
    fn open(set: impl FnOnce(boxoffice::Builder) -> boxoffice::Builder) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let store: Arc<dyn Backend> = Arc::new(SledBackend::open(folder.path())?);
        let office = set(BoxOffice::builder().shared_store(Arc::clone(&store)).alone()).start()?;
        Ok(Self { folder, store, office })
    }

    async fn on_sale(&self, occurrences: &[OccurrenceId], capacity: u32) -> Result<()> {
        let opened = occurrences.iter().map(|occurrence| self.office.open(occurrence, Seats::new(capacity)));
        for reply in futures_util::future::join_all(opened).await {
            assert!(reply?.outcome.is_accepted());
        }
        Ok(())
    }

    /// Follows a stream with the auditor, which shares no code with the rules.
    async fn audit(&self, occurrence: &OccurrenceId) -> Result<(Tally, u64)> {
        let (stream, mut auditor, mut seq) = (booking_stream(occurrence), Auditor::new(), Seq::UNWRITTEN);
        loop {
            let page = self.store.read(&stream, seq.next(), 4_096).await?;
            let Some(last) = page.last() else { return Ok((auditor.tally(), seq.get())) };
            seq = last.seq;
            for event in &page {
                auditor.check(event.seq, event.at, &decode(event)?)?;
            }
        }
    }
}

fn who(n: u64) -> Result<AttendeeId> {
    Ok(AttendeeId::new(format!("buyer-{n}"))?)
}

/// The id of the `n`-th occurrence.
pub fn nth(n: usize) -> Result<OccurrenceId> {
    Ok(format!("series-{}@20260105T{:02}{:02}00", n / 1_440, n / 60 % 24, n % 60).parse()?)
}

/// Asks until there is an answer, coming again when told to. Says how often it was turned away.
async fn insist(office: &BoxOffice, at: &OccurrenceId, command: BookingCommand) -> Result<(BookingReply, u64)> {
    let mut turned_away = 0;
    loop {
        match office.run(at, command.clone()).await {
            Ok(reply) => return Ok((reply, turned_away)),
            Err(BoxOfficeError::Busy { retry_after }) => {
                turned_away += 1;
                pause(retry_after).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Spreads numbers (the finaliser of `SplitMix64`, Steele et al., 2014).
pub fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The `n`-th draw of a place below `count`, the first the most likely: Zipf's law, by inversion of its integral.
pub fn zipf(n: u64, count: usize) -> usize {
    let uniform = (mix(n) >> 11) as f64 / (1_u64 << 53) as f64;
    let place = ((count as f64).ln() * uniform).exp() - 1.0;
    (place as usize).min(count - 1)
}

fn title(name: &str) -> Result<()> {
    println!("\n{name} (fdatasync p50 of this disk now: {} us)\n", disk_p50()?.as_micros());
    Ok(())
}

fn millis(length: Duration) -> String {
    format!("{:.1} ms", length.as_secs_f64() * 1_000.0)
}
