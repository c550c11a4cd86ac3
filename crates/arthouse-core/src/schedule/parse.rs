//! From iCalendar text to a [`Schedule`].

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveDateTime, TimeZone};
use chrono_tz::Tz;
use rrule::{Frequency, RRule, Unvalidated};

use super::{Rule, Schedule, Until};
use crate::Timestamp;

/// The longest timetable, in bytes: room for a rule and some hundred dates that are added or taken out.
const MAX_SCHEDULE_BYTES: usize = 8_000;

/// Says why a text is no timetable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// The text is longer than 8,000 bytes.
    #[error("the schedule is longer than {MAX_SCHEDULE_BYTES} bytes")]
    TooLong,
    /// A line is not `NAME;PARAMETERS:VALUE`, or names another property.
    #[error("line {0} is not DTSTART, RRULE, RDATE or EXDATE with a value")]
    UnknownLine(usize),
    /// `DTSTART` is missing, or `DTSTART` or `RRULE` stands there twice.
    #[error("there must be one {0} line, and no second")]
    NotOne(&'static str),
    /// The time zone is not in the IANA database.
    #[error("the TZID is not a time zone of the IANA database, such as Europe/London")]
    UnknownZone,
    /// A time has neither a `TZID` nor a `Z`.
    #[error("{0} needs a TZID or a time that ends in Z")]
    Floating(&'static str),
    /// A time is not `YYYYMMDDTHHMMSS`.
    #[error("{0} is not a time such as 20261001T180000")]
    InvalidTime(&'static str),
    /// The rule breaks RFC 5545, or recurs more often than daily.
    #[error("the RRULE is not one of RFC 5545: {0}")]
    InvalidRule(String),
}

/// A content line: name, `TZID` and value.
struct Line<'a> {
    name: &'a str,
    zone: Option<Tz>,
    value: &'a str,
}

impl TryFrom<String> for Schedule {
    type Error = ScheduleError;

    fn try_from(text: String) -> Result<Self, ScheduleError> {
        if text.len() > MAX_SCHEDULE_BYTES {
            return Err(ScheduleError::TooLong);
        }
        let unfolded = unfold(&text);
        let lines = unfolded
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(at, line)| {
                parse_line(line.trim()).unwrap_or(Err(ScheduleError::UnknownLine(at + 1)))
            })
            .collect::<Result<Vec<_>, _>>()?;

        let start_line = at_most_one(&lines, "DTSTART")?.ok_or(ScheduleError::NotOne("DTSTART"))?;
        let zone = start_line
            .zone
            .or(start_line.value.ends_with('Z').then_some(Tz::UTC));
        let zone = zone.ok_or(ScheduleError::Floating("DTSTART"))?;
        let start = wall_time("DTSTART", start_line.value, start_line.zone, zone)?;
        let rule = at_most_one(&lines, "RRULE")?
            .map(|line| parse_rule(line.value, start))
            .transpose()?;
        let (added, removed) = (
            dates("RDATE", &lines, zone)?,
            dates("EXDATE", &lines, zone)?,
        );
        Ok(Self {
            zone,
            start,
            rule,
            added,
            removed,
            text,
        })
    }
}

impl std::str::FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        Self::try_from(text.to_owned())
    }
}

/// Joins folded lines (RFC 5545, section 3.1).
fn unfold(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace("\n ", "")
        .replace("\n\t", "")
}

/// Returns nothing where the line is of no kind that belongs here.
fn parse_line(line: &str) -> Option<Result<Line<'_>, ScheduleError>> {
    let (head, value) = line.split_once(':')?;
    let mut parameters = head.split(';');
    let name = ["DTSTART", "RRULE", "RDATE", "EXDATE"]
        .into_iter()
        .find(|known| {
            parameters
                .clone()
                .next()
                .is_some_and(|name| name.eq_ignore_ascii_case(known))
        })?;
    parameters.next();
    let mut zone = None;
    for parameter in parameters {
        let (key, content) = parameter.split_once('=')?;
        match key.to_ascii_uppercase().as_str() {
            "TZID" => match content.trim_matches('"').parse() {
                Ok(found) => zone = Some(found),
                Err(_) => return Some(Err(ScheduleError::UnknownZone)),
            },
            "VALUE" if content.eq_ignore_ascii_case("DATE-TIME") => {}
            _ => return Some(Err(ScheduleError::InvalidTime(name))),
        }
    }
    Some(Ok(Line {
        name,
        zone,
        value: value.trim(),
    }))
}

