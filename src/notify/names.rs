//! Names of notices and of flows, made of parts.

use sha2::{Digest, Sha256};

use crate::id::{IdError, NoticeId};

/// Longest name of a channel, in bytes.
const CHANNEL_MAX: usize = 64;

/// Checks the name of a channel, as notices and profiles name it.
///
/// # Errors
/// [`IdError`] when `name` is not 1 to 64 bytes of `a-z`, `0-9`, `-`, `_` and `.`.
pub fn check_channel(name: &str) -> Result<(), IdError> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    if (1..=CHANNEL_MAX).contains(&name.len()) && name.bytes().all(allowed) {
        return Ok(());
    }
    let wanted = "1 to 64 lower case letters, digits, '-', '_' and '.'";
    Err(IdError::Shape { kind: "channel", text: name.chars().take(80).collect(), wanted })
}

/// Whether a text has the shape of a language tag (RFC 5646 section 2.1): `de`, `pt-BR`, `zh-Hant-TW`. Whether there is
/// such a language is not looked up.
pub(super) fn is_language_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let first = subtags.next().unwrap_or_default();
    let is_language = (2..=8).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_alphabetic());
    // What is private, and what was registered before there were rules.
    let is_special = matches!(first, "x" | "X" | "i" | "I") && text.len() > 2;
    let is_subtag = |text: &str| (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_language || is_special) && subtags.all(is_subtag)
}

/// Parts as one name of at most `bytes_max` bytes: joined by `/`, and where that is too long or a part but the first holds a `/`,
/// the first part and the SHA-256 of all. The same parts give the same name in every release.
///
/// ```
/// use boxoffice_core::notify::name_of;
/// assert_eq!(name_of(&["offer", "chess@20260105T190000", "ann"], 200), "offer/chess@20260105T190000/ann");
/// assert_ne!(name_of(&["offer", "a/b", "c"], 200), name_of(&["offer", "a", "b/c"], 200));
/// ```
pub fn name_of(parts: &[&str], bytes_max: usize) -> String {
    let joined = parts.join("/");
    let is_plain = parts.iter().skip(1).all(|part| !part.contains('/'));
    if is_plain && joined.len() <= bytes_max {
        return joined;
    }
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let hash = hash.finalize();
    // 4 bits a digit.
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits: String = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
    format!("{}/{digits}", parts.first().unwrap_or(&""))
}

/// The id of a notice made of parts, of which the first is short: see [`name_of`].
///
/// # Errors
/// [`IdError`] when a part holds a control character, or the first is longer than 135 bytes.
pub fn notice_id(parts: &[&str]) -> Result<NoticeId, IdError> {
    NoticeId::new(name_of(parts, NoticeId::LENGTH_MAX))
}
