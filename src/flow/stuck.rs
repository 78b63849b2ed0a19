//! Why a flow cannot go on: its code and its journal do not fit. It waits for other code and never fails by itself.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::ask::{AskName, Tag};
use crate::persist::PayloadError;

/// Longest reason that is recorded, in characters.
const REASON_CHARS_MAX: usize = 300;

/// Why a flow cannot go on. Nothing of it is lost: it goes on where it stands once there is code that fits, or when it
/// is told to try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Stuck {
    /// No program of its kind is registered.
    #[error("no program of this kind is registered")]
    NoProgram,
    /// No performer of this name is registered.
    #[error("{tag:?} asks the performer {to:?}, and none of that name is registered")]
    NoPerformer {
        /// The ask.
        tag: Tag,
        /// The name it asks for.
        to: String,
    },
    /// The journal has an outcome for an ask that the code does not make, or makes otherwise.
    #[error("the journal has an outcome for {logged}, but the code {}", in_words(.now.as_ref()))]
    Mismatch {
        /// What the journal says was asked.
        logged: AskName,
        /// What the code asks in its place; none if it asks nothing there, or does not wait for it any more.
        now: Option<AskName>,
    },
    /// The code ended before the journal did.
    #[error("the code has ended, but the journal goes on with an outcome for {logged}")]
    Leftover {
        /// The first outcome that is left over.
        logged: AskName,
    },
    /// The journal has a mark of a patch for which the code does not ask there.
    #[error(
        "the journal has the patch {patch:?} here, and the code does not ask for it (deprecate it before removing it)"
    )]
    LeftoverPatch {
        /// The patch.
        patch: String,
    },
    /// Two asks of one run have the same tag.
    #[error("two asks have the tag {tag:?}")]
    DuplicateTag {
        /// The tag.
        tag: Tag,
    },
    /// The code waits for something that is no ask of the flow: it would wait for ever.
    #[error("the code waits for something that it did not ask the flow for (a timer, a channel or a lock of its own)")]
    ForeignAwait,
    /// Something outside woke the flow: its code has waited for more than its asks.
    #[error("the flow was woken by something that it did not ask the flow for")]
    ForeignWake,
    /// The code woke itself again and again and never came to wait.
    #[error("the code yields without end")]
    Restless,
    /// The input or an outcome is not what the code reads it as.
    #[error("{what} is not what the code reads it as: {reason}")]
    Unreadable {
        /// `input`, or the tag of the ask.
        what: String,
        /// What the reader says; it names no content.
        reason: String,
    },
    /// A body, an input or a result has no JSON form, or is too large for the store, or a tag is too long.
    #[error("{what} cannot be recorded: {reason}")]
    Unrecordable {
        /// `result`, or the tag of the ask.
        what: String,
        /// Why.
        reason: String,
    },
    /// The code panicked.
    #[error("the code panicked: {message}")]
    Panicked {
        /// What it said.
        message: String,
    },
    /// The performer failed in a way that is no outcome.
    #[error("the performer of {tag:?} failed: {reason}")]
    Performer {
        /// The ask.
        tag: Tag,
        /// Why.
        reason: String,
    },
    /// The run has had more turns than a journal may have; it should have continued as new.
    #[error("the run has {turns} turns, and {limit} are allowed: continue as new in time")]
    TooLong {
        /// Turns so far.
        turns: u64,
        /// Turns allowed.
        limit: u64,
    },
    /// The run has read signals of more names than may be recorded when it continues as new.
    #[error("the run reads signals of more than {limit} names: continue as new in time, or tell them by what they say")]
    SignalNames {
        /// Names allowed.
        limit: usize,
    },
    /// The journal itself cannot be read.
    #[error("the journal cannot be read: {reason}")]
    Journal {
        /// Why.
        reason: String,
    },
}

impl Stuck {
    /// `what` cannot be read. Says what was expected, and nothing of what was found: that may be personal.
    pub(super) fn unreadable(what: &str, error: &PayloadError) -> Self {
        let found = &error.reason;
        let is_about_names = found.starts_with("missing field") || found.starts_with("duplicate field");
        let expected = found.rfind(", expected ").and_then(|at| found.get(at..)).unwrap_or_default();
        let detail = if is_about_names { format!(", {found}") } else { expected.to_owned() };
        Self::Unreadable { what: what.to_owned(), reason: shortened(&format!("it is no {}{detail}", error.wanted)) }
    }

    /// `what` cannot be recorded.
    pub(super) fn unrecordable(what: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::Unrecordable { what: shortened(&what.to_string()), reason: shortened(&reason.to_string()) }
    }

    /// The same, at most so long that its event can be recorded: code, performers and readers may say a lot. What is only to be
    /// read by people is cut to [`REASON_CHARS_MAX`] characters; a tag stays whole.
    pub(super) fn in_short(mut self) -> Self {
        let (name, text) = match &mut self {
            Self::NoPerformer { to: text, .. }
            | Self::LeftoverPatch { patch: text }
            | Self::Panicked { message: text }
            | Self::Performer { reason: text, .. }
            | Self::Journal { reason: text } => (None, text),
            Self::Unreadable { what, reason } | Self::Unrecordable { what, reason } => (Some(what), reason),
            Self::NoProgram
            | Self::Mismatch { .. }
            | Self::Leftover { .. }
            | Self::DuplicateTag { .. }
            | Self::ForeignAwait
            | Self::ForeignWake
            | Self::Restless
            | Self::TooLong { .. }
            | Self::SignalNames { .. } => return self,
        };
        *text = shortened(text).chars().take(REASON_CHARS_MAX).collect();
        if let Some(name) = name {
            *name = shortened(name);
        }
        self
    }

    pub(super) fn panicked(message: &str) -> Self {
        Self::Panicked { message: shortened(message) }
    }
}

/// As much of `text` as has 1,000 bytes in JSON: what others say must not make an event too large to be recorded.
pub(super) fn shortened(text: &str) -> String {
    let mut left = 1_000_usize;
    let fits = |character: &char| {
        let bytes = match character {
            '"' | '\\' => 2,
            character if character.is_control() => 6,
            character => character.len_utf8(),
        };
        let rest = left.checked_sub(bytes);
        left = rest.unwrap_or(0);
        rest.is_some()
    };
    text.chars().take_while(fits).collect()
}

fn in_words(now: Option<&AskName>) -> String {
    now.map_or_else(|| "does not wait for it".to_owned(), |now| format!("asks {now} there"))
}
