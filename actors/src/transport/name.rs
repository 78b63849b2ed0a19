//! Notice ids in places that take less than every character.

use core::fmt::Write as _;

use boxoffice_core::id::NoticeId;
use sha2::{Digest as _, Sha256};

/// What a name that had to be replaced begins with. An id that begins so itself is replaced as well: no two share a name.
const HASHED: &str = "sha256-";

/// The id itself if `fits` says so, else a name made from its hash: the same id gives the same name for ever.
pub(super) fn stable_name(id: &NoticeId, fits: impl Fn(&str) -> bool) -> String {
    let text = id.as_str();
    if fits(text) && !text.starts_with(HASHED) { text.to_owned() } else { format!("{HASHED}{}", hash(text, 32)) }
}

/// The left side of a Message-ID.
pub(super) fn message_name(id: &NoticeId) -> String {
    stable_name(id, is_dot_atom)
}

/// A file name: what can be read of the id, and enough of its hash to tell it from all others.
pub(super) fn file_name(id: &NoticeId) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let readable: String = id.as_str().chars().map(|c| if fits(c) { c } else { '_' }).take(80).collect();
    format!("{readable}-{}", hash(id.as_str(), 8))
}

/// The first `bytes` bytes of the hash, in lower-case hex.
fn hash(text: &str, bytes: usize) -> String {
    Sha256::digest(text.as_bytes()).iter().take(bytes).fold(String::new(), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _written = write!(hex, "{byte:02x}");
        hex
    })
}

/// dot-atom-text of RFC 5322 section 3.2.3.
pub(super) fn is_dot_atom(text: &str) -> bool {
    let atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const IDS: [&str; 9] =
        ["reminder-1", "a.b", "a..b", ".a", "ann@club", "grüße", "a b", "sha256-00", "A/B:*?\"<>|\\"];

    #[test]
    fn an_id_that_is_a_dot_atom_is_its_own_name_and_others_are_hashed() {
        let kept = IDS.map(|id| message_name(&NoticeId::new(id).unwrap()) == id);
        assert_eq!(kept, [true, true, false, false, false, false, false, false, false]);
        assert!(IDS.iter().all(|id| is_dot_atom(&message_name(&NoticeId::new(id).unwrap()))));
    }

    #[test]
    fn names_are_the_same_at_every_call_and_differ_between_ids() {
        let ids = IDS.map(|id| NoticeId::new(id).unwrap());
        for name in [message_name, file_name] {
            let names: BTreeSet<String> = ids.iter().map(name).collect();
            assert_eq!(names.len(), ids.len());
            assert_eq!(names, ids.iter().map(name).collect());
        }
        assert_eq!(
            message_name(&NoticeId::new("a b").unwrap()),
            "sha256-c8687a08aa5d6ed2044328fa6a697ab8e96dc34291e8c2034ae8c38e6fcc6d65"
        );
    }

    #[test]
    fn file_names_hold_nothing_that_a_file_system_refuses() {
        for id in IDS {
            let name = file_name(&NoticeId::new(id).unwrap());
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{name}");
        }
        assert!(file_name(&NoticeId::new("x".repeat(200)).unwrap()).len() < 120);
    }
}
