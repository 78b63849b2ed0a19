//! Content lines and components (RFC 5545 section 3.1 and 3.4): what an iCalendar file is made of, before it means
//! anything.
//!
//! ```
//! use boxoffice_core::calendar::{Component, Property};
//! let mut event = Component::new("VEVENT");
//! event.properties.push(Property::of_text("SUMMARY", "Tea, and cake"));
//! event.properties.push(Property::new("DTSTART", "20260105").with_parameter("VALUE", "DATE"));
//! assert_eq!(
//!     event.to_string(),
//!     "BEGIN:VEVENT\r\nSUMMARY:Tea\\, and cake\r\nDTSTART;VALUE=DATE:20260105\r\nEND:VEVENT\r\n"
//! );
//! assert_eq!(event.property("SUMMARY").map(Property::text), Some("Tea, and cake".to_owned()));
//! ```

use core::fmt;

use super::line;
use super::text::{escape_text, split_list, unescape};

/// One content line: `NAME;PARAMETER=VALUE:value` (RFC 5545 section 3.1).
#[derive(Clone, Debug)]
pub struct Property {
    /// The name, in upper case.
    pub name: String,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
    /// The value as it stands in the file: unfolded, escapes still in it.
    pub value: String,
    /// The line of the file it begins at, from 1; 0 when it comes from no file. Not compared.
    pub line: usize,
}

/// A parameter of a property, such as `TZID=Europe/Berlin` (RFC 5545 section 3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name, in upper case.
    pub name: String,
    /// The values, without quotes, decoded as RFC 6868 says.
    pub values: Vec<String>,
}

/// `BEGIN:NAME` to `END:NAME` (RFC 5545 section 3.6).
#[derive(Clone, Debug)]
pub struct Component {
    /// The name, in upper case.
    pub name: String,
    /// The properties, in order.
    pub properties: Vec<Property>,
    /// The components inside it, in order.
    pub components: Vec<Component>,
    /// The line of the file it begins at, from 1; 0 when it comes from no file. Not compared.
    pub line: usize,
}

impl PartialEq for Property {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.parameters, &self.value) == (&other.name, &other.parameters, &other.value)
    }
}

impl Eq for Property {}

impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.properties, &self.components) == (&other.name, &other.properties, &other.components)
    }
}

impl Eq for Component {}

impl Property {
    /// A property whose value is written as it is.
    pub fn new(name: &str, value: impl Into<String>) -> Self {
        Self { name: name.to_ascii_uppercase(), parameters: Vec::new(), value: value.into(), line: 0 }
    }

    /// A property whose value is a text: it is escaped.
    pub fn of_text(name: &str, text: &str) -> Self {
        Self::new(name, escape_text(text))
    }

    /// The same property with one more parameter.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: impl Into<String>) -> Self {
        self.parameters.push(Parameter { name: name.to_ascii_uppercase(), values: vec![value.into()] });
        self
    }

    /// The first value of a parameter, by its name in upper case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let parameter = self.parameters.iter().find(|parameter| parameter.name == name)?;
        parameter.values.first().map(String::as_str)
    }

    /// The value as a text, without escapes (RFC 5545 section 3.3.11).
    pub fn text(&self) -> String {
        unescape(&self.value)
    }

    /// The value as a list of texts, such as that of CATEGORIES.
    pub fn list(&self) -> Vec<String> {
        split_list(&self.value).map(unescape).collect()
    }
}

impl fmt::Display for Property {
    /// The content line, folded at 75 octets, with its line break. Characters that would break the line are escaped or
    /// left out, and nothing is written of a property whose name is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        line::write(self, &mut out);
        f.write_str(&out)
    }
}

impl Component {
    /// A component with nothing in it.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_ascii_uppercase(), properties: Vec::new(), components: Vec::new(), line: 0 }
    }

    /// The first property with this name, which is in upper case.
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.iter().find(|property| property.name == name)
    }

    /// All properties with this name, which is in upper case.
    pub fn properties_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Property> {
        self.properties.iter().filter(move |property| property.name == name)
    }

    /// All components directly inside it with this name, which is in upper case.
    pub fn components_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Component> {
        self.components.iter().filter(move |component| component.name == name)
    }

    /// Adds a property.
    pub fn push(&mut self, property: Property) {
        self.properties.push(property);
    }

    /// Writes it as content lines. Components whose name is none are left out, with all that is in them.
    pub fn write_into(&self, out: &mut String) {
        // Not by recursion: components made by hand may stand in each other as deep as memory allows.
        let mut open = Vec::new();
        let mut next = Some(self);
        loop {
            if let Some(component) = next.take()
                && let Some(name) = line::name(&component.name)
            {
                line::write_mark("BEGIN", &name, out);
                component.properties.iter().for_each(|property| line::write(property, out));
                open.push((name, component.components.iter()));
            }
            let Some((name, inner)) = open.last_mut() else { return };
            next = inner.next();
            if next.is_none() {
                line::write_mark("END", name, out);
                open.pop();
            }
        }
    }
}

impl fmt::Display for Component {
    /// The content lines from BEGIN to END.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.write_into(&mut out);
        f.write_str(&out)
    }
}
