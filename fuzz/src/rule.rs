//! Any text as a recurrence rule: read strictly and leniently, printed, and read again.

use boxoffice_core::calendar::{RecurrenceRule, RuleError};

/// Bytes as the text of a rule.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let strict = text.parse::<RecurrenceRule>();
    let lenient = RecurrenceRule::read_lenient(&text);
    match &strict {
        Ok(rule) => {
            let printed = rule.to_string();
            assert_eq!(printed.parse::<RecurrenceRule>().as_ref(), Ok(rule), "{text:?} printed as {printed:?}");
            assert_eq!(lenient.as_ref(), Ok(rule), "{text:?} is read otherwise when lenient");
        }
        Err(error) => says(error),
    }
    match &lenient {
        Ok(rule) => {
            let printed = rule.to_string();
            let again = RecurrenceRule::read_lenient(&printed);
            assert_eq!(again.as_ref(), Ok(rule), "{text:?} printed as {printed:?}");
        }
        Err(error) => says(error),
    }
}

fn says(error: &RuleError) {
    assert!(error.to_string().len() > 10, "{error:?}");
}
