//! Currencies by their codes.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use super::money::MoneyError;

/// Codes of ISO 4217, table A.1, without metals, tests and units of account. Some are withdrawn (ANG, BGN, HRK): what was recorded in
/// them stays readable.
const CODES: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF \
    CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL \
    HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK \
    MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR \
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND \
    VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG";
/// Those without minor units.
const WHOLE: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
/// Those of which a thousand minor units make one.
const THOUSANDS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Those of which ten thousand do.
const TEN_THOUSANDS: &str = "CLF UYW";

/// A currency, by its code in ISO 4217: three capital letters, such as `EUR`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of a code.
    ///
    /// # Errors
    /// [`MoneyError::Currency`] when there is no such code.
    pub fn new(code: &str) -> Result<Self, MoneyError> {
        let known = CODES.split(' ').find(|known| *known == code).and_then(|known| known.as_bytes().try_into().ok());
        known.map(Self).ok_or_else(|| MoneyError::Currency { code: code.chars().take(10).collect() })
    }

    /// The code.
    pub fn code(&self) -> &str {
        // Made of the letters of a code.
        core::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Decimal places of its minor unit: 2 for most, 0, 3 or 4 for some.
    pub fn digits(&self) -> u8 {
        let is_in = |codes: &str| codes.split(' ').any(|code| code == self.code());
        if is_in(WHOLE) {
            0
        } else if is_in(THOUSANDS) {
            3
        } else if is_in(TEN_THOUSANDS) {
            4
        } else {
            2
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(code: &str) -> Result<Self, MoneyError> {
        Self::new(code)
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;
    fn try_from(code: String) -> Result<Self, MoneyError> {
        Self::new(&code)
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}
