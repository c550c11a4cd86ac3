//! Timetables: iCalendar text, expanded in local wall time and only then put on the clock (`RULES.md`, "Schedule").
//!
//! The order matters. A lesson at 18:00 in London stays at 18:00 when the clocks change. A wall time that daylight saving skips is left
//! out and not counted (RFC 5545, section 3.3.10), of an ambiguous one the first instant counts.

mod days;
mod line;
mod parse;
mod rule;
mod windows;
mod zones;

use std::collections::BTreeSet;
use std::fmt;
use std::iter::Peekable;

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Duration, Timestamp};
use rule::{Rule, Until};

pub use parse::ScheduleError;
pub use zones::{TimeZoneData, TimeZoneVersion, Zone, time_zone_data, use_time_zone_data};

/// A course's timetable: iCalendar text (RFC 5545), of which `DTSTART`, `RRULE`, `RDATE` and `EXDATE` matter.
///
/// Parsing is strict. Reading it from a record is not: a text that was accepted once, and breaks a rule that has come since, stays
/// readable and has no dates ([`problem`](Self::problem) says why).
#[derive(Clone, Serialize, JsonSchema)]
#[serde(into = "String")]
#[schemars(with = "String")]
pub struct Schedule {
    text: String,
    zone: Zone,
    dates: Result<Box<Dates>, ScheduleError>,
}

/// What a text says about dates.
#[derive(Clone)]
struct Dates {
    start: NaiveDateTime,
    rule: Option<Rule>,
    /// Dates beside the rule's, also the start's where there is no rule.
    added: BTreeSet<Timestamp>,
    /// Dates that the rule does not have.
    removed: BTreeSet<Timestamp>,
}

/// One date of a timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrence {
    /// The instant.
    pub at: Timestamp,
    /// The same instant as the clock on the wall shows it.
    pub local: DateTime<FixedOffset>,
}

impl Schedule {
    /// Returns the iCalendar text as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the time zone that the wall times are in.
    pub fn zone(&self) -> Zone {
        self.zone
    }

    /// Returns the name of the time zone that the wall times are in.
    pub fn time_zone(&self) -> &'static str {
        self.zone.name()
    }

    /// Says why a stored text would be refused today.
    pub fn problem(&self) -> Option<&ScheduleError> {
        self.dates.as_ref().err()
    }

    /// Returns the names of the properties and components of the text that have no say in the dates.
    pub fn unused(&self) -> Vec<String> {
        parse::unused(&self.text).into_iter().collect()
    }

    /// Returns the first dates, or nothing where the timetable has fewer.
    pub fn first(&self, sessions: Duration) -> Option<Vec<Occurrence>> {
        self.exactly(self.occurrences(None), sessions)
    }

    /// Returns the first dates strictly after an instant, or nothing where the timetable has fewer.
    pub fn first_after(&self, after: Timestamp, sessions: Duration) -> Option<Vec<Occurrence>> {
        self.exactly(self.occurrences(Some(after)), sessions)
    }

    /// Says whether the timetable has so many dates strictly after an instant.
    pub fn has_at_least(&self, sessions: Duration, after: Timestamp) -> bool {
        let sessions = usize::from(sessions.get());
        self.occurrences(Some(after)).take(sessions).count() == sessions
    }

    /// Says whether an instant is a date of the timetable by the zone data in use.
    pub fn has(&self, at: Timestamp) -> bool {
        let before = at.minus(chrono::TimeDelta::seconds(1));
        self.occurrences(Some(before)).next() == Some(at)
    }

    /// Returns an instant as the clock on the wall shows it.
    pub fn localise(&self, at: Timestamp) -> Occurrence {
        let local = self.zone.localise(at);
        Occurrence { at, local }
    }

    /// Reads a text of a record.
    fn stored(text: String) -> Self {
        text.parse().unwrap_or_else(|problem| Self {
            zone: parse::zone_of(&text).unwrap_or_else(Zone::utc),
            dates: Err(problem),
            text,
        })
    }

    fn exactly(
        &self,
        dates: impl Iterator<Item = Timestamp>,
        sessions: Duration,
    ) -> Option<Vec<Occurrence>> {
        let sessions = usize::from(sessions.get());
        let dates: Vec<_> = dates.take(sessions).map(|at| self.localise(at)).collect();
        (dates.len() == sessions).then_some(dates)
    }

    /// Returns the dates strictly after an instant, or all.
    fn occurrences(&self, after: Option<Timestamp>) -> impl Iterator<Item = Timestamp> {
        let dates = self.dates.iter();
        dates.flat_map(move |dates| dates.after(after, self.zone))
    }
}

