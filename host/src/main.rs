//! The boxoffice host.
fn main() {}
