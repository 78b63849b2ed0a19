//! The pure core of **boxoffice**.
#![forbid(unsafe_code)]

pub mod booking;
pub mod calendar;
pub mod id;
pub mod persist;
pub mod time;
