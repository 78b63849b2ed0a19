//! What the fuzz targets check, one module for each. Every `check` panics when a law is broken.
#![expect(clippy::missing_panics_doc, reason = "a panic is how a fuzz target speaks")]

pub mod expand;
pub mod icalendar;
pub mod input;
pub mod naive;
pub mod rule;
