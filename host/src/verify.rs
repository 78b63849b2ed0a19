//! `boxoffice verify`: audits a store and changes nothing.

use futures_util::FutureExt;
use serde_json::json;

use crate::args::VerifyArgs;
use crate::audit::audit;
use crate::error::HostError;
use crate::output::{print, visible};

pub(crate) fn run(args: &VerifyArgs) -> Result<bool, HostError> {
    let store = args.store.open(false)?;
    let stopped = || HostError::Usage("the store did not answer".to_owned());
    let found = audit(&*store).now_or_never().ok_or_else(stopped)??;
    let well = found.breaches.is_empty() && found.oversold == 0;
    let text = if args.json {
        let line = json!({
            "streams": found.streams, "booking_streams": found.booking_streams, "events": found.events,
            "capacity": found.capacity, "held": found.held, "confirmed": found.confirmed,
            "voucher_uses": found.voucher_uses, "refunds_due": found.refunds_due, "oversold": found.oversold, "breaches": found.breaches,
        });
        format!("{line}\n")
    } else {
        let breaches: Vec<String> =
            found.breaches.iter().map(|breach| visible(&format!("BREACH  {breach}")) + "\n").collect();
        let breaches = breaches.concat();
        format!(
            "streams    {:>10}  ({} of bookings)\nevents     {:>10}\nseats      {:>10}\nconfirmed  {:>10}\nheld       {:>10}\nvouchers   {:>10}  (uses)\nrefunds    {:>10}  (due)\noversold   {:>10}\nbreaches   {:>10}\n{breaches}",
            found.streams,
            found.booking_streams,
            found.events,
            found.capacity,
            found.confirmed,
            found.held,
            found.voucher_uses,
            found.refunds_due,
            found.oversold,
            found.breaches.len(),
        )
    };
    print(&text)?;
    Ok(well)
}
