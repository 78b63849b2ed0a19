//! Orders from placing to paid: how many, and how near they come to what the engine allows.

use std::sync::Arc;

use boxoffice::booking::{Party, Seats};
use boxoffice::id::{AttendeeId, OccurrenceId};
use boxoffice::orders::{NewOrder, OrderId, OrderLine, Orders};
use boxoffice::payment::{SandboxGateway, SandboxOutcome};
use boxoffice::persist::{SledBackend, Store};
use boxoffice::time::Timestamp;
use boxoffice::{BoxOffice, clock::Clock as _, clock::SystemClock};

use crate::load::{Measured, closed_loop};
use crate::{Result, raw};

/// Orders under way.
const CALLERS: [usize; 4] = [1, 16, 64, 256];

/// Places orders, pays them and hears of it, each of one seat; with how many transactions each was written.
async fn ours(callers: usize) -> Result<(Measured, f64)> {
    let folder = tempfile::tempdir()?;
    let office = BoxOffice::builder().store(SledBackend::open(folder.path())?).start()?;
    // The gateway's own books are not what is measured.
    let gateway = Arc::new(SandboxGateway::new(Store::memory(), "secret-for-benches".parse()?));
    let orders = Orders::start(&office, Arc::clone(&gateway))?;
    let evening: OccurrenceId = "bench@20260105T190000".parse()?;
    let _opened = office.open(&evening, Seats::new(10_000_000)).await?;
    let before = office.stats();
    let (measuring, paying) = (orders.clone(), evening.clone());
    let measured = closed_loop(callers, move |caller, n| {
        let (orders, gateway, evening) = (measuring.clone(), Arc::clone(&gateway), paying.clone());
        async move { one(&orders, &gateway, evening, &format!("o-{caller}-{n}")).await }
    })
    .await?;
    let after = office.stats();
    let transactions = (after.store.transactions - before.store.transactions) as f64;
    orders.shutdown().await;
    office.shutdown().await;
    let each = transactions / measured.requests as f64;
    Ok((measured, each))
}

async fn one(orders: &Orders, gateway: &SandboxGateway, evening: OccurrenceId, name: &str) -> Result<()> {
    let (id, buyer) = (OrderId::new(name)?, AttendeeId::new(name)?);
    let line = OrderLine::new(evening, buyer.clone(), Party::of(1), "12.50 EUR".parse()?);
    let _placed = orders.place(NewOrder::new(id.clone(), buyer, "A seat", vec![line])).await?;
    let order = orders.until(&id, |order| order.session().is_some()).await?.ok_or("no order")?;
    let session = order.session().ok_or("no session")?;
    let SandboxOutcome::Done(delivery) = gateway.pay(&session.id, None).await? else { return Err("not open".into()) };
    let at: Timestamp = SystemClock.now();
    let _told = orders.webhook(delivery.at(at)).await?;
    orders.until(&id, |order| order.end().is_some()).await?;
    Ok(())
}

pub async fn orders() -> Result<()> {
    println!("\norders of one seat, from placed to paid and confirmed, sled, each transaction synced");
    println!("callers   orders/s    p50 us    p99 us   transactions each   of the engine alone");
    for callers in CALLERS {
        let (measured, each) = ours(callers).await?;
        // What the engine would do if it were handed the same number of transactions and nothing else.
        let floor = raw::sled(callers).await?.rate() as f64 / each;
        let (rate, p50, p99) = (measured.rate(), measured.p50().as_micros(), measured.quantile(0.99).as_micros());
        println!("{callers:>7} {rate:>10} {p50:>9} {p99:>9} {each:>19.1} {:>21.2}", rate as f64 / floor);
    }
    Ok(())
}
