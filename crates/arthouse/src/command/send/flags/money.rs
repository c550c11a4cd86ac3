//! Money as people write it: `120`, `120.00`.

use std::fmt;
use std::str::FromStr;

use arthouse_core::Currency;

/// A decimal number whose currency is not looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    text: String,
    /// The number without its point.
    digits: i64,
    decimals: u32,
}

const RULE: &str = "must be a decimal number such as 120.00";

impl Decimal {
    /// Returns the amount in the currency's minor units (pence, cents).
    pub(super) fn minor_units(&self, currency: Currency) -> Result<i64, String> {
        let most = currency.decimals();
        let missing = most.checked_sub(self.decimals).ok_or_else(|| {
            format!("invalid amount {self}: {currency} has {most} decimals at most")
        })?;
        let minor = 10_i64
            .checked_pow(missing)
            .and_then(|factor| self.digits.checked_mul(factor));
        minor.ok_or_else(|| format!("invalid amount {self}: it is too large"))
    }
}

impl FromStr for Decimal {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(part) {
            return Err(RULE);
        }
        let digits = text.replace('.', "").parse().map_err(|_| RULE)?;
        let decimals = unsigned.len() - whole.len();
        Ok(Self {
            text: text.to_owned(),
            digits,
            decimals: u32::try_from(decimals.saturating_sub(1)).map_err(|_| RULE)?,
        })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor(text: &str, currency: &str) -> Result<i64, String> {
        let decimal: Decimal = text.parse().map_err(str::to_owned)?;
        decimal.minor_units(currency.parse().unwrap())
    }

    #[test]
    fn an_amount_has_the_decimals_of_its_currency_at_most() {
        for (text, currency, expected) in [
            ("120.00", "GBP", 12_000),
            ("120", "GBP", 12_000),
            ("120.5", "GBP", 12_050),
            ("0.05", "GBP", 5),
            ("-1", "GBP", -100),
            ("12005", "JPY", 12_005),
            ("12.005", "BHD", 12_005),
        ] {
            assert_eq!(minor(text, currency), Ok(expected), "{text} {currency}");
        }
        for (text, currency) in [
            ("120.005", "GBP"),
            ("120.0", "JPY"),
            ("99999999999999999", "BHD"),
        ] {
            let refused = minor(text, currency);
            assert!(refused.is_err_and(|error| error.contains(text)), "{text}");
        }
        for text in [
            "", ".", "1.", ".5", "1,000", "1e3", "12 0", "+1", "--1", "£5",
        ] {
            assert_eq!(minor(text, "GBP"), Err(RULE.to_owned()), "{text}");
        }
    }
}
