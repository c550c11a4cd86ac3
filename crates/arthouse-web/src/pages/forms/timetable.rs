//! A course's timetable: typed as how it repeats, or as iCalendar text; its dates are shown before anything is sent.

use arthouse_core::{CommandType, Duration, Schedule, ScheduleError};
use chrono::NaiveDateTime;
use maud::{Markup, html};

use crate::pages::show;
use crate::pages::values::Values;
use crate::pages::words::{Kind, fields};

/// The most dates that are shown.
const SHOWN: usize = 12;

/// How often a session takes place, as people and as iCalendar say it.
const REPEATS: [(&str, &str, &str); 4] = [
    ("weekly", "every week", "RRULE:FREQ=WEEKLY"),
    (
        "fortnightly",
        "every two weeks",
        "RRULE:FREQ=WEEKLY;INTERVAL=2",
    ),
    ("daily", "every day", "RRULE:FREQ=DAILY"),
    (
        "workdays",
        "Monday to Friday",
        "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
    ),
];

const ZONES: [&str; 8] = [
    "Europe/London",
    "Europe/Berlin",
    "Europe/Madrid",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Tokyo",
    "Australia/Sydney",
    "UTC",
];

/// Returns the timetable as iCalendar text: as it was typed, or made from how it repeats.
pub(super) fn typed(values: &Values) -> String {
    let text = values.get("schedule");
    let start = NaiveDateTime::parse_from_str(values.get("schedule.start"), "%Y-%m-%dT%H:%M");
    match start {
        Ok(start) if text.is_empty() => {
            let every = values.get("schedule.every");
            let rule = REPEATS.iter().find(|(name, _, _)| *name == every);
            let rule = rule.map_or("", |(_, _, rule)| rule);
            let zone = values.get("schedule.zone");
            format!(
                "DTSTART;TZID={zone}:{}\n{rule}",
                start.format("%Y%m%dT%H%M%S")
            )
        }
        Ok(_) | Err(_) => text.to_owned(),
    }
}

/// Says whether the dates of a form's timetable have been seen: those of a form without one have nothing to show.
pub(super) fn is_seen(command_type: CommandType, values: &Values) -> bool {
    let has_one = fields(command_type)
        .iter()
        .any(|field| field.kind == Kind::Timetable);
    let seen = format!(
        "{} {}",
        values.get("duration"),
        typed(values).replace("\r\n", "\n")
    );
    !has_one || (!values.has("preview") && values.get("seen").replace("\r\n", "\n") == seen)
}

/// Shows the dates of a form's timetable, if it has one and it has dates.
pub(super) fn preview(command_type: CommandType, values: &Values) -> Option<Markup> {
    let has_one = fields(command_type)
        .iter()
        .any(|field| field.kind == Kind::Timetable);
    let text = typed(values).replace("\r\n", "\n");
    if !has_one || text.is_empty() {
        return None;
    }
    let parsed: Result<Schedule, ScheduleError> = text.parse();
    let (schedule, sessions) = (parsed.ok()?, values.get("duration").parse::<i64>().ok()?);
    let dates = schedule.first(Duration::try_from(sessions).ok()?)?;
    let zone = schedule.zone();
    Some(html! {
        section.dates aria-label="Dates" {
            h2 { "The dates" }
            input type="hidden" name="seen" value=(format!("{} {text}", values.get("duration")));
            ol {
                @for date in dates.iter().take(SHOWN) { li { (show::time(date.at, zone)) } }
            }
            @if let Some(last) = dates.last().filter(|_| dates.len() > SHOWN) {
                p { "and " (dates.len() - SHOWN) " more, the last on " (show::time(last.at, zone)) }
            }
        }
    })
}

pub(super) fn control(
    id: &str,
    value: &str,
    described: &str,
    is_wrong: bool,
    values: &Values,
) -> Markup {
    let every = values.get("schedule.every");
    let invalid = is_wrong.then_some("true");
    html! {
        div.timetable {
            label { "First session"
                input type="datetime-local" name="schedule.start" value=(values.get("schedule.start"))
                    aria-describedby=(described) aria-invalid=[invalid];
            }
            label { "Repeats"
                select name="schedule.every" {
                    @for (name, text, _) in REPEATS {
                        option value=(name) selected[name == every] { (text) }
                    }
                }
            }
            label { "Time zone"
                input name="schedule.zone" value=(values.get("schedule.zone")) list="zones" autocomplete="off";
            }
            datalist id="zones" { @for zone in ZONES { option value=(zone) {} } }
        }
        details open[!value.is_empty()] {
            summary { "Or as iCalendar text" }
            textarea id=(id) name="schedule" rows="4" spellcheck="false" aria-label="Timetable as iCalendar text"
                aria-describedby=(described) aria-invalid=[invalid] { (value) }
        }
    }
}
