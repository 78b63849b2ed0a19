//! Redemptions of vouchers as seats of an occurrence.

use crate::booking::{Below, BookingCommand, Party, Seats};
use crate::id::{
    AttendeeId, IdError, OccurrenceId, PoolName, PriceListName, RecurrenceId, SeriesId, TicketType, VoucherCode,
};
use crate::ticket::list::state::{Issued, PriceList};
use jiff::civil::Date;

/// Before the code of a voucher, the name of the pool that is its own limit.
pub(super) const OWN_LIMIT: &str = "code:";
/// Before the name of a list, the series of its redemptions.
const VOUCHERS: &str = "vouchers:";
/// The one recurrence id of what is no calendar entry.
const DAY: Date = Date::constant(1970, 1, 1);

/// The occurrence whose seats are the redemptions of a list's vouchers: `vouchers:`, the name of the list, and `@19700101`. It is
/// booked like any other and stands in no calendar.
///
/// ```
/// use boxoffice_core::id::PriceListName;
/// use boxoffice_core::ticket::list::voucher_occurrence;
/// let season = PriceListName::new("season")?;
/// assert_eq!(voucher_occurrence(&season).to_string(), "vouchers:season@19700101");
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
pub fn voucher_occurrence(list: &PriceListName) -> OccurrenceId {
    OccurrenceId::new(SeriesId::of_checked(&format!("{VOUCHERS}{list}")), RecurrenceId::date(DAY))
}

/// The list whose [`voucher_occurrence`] it is; none if its seats are seats.
///
/// ```
/// use boxoffice_core::id::{OccurrenceId, PriceListName};
/// use boxoffice_core::ticket::list::vouchers_of;
/// let redemptions: OccurrenceId = "vouchers:season@19700101".parse()?;
/// assert_eq!(vouchers_of(&redemptions), Some(PriceListName::new("season")?));
/// assert_eq!(vouchers_of(&"chess@20260105T190000".parse()?), None);
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
pub fn vouchers_of(occurrence: &OccurrenceId) -> Option<PriceListName> {
    let name = occurrence.series().as_str().strip_prefix(VOUCHERS)?;
    PriceListName::new(name).ok().filter(|list| voucher_occurrence(list) == *occurrence)
}

/// What brings [`voucher_occurrence`] in line with the list, to be run in this order after each change of it. To run them again
/// changes nothing.
///
/// It has 4,294,967,295 seats in all; how many redemptions there may be is said by pools. That of a voucher's own limit is called
/// `code:` and its code, those that are shared go by their names: a refusal names the tightest
/// ([`Shortage::pool`](crate::booking::Shortage)). A limit below what is used up takes no use away. A voucher that was withdrawn has
/// a limit of 0, and what was redeemed of it stays counted. For a list that never had vouchers there are none.
pub fn voucher_commands(list: &PriceList) -> Vec<BookingCommand> {
    if list.issued.is_empty() && list.pools.is_empty() {
        return Vec::new();
    }
    let size = |pool, uses| BookingCommand::SetPool { pool, capacity: Seats::new(uses), below: Below::GiveNoMore };
    let mut commands = vec![BookingCommand::Open { capacity: Seats::new(u32::MAX) }];
    commands.extend(list.pools.iter().map(|(pool, uses)| size(pool.clone(), *uses)));
    for (code, issued) in &list.issued {
        let limit = own_limit(issued);
        commands.extend(limit.map(|uses| size(own_pool(code), uses)));
        let mut pools = issued.voucher.pools.clone();
        pools.extend(limit.map(|_| own_pool(code)));
        commands.push(BookingCommand::SetTicket { ticket: kind(code), pools });
    }
    commands
}

fn own_limit(issued: &Issued) -> Option<u32> {
    if issued.withdrawn { Some(0) } else { issued.voucher.uses }
}

fn own_pool(code: &VoucherCode) -> PoolName {
    PoolName::of_checked(&format!("{OWN_LIMIT}{code}"))
}

fn kind(code: &VoucherCode) -> TicketType {
    TicketType::of_checked(code.as_str())
}

/// One use of a voucher by an order: who takes the seat of [`voucher_occurrence`], and which. Hold it with the order, confirm it
/// with the payment; release or cancel it when the order comes to nothing. Of one order and code there is one, however often it is
/// asked for.
///
/// The name is the length of the code, the code, and the order, as in `6:SPRING:order-17`.
///
/// # Errors
/// [`IdError`] when the name of the order is longer than 193 bytes, and may be when it is longer than 193 less the code's, or holds a
/// control character.
pub fn redemption(order: &str, code: &VoucherCode) -> Result<(AttendeeId, Party), IdError> {
    let attendee = AttendeeId::new(format!("{}:{code}:{order}", code.as_str().len()))?;
    Ok((attendee, Party::of(1).with_ticket(kind(code))))
}

/// Which pools of an occurrence each kind of ticket of the list draws on. The pools must be there.
pub fn ticket_commands(list: &PriceList) -> Vec<BookingCommand> {
    let set = |offer: &super::TicketOffer| BookingCommand::SetTicket {
        ticket: offer.ticket.clone(),
        pools: offer.pools.clone(),
    };
    list.tickets.values().map(set).collect()
}
