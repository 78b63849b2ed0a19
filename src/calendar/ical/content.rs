//! Content lines and components (RFC 5545 section 3.1 and 3.4): what an iCalendar file is made of, before it means
//! anything.

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
