//! Times and durations as people read them. JSON has ISO 8601 and whole seconds.

use std::time::Duration;

use anyhow::{Context, Result};
use arthouse_core::{CourseId, Timestamp, Zone};
use arthouse_store::Store;
use chrono::{DateTime, Utc};

/// Writes an instant on the clock of a zone and names the zone: `Thu 1 Oct 2026 19:00 BST (Europe/London)`.
pub(crate) fn time_with_zone(at: Timestamp, zone: Zone) -> String {
    let time = time(at, zone);
    if zone == Zone::utc() {
        time
    } else {
        format!("{time} ({zone})")
    }
}

/// Writes an instant on the clock of a zone, where a heading names the zone: `Thu 1 Oct 2026 19:00 BST`.
pub(crate) fn time(at: Timestamp, zone: Zone) -> String {
    let local = at.to_utc().with_timezone(&zone);
    local.format("%a %-d %b %Y %H:%M %Z").to_string()
}

/// Writes an instant that belongs to no course, to the second: `Thu 1 Oct 2026 18:00:00 UTC`.
pub(crate) fn utc(at: DateTime<Utc>) -> String {
    at.format("%a %-d %b %Y %H:%M:%S UTC").to_string()
}

/// Writes a length of time with its two largest units: `1 min 5 s`, `2 d 3 h`.
pub(crate) fn duration(length: Duration) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let seconds = length.as_secs();
    let Some(largest) = UNITS.iter().position(|(unit, _)| seconds >= *unit) else {
        return if length.is_zero() { "0 s" } else { "< 1 s" }.to_owned();
    };
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, name) in UNITS.iter().skip(largest).take(2) {
        if rest >= *unit {
            parts.push(format!("{} {name}", rest / unit));
        }
        rest %= unit;
    }
    parts.join(" ")
}

/// Reads the zone of a course; UTC if the course is gone.
///
/// # Errors
/// Returns why the course can't be read.
pub(crate) async fn zone_of(store: &Store, course_id: &CourseId) -> Result<Zone> {
    let course = store.course(course_id).await;
    let course = course.context("can't read the course")?;
    Ok(course.map_or_else(Zone::utc, |course| course.schedule.zone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_on_the_clock_of_its_zone() {
        let at: Timestamp = "2026-10-01T18:00:00Z".parse().unwrap();
        for (name, expected) in [
            ("Europe/London", "Thu 1 Oct 2026 19:00 BST (Europe/London)"),
            ("Asia/Tokyo", "Fri 2 Oct 2026 03:00 JST (Asia/Tokyo)"),
            ("UTC", "Thu 1 Oct 2026 18:00 UTC"),
        ] {
            let zone = Zone::named(name).unwrap();
            assert_eq!(time_with_zone(at, zone), expected);
        }
        assert_eq!(utc(at.to_utc()), "Thu 1 Oct 2026 18:00:00 UTC");
    }

    #[test]
    fn a_duration_has_its_two_largest_units() {
        for (milliseconds, expected) in [
            (0, "0 s"),
            (999, "< 1 s"),
            (5_400, "5 s"),
            (65_000, "1 min 5 s"),
            (60_000, "1 min"),
            (3_605_000, "1 h"),
            (86_399_000, "23 h 59 min"),
            (2 * 86_400_000 + 3 * 3_600_000, "2 d 3 h"),
        ] {
            let length = Duration::from_millis(milliseconds);
            assert_eq!(duration(length), expected, "{milliseconds}");
        }
    }
}
