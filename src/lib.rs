//! The pure core of **boxoffice**: seats, recurrence and a durable event store.
//!
//! *What it is not.* It has no clock (`now` is an argument), no randomness, no thread and no runtime; only storage
//! engines touch a disk, each behind a feature. Most hosts depend on the package `boxoffice`, which puts an actor system
//! around it and re-exports it.
//!
//! | room | what it does |
//! | --- | --- |
//! | [`id`], [`time`] | names and instants that rooms share |
//! | [`persist`] | streams and keys over one injected backend, and the one write primitive |
//! | [`calendar`] | what an event is, when it happens again, which occurrences fall into a window |
//! | [`datalog`] | rules over facts: what follows, why, why not |
//! | [`seating`] | seats with names: which there are, which are free, which are best |
//! | [`booking`] | one occurrence's seats: who has which, who gets the next, and why not |
//! | [`flow`] | functions that outlive the process: waits, retries and undoing, by deterministic replay of a journal |
//! | [`schedule`] | series that are scheduled, moved, split and cancelled, as streams of events; agendas; orphaned bookings |
//! | `checkin` | signed tickets and who has come in; behind the feature of that name |
//! | [`availability`] | who is free when, what overlaps, who may book what, by rules that the host can add to |
//! | `notify` | what people are told, when and by which way; behind the feature of that name |
//! | [`ticket`] | what tickets cost: amounts of money, promotions, explained totals |
//! | [`federation`] | other systems: whom to trust, what they publish, seats that one asks of another |
//!
//! A room imports only from rooms above it in this table. A whole sale, without actors:
//!
//! ```
//! use boxoffice_core::booking::{BookingCommand, BookingOutcome, Seats, run};
//! use boxoffice_core::calendar::{CalendarEvent, Frame, Length, Select};
//! use boxoffice_core::id::{AttendeeId, SeriesId};
//! use boxoffice_core::persist::MemoryBackend;
//! use boxoffice_core::time::Timestamp;
//! use jiff::{ToSpan, civil::date};
//!
//! # futures_util::FutureExt::now_or_never(async {
//! let start = date(2026, 12, 7).at(19, 0, 0, 0);
//! let berlin = Frame::zoned("Europe/Berlin")?;
//! let chess = CalendarEvent::new(SeriesId::new("chess")?, "Chess", start, berlin, Length::exact(3.hours())?)
//!     .repeating("FREQ=WEEKLY".parse()?);
//! let to = date(2027, 1, 1).at(0, 0, 0, 0);
//! let evenings = chess.occurrences(start, to, Select::Starting).collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(evenings.len(), 4);
//!
//! let (store, now) = (MemoryBackend::new(), Timestamp::EPOCH);
//! let opened = run(&store, &evenings[0].id(), &BookingCommand::Open { capacity: Seats::new(20) }, now).await?;
//! assert_eq!(opened.outcome, BookingOutcome::Opened);
//! let book = BookingCommand::book(AttendeeId::new("ann")?);
//! let booked = run(&store, &evenings[0].id(), &book, now).await?;
//! assert_eq!(booked.outcome, BookingOutcome::Booked { seat: 1 });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap().unwrap();
//! ```
#![forbid(unsafe_code)]

pub mod availability;
pub mod booking;
pub mod calendar;
#[cfg(feature = "checkin")]
pub mod checkin;
pub mod datalog;
pub mod federation;
pub mod flow;
pub mod id;
#[cfg(feature = "notify")]
pub mod notify;
pub mod persist;
pub mod schedule;
pub mod seating;
pub mod ticket;
pub mod time;

/// Civil times and zones: the crate whose types the calendar speaks, in the version it speaks them.
pub use jiff;
