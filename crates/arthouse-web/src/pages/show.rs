//! Times, durations and states as people read them.

use arthouse_core::{SessionStatus, Stage, Timestamp, Zone};
use chrono::TimeDelta;
use maud::{Markup, html};

/// Writes an instant on the clock of a zone: `Thu 1 Oct 2026, 19:00 BST`.
pub(super) fn time(at: Timestamp, zone: Zone) -> Markup {
    let text = text(at, zone);
    html! { time datetime=(at) { (text) } }
}

pub(super) fn text(at: Timestamp, zone: Zone) -> String {
    let local = at.to_utc().with_timezone(&zone);
    local.format("%a %-d %b %Y, %H:%M %Z").to_string()
}

/// Writes a length of time with its two largest units: `3 days 2 hours`.
pub(super) fn length(length: TimeDelta) -> String {
    const UNITS: [(i64, &str); 3] = [(1440, "day"), (60, "hour"), (1, "minute")];
    let minutes = length.num_minutes();
    let Some(largest) = UNITS.iter().position(|(unit, _)| minutes >= *unit) else {
        return "less than a minute".to_owned();
    };
    let mut rest = minutes;
    let mut parts = Vec::new();
    for (unit, name) in UNITS.iter().skip(largest).take(2) {
        let count = rest / unit;
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{count} {name}{plural}"));
        }
        rest %= unit;
    }
    parts.join(" ")
}

pub(super) fn status(status: SessionStatus) -> Markup {
    html! { span.state data-state=(status.as_str()) { (status.as_str()) } }
}

pub(super) fn stage(stage: Stage) -> Markup {
    let (state, text) = match stage {
        Stage::Applied => ("waiting", "waiting for the payment"),
        Stage::Paid => ("scheduled", "enrolled"),
        Stage::Completed => ("attended", "completed"),
    };
    html! { span.state data-state=(state) { (text) } }
}

/// Says that there is nothing.
pub(super) fn nothing(text: &str) -> Markup {
    html! { p.nothing { (text) } }
}

/// A bar of how much is over.
pub(super) fn bar(percent: usize) -> Markup {
    html! { progress max="100" value=(percent) aria-label="Sessions over" { (percent) "%" } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_its_two_largest_units() {
        for (minutes, expected) in [
            (0, "less than a minute"),
            (1, "1 minute"),
            (61, "1 hour 1 minute"),
            (1440, "1 day"),
            (2 * 1440 + 125, "2 days 2 hours"),
        ] {
            assert_eq!(length(TimeDelta::minutes(minutes)), expected);
        }
    }

    #[test]
    fn a_time_is_on_the_clock_of_the_course() {
        let at = "2026-10-01T18:00:00Z".parse().expect("a time");
        let london = Zone::named("Europe/London").expect("a zone");
        assert_eq!(text(at, london), "Thu 1 Oct 2026, 19:00 BST");
    }
}
