//! The name of one seat.

use core::fmt;
use core::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{IdError, check_text};

/// Longest name of a section, in bytes.
pub(super) const SECTION_LENGTH_MAX: usize = 64;
/// Longest name of a row or of a seat in it, in bytes.
pub(super) const SEAT_LENGTH_MAX: usize = 16;

const WANTED: &str = "SECTION/ROW/SEAT, as in stalls/A/12, without quotes and backslashes";

/// One seat of a seat map: its section, row and name in the row, as in `stalls/A/12`.
///
/// The section has 1 to 64 bytes, the row and the seat 1 to 16; no control characters, slashes, quotes or backslashes.
/// Places are ordered as texts are, not as they stand in the map.
///
/// ```
/// use boxoffice_core::seating::Place;
/// let place: Place = "stalls/A/12".parse()?;
/// assert_eq!((place.section(), place.row(), place.seat()), ("stalls", "A", "12"));
/// assert!(Place::new("stalls/12").is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Place(Arc<str>);

impl Place {
    /// Longest text allowed, in bytes.
    pub const LENGTH_MAX: usize = SECTION_LENGTH_MAX + 2 * SEAT_LENGTH_MAX + 2;

    /// Checks `text` and wraps it.
    ///
    /// # Errors
    /// [`IdError`] when `text` is not three names of the lengths allowed.
    pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
        let text = text.as_ref();
        check_text("place", text, Self::LENGTH_MAX)?;
        let wrong = || IdError::Shape { kind: "place", text: text.chars().take(80).collect(), wanted: WANTED };
        let mut parts = text.split('/');
        let (Some(section), Some(row), Some(seat), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        check_name("section", section, SECTION_LENGTH_MAX)?;
        check_name("row", row, SEAT_LENGTH_MAX)?;
        check_name("seat", seat, SEAT_LENGTH_MAX)?;
        Ok(Self(text.into()))
    }

    /// Of names that were checked.
    pub(super) fn of(section: &str, row: &str, seat: &str) -> Self {
        Self(format!("{section}/{row}/{seat}").into())
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its section.
    pub fn section(&self) -> &str {
        self.part(0)
    }

    /// The name of its row.
    pub fn row(&self) -> &str {
        self.part(1)
    }

    /// Its name in the row.
    pub fn seat(&self) -> &str {
        self.part(2)
    }

    fn part(&self, n: usize) -> &str {
        self.0.split('/').nth(n).unwrap_or_default()
    }
}

/// Checks the name of a section, a row or a seat.
pub(super) fn check_name(kind: &'static str, name: &str, limit: usize) -> Result<(), IdError> {
    check_text(kind, name, limit)?;
    if name.contains(['/', '"', '\\']) {
        let text = name.to_owned();
        return Err(IdError::Shape { kind, text, wanted: "a name without slashes, quotes and backslashes" });
    }
    Ok(())
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Place {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl TryFrom<String> for Place {
    type Error = IdError;
    fn try_from(text: String) -> Result<Self, IdError> {
        Self::new(text)
    }
}

impl From<Place> for String {
    fn from(place: Place) -> String {
        place.0.as_ref().to_owned()
    }
}
