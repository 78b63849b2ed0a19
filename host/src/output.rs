//! Writing to the terminal. A reader that went away, as `head` does, is no error.

use core::fmt::Display;
use std::borrow::Cow;
use std::io::{self, BufWriter, ErrorKind, Write};

use crate::error::HostError;

/// Text from a store or a file as it is shown to people: what would steer a terminal is written as in `\u{1b}`. These are control
/// characters, ends of lines of any kind, whatever turns the direction of writing, and spaces without width. JSON has escapes of its
/// own.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn steers(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200b}' | '\u{2060}')
}

/// What goes to standard output, line by line. In a line of JSON, which is one that begins as such, what would steer a terminal
/// is written as in `\u001b`: there it is always inside of a text, and means the same.
#[derive(Debug, Default)]
struct Lines {
    /// Whether the line that has begun is one of JSON.
    is_json: Option<bool>,
}

impl Lines {
    fn shown<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let is_odd = |c: char| steers(c) && !c.is_ascii_whitespace();
        if !text.contains(is_odd) {
            // Nothing to be written otherwise: only where lines end counts.
            let last = text.rsplit_once('\n').map_or(text, |(_, last)| {
                self.is_json = None;
                last
            });
            self.see(last);
            return Cow::Borrowed(text);
        }
        let mut shown = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            self.see(line);
            for c in line.chars() {
                if self.is_json == Some(true) && is_odd(c) {
                    // All of them have four digits at most.
                    shown.push_str("\\u");
                    let digit = |shift: u32| char::from_digit((u32::from(c) >> shift) & 15, 16);
                    shown.extend([12, 8, 4, 0].into_iter().filter_map(digit));
                } else {
                    shown.push(c);
                }
            }
            if line.ends_with('\n') {
                self.is_json = None;
            }
        }
        Cow::Owned(shown)
    }

    fn see(&mut self, line: &str) {
        if self.is_json.is_none() && !line.is_empty() {
            self.is_json = Some(line.starts_with(['{', '[']));
        }
    }
}

/// The same of a text that has lines, and tabs in them.
pub(crate) fn visible_lines(text: &str) -> String {
    let line = |line: &str| line.split('\t').map(visible).collect::<Vec<_>>().join("\t");
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A line on standard error.
pub(crate) fn complain(message: &str) {
    let line = format!("boxoffice: {}\n", visible(&message.replace('\n', " ")));
    // There is nowhere left to report a failure to.
    drop(io::stderr().write_all(line.as_bytes()));
}

/// Messages on standard error that may have several lines and name their place themselves.
pub(crate) fn complain_all(messages: &[impl Display]) {
    let lines: Vec<String> =
        messages.iter().map(|message| visible_lines(message.to_string().trim_end()) + "\n").collect();
    drop(io::stderr().write_all(lines.concat().as_bytes()));
}

/// Text on standard output. Says whether anybody reads on.
pub(crate) fn print(text: &str) -> Result<bool, HostError> {
    let mut out = io::stdout().lock();
    match out.write_all(Lines::default().shown(text).as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(HostError::System { doing: "write the output", error }),
    }
}

/// Standard output for much text. When nobody reads on, the rest goes nowhere.
pub(crate) struct Output {
    out: BufWriter<io::Stdout>,
    lines: Lines,
    read: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::new(io::stdout()), lines: Lines::default(), read: true }
    }

    fn unless_unread<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.read = false;
                Ok(otherwise)
            }
            other => other,
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.read {
            return Ok(bytes.len());
        }
        let written = match core::str::from_utf8(bytes) {
            Ok(text) => self.out.write_all(self.lines.shown(text).as_bytes()),
            Err(_) => self.out.write_all(bytes),
        };
        self.unless_unread(written, ())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.read {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.unless_unread(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_as_an_escape() {
        let table = [
            ("Café, 東京 {}", "Café, 東京 {}"),
            ("\u{1b}[2J\u{7}\r\n\t\0", r"\u{1b}[2J\u{7}\u{d}\u{a}\u{9}\u{0}"),
            ("\u{7f}\u{9b}31m", r"\u{7f}\u{9b}31m"),
            ("\u{202a}\u{202e}\u{2066}\u{2069}\u{202f}", "\\u{202a}\\u{202e}\\u{2066}\\u{2069}\u{202f}"),
            ("\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}", r"\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}"),
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_lines("a\tb\r\n\u{1b}c\n"), "a\tb\\u{d}\n\\u{1b}c\n");
    }

    #[test]
    fn json_has_escapes_of_its_own_for_what_steers_a_terminal_and_other_lines_are_as_they_are() {
        let value = serde_json::json!({ "says": "\u{9b}31m\u{7f}\u{202e}\u{2028}\u{1b} Caf\u{e9}\t" });
        let line = format!("{value}\n");
        let shown = Lines::default().shown(&line).into_owned();
        assert_eq!(shown, "{\"says\":\"\\u009b31m\\u007f\\u202e\\u2028\\u001b Caf\u{e9}\\t\"}\n");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value, "it says the same");
        // In pieces, among lines of another kind.
        let mut lines = Lines::default();
        let pieces = ["SUMMARY:\u{200f}x\r\n", "{\"a\":", "\"\u{200f}\"", "}", "\n", "b\u{200f}{", "\n[\"\u{85}\"]\n"];
        let shown: String = pieces.iter().map(|piece| lines.shown(piece).into_owned()).collect();
        let wanted = "SUMMARY:\u{200f}x\r\n{\"a\":\"\\u200f\"}\nb\u{200f}{\n[\"\\u0085\"]\n";
        assert_eq!(shown, wanted);
    }
}
