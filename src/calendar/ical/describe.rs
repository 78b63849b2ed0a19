//! Writes the rules of a zone as a VTIMEZONE.

use jiff::civil::Date;

use super::{Component, Property};
use crate::calendar::zone::Zone;

/// The VTIMEZONE of `zone`: its definition, or a mark of its name.
pub(super) fn describe(zone: &Zone, _from: Date, _to: Date) -> Component {
    if let Some(definition) = zone.definition() {
        return definition.clone();
    }
    let mut component = Component::new("VTIMEZONE");
    component.push(Property::of_text("TZID", zone.name()));
    component
}
