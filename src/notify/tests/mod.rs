//! What people are told, when, and by which way: tables of cases and laws.

mod breaker;
mod digest;
mod lead;
mod limit;
mod preferences;
mod template;
mod unsubscribe;

use jiff::tz::TimeZone;

use super::*;
use crate::time::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn clock(text: &str) -> LocalTime {
    text.parse().unwrap()
}
