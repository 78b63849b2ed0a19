//! Amounts as decimals in JSON, read and written without floating point.

use boxoffice_core::ticket::{Currency, Money};

/// The longest number that is read, in bytes.
const LENGTH_MAX: usize = 64;

/// Why a number is no amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number that is no amount of its currency")]
pub(super) struct NoAmount;

/// The amount in major units, with all decimal places of its currency: `12.50`.
pub(super) fn write(money: Money) -> String {
    let text = money.to_string();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// A number of JSON (RFC 8259 section 6) as an amount: exactly, or not at all. `12.5`, `12.500` and `1.25e1` are the same.
pub(super) fn read(number: &str, currency: Currency) -> Result<Money, NoAmount> {
    if number.len() > LENGTH_MAX {
        return Err(NoAmount);
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().map_err(|_| NoAmount)?),
        None => (number, 0),
    };
    let (sign, unsigned) = mantissa.strip_prefix('-').map_or(("", mantissa), |unsigned| ("-", unsigned));
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((_, "")) => return Err(NoAmount),
        Some(parts) => parts,
        None => (unsigned, ""),
    };
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return Err(NoAmount);
    }
    let digits = format!("{whole}{fraction}");
    let fraction = i32::try_from(fraction.len()).map_err(|_| NoAmount)?;
    let shift = i64::from(currency.digits()) + i64::from(exponent) - i64::from(fraction);
    let minor = if digits.bytes().all(|digit| digit == b'0') { "0".to_owned() } else { moved(digits, shift)? };
    format!("{sign}{minor}").parse().map(|minor| Money::new(minor, currency)).map_err(|_| NoAmount)
}

/// So many zeros more at the end, or less.
fn moved(digits: String, shift: i64) -> Result<String, NoAmount> {
    let places = usize::try_from(shift.unsigned_abs()).ok().filter(|places| *places <= LENGTH_MAX).ok_or(NoAmount)?;
    let zeros = "0".repeat(places);
    if shift >= 0 { Ok(digits + &zeros) } else { digits.strip_suffix(&zeros).map(str::to_owned).ok_or(NoAmount) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All there are.
    fn currencies() -> Vec<Currency> {
        let letters = || 'A'..='Z';
        let codes = letters().flat_map(|a| letters().flat_map(move |b| letters().map(move |c| format!("{a}{b}{c}"))));
        codes.filter_map(|code| Currency::new(&code).ok()).collect()
    }

    #[test]
    fn numbers_are_amounts_exactly_or_not_at_all() {
        let cases = [
            ("12.5", "EUR", Some(1_250)),
            ("12.50", "EUR", Some(1_250)),
            ("12.500", "EUR", Some(1_250)),
            ("1.25e1", "EUR", Some(1_250)),
            ("1.25E+1", "EUR", Some(1_250)),
            ("1250E-2", "EUR", Some(1_250)),
            ("0", "EUR", Some(0)),
            ("0.00e99", "EUR", Some(0)),
            ("-0.01", "EUR", Some(-1)),
            ("0.29", "EUR", Some(29)),
            ("8.01", "EUR", Some(801)),
            ("12.505", "EUR", None),
            ("12.1", "JPY", None),
            ("12.0", "JPY", Some(12)),
            ("12.345", "KWD", Some(12_345)),
            ("92233720368547758.07", "EUR", Some(i64::MAX)),
            ("-92233720368547758.08", "EUR", Some(i64::MIN)),
            ("92233720368547758.08", "EUR", None),
            ("1e999999999", "EUR", None),
            ("1e-999999999", "EUR", None),
            ("1e9999999999999", "EUR", None),
            ("", "EUR", None),
            ("-", "EUR", None),
            (".5", "EUR", None),
            ("5.", "EUR", None),
            ("1 2", "EUR", None),
            ("0x1", "EUR", None),
            ("\"12.50\"", "EUR", None),
            ("null", "EUR", None),
        ];
        for (number, code, minor) in cases {
            let currency = Currency::new(code).unwrap();
            let found = read(number, currency).ok().map(|money| money.minor());
            assert_eq!(found, minor, "{number} {code}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_is_written_is_read_again_in_every_currency(minor in any::<i64>(), small in -100_000_i64..100_000) {
            for currency in currencies() {
                for money in [Money::new(minor, currency), Money::new(small, currency)] {
                    prop_assert_eq!(read(&write(money), currency), Ok(money));
                }
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,80}") {
            let _read = read(&text, Currency::new("EUR").unwrap());
        }
    }
}
