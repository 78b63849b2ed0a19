//! One content line: taken apart, and put together again (RFC 5545 section 3.1).

use super::content::{Parameter, Property};
use super::fold::fold;
use super::text::{decode_parameter, encode_parameter, lines_joined};

/// Most parameters of a line.
const PARAMETERS_MAX: usize = 100;

/// Most values of a parameter.
const VALUES_MAX: usize = 1_000;

/// The name in upper case, if it is made of letters, digits and hyphens only.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (!text.is_empty() && text.bytes().all(fits)).then(|| text.to_ascii_uppercase())
}

/// Takes a line apart, or says why it is none.
pub(super) fn read(number: usize, text: &str) -> Result<Property, &'static str> {
    let end = text.find([';', ':']).ok_or("is no line of a calendar")?;
    let (before, mut rest) = text.split_at_checked(end).unwrap_or_default();
    let name = name(before).ok_or("is no line of a calendar")?;
    let mut parameters = Vec::new();
    while let Some(after) = rest.strip_prefix(';') {
        let parameter;
        (parameter, rest) = read_parameter(after)?;
        parameters.extend(parameter);
        if parameters.len() > PARAMETERS_MAX {
            return Err("has too many parameters");
        }
    }
    let value = rest.strip_prefix(':').ok_or("has no value")?;
    // Control characters have no meaning in a calendar, and could not be written again.
    let value = value.chars().filter(|c| *c == '\t' || !c.is_control()).collect();
    Ok(Property { name, parameters, value, line: number })
}

/// The parameter at the beginning of `text`, and what stands behind it. Nothing between two semicolons is no parameter.
fn read_parameter(text: &str) -> Result<(Option<Parameter>, &str), &'static str> {
    let end = text.find(['=', ';', ':']).ok_or("has no value")?;
    let (before, rest) = text.split_at_checked(end).unwrap_or_default();
    if before.trim().is_empty() && !rest.starts_with('=') {
        return Ok((None, rest));
    }
    let name = name(before).ok_or("has a parameter without a proper name")?;
    let mut values = Vec::new();
    let Some(mut rest) = rest.strip_prefix('=') else {
        return Ok((Some(Parameter { name, values: vec![String::new()] }), rest));
    };
    loop {
        let (value, behind) = read_value(rest);
        values.push(value);
        if values.len() > VALUES_MAX {
            return Err("has too many values in a parameter");
        }
        match behind.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((Some(Parameter { name, values }), behind)),
        }
    }
}

/// The parameter value at the beginning of `text`, and what stands behind it. A quote that is not closed is read as
/// the character it is.
fn read_value(text: &str) -> (String, &str) {
    let quoted = text.strip_prefix('"').and_then(|text| text.split_once('"'));
    let (quoted, text) = quoted.unwrap_or(("", text));
    let (plain, behind) = text.split_at_checked(text.find([',', ';', ':']).unwrap_or(text.len())).unwrap_or_default();
    let mut value = decode_parameter(quoted);
    value.push_str(&decode_parameter(plain));
    value.retain(|c| matches!(c, '\t' | '\n') || !c.is_control());
    (value, behind)
}

/// Writes a line. Whatever the property holds, it is one line: characters that could end it are escaped or left out,
/// and so are names that are none.
pub(super) fn write(property: &Property, out: &mut String) {
    let Some(name) = name(&property.name).filter(|name| !matches!(name.as_str(), "BEGIN" | "END")) else {
        return;
    };
    let mut line = name;
    for parameter in &property.parameters {
        let Some(name) = self::name(&parameter.name) else { continue };
        line.push(';');
        line.push_str(&name);
        for (index, value) in parameter.values.iter().enumerate() {
            line.push(if index == 0 { '=' } else { ',' });
            encode_parameter(value, &mut line);
        }
        line.extend(parameter.values.is_empty().then_some('='));
    }
    line.push(':');
    for c in lines_joined(&property.value) {
        match c {
            '\n' => line.push_str("\\n"),
            _ => line.push(c),
        }
    }
    fold(&line, out);
}

/// Writes `BEGIN:NAME` or `END:NAME`.
pub(super) fn write_mark(mark: &str, name: &str, out: &mut String) {
    fold(&format!("{mark}:{name}"), out);
}
