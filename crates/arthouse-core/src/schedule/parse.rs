//! From iCalendar text to the dates of a [`Schedule`](super::Schedule).
//!
//! The text is an export of a calendar, an event of it, or the four lines that matter by themselves.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike;

use super::Dates;
use super::days::FIRST_YEAR;
use super::line::{Line, Time, parse_time, unfold};
use super::rule::Rule;
use super::windows;
use super::zones::Zone;
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
    /// A component ends that did not begin, or the other way round.
    #[error("the components do not begin and end in pairs (line {0})")]
    Unbalanced(usize),
    /// There is no event, or there are several that are not changes of one.
    #[error("there must be one VEVENT beside the changes of its dates (RECURRENCE-ID)")]
    NotOneEvent,
    /// `DTSTART` is missing, or `DTSTART` or `RRULE` stands there twice.
    #[error("there must be one {0} line, and no second")]
    NotOne(&'static str),
    /// A property that changes the dates in a way that is not carried out.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// The time zone is not in the IANA database.
    #[error("the TZID is not a time zone of the IANA database, such as Europe/London")]
    UnknownZone,
    /// A time has neither a `TZID` nor a `Z`.
    #[error("{0} needs a TZID or a time that ends in Z")]
    Floating(&'static str),
    /// A time is not `YYYYMMDDTHHMMSS`.
    #[error("{0} is not a time such as 20261001T180000")]
    InvalidTime(&'static str),
    /// The timetable starts before most zones had clocks in common.
    #[error("DTSTART is before the year {FIRST_YEAR}")]
    TooEarly,
    /// The rule breaks RFC 5545, or recurs more often than daily.
    #[error("the RRULE is not one of RFC 5545: {0}")]
    InvalidRule(String),
}

/// The properties of an event that say when it is.
const USED: [&str; 4] = ["DTSTART", "RRULE", "RDATE", "EXDATE"];

/// Reads a text: the zone of its wall times, and its dates.
pub(super) fn parse(text: &str) -> Result<(Zone, Dates), ScheduleError> {
    if text.len() > MAX_SCHEDULE_BYTES {
        return Err(ScheduleError::TooLong);
    }
    let text = unfold(text);
    let export = Export::read(&text)?;
    let (event, changes) = export.event()?;
    let zone = export.zone_of(event)?;
    let dates = export.dates(event, &changes, zone)?;
    Ok((zone, dates))
}

/// Returns the zone of a text as far as it can be read.
pub(super) fn zone_of(text: &str) -> Option<Zone> {
    let text = unfold(text);
    let export = Export::read(&text).ok()?;
    export.zone_of(export.event().ok()?.0).ok()
}

/// Returns the names of the properties and components that have no say in the dates.
pub(super) fn unused(text: &str) -> BTreeSet<String> {
    let text = unfold(text);
    let export = Export::read(&text).unwrap_or_default();
    let event = export.event().map(|(event, _)| event);
    let of_event = event.is_ok_and(|event| event.iter().any(|line| line.is("STATUS")));
    let status = of_event.then(|| "STATUS".to_owned());
    export.unused.iter().cloned().chain(status).collect()
}

/// The lines of an event that are used.
type Event<'a> = Vec<Line<'a>>;

/// A text by its events.
#[derive(Default)]
struct Export<'a> {
    events: Vec<Event<'a>>,
    /// The names that the text's own zones have in the IANA database (`X-LIC-LOCATION`), by their `TZID`.
    locations: BTreeMap<&'a str, &'a str>,
    unused: BTreeSet<String>,
}

impl<'a> Export<'a> {
    fn read(text: &'a str) -> Result<Self, ScheduleError> {
        let mut export = Self::default();
        let mut open: Vec<&str> = Vec::new();
        let mut zone = None;
        let lines = (1..).zip(text.lines().map(str::trim));
        for (at, text) in lines.clone().filter(|(_, text)| !text.is_empty()) {
            let line = Line::parse(text).ok_or(ScheduleError::UnknownLine(at))?;
            if line.is("BEGIN") {
                export.begin(line.value, open.last());
                open.push(line.value);
            } else if line.is("END") {
                let ended = open
                    .pop()
                    .filter(|begun| begun.eq_ignore_ascii_case(line.value));
                ended.ok_or(ScheduleError::Unbalanced(at))?;
            } else if let Some(component) = open.last() {
                match component.to_ascii_uppercase().as_str() {
                    "VEVENT" => export.property(line)?,
                    "VCALENDAR"
                        if line.is("CALSCALE") && !line.value.eq_ignore_ascii_case("GREGORIAN") =>
                    {
                        return Err(ScheduleError::Unsupported("CALSCALE"));
                    }
                    "VCALENDAR" => export.not_used(line.name),
                    "VTIMEZONE" if line.is("TZID") => zone = Some(line.value),
                    "VTIMEZONE" if line.is("X-LIC-LOCATION") => {
                        export.locations.extend(zone.map(|zone| (zone, line.value)));
                    }
                    _ => {}
                }
            } else {
                export.bare(line).ok_or(ScheduleError::UnknownLine(at))?;
            }
        }
        match open.is_empty() {
            true => Ok(export),
            false => Err(ScheduleError::Unbalanced(lines.count())),
        }
    }

    /// Takes the begin of a component. What is within one that is not used is not named either.
    fn begin(&mut self, component: &str, within: Option<&&str>) {
        let is = |wanted| move |name: &str| name.eq_ignore_ascii_case(wanted);
        let (event, calendar) = (is("VEVENT"), is("VCALENDAR"));
        if event(component) {
            self.events.push(Event::new());
        } else if !calendar(component) && within.is_none_or(|name| event(name) || calendar(name)) {
            self.not_used(component);
        }
    }

    fn not_used(&mut self, name: &str) {
        self.unused.insert(name.to_ascii_uppercase());
    }

    /// Takes a property of the latest event.
    fn property(&mut self, line: Line<'a>) -> Result<(), ScheduleError> {
        if line.is("EXRULE") {
            return Err(ScheduleError::Unsupported("EXRULE"));
        }
        let is_used = USED
            .iter()
            .chain(&["RECURRENCE-ID", "STATUS"])
            .any(|used| line.is(used));
        match self.events.last_mut() {
            Some(event) if is_used => event.push(line),
            _ => self.not_used(line.name),
        }
        Ok(())
    }

    /// Takes a line that is in no component; other people's extensions are ignored (section 3.8.8.2).
    fn bare(&mut self, line: Line<'a>) -> Option<()> {
        if USED.iter().any(|used| line.is(used)) {
            match self.events.as_mut_slice() {
                [] => self.events.push(vec![line]),
                [event, ..] => event.push(line),
            }
            return Some(());
        }
        let is_extension = line
            .name
            .get(..2)
            .is_some_and(|head| head.eq_ignore_ascii_case("X-"));
        is_extension.then(|| self.not_used(line.name))
    }

    /// Returns the event and the changes of its dates.
    fn event(&self) -> Result<(&Event<'a>, Vec<&Event<'a>>), ScheduleError> {
        let is_change = |event: &&Event<'_>| event.iter().any(|line| line.is("RECURRENCE-ID"));
        let (changes, events): (Vec<_>, Vec<_>) = self.events.iter().partition(is_change);
        match events.as_slice() {
            [event] => Ok((event, changes)),
            // Nothing at all lacks a start before it lacks an event.
            [] if changes.is_empty() => Err(ScheduleError::NotOne("DTSTART")),
            _ => Err(ScheduleError::NotOneEvent),
        }
    }

    /// Finds a zone by its name in the IANA database or in Windows, by the end of a global name (section 3.8.3.1), or by what the text says.
    fn zone(&self, id: &str) -> Result<Zone, ScheduleError> {
        let global = id.strip_prefix('/').into_iter().flat_map(|id| {
            let ends = id.match_indices('/').map(move |(at, _)| &id[at + 1..]);
            ends.into_iter()
        });
        let names = [Some(id), windows::iana(id)].into_iter().flatten();
        let names = names.chain(global).chain(self.locations.get(id).copied());
        names
            .into_iter()
            .find_map(Zone::named)
            .ok_or(ScheduleError::UnknownZone)
    }

    fn zone_of(&self, event: &Event<'_>) -> Result<Zone, ScheduleError> {
        let start = one(event, "DTSTART")?.ok_or(ScheduleError::NotOne("DTSTART"))?;
        let time = time("DTSTART", start, start.value)?;
        match (start.parameter("TZID"), time) {
            (Some(id), _) => self.zone(id),
            (None, Time::Utc(_)) => Ok(Zone::utc()),
            (None, Time::Wall(_)) => Err(ScheduleError::Floating("DTSTART")),
        }
    }

    fn dates(
        &self,
        event: &Event<'_>,
        changes: &[&Event<'_>],
        zone: Zone,
    ) -> Result<Dates, ScheduleError> {
        let start_line = one(event, "DTSTART")?.ok_or(ScheduleError::NotOne("DTSTART"))?;
        let start = match time("DTSTART", start_line, start_line.value)? {
            Time::Wall(wall) => wall,
            Time::Utc(at) => zone.localise(at).naive_local(),
        };
        if start.year() < FIRST_YEAR {
            return Err(ScheduleError::TooEarly);
        }
        let rule = one(event, "RRULE")?
            .map(|line| Rule::parse(line.value, start))
            .transpose()?;
        let mut added = self.instants("RDATE", event)?;
        if rule.is_none() {
            added.extend(self.instants("DTSTART", event)?);
        }
        let mut removed = self.instants("EXDATE", event)?;
        let mut moved = BTreeSet::new();
        for change in changes {
            if change.iter().any(|line| line.parameter("RANGE").is_some()) {
                return Err(ScheduleError::Unsupported("RANGE"));
            }
            removed.extend(self.instants("RECURRENCE-ID", change)?);
            let cancelled =
                |line: &Line<'_>| line.is("STATUS") && line.value.eq_ignore_ascii_case("CANCELLED");
            if !change.iter().any(cancelled) {
                moved.extend(self.instants("DTSTART", change)?);
            }
        }
        added.retain(|at| !removed.contains(at));
        added.extend(moved);
        Ok(Dates {
            start,
            rule,
            added,
            removed,
        })
    }

    /// Reads the times of all lines of a name as instants. A wall time that daylight saving skips is none.
    fn instants(
        &self,
        name: &'static str,
        event: &Event<'_>,
    ) -> Result<BTreeSet<Timestamp>, ScheduleError> {
        let mut instants = BTreeSet::new();
        for line in event.iter().filter(|line| line.is(name)) {
            let zone = line.parameter("TZID").map(|id| self.zone(id)).transpose()?;
            for value in line.value.split(',') {
                match (time(name, line, value.trim())?, zone) {
                    (Time::Utc(at), _) => instants.extend([at]),
                    (Time::Wall(wall), Some(zone)) => instants.extend(zone.earliest(wall)),
                    (Time::Wall(_), None) => return Err(ScheduleError::Floating(name)),
                }
            }
        }
        Ok(instants)
    }
}

/// Finds the line of a name, of which there may be no second.
fn one<'e, 'a>(
    event: &'e Event<'a>,
    name: &'static str,
) -> Result<Option<&'e Line<'a>>, ScheduleError> {
    let mut found = event.iter().filter(|line| line.is(name));
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(ScheduleError::NotOne(name)),
        (line, None) => Ok(line),
    }
}

/// Reads a time of a line; of a period (section 3.3.9) its start.
fn time(name: &'static str, line: &Line<'_>, value: &str) -> Result<Time, ScheduleError> {
    let kind = line
        .parameter("VALUE")
        .unwrap_or("DATE-TIME")
        .to_ascii_uppercase();
    let value = match kind.as_str() {
        "DATE-TIME" => Some(value),
        "PERIOD" if name == "RDATE" => value.split_once('/').map(|(start, _)| start),
        _ => None,
    };
    value
        .and_then(parse_time)
        .ok_or(ScheduleError::InvalidTime(name))
}
