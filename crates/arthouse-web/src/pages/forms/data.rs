//! From what was typed to the data of a command.

use arthouse_core::{Currency, Timestamp, Zone};
use chrono::{MappedLocalTime, NaiveDateTime, TimeZone};
use serde_json::{Map, Value, json};

use super::{Errors, timetable};
use crate::pages::values::Values;
use crate::pages::words::{Field, Kind};

/// What is said of a value that must be there.
const MISSING: &str = "must be given";

/// Makes the data of a command, or says what can't be read, by field.
pub(super) fn data(fields: &[Field], values: &Values, zone: Zone) -> Result<Value, Errors> {
    let mut data = Map::new();
    let mut errors = Errors::new();
    for field in fields {
        let typed = match field.kind {
            Kind::Timetable => timetable::typed(values),
            Kind::Subject
            | Kind::Line
            | Kind::Lines
            | Kind::Email
            | Kind::Phone
            | Kind::Count
            | Kind::Money
            | Kind::Instant
            | Kind::YesNo
            | Kind::Version => values.get(field.name).to_owned(),
        };
        let read = if typed.is_empty() && field.needed {
            Err(MISSING.to_owned())
        } else if typed.is_empty() {
            // What an update leaves out stays as it is; the link is what it can take away.
            let is_removal = field.name == "payment_link" && values.has("expected_version");
            Ok(is_removal.then_some(Value::Null))
        } else {
            value(field.kind, typed, values, zone).map(Some)
        };
        match read {
            Ok(Some(value)) => insert(&mut data, field.name, value),
            Ok(None) => {}
            Err(error) => {
                errors.insert(field.name.to_owned(), error);
            }
        }
    }
    if errors.is_empty() {
        Ok(Value::Object(data))
    } else {
        Err(errors)
    }
}

/// Puts a value at a place such as `contact_info.email`.
fn insert(data: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        Some((outer, inner)) => {
            let outer = data.entry(outer).or_insert_with(|| json!({}));
            outer[inner] = value;
        }
        None => {
            data.insert(name.to_owned(), value);
        }
    }
}

fn value(kind: Kind, typed: String, values: &Values, zone: Zone) -> Result<Value, String> {
    match kind {
        Kind::Subject | Kind::Line | Kind::Lines | Kind::Email | Kind::Phone | Kind::Timetable => {
            // Browsers end lines with CR LF.
            Ok(Value::String(typed.replace("\r\n", "\n")))
        }
        Kind::Count | Kind::Version => {
            let number: Result<i64, _> = typed.parse();
            number
                .map(Value::from)
                .map_err(|_| "must be a whole number".to_owned())
        }
        Kind::YesNo => Ok(Value::Bool(typed == "true")),
        Kind::Money => minor_units(&typed, values.get("currency")).map(Value::from),
        Kind::Instant => instant(&typed, zone).map(|at| json!(at)),
    }
}

/// Reads a decimal amount as minor units of its currency.
fn minor_units(typed: &str, currency: &str) -> Result<i64, String> {
    let decimals = currency.parse().map_or(2, Currency::decimals) as usize;
    let wrong = || match decimals {
        0 => "must be a whole amount, such as 12000".to_owned(),
        _ => format!("must be an amount with at most {decimals} decimals, such as 120.00"),
    };
    let (whole, part) = typed.split_once('.').unwrap_or((typed, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (sign, whole) = match whole.strip_prefix('-') {
        Some(whole) => (-1, whole),
        None => (1, whole),
    };
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > decimals {
        return Err(wrong());
    }
    let minor: i64 = format!("{whole}{part:0<decimals$}")
        .parse()
        .map_err(|_| wrong())?;
    Ok(sign * minor)
}

/// Reads a time on the clock of a zone, or an RFC 3339 time.
fn instant(typed: &str, zone: Zone) -> Result<Timestamp, String> {
    if let Ok(at) = typed.parse() {
        return Ok(at);
    }
    let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
    let mut read = formats
        .iter()
        .filter_map(|format| NaiveDateTime::parse_from_str(typed, format).ok());
    let local = read
        .next()
        .ok_or("must be a date and time, such as 2026-10-01 18:00")?;
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
            let at = at.to_utc();
            Timestamp::from_unix_seconds(at.timestamp())
                .ok_or("must be a date of four digits' years".to_owned())
        }
        MappedLocalTime::None => Err(format!(
            "does not exist in {zone}: the clocks are changed then"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_in_its_currency() {
        for (typed, currency, expected) in [
            ("120.00", "GBP", Some(12_000)),
            ("120", "GBP", Some(12_000)),
            ("120.5", "GBP", Some(12_050)),
            ("12000", "JPY", Some(12_000)),
            ("1.234", "BHD", Some(1_234)),
            ("-1", "GBP", Some(-100)),
            ("120.005", "GBP", None),
            ("12.5", "JPY", None),
            ("1,000", "GBP", None),
            ("£5", "GBP", None),
            (".5", "GBP", None),
            ("99999999999999999999", "GBP", None),
        ] {
            assert_eq!(
                minor_units(typed, currency).ok(),
                expected,
                "{typed} {currency}"
            );
        }
    }

    #[test]
    fn a_time_is_read_on_the_clock_of_the_course() {
        let london = Zone::named("Europe/London").expect("a zone");
        let read = |typed| instant(typed, london).map(|at| at.to_string());
        assert_eq!(
            read("2026-10-01T18:00").as_deref(),
            Ok("2026-10-01T17:00:00Z")
        );
        assert_eq!(
            read("2026-10-01T18:00:00Z").as_deref(),
            Ok("2026-10-01T18:00:00Z")
        );
        assert!(read("2026-03-29T01:30").is_err_and(|error| error.contains("does not exist")));
        assert!(read("tomorrow").is_err());
    }
}
