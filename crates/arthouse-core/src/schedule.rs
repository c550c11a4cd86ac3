//! Timetables: iCalendar text, expanded in local wall time and only then put on the clock.
//!
//! The order matters. A lesson at 18:00 in London stays at 18:00 when the clocks change, and the rrule crate has open
//! faults when it expands zoned times itself (its issues 109 and 115). So it is handed wall times as if they were UTC; a wall
//! time that daylight saving skips is left out and not counted (RFC 5545, section 3.3.10), of an ambiguous one the
//! first instant counts. `COUNT` and `UNTIL` are applied here, after that, for the same reason.

mod parse;

use std::collections::BTreeSet;
use std::fmt;
use std::iter::Peekable;

use chrono::{DateTime, FixedOffset, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use rrule::{RRule, RRuleSet, Validated};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, Timestamp};

pub use parse::ScheduleError;

/// The most occurrences that are looked at: a daily course for more than fifty years. It bounds the work of one command.
const MAX_OCCURRENCES: usize = 20_000;

/// A course's timetable: the iCalendar properties `DTSTART`, `RRULE`, `RDATE` and `EXDATE` (RFC 5545).
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Schedule {
    text: String,
    zone: Tz,
    start: NaiveDateTime,
    rule: Option<Rule>,
    added: BTreeSet<NaiveDateTime>,
    removed: BTreeSet<NaiveDateTime>,
}

#[derive(Clone)]
struct Rule {
    rrule: RRule<Validated>,
    count: Option<usize>,
    until: Option<Until>,
}

/// Where a rule ends: inclusive, on the clock or on the wall.
#[derive(Clone, Copy)]
enum Until {
    Instant(Timestamp),
    Local(NaiveDateTime),
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

    /// Returns the name of the time zone that the wall times are in.
    pub fn time_zone(&self) -> &'static str {
        self.zone.name()
    }

    /// Returns the first dates, or nothing where the timetable has fewer.
    pub fn first(&self, sessions: Duration) -> Option<Vec<Occurrence>> {
        self.take(sessions, |_| true)
    }

    /// Returns the first dates strictly after an instant, or nothing where the timetable has fewer.
    pub fn first_after(&self, after: Timestamp, sessions: Duration) -> Option<Vec<Occurrence>> {
        self.take(sessions, |date| date.at > after)
    }

    /// Returns an instant as the clock on the wall shows it.
    pub fn localise(&self, at: Timestamp) -> Occurrence {
        let local = at.to_utc().with_timezone(&self.zone).fixed_offset();
        Occurrence { at, local }
    }

    fn take(
        &self,
        sessions: Duration,
        wanted: impl Fn(&Occurrence) -> bool,
    ) -> Option<Vec<Occurrence>> {
        let sessions = usize::from(sessions.get());
        let dates: Vec<_> = self.occurrences().filter(wanted).take(sessions).collect();
        (dates.len() == sessions).then_some(dates)
    }

    fn occurrences(&self) -> impl Iterator<Item = Occurrence> {
        let start = self.rule.is_none().then_some(self.start);
        let added: BTreeSet<_> = self.added.iter().copied().chain(start).collect();
        let added = added.into_iter().filter_map(|wall| self.on_the_clock(wall));
        merge(self.ruled().peekable(), added.peekable())
            .filter(|(wall, _)| !self.removed.contains(wall))
            .map(|(_, date)| date)
    }

    fn ruled(&self) -> Box<dyn Iterator<Item = (NaiveDateTime, Occurrence)> + '_> {
        let Some(rule) = &self.rule else {
            return Box::new(std::iter::empty());
        };
        let start = rrule::Tz::UTC.from_utc_datetime(&self.start);
        let walls = RRuleSet::new(start).rrule(rule.rrule.clone()).limit();
        let dates = walls
            .into_iter()
            .take(MAX_OCCURRENCES)
            .filter_map(|wall| self.on_the_clock(wall.naive_utc()))
            .take_while(|(wall, date)| match rule.until {
                None => true,
                Some(Until::Instant(last)) => date.at <= last,
                Some(Until::Local(last)) => *wall <= last,
            })
            .take(rule.count.unwrap_or(usize::MAX));
        Box::new(dates)
    }

    fn on_the_clock(&self, wall: NaiveDateTime) -> Option<(NaiveDateTime, Occurrence)> {
        let local = self
            .zone
            .from_local_datetime(&wall)
            .earliest()?
            .fixed_offset();
        Some((
            wall,
            Occurrence {
                at: local.to_utc().into(),
                local,
            },
        ))
    }
}

/// Merges two ascending runs of dates; a date in both appears once.
fn merge<I, J>(mut a: Peekable<I>, mut b: Peekable<J>) -> impl Iterator<Item = I::Item>
where
    I: Iterator<Item = (NaiveDateTime, Occurrence)>,
    J: Iterator<Item = (NaiveDateTime, Occurrence)>,
{
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some((x, _)), Some((y, _))) if x == y => {
            b.next();
            a.next()
        }
        (Some((x, _)), Some((y, _))) if x > y => b.next(),
        (None, Some(_)) => b.next(),
        (_, _) => a.next(),
    })
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
