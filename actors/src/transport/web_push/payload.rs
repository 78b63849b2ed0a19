//! What a browser is told, cut until it fits into one message.

use std::borrow::Cow;

use boxoffice_core::notify::Letter;
use boxoffice_core::persist::Payload;
use serde::Serialize;

use super::encrypt::PLAINTEXT_MAX;

/// What a text ends with that was cut.
const CUT: &str = "…";

/// Less of the text than this, in bytes, is not shown for the sake of the data.
const TEXT_MIN: usize = 256;

#[derive(Clone, Copy, Serialize)]
struct Shown<'a> {
    id: &'a str,
    r#type: &'a str,
    title: &'a str,
    body: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Payload>,
}

/// The letter as JSON of at most [`PLAINTEXT_MAX`] bytes: the text is cut, then the data is left out, then the subject
/// is cut. None if it has no such form.
pub(super) fn payload(letter: &Letter) -> Option<Vec<u8>> {
    let Letter { id, kind, subject, text, data, .. } = letter;
    let whole = Shown { id: id.as_str(), r#type: kind, title: subject, body: "", data: Some(data) };
    let text_min = escaped(text).min(TEXT_MIN);
    if let Some(room) = room_beside(&whole).filter(|room| *room >= text_min) {
        return json(&Shown { body: &cut(text, room), ..whole });
    }
    let bare = Shown { data: None, ..whole };
    if let Some(room) = room_beside(&bare) {
        return json(&Shown { body: &cut(text, room), ..bare });
    }
    let empty = Shown { title: "", ..bare };
    json(&Shown { title: &cut(subject, room_beside(&empty)?), ..empty })
}

fn json(shown: &Shown<'_>) -> Option<Vec<u8>> {
    serde_json::to_vec(shown).ok()
}

/// How many bytes more there may be.
fn room_beside(shown: &Shown<'_>) -> Option<usize> {
    PLAINTEXT_MAX.checked_sub(json(shown)?.len())
}

/// As many characters as have room, and a mark where some have not.
fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if escaped(text) <= room {
        return Cow::Borrowed(text);
    }
    let Some(room) = room.checked_sub(CUT.len()) else { return Cow::Borrowed("") };
    let mut used = 0;
    let kept = text.chars().take_while(|character| {
        used += escaped_char(*character);
        used <= room
    });
    Cow::Owned(kept.chain(CUT.chars()).collect())
}

/// How many bytes a text takes inside the quotes of JSON.
fn escaped(text: &str) -> usize {
    text.chars().map(escaped_char).sum()
}

fn escaped_char(character: char) -> usize {
    match character {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..' ' => 6,
        _ => character.len_utf8(),
    }
}

#[cfg(test)]
mod tests {
    use boxoffice_core::id::NoticeId;
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn letter(subject: &str, text: &str, data: &str) -> Letter {
        Letter {
            id: NoticeId::new("reminder-1").unwrap(),
            kind: "reminder".to_owned(),
            to: String::new(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: None,
            calendar: None,
            unsubscribe: None,
            data: Payload::new(&data).unwrap(),
        }
    }

    fn shown(letter: &Letter) -> Value {
        let bytes = payload(letter).unwrap();
        assert!(bytes.len() <= PLAINTEXT_MAX, "{}", bytes.len());
        serde_json::from_slice(&bytes).unwrap()
    }

    #[test]
    fn a_letter_that_fits_is_shown_whole() {
        let bytes = payload(&letter("Chess", "At eight.", "seat 7")).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            r#"{"id":"reminder-1","type":"reminder","title":"Chess","body":"At eight.","data":"seat 7"}"#
        );
    }

    #[test]
    fn what_does_not_fit_is_cut_in_the_order_text_data_subject() {
        let long = "x".repeat(5_000);
        // Subject, text and data, and which of them are shown whole, or at all.
        let cases = [
            ("Chess", long.as_str(), "seat 7", [true, false, true]),
            ("Chess", "At eight.", &long, [true, true, false]),
            ("Chess", "", &long, [true, true, false]),
            ("Chess", "", &long[..3_900], [true, true, true]),
            ("Chess", &long, &long[..3_600], [true, false, true]),
            ("Chess", &long, &long[..3_800], [true, false, false]),
            (&long, "At eight.", "seat 7", [false, false, false]),
        ];
        for (subject, text, data, whole) in cases {
            let shown = shown(&letter(subject, text, data));
            let found = [shown["title"] == subject, shown["body"] == text, shown["data"] == data];
            assert_eq!(found, whole, "{} {} {}", subject.len(), text.len(), data.len());
        }
        let shown = shown(&letter("Chess", &long, "seat 7"));
        assert!(shown["body"].as_str().unwrap().ends_with("x…"));
    }

    #[test]
    fn a_text_that_is_cut_fills_the_message() {
        for filler in ["x", "\n", "\u{1}", "\"", "ä", "将", "\u{1f39f}"] {
            let bytes = payload(&letter("Chess", &filler.repeat(5_000), "seat 7")).unwrap();
            assert!((PLAINTEXT_MAX - 6..=PLAINTEXT_MAX).contains(&bytes.len()), "{filler:?} {}", bytes.len());
        }
    }

    proptest! {
        #[test]
        fn lengths_are_those_that_json_has(text in any::<String>()) {
            prop_assert_eq!(escaped(&text) + 2, serde_json::to_string(&text).unwrap().len());
        }

        #[test]
        fn no_letter_is_too_long_and_what_is_left_of_its_text_is_its_beginning(
            subject in ".{0,1500}",
            text in ".{0,2000}",
            data in ".{0,1500}",
        ) {
            let shown = shown(&letter(&subject, &text, &data));
            for (name, whole) in [("title", &subject), ("body", &text)] {
                let left = shown[name].as_str().unwrap();
                prop_assert!(left == whole || whole.starts_with(left.trim_end_matches(CUT)));
            }
        }
    }
}
