//! Amounts as Stripe counts them.

use boxoffice_core::ticket::{Currency, Money};

/// Whole units, though ISO 4217 has minor ones for some (`MGA`).
const WHOLE: &str = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF";
/// Hundredths that must be whole: without minor units, but counted as before they lost them.
const WHOLE_IN_HUNDREDTHS: &str = "ISK UGX";
/// Thousandths, of which the last digit must be 0.
const THOUSANDTHS: &str = "BHD JOD KWD OMR TND";

/// Why an amount has no form at the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AmountError {
    #[error("Stripe takes no {0}")]
    Currency(Currency),
    #[error("Stripe takes no amount of {0} that is so fine")]
    Fine(Currency),
    #[error("an amount beyond what can be kept")]
    Much,
    #[error("an amount of a currency that is unknown")]
    Unknown,
}

/// Decimal places of Stripe's unit, and what an amount that it is given must be divisible by.
fn unit(currency: Currency) -> Result<(u8, i64), AmountError> {
    let is_in = |codes: &str| codes.split(' ').any(|code| code == currency.code());
    if is_in(WHOLE) {
        Ok((0, 1))
    } else if is_in(WHOLE_IN_HUNDREDTHS) {
        Ok((2, 100))
    } else if is_in(THOUSANDTHS) {
        Ok((3, 10))
    } else if currency.digits() == 2 {
        Ok((2, 1))
    } else {
        Err(AmountError::Currency(currency))
    }
}

/// `minor` counted in another number of decimal places.
fn shifted(minor: i64, from: u8, to: u8, currency: Currency) -> Result<i64, AmountError> {
    let times = 10_i64.pow(u32::from(from.abs_diff(to)));
    if to >= from {
        return minor.checked_mul(times).ok_or(AmountError::Much);
    }
    if minor % times == 0 { Ok(minor / times) } else { Err(AmountError::Fine(currency)) }
}

/// The amount that a request asks for.
pub(super) fn to_stripe(money: Money) -> Result<i64, AmountError> {
    let currency = money.currency();
    let (places, step) = unit(currency)?;
    let amount = shifted(money.minor(), currency.digits(), places, currency)?;
    if amount % step == 0 { Ok(amount) } else { Err(AmountError::Fine(currency)) }
}

/// The money of an answer: an amount, and a code in small letters.
pub(super) fn from_stripe(amount: i64, code: &str) -> Result<Money, AmountError> {
    let currency = Currency::new(&code.to_ascii_uppercase()).map_err(|_| AmountError::Unknown)?;
    let (places, _) = unit(currency)?;
    Ok(Money::new(shifted(amount, places, currency.digits(), currency)?, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_currency_is_counted_as_stripe_does_or_refused() {
        let fine = |code| Err(AmountError::Fine(Currency::new(code).unwrap()));
        let cases = [
            ("12.50 EUR", Ok(1_250)),
            ("12.50 HUF", Ok(1_250)),
            ("500 JPY", Ok(500)),
            ("5.00 MGA", Ok(5)),
            ("5.50 MGA", fine("MGA")),
            ("5 ISK", Ok(500)),
            ("5 UGX", Ok(500)),
            ("5.120 KWD", Ok(5_120)),
            ("5.124 KWD", fine("KWD")),
            ("5.000 IQD", Err(AmountError::Currency(Currency::new("IQD").unwrap()))),
            ("5.0000 CLF", Err(AmountError::Currency(Currency::new("CLF").unwrap()))),
            ("5 UYI", Err(AmountError::Currency(Currency::new("UYI").unwrap()))),
            ("9223372036854775807 ISK", Err(AmountError::Much)),
        ];
        for (text, wanted) in cases {
            let money: Money = text.parse().unwrap();
            assert_eq!(to_stripe(money), wanted, "{text}");
            if let Ok(amount) = wanted {
                let code = money.currency().code().to_ascii_lowercase();
                assert_eq!(from_stripe(amount, &code), Ok(money), "{text}");
            }
        }
        assert_eq!(from_stripe(5_124, "kwd"), Ok("5.124 KWD".parse().unwrap()));
        assert_eq!(from_stripe(550, "isk"), Err(AmountError::Fine(Currency::new("ISK").unwrap())));
        assert_eq!(from_stripe(1, "xyz"), Err(AmountError::Unknown));
    }
}
