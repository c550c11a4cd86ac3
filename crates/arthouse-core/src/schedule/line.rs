//! Content lines of iCalendar text, and the times in them (RFC 5545, sections 3.1 and 3.3.5).

use chrono::{NaiveDate, NaiveDateTime};

use crate::Timestamp;

/// A content line: `NAME;PARAMETER=VALUE;…:value`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    parameters: &'a str,
    pub(super) value: &'a str,
}

/// A time as a line gives it: on the wall of a zone, or in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    Wall(NaiveDateTime),
    Utc(Timestamp),
}

/// Joins folded lines. Some programs begin their files with a byte order mark.
pub(super) fn unfold(text: &str) -> String {
    text.trim_start_matches('\u{feff}')
        .replace("\r\n", "\n")
        .replace("\n ", "")
        .replace("\n\t", "")
}

impl<'a> Line<'a> {
    /// Returns nothing where the text is no content line.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (head, value) = text.split_at(unquoted(text, ':')?);
        let (name, parameters) = head.split_at(unquoted(head, ';').unwrap_or(head.len()));
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-';
        (!name.is_empty() && name.chars().all(is_name)).then(|| Self {
            name,
            parameters,
            value: value[1..].trim(),
        })
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Returns a parameter's value without its quotes. All other parameters have no say.
    pub(super) fn parameter(&self, name: &str) -> Option<&'a str> {
        let mut rest = self.parameters.strip_prefix(';');
        while let Some(parameters) = rest {
            let end = unquoted(parameters, ';').unwrap_or(parameters.len());
            if let Some((key, value)) = parameters[..end].split_once('=')
                && key.eq_ignore_ascii_case(name)
            {
                return Some(value.trim_matches('"'));
            }
            rest = parameters.get(end + 1..);
        }
        None
    }
}

/// Finds a character that is not within quotes.
fn unquoted(text: &str, wanted: char) -> Option<usize> {
    let mut quoted = false;
    text.find(|c| {
        quoted ^= c == '"';
        c == wanted && !quoted
    })
}

/// Reads `YYYYMMDDTHHMMSS`, in UTC with a `Z`. A clock without leap seconds shows 59 for 60.
pub(super) fn parse_time(value: &str) -> Option<Time> {
    let wall = value.strip_suffix('Z').unwrap_or(value);
    let (date, time) = wall.split_once('T')?;
    let [hour, minute, second] = numbers(time, [2, 2, 2])?;
    let time =
        parse_date(date)?.and_hms_opt(hour, minute, if second == 60 { 59 } else { second })?;
    Some(if wall == value {
        Time::Wall(time)
    } else {
        Time::Utc(time.and_utc().into())
    })
}

/// Reads `YYYYMMDD`.
pub(super) fn parse_date(value: &str) -> Option<NaiveDate> {
    let [year, month, day] = numbers(value, [4, 2, 2])?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// Reads numbers of so many digits each.
fn numbers<const N: usize>(text: &str, digits: [usize; N]) -> Option<[u32; N]> {
    let is_whole =
        text.len() == digits.iter().sum::<usize>() && text.bytes().all(|b| b.is_ascii_digit());
    let mut rest = is_whole.then_some(text)?;
    let mut found = [0; N];
    for (number, digits) in found.iter_mut().zip(digits) {
        let (head, tail) = rest.split_at(digits);
        *number = head.parse().ok()?;
        rest = tail;
    }
    Some(found)
}
