//! ISO 4217 currencies.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Amount, InvalidValue};

/// An ISO 4217 currency, written as its three-letter code.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = one_of_the_codes()))]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Returns the three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Returns how many decimals an amount has: 2 for GBP, 0 for JPY.
    pub fn decimals(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }

    /// Writes an amount of minor units for a person: `120.00 GBP`, `12000 JPY`.
    pub fn format(self, amount: Amount) -> String {
        let (code, decimals) = (self.code(), self.decimals());
        let unit = 10_u64.pow(decimals);
        let (whole, part) = (amount.minor_units() / unit, amount.minor_units() % unit);
        match decimals {
            0 => format!("{whole} {code}"),
            _ => format!("{whole}.{part:0width$} {code}", width = decimals as usize),
        }
    }
}

/// Returns a pattern of all codes that there are.
fn one_of_the_codes() -> String {
    let letters = || 'A'..='Z';
    let codes = letters().flat_map(|a| {
        letters().flat_map(move |b| letters().map(move |c| String::from_iter([a, b, c])))
    });
    let known: Vec<_> = codes
        .filter(|code| code.parse::<Currency>().is_ok())
        .collect();
    format!("^({})$", known.join("|"))
}

impl FromStr for Currency {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        iso_currency::Currency::from_code(text)
            .map(Self)
            .ok_or(InvalidValue(
                "must be an ISO 4217 currency code such as GBP",
            ))
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_with_the_decimals_of_their_currency() {
        for (code, minor, expected) in [
            ("GBP", 12_005, "120.05 GBP"),
            ("GBP", 5, "0.05 GBP"),
            ("JPY", 12_005, "12005 JPY"),
            ("BHD", 12_005, "12.005 BHD"),
        ] {
            let currency: Currency = code.parse().expect(code);
            let amount = Amount::try_from(minor).expect("in range");
            assert_eq!(currency.format(amount), expected);
        }
    }

    #[test]
    fn what_is_no_currency_code_is_refused() {
        for text in ["", "gbp", "POUND", "XYZ", "G1P"] {
            assert!(text.parse::<Currency>().is_err(), "{text}");
        }
    }
}
