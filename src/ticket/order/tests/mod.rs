//! Orders, by hand and by the hundred.

mod baskets;
mod giving_up;
mod laws;
mod stories;
mod world;
