//! Writing to the terminal. A reader that went away, as `head` does, is no error.

use core::fmt::Display;
use std::io::{self, BufWriter, ErrorKind, Write};

use crate::error::HostError;

/// A line on standard error.
pub(crate) fn complain(message: &str) {
    let line = format!("boxoffice: {}\n", message.replace('\n', " "));
    // There is nowhere left to report a failure to.
    drop(io::stderr().write_all(line.as_bytes()));
}

/// Messages on standard error that may have several lines and name their place themselves.
pub(crate) fn complain_all(messages: &[impl Display]) {
    let lines: Vec<String> = messages.iter().map(|message| message.to_string().trim_end().to_owned() + "\n").collect();
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
