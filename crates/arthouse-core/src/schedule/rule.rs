//! A recurrence rule as text (RFC 5545, section 3.3.10), with the limits that the section states and one of ours: daily at most.

use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike, Weekday};

use super::ScheduleError;
use super::days::{Days, Frequency, MAX_INTERVAL, Ordinals};
use super::line::{Time, parse_date, parse_time};
use crate::Timestamp;

/// A rule: on which days and when on the wall, and where it ends.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) days: Days,
    pub(super) time: NaiveTime,
    pub(super) count: Option<usize>,
    pub(super) until: Option<Until>,
}

/// Where a rule ends: inclusive, on the clock or on the wall.
#[derive(Clone, Copy)]
pub(super) enum Until {
    Instant(Timestamp),
    Local(NaiveDateTime),
}

/// The parts that a rule can have, each at most once.
const PARTS: [&str; 14] = [
    "FREQ",
    "UNTIL",
    "COUNT",
    "INTERVAL",
    "BYSECOND",
    "BYMINUTE",
    "BYHOUR",
    "BYDAY",
    "BYMONTHDAY",
    "BYYEARDAY",
    "BYWEEKNO",
    "BYMONTH",
    "BYSETPOS",
    "WKST",
];

const WEEKDAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];

impl Rule {
    /// Reads the value of an `RRULE`. What it leaves open comes from the start.
    pub(super) fn parse(value: &str, start: NaiveDateTime) -> Result<Self, ScheduleError> {
        let parts = Parts::split(value)?;
        let frequency = parts.frequency()?;
        parts.allowed_with(frequency)?;
        let mut days = Days {
            frequency,
            interval: parts.number("INTERVAL")?.unwrap_or(1) as i32,
            week_start: parts.week_start()?,
            months: parts.list("BYMONTH", 12, Sign::Plain)?,
            week_numbers: parts.list("BYWEEKNO", 53, Sign::Either)?,
            year_days: parts.list("BYYEARDAY", 366, Sign::Either)?,
            month_days: parts.list("BYMONTHDAY", 31, Sign::Either)?,
            positions: parts.list("BYSETPOS", 366, Sign::Either)?,
            weekdays: [false; 7],
            nth_weekdays: [Ordinals::default(); 7],
        };
        parts.weekdays(&mut days)?;
        days.complete(start.date());
        Ok(Self {
            days,
            time: parts.time(start.time())?,
            count: parts.number("COUNT")?.map(|count| count as usize),
            until: parts.get("UNTIL").map(parse_until).transpose()?,
        })
    }
}

impl Rule {
    /// Returns a day after which the rule has no date; in another zone than UTC a day may be the next one.
    pub(super) fn last_day(&self) -> Option<NaiveDate> {
        match self.until? {
            Until::Instant(at) => at.to_utc().date_naive().succ_opt(),
            Until::Local(wall) => Some(wall.date()),
        }
    }
}

/// The parts of a rule by their places in [`PARTS`].
struct Parts<'a>([Option<&'a str>; PARTS.len()]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plain,
    Either,
}

impl<'a> Parts<'a> {
    fn split(value: &'a str) -> Result<Self, ScheduleError> {
        let mut parts = [None; PARTS.len()];
        for part in value.split(';').filter(|part| !part.is_empty()) {
            let (name, content) = part
                .split_once('=')
                .ok_or_else(|| invalid("a part is not NAME=VALUE"))?;
            let known = PARTS
                .iter()
                .position(|known| name.eq_ignore_ascii_case(known));
            let Some(at) = known else {
                return Err(invalid(unknown(name)));
            };
            if parts[at].replace(content).is_some() {
                return Err(invalid(format!("{} is given twice", PARTS[at])));
            }
        }
        Ok(Self(parts))
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let at = PARTS.iter().position(|known| *known == name);
        self.0[at.expect("a part of the list")]
    }

    fn frequency(&self) -> Result<Frequency, ScheduleError> {
        let value = self.get("FREQ").ok_or_else(|| invalid("FREQ is missing"))?;
        match value.to_ascii_uppercase().as_str() {
            "DAILY" => Ok(Frequency::Daily),
            "WEEKLY" => Ok(Frequency::Weekly),
            "MONTHLY" => Ok(Frequency::Monthly),
            "YEARLY" => Ok(Frequency::Yearly),
            "HOURLY" | "MINUTELY" | "SECONDLY" => Err(invalid("FREQ: lessons recur daily at most")),
            _ => Err(invalid("FREQ is not DAILY, WEEKLY, MONTHLY or YEARLY")),
        }
    }

    /// Checks which parts the section allows beside which.
    fn allowed_with(&self, frequency: Frequency) -> Result<(), ScheduleError> {
        let has = |name| self.get(name).is_some();
        let yearly = frequency == Frequency::Yearly;
        let by_parts = PARTS.iter().filter(|part| part.starts_with("BY"));
        let alone = by_parts.filter(|part| has(part)).count() == 1;
        for (forbidden, why) in [
            (
                has("COUNT") && has("UNTIL"),
                "COUNT and UNTIL exclude each other",
            ),
            (has("BYWEEKNO") && !yearly, "BYWEEKNO needs FREQ=YEARLY"),
            (has("BYYEARDAY") && !yearly, "BYYEARDAY needs FREQ=YEARLY"),
            (
                has("BYMONTHDAY") && frequency == Frequency::Weekly,
                "BYMONTHDAY excludes FREQ=WEEKLY",
            ),
            (has("BYSETPOS") && alone, "BYSETPOS needs another BY part"),
        ] {
            if forbidden {
                return Err(invalid(why));
            }
        }
        Ok(())
    }

