//! A weekly event on a durable store: a seat is booked, one is held while somebody pays, and the house sells out.

use std::error::Error;
use std::time::Duration;

use boxoffice::BoxOffice;
use boxoffice::booking::{BookingOutcome, Seats};
use boxoffice::calendar::{CalendarEvent, Frame, Length, Select};
use boxoffice::id::{AttendeeId, SeriesId};
use boxoffice::persist::SledBackend;
use jiff::ToSpan;
use jiff::civil::date;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let chess = CalendarEvent::new(
        SeriesId::new("chess@club.example")?,
        "Chess evening",
        date(2026, 12, 7).at(19, 0, 0, 0),
        Frame::zoned("Europe/Berlin")?,
        Length::exact(3.hours())?,
    )
    .repeating("FREQ=WEEKLY;UNTIL=20270331T220000Z".parse()?);

    let (from, to) = (date(2026, 12, 1).at(0, 0, 0, 0), date(2027, 1, 1).at(0, 0, 0, 0));
    let evenings: Vec<_> = chess.occurrences(from, to, Select::Starting).collect::<Result<_, _>>()?;
    for evening in &evenings {
        println!("{}  {}", evening.start, evening.id());
    }

    let folder = std::env::temp_dir().join(format!("boxoffice-quickstart-{}", std::process::id()));
    let office = BoxOffice::builder().store(SledBackend::open(&folder)?).start()?;
    let evening = &evenings[0].id();
    let (ann, bob, cyd) = (AttendeeId::new("ann")?, AttendeeId::new("bob")?, AttendeeId::new("cyd")?);

    println!("{:?}", office.open(evening, Seats::new(2)).await?);
    println!("{:?}", office.book(evening, &ann).await?);
    println!("{:?}", office.hold(evening, &bob, Duration::from_secs(600)).await?);

    // A held seat counts. "No" is an answer, not an error.
    let sold_out = office.book(evening, &cyd).await?;
    assert!(matches!(sold_out.outcome, BookingOutcome::Full(_)));
    println!("{sold_out:?}");

    println!("{:?}", office.confirm(evening, &bob).await?);
    println!("{:?}", office.seats(evening).await?);
    office.shutdown().await;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
