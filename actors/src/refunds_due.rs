//! What was paid too late and is due back.

use boxoffice_core::booking::{BookingCommand, BookingReply, Refund};
use boxoffice_core::id::{AttendeeId, OccurrenceId};

use crate::error::BoxOfficeError;
use crate::office::BoxOffice;

impl BoxOffice {
    /// What is due back, the oldest first: payments for holds that had lapsed and of which no seats were left. It stays until it
    /// is [settled](BoxOffice::settle_refund), whatever else becomes of the attendee.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn refunds_due(&self, occurrence: &OccurrenceId) -> Result<Vec<Refund>, BoxOfficeError> {
        self.inspect(occurrence, |ledger| ledger.refunds_due().cloned().collect()).await
    }

    /// Notes that the oldest of what was due back to an attendee was paid back.
    ///
    /// Whoever may ask twice for one payment asks with [`BoxOffice::run_once`], under a key made of [`Refund::seq`].
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// # use boxoffice::{BoxOffice, booking::{BookingOutcome, Seats}, id::{AttendeeId, OccurrenceId}, persist::MemoryBackend};
    /// # let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    /// let evening: OccurrenceId = "chess@20260105T190000".parse()?;
    /// let (ann, bob) = (AttendeeId::new("ann")?, AttendeeId::new("bob")?);
    /// office.open(&evening, Seats::new(1)).await?;
    /// // A hold of no length, so that the payment comes too late.
    /// office.hold(&evening, &ann, core::time::Duration::ZERO).await?;
    /// office.book(&evening, &bob).await?;
    /// assert_eq!(office.confirm(&evening, &ann).await?.outcome, BookingOutcome::RefundDue);
    ///
    /// for refund in office.refunds_due(&evening).await? {
    ///     // Pay it back first, then:
    ///     let settled = office.settle_refund(&evening, &refund.attendee).await?;
    ///     assert_eq!(settled.outcome, BookingOutcome::RefundSettled { left: 0 });
    /// }
    /// assert_eq!(office.settle_refund(&evening, &ann).await?.outcome, BookingOutcome::NoRefundDue);
    /// # Ok(()) }) }
    /// ```
    pub async fn settle_refund(
        &self,
        occurrence: &OccurrenceId,
        attendee: &AttendeeId,
    ) -> Result<BookingReply, BoxOfficeError> {
        self.run(occurrence, BookingCommand::SettleRefund { attendee: attendee.clone() }).await
    }
}
