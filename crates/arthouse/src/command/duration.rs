//! Durations on the command line.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Reads a duration such as `500ms`, `30s`, `5m` or `2h`; a bare number is seconds.
pub(super) fn parse(text: &str) -> Result<Duration, &'static str> {
    const RULE: &str = "must be a whole number and a unit: 500ms, 30s, 5m or 2h";
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| RULE)?;
    let milliseconds = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(RULE),
    };
    number
        .checked_mul(milliseconds)
        .map(Duration::from_millis)
        .ok_or(RULE)
}

/// Reads a duration of so many whole seconds.
pub(super) fn seconds(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    let (least, most) = (*range.start(), *range.end());
    move |text| {
        let duration = parse(text)?;
        if duration.subsec_nanos() == 0 && (least..=most).contains(&duration.as_secs()) {
            return Ok(duration);
        }
        Err(format!("must be {least}s to {most}s, in whole seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_of_seconds_is_whole_and_within_its_range() {
        let read = seconds(2..=60);
        assert_eq!(read("25s"), Ok(Duration::from_secs(25)));
        assert_eq!(read("1m"), Ok(Duration::from_secs(60)));
        for bad in ["1s", "61", "2500ms"] {
            let told = read(bad).unwrap_err();
            assert!(told.contains("2s to 60s"), "{bad}: {told}");
        }
        assert!(read("x").unwrap_err().contains("30s, 5m"));
    }

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("30", 30_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for bad in [
            "",
            "s",
            "-1s",
            "1.5s",
            "3 s",
            "1d",
            "99999999999999999999s",
            "18446744073709551615h",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
