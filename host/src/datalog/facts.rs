//! Facts in files, as Souffle reads them: `NAME.facts`, a row on each line, columns divided by tabs.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use boxoffice::datalog::{Column, Fact, Predicate, Program, Type, Value};
use boxoffice::time::Timestamp;

use crate::error::HostError;

/// The facts of all relations marked `.input`.
pub(super) fn read(program: &Program, folder: &Path) -> Result<Vec<Fact>, HostError> {
    let mut facts = Vec::new();
    for relation in program.predicates().iter().filter(|relation| relation.input) {
        let path = folder.join(format!("{}.facts", relation.name));
        let bytes = bytes_of(&path)?;
        for (place, line) in lines(&bytes).enumerate() {
            let wrong = |reason: &str| HostError::Usage(format!("{}:{}: {reason}", path.display(), place + 1));
            let row = row(relation, line).map_err(|reason| wrong(&reason))?;
            let fact = program.fact_of(&relation.name, row).map_err(|error| wrong(&error.to_string()))?;
            facts.push(fact);
        }
    }
    Ok(facts)
}

/// Bytes of a facts file at most.
const BYTES_MAX: u64 = 256 << 20;

/// What a file holds, without a byte order mark. Only of a regular file, and of one that has an end within the limit.
fn bytes_of(path: &Path) -> Result<Vec<u8>, HostError> {
    let failed = |error| HostError::Read { path: path.to_owned(), error };
    // Looked at before it is opened: to open a pipe waits for whoever writes to it.
    let there = fs::metadata(path).map_err(failed)?;
    if !there.is_file() {
        return Err(HostError::Usage(format!("{} is no regular file", path.display())));
    }
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed)?.take(BYTES_MAX + 1);
    file.read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > BYTES_MAX {
        let most = BYTES_MAX >> 20;
        return Err(HostError::Usage(format!("{} has more than {most} MiB: facts are read from less", path.display())));
    }
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
    }
    Ok(bytes)
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// What stands between line ends; behind the last of them nothing need stand.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let some = (!bytes.is_empty()).then(|| whole.split(|byte| *byte == b'\n'));
    some.into_iter().flatten().map(|line| line.strip_suffix(b"\r").unwrap_or(line))
}

fn row(relation: &Predicate, line: &[u8]) -> Result<Vec<Value>, String> {
    let line = str::from_utf8(line).map_err(|error| format!("no UTF-8 from byte {}", error.valid_up_to() + 1))?;
    if relation.columns.is_empty() && (line.is_empty() || line == "()") {
        return Ok(Vec::new());
    }
    let (cells, wanted) = (line.split('\t').count(), relation.columns.len());
    if cells != wanted {
        return Err(format!("{} has {wanted} columns, the line has {cells}", relation.name));
    }
    line.split('\t').zip(&relation.columns).map(|(text, column)| value(text, column)).collect()
}

fn value(text: &str, column: &Column) -> Result<Value, String> {
    let read = match column.ty {
        Type::Number => number(text).map(Value::Number),
        Type::Symbol => Some(text.into()),
        Type::Time => text.parse().ok().or_else(|| number(text).map(Timestamp::from_millis)).map(Value::Time),
        Type::Bool => text.parse().ok().map(Value::Bool),
        Type::Any | _ => return Err(format!("column {} has no single type: declare the relation", column.name)),
    };
    read.ok_or_else(|| format!("column {}: {text:?} is no {}", column.name, column.ty))
}

/// Of 64 bits: `-12`, `0x1F`, `0b101`.
fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let prefixed =
        [("0x", 16), ("0b", 2)].iter().find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, *radix)));
    let (digits, radix) = prefixed.unwrap_or((digits, 10));
    let plain = digits.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if plain { i64::from_str_radix(&format!("{sign}{digits}"), radix).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_three_notations_and_only_whole() {
        let cases = [
            ("0", Some(0)),
            ("-12", Some(-12)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("0x1F", Some(31)),
            ("-0xff", Some(-255)),
            ("0b101", Some(5)),
            ("0x", None),
            ("0x-1", None),
            ("--1", None),
            ("+1", None),
            ("", None),
            (" 1", None),
            ("1.5", None),
        ];
        for (text, expected) in cases {
            assert_eq!(number(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_end_with_or_without_a_carriage_return_and_the_last_may_have_no_end() {
        let found = |text: &str| {
            lines(text.as_bytes()).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(found(""), Vec::<String>::new());
        assert_eq!(found("\n"), [""]);
        assert_eq!(found("a\r\nb"), ["a", "b"]);
        assert_eq!(found("a\n\nb\n"), ["a", "", "b"]);
    }
}
