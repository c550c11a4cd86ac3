//! What a sender should know of a timetable before the worker decides on it: the parts that nothing is done with, and why it would be refused.

use arthouse_core::{Action, Schedule};

use super::check::Checked;

/// Remarks on the timetables of commands, each with its place in the input.
pub(super) fn remarks(commands: &[Checked]) -> impl Iterator<Item = String> {
    commands.iter().filter_map(|checked| {
        let remark = remark(text(&checked.command.action)?)?;
        Some(format!("{}: {remark}", checked.place))
    })
}

/// Returns the timetable that a command brings.
fn text(action: &Action) -> Option<&str> {
    if let Action::CreateCourse(course) = action {
        Some(&course.schedule)
    } else if let Action::UpdateCourse(course) = action {
        course.schedule.as_deref()
    } else {
        None
    }
}

fn remark(text: &str) -> Option<String> {
    let schedule: Schedule = match text.parse() {
        Ok(schedule) => schedule,
        Err(error) => return Some(format!("it will be rejected, INVALID_SCHEDULE: {error}")),
    };
    let unused = schedule.unused();
    (!unused.is_empty()).then(|| format!("not used of the schedule: {}", unused.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::super::check;
    use super::*;

    fn told(kind: &str, schedule: &str) -> Vec<String> {
        let body = serde_json::json!({
            "specversion": "1.0", "id": "a", "source": "/desk", "type": format!("com.digitalarthouse.course.{kind}.v1"),
            "data": {
                "actor": {"type": "admin", "id": "desk"}, "course_id": "oils", "title": "Oils", "description": "Oil paint.", "cost": 1,
                "currency": "GBP", "duration": 1, "payment_method": "card", "schedule": schedule,
            },
        });
        remarks(&check::all(&format!("\n{body}\n{body}\n")).unwrap()).collect()
    }

    #[test]
    fn parts_that_are_not_used_are_named_with_their_place() {
        let export = "BEGIN:VEVENT\nDTSTART:20991001T180000Z\nSUMMARY:Oils\nX-NOTE:bring brushes\nEND:VEVENT";
        let remark = "not used of the schedule: SUMMARY, X-NOTE";
        for kind in ["create", "update"] {
            assert_eq!(
                told(kind, export),
                [format!("line 2: {remark}"), format!("line 3: {remark}")]
            );
        }
    }

    #[test]
    fn a_schedule_that_would_be_rejected_is_told_and_a_good_one_is_not() {
        let refused = &told("create", "RRULE:FREQ=DAILY")[0];
        assert!(
            refused.starts_with(
                "line 2: it will be rejected, INVALID_SCHEDULE: there must be one DTSTART"
            ),
            "{refused}"
        );
        assert_eq!(told("create", "DTSTART:20991001T180000Z"), [""; 0]);
    }
}
