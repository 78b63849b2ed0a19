//! Lines as they were written: what the parser library would read with a guess is read from here instead.

/// The parameter by which a rule's own text is found again after the library has taken the file apart.
pub(super) const MARK: &str = "X-BOXOFFICE-RULE";

/// Joins folded lines (RFC 5545 section 3.1), also in the middle of a character, and marks each RRULE with its number.
/// Gives the text for the library, and the rules as they stand in the file.
pub(super) fn unfold(bytes: &[u8]) -> (String, Vec<String>) {
    let mut whole: Vec<u8> = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.split_first() {
            Some((b' ' | b'\t', rest)) if !whole.is_empty() => {
                while whole.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
                    whole.pop();
                }
                whole.extend_from_slice(rest);
            }
            Some(_) | None => whole.extend_from_slice(line),
        }
    }
    let (mut text, mut rules) = (String::with_capacity(whole.len()), Vec::new());
    for line in String::from_utf8_lossy(&whole).split_inclusive('\n') {
        let (name, rest) = line.split_at(line.find([';', ':']).unwrap_or(line.len()));
        if name.trim().eq_ignore_ascii_case("RRULE") {
            // A parameter of an RRULE may hold a colon only in quotes, and none that is defined does.
            let rule = rest.split_once(':').map_or("", |(_, rule)| rule);
            let mark = format!("{name};{MARK}=N{}", rules.len());
            text.push_str(&mark);
            text.push_str(rest);
            rules.push(rule.trim_end_matches(['\r', '\n']).to_owned());
        } else {
            text.push_str(line);
        }
    }
    (text, rules)
}
