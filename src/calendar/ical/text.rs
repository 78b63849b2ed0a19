//! Texts inside of values (RFC 5545 section 3.3.11) and of parameters (RFC 6868).

/// A text as it stands in a value: backslash, semicolon, comma and line breaks escaped. Other control characters have
/// no way to be written and are left out; a TAB stays.
///
/// ```
/// use boxoffice_core::calendar::escape_text;
/// assert_eq!(escape_text("Tea, cake;\nno rain"), r"Tea\, cake\;\nno rain");
/// ```
pub fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in lines_joined(text) {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out
}

/// The text that an escaped one stands for. A backslash before any other character is kept.
pub(super) fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        let next = rest.as_str().chars().next();
        match (c, next) {
            ('\\', Some('n' | 'N')) => out.push('\n'),
            ('\\', Some(escaped @ ('\\' | ';' | ','))) => out.push(escaped),
            _ => {
                out.push(c);
                continue;
            }
        }
        rest.next();
    }
    out
}

/// The parts between the commas that are not escaped, still escaped themselves.
pub(super) fn split_list(value: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    value.split(move |c| {
        let separates = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        separates
    })
}

/// The characters of a text in which every line break is one LF and no other control character but TAB is left.
pub(super) fn lines_joined(text: &str) -> impl Iterator<Item = char> + '_ {
    let mut after_return = false;
    text.chars().filter_map(move |c| {
        let second = c == '\n' && after_return;
        after_return = c == '\r';
        match c {
            '\n' if second => None,
            '\r' | '\n' => Some('\n'),
            '\t' => Some(c),
            _ => Some(c).filter(|c| !c.is_control()),
        }
    })
}

/// A parameter value as it is written: encoded as RFC 6868 says, in quotes where it needs them.
pub(super) fn encode_parameter(value: &str, out: &mut String) {
    let quoted = value.contains([':', ';', ',']);
    out.extend(quoted.then_some('"'));
    for c in lines_joined(value) {
        match c {
            '^' => out.push_str("^^"),
            '"' => out.push_str("^'"),
            '\n' => out.push_str("^n"),
            _ => out.push(c),
        }
    }
    out.extend(quoted.then_some('"'));
}

/// The parameter value that an encoded one stands for. A `^` before any other character is kept.
pub(super) fn decode_parameter(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value.chars();
    while let Some(c) = rest.next() {
        let decoded = match (c, rest.as_str().chars().next()) {
            ('^', Some('n')) => '\n',
            ('^', Some('\'')) => '"',
            ('^', Some('^')) => '^',
            _ => {
                out.push(c);
                continue;
            }
        };
        out.push(decoded);
        rest.next();
    }
    out
}
