//! placeholder
use super::subject::Suite;
pub(super) const SUITE: Suite = Suite { name: "hard", checks: &[] };
