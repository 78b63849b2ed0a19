//! Lines put together to components (RFC 5545 section 3.4 and 3.6), also where the file is broken.

use std::collections::BTreeMap;

use super::content::{Component, Property};
use super::fold::{LINE_MAX, Line, Lines};
use super::notes::{Notes, shorten};
use super::{BYTES_MAX, ImportError, line};

/// Most components in a file.
const COMPONENTS_MAX: usize = 100_000;

/// How deep components may stand in each other, VCALENDAR included.
const DEPTH_MAX: usize = 16;

/// Components that stand directly in a VCALENDAR: where one begins, no other is open any more.
const WHOLE: [&str; 6] = ["VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE", "VAVAILABILITY"];

/// The VCALENDARs of a file, with what could not be read. A component that does not end is left out; of a VCALENDAR
/// that does not end the components in it are kept. Takes time in proportion to the file.
///
/// # Errors
/// [`ImportError`] when the file is too large, has too many components or holds no VCALENDAR.
pub(super) fn read_components(bytes: &[u8]) -> Result<(Vec<Component>, Notes), ImportError> {
    if bytes.len() > BYTES_MAX {
        return Err(ImportError::TooLarge { bytes: bytes.len(), limit: BYTES_MAX });
    }
    let mut tree = Tree::default();
    for line in Lines::new(bytes) {
        tree.take(&line)?;
    }
    tree.abandon(0);
    if tree.calendars.is_empty() {
        return Err(ImportError::NotACalendar);
    }
    Ok((tree.calendars, tree.notes))
}

/// Whether a component with this name stands directly in a VCALENDAR, or is one.
pub(super) fn is_whole(name: &str) -> bool {
    name == "VCALENDAR" || WHOLE.contains(&name)
}

/// What a component is called in a diagnostic: its UID, else its SUMMARY, else its name.
pub(super) fn label(component: &Component) -> String {
    let named = ["UID", "SUMMARY"].into_iter().filter_map(|name| component.property(name));
    let named = named.map(|property| shorten(&property.text())).find(|text| !text.trim().is_empty());
    named.unwrap_or_else(|| component.name.clone())
}

#[derive(Default)]
struct Tree {
    calendars: Vec<Component>,
    /// The components not ended yet, each inside the one before it.
    open: Vec<Component>,
    /// How many of each name are open, so that an END of none is known without a search.
    names: BTreeMap<String, usize>,
    count: usize,
    notes: Notes,
}

impl Tree {
    fn take(&mut self, line: &Line) -> Result<(), ImportError> {
        let text = line.text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Ok(());
        }
        let mut property = match line::read(line.number, text) {
            Ok(property) => property,
            Err(message) => {
                let message = if line.too_long { "is too long for a line" } else { message };
                self.note(line.number, shorten(text), message);
                return Ok(());
            }
        };
        if text.chars().any(|c| c != '\t' && c.is_control()) {
            self.note(line.number, property.name.clone(), "has control characters: read without them");
        }
        if line.replaced {
            self.note(line.number, property.name.clone(), "is not UTF-8: what could not be read became U+FFFD");
        }
        if line.too_long {
            // Without its value the property says nothing; without the property a rule would be missed.
            property.value.clear();
            let message = format!("is longer than {LINE_MAX} bytes: read as empty");
            self.note(line.number, property.name.clone(), &message);
        }
        match property.name.as_str() {
            "BEGIN" => self.begin(&property),
            "END" => {
                self.end(&property);
                Ok(())
            }
            _ => {
                match self.open.last_mut() {
                    Some(component) => component.properties.push(property),
                    None => self.notes.add(line.number, "file", property.name, "stands outside of a calendar"),
                }
                Ok(())
            }
        }
    }

    fn note(&mut self, line: usize, property: String, message: &str) {
        let component = self.open.last().map_or_else(|| "file".to_owned(), label);
        self.notes.add(line, &component, property, message);
    }

    fn begin(&mut self, property: &Property) -> Result<(), ImportError> {
        let Some(name) = line::name(&property.value) else {
            self.note(property.line, "BEGIN".to_owned(), "has no proper name");
            return Ok(());
        };
        self.count += 1;
        if self.count > COMPONENTS_MAX {
            return Err(ImportError::TooManyComponents { line: property.line, limit: COMPONENTS_MAX });
        }
        if name == "VCALENDAR" {
            self.abandon(0);
        } else if WHOLE.contains(&name.as_str())
            && let Some(place) = self.open.iter().take(DEPTH_MAX).position(|open| WHOLE.contains(&open.name.as_str()))
        {
            self.abandon(place);
        }
        if self.open.len() == DEPTH_MAX {
            self.note(property.line, name.clone(), "stands too deep in other components");
        }
        *self.names.entry(name.clone()).or_default() += 1;
        self.open.push(Component { line: property.line, ..Component::new(&name) });
        Ok(())
    }

    fn end(&mut self, property: &Property) {
        let name = line::name(&property.value).unwrap_or_default();
        if self.names.get(&name).is_none_or(|count| *count == 0) {
            self.note(property.line, "END".to_owned(), "ends something that has not begun");
            return;
        }
        while let Some(component) = self.pop() {
            if component.name == name {
                self.close(component);
                return;
            }
            self.unended(component);
        }
    }

    fn pop(&mut self) -> Option<Component> {
        let component = self.open.pop()?;
        if let Some(count) = self.names.get_mut(&component.name) {
            *count = count.saturating_sub(1);
        }
        Some(component)
    }

    /// Puts a whole component where it belongs.
    fn close(&mut self, component: Component) {
        // Deeper ones are dropped one by one, so that nothing ever has to descend into them.
        if self.open.len() >= DEPTH_MAX {
            return;
        }
        match self.open.last_mut() {
            Some(outer) => outer.components.push(component),
            None if component.name == "VCALENDAR" => self.calendars.push(component),
            None => self.notes.add(component.line, &label(&component), "", "stands outside of a calendar"),
        }
    }

    fn unended(&mut self, component: Component) {
        self.notes.add(component.line, &label(&component), "", "has no end");
        if component.name == "VCALENDAR" {
            self.close(component);
        } else if component.name == "VEVENT" {
            self.notes.leave_out();
        }
    }

    /// Gives up the open components from `place` on.
    fn abandon(&mut self, place: usize) {
        while self.open.len() > place
            && let Some(component) = self.pop()
        {
            self.unended(component);
        }
    }
}
