//! Orders, by hand and by the hundred.

mod laws;
mod stories;
mod world;
