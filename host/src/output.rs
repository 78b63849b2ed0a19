//! Writing to the terminal. A reader that went away, as `head` does, is no error.

use core::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, Write};

use crate::error::HostError;

/// Text from a store or a file as it is shown to people: what would steer a terminal is written as in `\u{1b}`. These are control
/// characters, ends of lines among them, and those that turn the direction of writing. JSON has escapes of its own.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
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
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(HostError::System { doing: "write the output", error }),
    }
}

/// Standard output for much text. When nobody reads on, the rest goes nowhere.
pub(crate) struct Output {
    out: BufWriter<io::Stdout>,
    read: bool,
}

impl Output {
    pub(crate) fn new() -> Self {
        Self { out: BufWriter::new(io::stdout()), read: true }
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
        let written = self.out.write(bytes);
        self.unless_unread(written, bytes.len())
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
        ];
        for (text, shown) in table {
            assert_eq!(visible(text), shown);
        }
        assert_eq!(visible_lines("a\tb\r\n\u{1b}c\n"), "a\tb\\u{d}\n\\u{1b}c\n");
    }
}
