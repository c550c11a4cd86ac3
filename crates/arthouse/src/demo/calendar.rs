//! Real timetables around the day of the demonstration.

use anyhow::{Context, Result};
use arthouse_core::{Timestamp, Zone};
use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeZone, Utc};

const ZONE: &str = "Europe/London";
const WALL_TIME: &str = "183000";

/// The zone of the demonstration's courses.
pub(super) fn zone() -> Zone {
    Zone::named(ZONE).expect("the IANA database has London")
}

/// A weekly timetable of six dates, the clocks changing after the third.
pub(super) fn weekly_across_a_clock_change(now: Timestamp) -> Result<String> {
    let earliest = now.to_utc().date_naive() + Days::new(4 * 7);
    let change = next_clock_change(earliest).context("the clocks of London change twice a year")?;
    let first = change - Days::new(2 * 7 + 3);
    let day =
        ["MO", "TU", "WE", "TH", "FR", "SA", "SU"][first.weekday().num_days_from_monday() as usize];
    let date = first.format("%Y%m%d");
    Ok(format!(
        "DTSTART;TZID={ZONE}:{date}T{WALL_TIME}\nRRULE:FREQ=WEEKLY;BYDAY={day};COUNT=8"
    ))
}

/// A daily timetable whose first date is two hours away.
pub(super) fn daily_from_today(now: Timestamp) -> String {
    let first = now.to_utc() + chrono::TimeDelta::hours(2);
    format!("DTSTART:{}\nRRULE:FREQ=DAILY", stamp(first))
}

/// A timetable whose last date is over.
pub(super) fn all_over() -> String {
    format!("DTSTART;TZID={ZONE}:20200106T{WALL_TIME}\nRRULE:FREQ=WEEKLY;COUNT=4")
}

/// A weekly timetable that starts next week and never ends.
pub(super) fn weekly_from_next_week(now: Timestamp) -> String {
    let first = now.to_utc().date_naive() + Days::new(7);
    format!(
        "DTSTART;TZID={ZONE}:{}T{WALL_TIME}\nRRULE:FREQ=WEEKLY",
        first.format("%Y%m%d")
    )
}

fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Finds the first day from a day on at whose noon the offset from UTC is another than the noon before.
fn next_clock_change(from: NaiveDate) -> Option<NaiveDate> {
    let zone = zone();
    let offset = |day: NaiveDate| {
        let noon = day.and_hms_opt(12, 0, 0)?;
        Some(
            zone.offset_from_local_datetime(&noon)
                .single()?
                .fix()
                .local_minus_utc(),
        )
    };
    from.iter_days()
        .take(366)
        .find(|day| offset(*day) != offset(*day - Days::new(1)))
}

#[cfg(test)]
mod tests {
    use arthouse_core::Schedule;

    use super::*;

    #[test]
    fn the_wall_time_stays_and_the_offset_changes_between_the_third_and_the_fourth_date() {
        for now in [
            "2026-01-01T00:00:00Z",
            "2026-03-01T00:00:00Z",
            "2026-11-22T11:00:00Z",
            "2027-09-30T23:00:00Z",
        ] {
            let now: Timestamp = now.parse().expect("a time");
            let text = weekly_across_a_clock_change(now).expect("the clocks change");
            let schedule: Schedule = text.parse().expect("a timetable");
            let dates = schedule
                .first_after(now, 6.try_into().expect("a duration"))
                .expect("six dates");
            let offsets: Vec<_> = dates
                .iter()
                .map(|date| date.local.offset().local_minus_utc())
                .collect();
            assert!(
                offsets[..3].iter().all(|offset| *offset == offsets[0]),
                "{offsets:?}"
            );
            assert!(
                offsets[3..].iter().all(|offset| *offset != offsets[0]),
                "{offsets:?}"
            );
            assert!(
                dates
                    .iter()
                    .all(|date| date.local.format("%H%M%S").to_string() == WALL_TIME)
            );
        }
    }
}
