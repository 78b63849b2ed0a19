//! Writing to the terminal. A reader that went away, as `head` does, is no error.

use std::io::{self, ErrorKind, Write};

use crate::error::HostError;

/// A line on standard error.
pub(crate) fn complain(message: &str) {
    let line = format!("boxoffice: {}\n", message.replace('\n', " "));
    // There is nowhere left to report a failure to.
    drop(io::stderr().write_all(line.as_bytes()));
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
