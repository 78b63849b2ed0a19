//! Content lines on bytes: unfolding them while reading, folding them while writing (RFC 5545 section 3.1).

/// Longest line read once it is unfolded, in bytes.
pub(super) const LINE_MAX: usize = 1 << 20;

/// Longest line written, in octets without its line break.
const WIDTH: usize = 75;

/// One line, unfolded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it begins in the file, from 1.
    pub(super) number: usize,
    /// What it says; bytes that are not UTF-8 became U+FFFD.
    pub(super) text: String,
    /// Whether there were such bytes.
    pub(super) replaced: bool,
    /// Whether it is longer than [`LINE_MAX`]; the text then ends early.
    pub(super) too_long: bool,
}

/// The lines of a file, without the blank ones. A line ends with CRLF, or with a bare LF or CR as real files have it.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes), number: 0 }
    }

    /// The next line as it stands in the file.
    fn physical(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(self.rest.len());
        let (line, after) = self.rest.split_at_checked(end)?;
        self.rest = match after {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => after,
        };
        self.number += 1;
        Some(line)
    }

    fn first(&mut self) -> Option<&'a [u8]> {
        loop {
            let line = self.physical()?;
            if !line.is_empty() {
                return Some(line);
            }
        }
    }

    /// What the next line adds to the one before it, if it is folded. Blank lines in between are passed over.
    fn continuation(&mut self) -> Option<&'a [u8]> {
        while let Some(b'\r' | b'\n') = self.rest.first() {
            self.physical();
        }
        match self.rest.first() {
            Some(b' ' | b'\t') => self.physical()?.get(1..),
            Some(_) | None => None,
        }
    }
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let first = self.first()?;
        let number = self.number;
        // A fold may stand in the middle of a character, so bytes are joined before they are read as text.
        let mut bytes = first.to_vec();
        let mut too_long = bytes.len() > LINE_MAX;
        while let Some(more) = self.continuation() {
            too_long |= bytes.len() + more.len() > LINE_MAX;
            if !too_long {
                bytes.extend_from_slice(more);
            }
        }
        bytes.truncate(LINE_MAX);
        let (text, replaced) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), !too_long),
        };
        Some(Line { number, text, replaced, too_long })
    }
}

/// Writes a line with its line break, folded so that no line has more than 75 octets, never inside a character.
pub(super) fn fold(line: &str, out: &mut String) {
    let mut width = 0;
    for c in line.chars() {
        if width + c.len_utf8() > WIDTH {
            out.push_str("\r\n ");
            width = 1;
        }
        out.push(c);
        width += c.len_utf8();
    }
    out.push_str("\r\n");
}