    /// Reads a number from 1. More than a calendar has is as many as it has.
    fn number(&self, name: &str) -> Result<Option<u32>, ScheduleError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        let number = value.trim_start_matches('0');
        if value.is_empty() || !digits || number.is_empty() {
            return Err(invalid(format!("{name} is not a number from 1")));
        }
        let number = number.parse().unwrap_or(MAX_INTERVAL);
        Ok(Some(number.min(MAX_INTERVAL)))
    }

    fn list(&self, name: &str, max: i16, sign: Sign) -> Result<Ordinals, ScheduleError> {
        let values = self.get(name).into_iter().flat_map(|list| list.split(','));
        values
            .map(|value| {
                let number = ordinal(value, max);
                let number = number.filter(|n| *n > 0 || sign == Sign::Either);
                number.ok_or_else(|| {
                    let negative = match sign {
                        Sign::Plain => String::new(),
                        Sign::Either => format!(" or -{max} to -1"),
                    };
                    invalid(format!("{name} is not of 1 to {max}{negative}"))
                })
            })
            .collect()
    }

    fn week_start(&self) -> Result<Weekday, ScheduleError> {
        let Some(value) = self.get("WKST") else {
            return Ok(Weekday::Mon);
        };
        let day =
            weekday(value).ok_or_else(|| invalid("WKST is not MO, TU, WE, TH, FR, SA or SU"))?;
        Ok(Weekday::try_from(day as u8).expect("a week has seven days"))
    }

    fn weekdays(&self, days: &mut Days) -> Result<(), ScheduleError> {
        for value in self
            .get("BYDAY")
            .into_iter()
            .flat_map(|list| list.split(','))
        {
            let (number, day) = value
                .split_at_checked(value.len().saturating_sub(2))
                .unwrap_or(("", ""));
            let malformed = || {
                invalid(
                    "BYDAY is not of MO, TU, WE, TH, FR, SA, SU, each with a number of 1 to 53 or -53 to -1 or without",
                )
            };
            let day = weekday(day).ok_or_else(malformed)?;
            if number.is_empty() {
                days.weekdays[day] = true;
                continue;
            }
            let number = ordinal(number, 53).ok_or_else(malformed)?;
            match days.frequency {
                Frequency::Daily | Frequency::Weekly => {
                    return Err(invalid(
                        "BYDAY with a number needs FREQ=MONTHLY or FREQ=YEARLY",
                    ));
                }
                Frequency::Yearly if self.get("BYWEEKNO").is_some() => {
                    return Err(invalid("BYDAY with a number excludes BYWEEKNO"));
                }
                Frequency::Monthly | Frequency::Yearly => days.nth_weekdays[day].insert(number),
            }
        }
        Ok(())
    }

    /// Returns the time of day: each of the three parts has one value, so that there is one lesson a day.
    fn time(&self, start: NaiveTime) -> Result<NaiveTime, ScheduleError> {
        let part = |name: &str, max: u32, of_start: u32| {
            let Some(list) = self.get(name) else {
                return Ok(of_start);
            };
            let mut values = list.split(',').map(|value| {
                let is_number =
                    (1..=2).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
                let number = value.parse().ok().filter(|n| is_number && *n <= max);
                number.ok_or_else(|| invalid(format!("{name} is not of 0 to {max}")))
            });
            let first = values.next().expect("a split has a part")?;
            for other in values {
                if other? != first {
                    return Err(invalid(format!("{name}: lessons recur daily at most")));
                }
            }
            Ok(first)
        };
        let (hour, minute) = (
            part("BYHOUR", 23, start.hour())?,
            part("BYMINUTE", 59, start.minute())?,
        );
        // A clock without leap seconds shows 59 twice (section 3.3.12).
        let second = part("BYSECOND", 60, start.second())?.min(59);
        Ok(NaiveTime::from_hms_opt(hour, minute, second).expect("each part is within its bounds"))
    }
}

fn invalid(why: impl Into<String>) -> ScheduleError {
    ScheduleError::InvalidRule(why.into())
}

/// Names an unknown part, as far as it is a name.
fn unknown(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
    if name.len() <= 20 && name.chars().all(is_name) {
        format!("{} is not a part of a rule", name.to_ascii_uppercase())
    } else {
        "a part of the rule is unknown".to_owned()
    }
}

fn weekday(name: &str) -> Option<usize> {
    WEEKDAYS
        .iter()
        .position(|day| name.eq_ignore_ascii_case(day))
}

/// Reads a number other than 0 with or without a sign.
fn ordinal(text: &str, max: i16) -> Option<i16> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number =
        (1..=3).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: i16 = text.parse().ok().filter(|_| is_number)?;
    (number != 0 && number.abs() <= max).then_some(number)
}

/// Reads `UNTIL`: an instant with a `Z`, else a wall time, else the end of a day.
fn parse_until(value: &str) -> Result<Until, ScheduleError> {
    let day_end = || parse_date(value)?.and_hms_opt(23, 59, 59).map(Time::Wall);
    match parse_time(value).or_else(day_end) {
        Some(Time::Utc(at)) => Ok(Until::Instant(at)),
        Some(Time::Wall(wall)) => Ok(Until::Local(wall)),
        None => Err(ScheduleError::InvalidTime("UNTIL")),
    }
}
