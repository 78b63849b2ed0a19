//! A notice as it is handed to a transport: written, addressed, and named once and for all.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::id::NoticeId;
use crate::persist::Payload;

/// A calendar object that goes with a letter (iMIP, RFC 6047).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CalendarPart {
    /// METHOD of the object, in upper case: `REQUEST` or `CANCEL`. The same as in the text, or Outlook refuses it.
    pub method: String,
    /// The object: lines of at most 75 octets that end in CRLF.
    pub text: String,
}

/// How to be written to no more (RFC 2369, RFC 8058).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// An `https:` address that takes a POST of `List-Unsubscribe=One-Click`. It names the recipient: a secret.
    pub url: String,
    /// A mail address that takes a mail instead.
    pub mail: Option<String>,
}

impl fmt::Debug for Unsubscribe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsubscribe").finish_non_exhaustive()
    }
}

/// One written notice to one address. What is personal in it does not appear in its `Debug` form.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its name, for ever.
    pub id: NoticeId,
    /// What kind of notice it is, such as `reminder`.
    pub kind: String,
    /// Where it goes, as the transport reads it: a mail address, a URL.
    pub to: String,
    /// One line, without line breaks.
    pub subject: String,
    /// The letter as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: Option<String>,
    /// An invitation or its cancellation.
    pub calendar: Option<CalendarPart>,
    /// Present where the recipient may say no to letters of this kind.
    pub unsubscribe: Option<Unsubscribe>,
    /// The facts behind the letter, for machines: what a webhook carries.
    pub data: Payload,
}

impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}
