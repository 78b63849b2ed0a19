#![doc = include_str!("../../README.md")]
//!
//! # The actors
//!
//! ```text
//! BoxOffice (handle) ----- Directory: occurrence -> owner -----+
//!      | not there yet                                         | one hop
//!      v                                                       v
//! RegistryActor -- starts, starts again --> OccurrenceActor, OccurrenceActor, ...   (owners' thread)
//!                                                  |  one batch each
//!                                                  v
//!                                             StoreActor -- one sync for all --> Backend   (writer's thread)
//!                                                  ^
//! BoxOffice ---> ScheduleActor: series in memory --+                                       (planner's thread)
//! BoxOffice ---> GateActor: who is in -------------+        (feature `checkin`)                     (planner's thread)
//! BoxOffice ---> AvailabilityActor: facts and rules <-- committed events -- Backend        (a thread of its own)
//! ```
//!
//! Everything of the pure core is re-exported here; [`booking`] explains the rules and [`persist`] the store.

pub mod availability;
mod board;
mod builder;
mod cart;
#[cfg(feature = "checkin")]
pub mod checkin;
pub mod clock;
mod directory;
mod door;
mod error;
pub mod federation;
pub mod flows;
mod house;
#[cfg(feature = "_http")]
pub mod http;
mod load;
#[cfg(feature = "notify")]
pub mod notify;
mod occurrence;
mod office;
pub mod orders;
pub mod payment;
mod planner;
mod prices;
mod refunds_due;
mod registry;
mod reply;
mod shared_writer;
mod stats;
mod store;
mod subscription;
mod system;
#[cfg(feature = "notify")]
pub mod transport;
mod under_way;

pub use boxoffice_core::{booking, calendar, datalog, id, jiff, persist, schedule, seating, ticket, time};

pub use board::{OwnerState, SeatWatch};
pub use builder::Builder;
pub use cart::CartOutcome;
pub use error::{BoxOfficeError, StartError};
pub use occurrence::{Decide, Drain, Inspect, Look, OccurrenceActor};
pub use office::BoxOffice;
pub use planner::{AttendeeAgenda, ScheduleReply};
pub use registry::{RegistryActor, RunBooking};
pub use reply::{Answer, ReplyTo};
pub use shared_writer::SharedWriter;
pub use stats::Stats;
pub use store::{Commit, Deferred, StoreActor};
pub use subscription::Subscription;