fn at_most_one<'a, 'b>(
    lines: &'a [Line<'b>],
    name: &'static str,
) -> Result<Option<&'a Line<'b>>, ScheduleError> {
    let mut found = lines.iter().filter(|line| line.name == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(ScheduleError::NotOne(name)),
        (line, None) => Ok(line),
    }
}

/// Reads the dates of all lines with a name as wall times of the timetable's zone.
fn dates(
    name: &'static str,
    lines: &[Line<'_>],
    zone: Tz,
) -> Result<BTreeSet<NaiveDateTime>, ScheduleError> {
    lines
        .iter()
        .filter(|line| line.name == name)
        .flat_map(|line| line.value.split(',').map(move |value| (line, value.trim())))
        .map(|(line, value)| wall_time(name, value, line.zone, zone))
        .collect()
}

/// Reads a time that is given in one zone, or in UTC with a `Z`, as the wall time of the timetable's zone.
fn wall_time(
    name: &'static str,
    value: &str,
    given: Option<Tz>,
    zone: Tz,
) -> Result<NaiveDateTime, ScheduleError> {
    let invalid = ScheduleError::InvalidTime(name);
    let Some(time) = parse_time(value.trim_end_matches('Z')) else {
        return Err(invalid);
    };
    match (value.ends_with('Z'), given) {
        (true, _) => Ok(zone.from_utc_datetime(&time).naive_local()),
        (false, None) => Err(ScheduleError::Floating(name)),
        (false, Some(given)) if given == zone => Ok(time),
        (false, Some(given)) => {
            let instant = given.from_local_datetime(&time).earliest().ok_or(invalid)?;
            Ok(instant.with_timezone(&zone).naive_local())
        }
    }
}

fn parse_time(value: &str) -> Option<NaiveDateTime> {
    NaiveDateTime::parse_from_str(value, "%Y%m%dT%H%M%S").ok()
}

/// Reads a rule without its end, which [`Schedule`] applies itself, and checks it.
fn parse_rule(value: &str, start: NaiveDateTime) -> Result<Rule, ScheduleError> {
    let invalid = |why: &str| ScheduleError::InvalidRule(why.to_owned());
    let (mut count, mut until, mut endless) = (None, None, Vec::new());
    for part in value.split(';').filter(|part| !part.is_empty()) {
        let (key, content) = part
            .split_once('=')
            .ok_or_else(|| invalid("a part without ="))?;
        match key.to_ascii_uppercase().as_str() {
            "COUNT" => count = Some(content.parse().map_err(|_| invalid("COUNT is no number"))?),
            "UNTIL" => until = Some(parse_until(content)?),
            _ => endless.push(part),
        }
    }
    if count.is_some() && until.is_some() {
        return Err(invalid("COUNT and UNTIL exclude each other"));
    }
    let rule: RRule<Unvalidated> = endless
        .join(";")
        .parse()
        .map_err(|e: rrule::RRuleError| invalid(&e.to_string()))?;
    match rule.get_freq() {
        Frequency::Yearly | Frequency::Monthly | Frequency::Weekly | Frequency::Daily => {}
        Frequency::Hourly | Frequency::Minutely | Frequency::Secondly => {
            return Err(invalid("sessions recur daily at most"));
        }
    }
    if rule.get_interval() == 0 {
        return Err(invalid("INTERVAL is 0"));
    }
    let start = rrule::Tz::UTC.from_utc_datetime(&start);
    let rrule = rule.validate(start).map_err(|e| invalid(&e.to_string()))?;
    Ok(Rule {
        rrule,
        count,
        until,
    })
}

/// Reads `UNTIL`: an instant with a `Z`, else a wall time, else the end of a day.
fn parse_until(value: &str) -> Result<Until, ScheduleError> {
    let day_end = || {
        NaiveDate::parse_from_str(value, "%Y%m%d")
            .ok()?
            .and_hms_opt(23, 59, 59)
    };
    match (
        value.strip_suffix('Z').map(parse_time),
        parse_time(value).or_else(day_end),
    ) {
        (Some(Some(instant)), _) => Ok(Until::Instant(Timestamp::from(instant.and_utc()))),
        (None, Some(wall)) => Ok(Until::Local(wall)),
        (_, _) => Err(ScheduleError::InvalidTime("UNTIL")),
    }
}
