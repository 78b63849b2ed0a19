//! What kinds of notice there are.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::id::IdError;

/// Longest name of a kind, in bytes.
const NAME_MAX: usize = 64;

/// What a notice is about. Written as its name; a host's own kind is written as what it is called.
///
/// ```
/// use boxoffice_core::notify::NoticeKind;
/// assert_eq!(NoticeKind::HoldLapsing.name(), "hold_lapsing");
/// assert_eq!("hold_lapsing".parse(), Ok(NoticeKind::HoldLapsing));
/// assert_eq!("newsletter".parse::<NoticeKind>()?, NoticeKind::custom("newsletter")?);
/// assert!(NoticeKind::custom("News letter").is_err());
/// # Ok::<(), boxoffice_core::id::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum NoticeKind {
    /// Something booked begins soon.
    Reminder,
    /// What comes up, all in one.
    Digest,
    /// A seat was booked.
    Confirmation,
    /// Somebody who waits is offered a seat.
    Offer,
    /// A seat that is held is soon given to others.
    HoldLapsing,
    /// Something booked takes place at another time.
    Rescheduled,
    /// Something booked does not take place.
    Cancelled,
    /// A kind of the host's own.
    Custom(CustomKind),
}

/// The name of a host's own kind: 1 to 64 lower case letters, digits and underscores, and none of the names of boxoffice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomKind(Box<str>);

impl NoticeKind {
    /// The kinds of boxoffice itself.
    pub const BUILT_IN: [Self; 7] = [
        Self::Reminder,
        Self::Digest,
        Self::Confirmation,
        Self::Offer,
        Self::HoldLapsing,
        Self::Rescheduled,
        Self::Cancelled,
    ];

    /// A kind of the host's own.
    ///
    /// # Errors
    /// [`IdError`] when `name` is not 1 to 64 lower case letters, digits and underscores, or is the name of a kind of boxoffice.
    pub fn custom(name: &str) -> Result<Self, IdError> {
        let kind: Self = name.parse()?;
        if Self::BUILT_IN.contains(&kind) {
            let (text, wanted) = (name.to_owned(), "a name of the host's own");
            return Err(IdError::Shape { kind: "notice kind", text, wanted });
        }
        Ok(kind)
    }

    /// Its name, the same in every release.
    pub fn name(&self) -> &str {
        match self {
            Self::Reminder => "reminder",
            Self::Digest => "digest",
            Self::Confirmation => "confirmation",
            Self::Offer => "offer",
            Self::HoldLapsing => "hold_lapsing",
            Self::Rescheduled => "rescheduled",
            Self::Cancelled => "cancelled",
            Self::Custom(name) => &name.0,
        }
    }

    /// Whether it tells of the recipient's own seats, so that it cannot be unsubscribed from: confirmations, offers, holds that
    /// lapse, and what becomes of something booked.
    pub fn is_transactional(&self) -> bool {
        match self {
            Self::Confirmation | Self::Offer | Self::HoldLapsing | Self::Rescheduled | Self::Cancelled => true,
            Self::Reminder | Self::Digest | Self::Custom(_) => false,
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for NoticeKind {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if let Some(kind) = Self::BUILT_IN.into_iter().find(|kind| kind.name() == text) {
            return Ok(kind);
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if (1..=NAME_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self::Custom(CustomKind(text.into())));
        }
        Err(IdError::Shape {
            kind: "notice kind",
            text: text.chars().take(80).collect(),
            wanted: "1 to 64 lower case letters, digits and underscores",
        })
    }
}

impl TryFrom<String> for NoticeKind {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<NoticeKind> for String {
    fn from(kind: NoticeKind) -> Self {
        kind.name().to_owned()
    }
}
