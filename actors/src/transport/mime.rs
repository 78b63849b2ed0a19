//! Text in the forms that mail can carry (RFC 2045, RFC 2046, RFC 2047).

use core::fmt::Write as _;

use base64ct::{Base64, Encoding as _};

/// Longest line that is written, without its CRLF (RFC 2045 section 6.7).
const LINE_MAX: usize = 76;
/// Bytes in one encoded word: with a name of a header before it, the line stays under 76 characters.
const WORD_BYTES: usize = 36;

/// A part of a message.
pub(super) enum Part {
    /// One text.
    Leaf {
        /// Its header lines, each with its CRLF.
        headers: String,
        /// Encoded as the headers say.
        body: String,
    },
    /// Several parts.
    Multi {
        /// `mixed` or `alternative`.
        kind: &'static str,
        /// In their order: of alternatives the best comes last.
        parts: Vec<Part>,
    },
}

impl Part {
    /// A text in quoted-printable, in UTF-8.
    pub(super) fn text(content_type: &str, text: &str) -> Self {
        let headers = format!("Content-Type: {content_type}\r\nContent-Transfer-Encoding: quoted-printable\r\n");
        Self::Leaf { headers, body: quoted_printable(text) }
    }

    /// A file.
    pub(super) fn attachment(content_type: &str, name: &str, text: &str) -> Self {
        let headers = format!(
            "Content-Type: {content_type}; name=\"{name}\"\r\nContent-Disposition: attachment; filename=\"{name}\"\r\n\
             Content-Transfer-Encoding: base64\r\n"
        );
        Self::Leaf { headers, body: base64_lines(text) }
    }

    /// Appends the part, its headers first. Nothing in it is random: the same letter is the same text at every attempt.
    pub(super) fn write(&self, out: &mut String) {
        match self {
            Self::Leaf { headers, body } => {
                out.push_str(headers);
                out.push_str("\r\n");
                out.push_str(body);
            }
            Self::Multi { kind, parts } => {
                // "=_" stands in no quoted-printable and in no base64 text, so this line is in none of the parts.
                let boundary = format!("=_{kind}");
                out.extend(["Content-Type: multipart/", kind, ";\r\n boundary=\"", &boundary, "\"\r\n"]);
                for part in parts {
                    out.extend(["\r\n--", &boundary, "\r\n"]);
                    part.write(out);
                }
                out.extend(["\r\n--", &boundary, "--\r\n"]);
            }
        }
    }
}

/// Quoted-printable (RFC 2045 section 6.7). Line breaks of every kind become CRLF.
fn quoted_printable(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for (number, line) in text.split('\n').enumerate() {
        if number > 0 {
            out.push_str("\r\n");
        }
        let mut column = 0;
        for (at, byte) in line.bytes().enumerate() {
            // A space at the end of a line is lost on the way.
            let is_last = at + 1 == line.len();
            let plain = matches!(byte, b'!'..=b'~') && byte != b'=' || matches!(byte, b' ' | b'\t') && !is_last;
            let width = if plain { 1 } else { 3 };
            if column + width >= LINE_MAX {
                out.push_str("=\r\n");
                column = 0;
            }
            if plain {
                out.push(char::from(byte));
            } else {
                // Writing into a String cannot fail.
                let _written = write!(out, "={byte:02X}");
            }
            column += width;
        }
    }
    out
}

/// Base64 in lines of 76 characters.
fn base64_lines(text: &str) -> String {
    let lines = text.as_bytes().chunks(LINE_MAX / 4 * 3).map(Base64::encode_string);
    lines.collect::<Vec<_>>().join("\r\n")
}

/// The value of a header that people read: as it is if it is short and plain, else in encoded words (RFC 2047), each on a
/// line of its own.
pub(super) fn header_text(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { encoded_words(text) }
}

/// A name before an address: quoted, or in encoded words.
pub(super) fn phrase(name: &str) -> String {
    if is_plain(name) {
        format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        encoded_words(name)
    }
}

fn is_plain(text: &str) -> bool {
    let printable = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    printable && text.len() <= 64 && !text.contains("=?") && text.trim() == text
}

fn encoded_words(text: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for character in text.chars() {
        // A word ends at the end of a character (RFC 2047 section 5).
        match words.last_mut() {
            Some(word) if word.len() + character.len_utf8() <= WORD_BYTES => word.push(character),
            _ => words.push(character.into()),
        }
    }
    let words = words.iter().map(|word| format!("=?UTF-8?B?{}?=", Base64::encode_string(word.as_bytes())));
    words.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quoted_printable_breaks_long_lines_and_keeps_spaces_at_their_end() {
        let cases = [
            ("", ""),
            ("a=b", "a=3Db"),
            ("a \nb\t\r\nc\rd", "a=20\r\nb=09\r\nc\r\nd"),
            ("grün", "gr=C3=BCn"),
            (".", "."),
        ];
        for (text, encoded) in cases {
            assert_eq!(quoted_printable(text), encoded);
        }
        let long = quoted_printable(&"x".repeat(200));
        assert_eq!(long.split("\r\n").map(str::len).collect::<Vec<_>>(), [76, 76, 50]);
    }

    #[test]
    fn a_header_is_encoded_when_it_is_long_or_not_plain() {
        assert_eq!(header_text("Chess tonight"), "Chess tonight");
        assert_eq!(header_text("Grüße"), "=?UTF-8?B?R3LDvMOfZQ==?=");
        assert_eq!(header_text("=?UTF-8?Q?x?="), "=?UTF-8?B?PT9VVEYtOD9RP3g/PQ==?=");
        assert!(header_text(&"x ".repeat(400)).split("\r\n").all(|line| line.len() <= 70));
        assert_eq!(phrase(r#"The "Club""#), r#""The \"Club\"""#);
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back_as_it_was(text in "\\PC{0,300}", spaces in "[ \t=.a\n]{0,200}") {
            for text in [text, spaces] {
                let subject = text.replace(['\n', '\t'], " ");
                let message = format!(
                    "Subject: {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                    header_text(&subject),
                    quoted_printable(&text)
                );
                prop_assert!(message.split("\r\n").skip(4).all(|line| line.len() <= 76 && line.is_ascii()));
                let read = mail_parser::MessageParser::default().parse(&message).unwrap();
                prop_assert_eq!(read.body_text(0).unwrap_or_default().replace("\r\n", "\n"), text.clone());
                prop_assert_eq!(read.subject().unwrap_or_default().trim(), subject.trim());
            }
        }
    }
}
