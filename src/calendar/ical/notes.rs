//! What is said about a file while it is read.

use std::borrow::Cow;

use crate::calendar::STEPS_MAX;

/// Most diagnostics given of one file, with the one that says how many more there are.
const NOTES_MAX: usize = 1_000;

/// Something in a file that was left out, or read with a guess.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Line in the file, from 1: where the property begins, or else the component.
    pub line: Option<usize>,
    /// The UID of the component, or what else is known of it.
    pub component: String,
    /// The property, such as `RRULE`; empty when it is the component as a whole.
    pub property: Cow<'static, str>,
    /// What is wrong with it.
    pub message: String,
}

impl core::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        write!(f, "{}", self.component)?;
        if !self.property.is_empty() {
            write!(f, ": {}", self.property)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The diagnostics of a file.
#[derive(Debug)]
pub(super) struct Notes {
    list: Vec<Diagnostic>,
    more: usize,
    left_out: usize,
    /// Steps of expansion that looking for what to note may still take, in the whole file.
    pub(super) steps: u64,
}

impl Default for Notes {
    fn default() -> Self {
        Self { list: Vec::new(), more: 0, left_out: 0, steps: STEPS_MAX }
    }
}

impl Notes {
    /// Adds a diagnostic; `line` 0 is no line.
    pub(super) fn add(&mut self, line: usize, component: &str, property: impl Into<Cow<'static, str>>, message: &str) {
        if self.list.len() + 1 >= NOTES_MAX {
            self.more += 1;
            return;
        }
        self.list.push(Diagnostic {
            line: Some(line).filter(|line| *line > 0),
            component: shorten(component),
            property: property.into(),
            message: message.to_owned(),
        });
    }

    /// Says of what was noted last that its component was left out for it.
    pub(super) fn leave_out(&mut self) {
        self.left_out += 1;
        if let Some(last) = self.list.last_mut().filter(|_| self.more == 0) {
            last.message.push_str(": left out");
        }
    }

    /// How many components were left out.
    pub(super) fn left_out(&self) -> usize {
        self.left_out
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// All of them by line, the last one saying how many were left out.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|note| note.line.unwrap_or(usize::MAX));
        if self.more > 0 {
            let message = format!("{} more things are wrong in this file", self.more);
            let component = "VCALENDAR".to_owned();
            self.list.push(Diagnostic { line: None, component, property: "".into(), message });
        }
        self.list
    }
}

/// The first characters of a text, for a message.
pub(super) fn shorten(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}