impl Dates {
    fn after(&self, after: Option<Timestamp>, zone: Zone) -> impl Iterator<Item = Timestamp> {
        let is_wanted = move |at: &Timestamp| after.is_none_or(|after| *at > after);
        let ruled = self.rule.iter().flat_map(move |rule| {
            // A day earlier, so that no change of the clocks hides a date.
            let from = after.map(|after| zone.localise(after).date_naive());
            let from = from
                .and_then(|day| day.pred_opt())
                .unwrap_or(NaiveDate::MIN);
            self.ruled(rule, from, zone)
        });
        let ruled = ruled.filter(|at| !self.removed.contains(at));
        merge(ruled.peekable(), self.added.iter().copied().peekable()).filter(is_wanted)
    }

    /// Returns the rule's dates on a day and after it.
    fn ruled(&self, rule: &Rule, from: NaiveDate, zone: Zone) -> impl Iterator<Item = Timestamp> {
        let before = rule
            .count
            .map_or(0, |_| self.count_before(rule, from, zone));
        let left = rule
            .count
            .map_or(usize::MAX, |count| count.saturating_sub(before));
        let walls = rule
            .days
            .calendar(self.start.date(), rule.last_day())
            .from(from);
        let walls = walls
            .map(|day| day.and_time(rule.time))
            .filter(|wall| *wall >= self.start);
        walls
            .filter_map(move |wall| Some((wall, zone.earliest(wall)?)))
            .take_while(|(wall, at)| match rule.until {
                None => true,
                Some(Until::Instant(last)) => *at <= last,
                Some(Until::Local(last)) => *wall <= last,
            })
            .map(|(_, at)| at)
            .take(left)
    }

    /// Counts the rule's dates before a day, without those that daylight saving skips.
    fn count_before(&self, rule: &Rule, day: NaiveDate, zone: Zone) -> usize {
        let start = self.start.date();
        let calendar = rule.days.calendar(start, None);
        let is_date = |wall: NaiveDateTime| {
            wall >= self.start && wall.date() < day && calendar.has(wall.date())
        };
        let gaps = zone.gaps(self.start, day.and_time(rule.time));
        let skipped = gaps.filter(|(from, to)| {
            let walls = [from, to].map(|end| end.date().and_time(rule.time));
            walls
                .iter()
                .any(|wall| from <= wall && wall < to && is_date(*wall))
        });
        let too_early = rule.time < self.start.time() && day > start && calendar.has(start);
        let all = calendar.count(day);
        all.saturating_sub(skipped.count() + usize::from(too_early))
    }
}

/// Merges two ascending runs; what is in both appears once.
fn merge<T: Ord>(
    mut a: Peekable<impl Iterator<Item = T>>,
    mut b: Peekable<impl Iterator<Item = T>>,
) -> impl Iterator<Item = T> {
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if x == y => {
            b.next();
            a.next()
        }
        (Some(x), Some(y)) if x > y => b.next(),
        (None, Some(_)) => b.next(),
        (_, _) => a.next(),
    })
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        let (zone, dates) = parse::parse(&text)?;
        let dates = Ok(Box::new(dates));
        Ok(Self { text, zone, dates })
    }
}

impl std::str::FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Self::try_from(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Schedule {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        String::deserialize(text).map(Self::stored)
    }
}

impl From<Schedule> for String {
    fn from(schedule: Schedule) -> Self {
        schedule.text
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schedule").field(&self.text).finish()
    }
}

#[cfg(test)]
mod tests;
