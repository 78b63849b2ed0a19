//! An evening at the door: tickets are signed, scanned online and offline, cancelled, and staff sees what was not in order.

use std::error::Error;

use boxoffice::BoxOffice;
use boxoffice::booking::{BookingCommand, Party, Seats};
use boxoffice::checkin::{
    CheckinOptions, Direction, ScanRequest, SignedTicket, TicketKey, TicketVerifier, TicketsOutcome,
};
use boxoffice::id::{AttendeeId, DeviceId, Nonce, OccurrenceId};
use boxoffice::persist::MemoryBackend;
use boxoffice::time::Timestamp;

fn scan(ticket: &SignedTicket, device: &str, minute: i64, nonce: &str) -> Result<ScanRequest, Box<dyn Error>> {
    Ok(ScanRequest {
        ticket: ticket.text().to_owned(),
        direction: Direction::Entry,
        device: DeviceId::new(device)?,
        device_at: Timestamp::from_millis(minute * 60_000),
        nonce: Nonce::new(nonce)?,
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A host takes 32 bytes of the operating system's randomness once, and keeps them as it keeps other secrets.
    let key = TicketKey::new([7; 32]);
    let verifier = TicketVerifier::new().accepting(key.public())?;
    let options = CheckinOptions::signing(key);
    let office = BoxOffice::builder().store(MemoryBackend::new()).checkin(options).start()?;

    let evening: OccurrenceId = "chess@20260105T190000".parse()?;
    let (ann, bob) = (AttendeeId::new("ann")?, AttendeeId::new("bob")?);
    println!("{:?}", office.open(&evening, Seats::new(10)).await?.outcome);
    for (attendee, seats) in [(&ann, 2), (&bob, 1)] {
        let book = BookingCommand::Book { attendee: attendee.clone(), party: Party::of(seats) };
        println!("{:?}", office.run(&evening, book).await?.outcome);
    }
    let TicketsOutcome::Issued(of_ann) = office.issue_tickets(&evening, &ann, None).await? else { return Ok(()) };
    let TicketsOutcome::Issued(of_bob) = office.issue_tickets(&evening, &bob, None).await? else { return Ok(()) };
    println!("{}", of_ann[0].text());

    // Online: the first scan admits, its repetition is the same scan, another one finds her in.
    for nonce in ["1", "1", "2"] {
        println!("{:?}", office.scan(&evening, scan(&of_ann[0], "gate-1", 0, nonce)?).await?);
    }

    // Offline: a device has the key and the roster. Bob cancels where it cannot see it.
    let roster = office.ticket_roster(&evening).await?;
    println!("{:?}", office.cancel(&evening, &bob).await?.outcome);
    println!("offline: {:?}", roster.verify(&verifier, of_bob[0].text(), Timestamp::EPOCH).map(|ticket| ticket.id()));
    let upload = vec![scan(&of_bob[0], "gate-2", 5, "a")?, scan(&of_ann[1], "gate-2", 6, "b")?];
    for reply in office.upload_scans(&evening, upload).await? {
        println!("{} {}", reply.outcome.name(), reply.conflict().map_or("", |_| "<- look into it"));
    }
    println!("{:?}", office.gate_status(&evening).await?);
    office.shutdown().await;
    Ok(())
}
