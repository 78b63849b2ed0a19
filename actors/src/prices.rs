//! What the handle offers for lists of prices.
//!
//! A list is read and changed as it stands in the store: nothing of it is kept in memory, so that all offices on one store
//! sell at the same prices. Redemptions of its vouchers are bookings, decided by their owner.

use boxoffice_core::booking::{BookingCommand, BookingOutcome, BookingReply};
use boxoffice_core::id::{OccurrenceId, PriceListName};
use boxoffice_core::persist::{AsOf, Backend};
use boxoffice_core::ticket::list::{
    self, PriceCommand, PriceList, PriceReply, load_prices, price_stream, ticket_commands, voucher_commands,
    voucher_occurrence,
};
use futures_util::future::try_join_all;

use crate::error::BoxOfficeError;
use crate::office::BoxOffice;

/// Commands on their way to an owner at the same time: they share its syncs.
const AT_ONCE: usize = 64;

impl BoxOffice {
    /// A list as it stands; one about which nothing was recorded if there is no such list. Takes time in proportion to its
    /// changes: whoever quotes often keeps it for a while.
    ///
    /// # Errors
    /// [`BoxOfficeError::Store`] when the store failed.
    pub async fn price_list(&self, name: &PriceListName) -> Result<PriceList, BoxOfficeError> {
        self.price_list_as_of(name, AsOf::Now).await
    }

    /// A list as it was at an event or an instant.
    ///
    /// # Errors
    /// As [`BoxOffice::price_list`].
    pub async fn price_list_as_of(&self, name: &PriceListName, as_of: AsOf) -> Result<PriceList, BoxOfficeError> {
        Ok(load_prices(&self.shared_writer(), name, as_of).await?)
    }

    /// Runs commands on a list, one after the other, and lets redemptions of its vouchers go by them from then on. There is an
    /// answer for each command; one that is refused keeps no other from being carried out.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use boxoffice::booking::{BookingCommand, BookingOutcome};
    /// use boxoffice::id::{PriceListName, VoucherCode};
    /// use boxoffice::ticket::list::{PriceCommand, Voucher, redemption, voucher_occurrence};
    /// use boxoffice::ticket::price::{Effect, Needs, Promotion};
    /// use boxoffice::{BoxOffice, persist::MemoryBackend};
    ///
    /// let office = BoxOffice::builder().store(MemoryBackend::new()).start()?;
    /// let (season, code) = (PriceListName::new("season")?, VoucherCode::new("SPRING")?);
    /// let off = Promotion::new("spring", 1, Effect::Fixed { off: "2.00 EUR".parse()? });
    /// let off = off.needs(Needs { code: Some("spring".to_owned()), ..Needs::default() });
    /// let once = Voucher { uses: Some(1), ..Voucher::new(code.clone(), "spring") };
    /// let commands = [
    ///     PriceCommand::Start { currency: "EUR".parse()? },
    ///     PriceCommand::set_promotion(off),
    ///     PriceCommand::set_voucher(once),
    /// ];
    /// let replies = office.change_prices(&season, &commands).await?;
    /// assert!(replies.iter().all(|reply| reply.outcome.is_accepted()));
    ///
    /// for (order, left) in [("order 1", true), ("order 2", false)] {
    ///     let (attendee, party) = redemption(order, &code)?;
    ///     let reply = office.run(&voucher_occurrence(&season), BookingCommand::Book { attendee, party }).await?;
    ///     assert_eq!(matches!(reply.outcome, BookingOutcome::Booked { .. }), left);
    /// }
    /// # Ok(()) }) }
    /// ```
    ///
    /// # Errors
    /// [`BoxOfficeError`] when the store failed or the redemptions could not be told. What was written before stays: run the
    /// commands again, or [`BoxOffice::align_vouchers`].
    pub async fn change_prices(
        &self,
        name: &PriceListName,
        commands: &[PriceCommand],
    ) -> Result<Vec<PriceReply>, BoxOfficeError> {
        let replies = list::run(&self.shared_writer(), name, commands, self.now()).await?;
        let refused = replies.iter().filter(|reply| !reply.outcome.is_accepted()).count();
        tracing::debug!(list = %name, commands = commands.len(), refused, "prices changed");
        // Also if nothing was changed: whoever changed it may have ended before this.
        self.align_vouchers(name).await?;
        Ok(replies)
    }

    /// Lets redemptions of a list's vouchers go by the list as it stands. [`BoxOffice::change_prices`] does so by itself; this is for
    /// lists that were changed without a box office, and where that failed. Until then the limits from before count.
    ///
    /// # Errors
    /// As [`BoxOffice::run`].
    pub async fn align_vouchers(&self, name: &PriceListName) -> Result<(), BoxOfficeError> {
        let (occurrence, stream) = (voucher_occurrence(name), price_stream(name));
        loop {
            let list = self.price_list(name).await?;
            let mut commands = voucher_commands(&list);
            // Pools come before the vouchers that draw on them, and the sale before both; of a kind each may come first.
            for kind in [is_open, is_pool, is_ticket] {
                let (these, others): (Vec<_>, Vec<_>) = commands.into_iter().partition(kind);
                self.align(&occurrence, &these).await?;
                commands = others;
            }
            // If it was changed meanwhile, what was said may have come after what is right now.
            if self.shared_writer().head(&stream).await?.last == list.seq() {
                return Ok(());
            }
        }
    }

    async fn align(&self, occurrence: &OccurrenceId, commands: &[BookingCommand]) -> Result<(), BoxOfficeError> {
        for together in commands.chunks(AT_ONCE) {
            let replies = try_join_all(together.iter().map(|command| self.run(occurrence, command.clone()))).await?;
            for reply in replies.iter().filter(|reply| !is_aligned(&reply.outcome)) {
                tracing::warn!(%occurrence, outcome = reply.outcome.name(), "redemptions do not go by the list");
            }
        }
        Ok(())
    }

    /// Says which pools of an occurrence each kind of ticket of a list draws on, so that seats of these kinds can be had there. One
    /// answer for each kind, by name: [`UnknownPool`](BookingOutcome::UnknownPool) where a pool was not made yet. Kinds that are
    /// not on the list stay as they are.
    ///
    /// # Errors
    /// As [`BoxOffice::run`]. Those before it are set then; to ask again changes nothing of them.
    pub async fn set_tickets(
        &self,
        occurrence: &OccurrenceId,
        name: &PriceListName,
    ) -> Result<Vec<BookingReply>, BoxOfficeError> {
        let mut replies = Vec::new();
        for command in ticket_commands(&self.price_list(name).await?) {
            replies.push(self.run(occurrence, command).await?);
        }
        Ok(replies)
    }
}

fn is_open(command: &BookingCommand) -> bool {
    matches!(command, BookingCommand::Open { .. })
}

fn is_pool(command: &BookingCommand) -> bool {
    matches!(command, BookingCommand::SetPool { .. })
}

fn is_ticket(command: &BookingCommand) -> bool {
    matches!(command, BookingCommand::SetTicket { .. })
}

fn is_aligned(outcome: &BookingOutcome) -> bool {
    outcome.is_accepted() || matches!(outcome, BookingOutcome::AsBefore | BookingOutcome::AlreadyOpen { .. })
}
