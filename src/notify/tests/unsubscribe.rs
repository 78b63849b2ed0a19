//! Unsubscribe tokens.

use super::*;
use crate::id::AttendeeId;

fn ann() -> AttendeeId {
    AttendeeId::new("ann").unwrap()
}

#[test]
fn a_token_names_its_recipient_and_kind() {
    let secret = UnsubscribeSecret::new([7; 32]);
    let long = AttendeeId::new("ü".repeat(128)).unwrap();
    let custom = NoticeKind::custom(&"n".repeat(64)).unwrap();
    for (who, kind) in [(ann(), NoticeKind::Reminder), (ann(), custom.clone()), (long, custom)] {
        let token = secret.token(&who, &kind);
        assert_eq!(token, secret.token(&who, &kind));
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert!(token.len() <= 472);
        assert_eq!(secret.read(&token), Ok((who, kind)));
    }
}

#[test]
fn a_token_of_another_secret_or_with_any_other_letter_is_refused() {
    let secret = UnsubscribeSecret::new([7; 32]);
    let token = secret.token(&ann(), &NoticeKind::Digest);
    assert!(UnsubscribeSecret::new([8; 32]).read(&token).is_err());
    for place in 0..token.len() {
        for letter in ["A", "b", "_", "=", "é"] {
            let mut forged = token.clone();
            forged.replace_range(place..=place, letter);
            assert!(forged == token || secret.read(&forged).is_err(), "{forged}");
        }
        assert!(secret.read(&token[..place]).is_err());
    }
    assert!(secret.read(&"A".repeat(100_000)).is_err());
}

/// Mails that went out years ago carry it.
#[test]
fn tokens_never_change() {
    let token = UnsubscribeSecret::new([7; 32]).token(&ann(), &NoticeKind::Digest);
    assert_eq!(token, PINNED);
}

#[test]
fn a_secret_is_never_printed() {
    assert_eq!(format!("{:?}", UnsubscribeSecret::new([7; 32])), "UnsubscribeSecret");
}

const PINNED: &str = "7w7Czx9Q7wXokSvFxIhEIVD-k2L4HixoLcRZt-lA_0sGZGlnZXN0YW5u";
