//! Instants to the second, written `YYYY-MM-DDTHH:MM:SSZ`.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::InvalidValue;

const RULE: InvalidValue =
    InvalidValue("must be an RFC 3339 time with a zone, such as 2026-10-01T18:00:00Z");

/// An instant in UTC, to the second; parses an RFC 3339 time of any zone and writes `YYYY-MM-DDTHH:MM:SSZ`, so the year, in
/// UTC, has four digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = "date-time"))]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// Returns the instant that lies a whole number of seconds after 1970, or nothing outside the years 0 to 9999.
    pub fn from_unix_seconds(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0)
            .filter(|instant| (0..=9999).contains(&instant.year()))
            .map(Self)
    }

    /// Returns the seconds since 1970.
    pub fn unix_seconds(self) -> i64 {
        self.0.timestamp()
    }

    /// Returns the instant as chrono's type.
    pub fn to_utc(self) -> DateTime<Utc> {
        self.0
    }

    /// Returns the elapsed time since an earlier instant; negative if that one is later.
    pub fn since(self, earlier: Self) -> TimeDelta {
        self.0 - earlier.0
    }

    /// Returns the instant a time earlier, or the earliest there is.
    #[must_use]
    pub fn minus(self, delta: TimeDelta) -> Self {
        Self(
            self.0
                .checked_sub_signed(delta)
                .unwrap_or(DateTime::<Utc>::MIN_UTC),
        )
    }
}

/// Drops the fraction of a second; a leap second is the one before it.
impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(DateTime::from_timestamp(instant.timestamp(), 0).unwrap_or(instant))
    }
}

impl FromStr for Timestamp {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, InvalidValue> {
        // What chrono takes beyond the grammar: another separator, and a leap second at any minute (RFC 3339, sections 5.6 and 5.7).
        let instant = DateTime::parse_from_rfc3339(text).map_err(|_| RULE)?;
        let is_leap = instant.timestamp_subsec_nanos() >= 1_000_000_000;
        let last_minute = 23 * 3600 + 59 * 60;
        let is_possible =
            !is_leap || instant.to_utc().num_seconds_from_midnight() / 60 * 60 == last_minute;
        if !matches!(text.as_bytes().get(10), Some(b'T' | b't')) || !is_possible {
            return Err(RULE);
        }
        Self::from_unix_seconds(instant.timestamp()).ok_or(RULE)
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidValue;

    fn try_from(text: String) -> Result<Self, InvalidValue> {
        text.parse()
    }
}

impl From<Timestamp> for String {
    fn from(instant: Timestamp) -> Self {
        instant.to_string()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.format("%Y-%m-%dT%H:%M:%SZ"))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_rfc_3339_time_becomes_utc_to_the_second() {
        for (text, expected) in [
            ("2026-10-01T18:00:00Z", "2026-10-01T18:00:00Z"),
            ("2026-10-01T19:00:00+01:00", "2026-10-01T18:00:00Z"),
            ("2026-10-01T18:00:00.999Z", "2026-10-01T18:00:00Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().expect(text).to_string(), expected);
        }
    }

    #[test]
    fn a_time_without_a_zone_is_refused() {
        for text in [
            "",
            "2026-10-01",
            "2026-10-01T18:00:00",
            "tomorrow",
            "2026-13-01T00:00:00Z",
            "2026-10-01 18:00:00Z",
            "2026-10-01T18:00:60Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(RULE), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back_and_years_have_four_digits() {
        for text in [
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "2016-12-31T23:59:60Z",
            "2016-12-31T23:59:60.5Z",
        ] {
            let instant: Timestamp = text.parse().expect(text);
            assert_eq!(instant.to_string().parse(), Ok(instant), "{text}");
            assert_eq!(
                Timestamp::from_unix_seconds(instant.unix_seconds()),
                Some(instant),
                "{text}"
            );
        }
        for text in ["9999-12-31T23:59:59-00:01", "0000-01-01T00:00:00+00:01"] {
            assert_eq!(text.parse::<Timestamp>(), Err(RULE), "{text}");
        }
        for seconds in [253_402_300_800, -62_167_219_201, i64::MAX, i64::MIN] {
            assert_eq!(Timestamp::from_unix_seconds(seconds), None, "{seconds}");
        }
    }
}
