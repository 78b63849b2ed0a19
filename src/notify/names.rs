//! Names of notices and of flows, made of parts.

use sha2::{Digest, Sha256};

use crate::id::{IdError, NoticeId};

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
