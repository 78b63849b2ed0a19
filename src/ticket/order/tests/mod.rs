//! Orders, by hand and by the hundred.

mod baskets;
mod laws;
mod stories;
mod world;
