//! Seats with names: which there are, which are free, and which are best.
//!
//! *What it is.* A [`SeatMap`] has sections, a section has rows, a row has seats in order. A [`Place`] is the name of one
//! seat: `stalls/A/12`. [`Seating`] is a map with what is free of it, and chooses: [`Seating::best_available`].
//!
//! *What is absent.* Who has a seat, and until when: that is the room `booking`.
//!
//! Words. Two seats are *neighbours* if they follow each other in a row with no gap between them. A *stretch* is free
//! neighbours, one after the other, with no free one at either end. A seat is *single* if it is free and none of its
//! neighbours is. A choice *leaves a single* if some free seat is single after it that was not before.
//!
//! What is best, in this order:
//! 1. Seats that are not accessible, as long as they suffice. Where they do not, all count alike.
//! 2. One block of neighbours rather than pieces; else as few pieces as there can be, unless they must be together.
//! 3. A block that leaves no single.
//! 4. The first section in the order of the map, and of it the first row.
//! 5. What is nearest to the middle of the row.
//! 6. What the seed picks among equals.
//!
//! ```
//! use boxoffice_core::seating::{Row, SeatMap, Seating, Section, Wanted};
//!
//! let stalls = Section::new("stalls", vec![Row::new("A", "1-4 | 5-10")?, Row::new("B", "1-10")?])?;
//! let mut seating = Seating::new(SeatMap::new(vec![stalls])?);
//! let best = seating.best_available(&Wanted::seats(4), 7).unwrap_or_default();
//! let names: Vec<_> = best.iter().map(|place| place.as_str()).collect();
//! // In row A the block nearest to the middle that leaves no single.
//! assert_eq!(names, ["stalls/A/5", "stalls/A/6", "stalls/A/7", "stalls/A/8"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod best;
mod map;
mod place;
mod plan;
mod row;
mod state;

#[cfg(test)]
mod tests;

pub use best::Wanted;
pub use map::{SeatMap, SeatMapError, Section};
pub use place::Place;
pub use row::{Row, RowError};
pub use state::Seating;
