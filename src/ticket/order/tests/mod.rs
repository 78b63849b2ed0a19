//! Orders, by hand and by the hundred.
