//! Commands as upstream systems post them; the school's admin sends them all.

use std::fmt::Debug;
use std::str::FromStr;

use arthouse_core::{Command, Timestamp};
use serde_json::{Value, json};

/// When commands are taken by the queue, if nothing else is said.
pub(crate) const NOW: &str = "2026-09-20T12:00:00Z";

pub(crate) const THURSDAYS: &str =
    "DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY;BYDAY=TH";

pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

pub(crate) fn now() -> Timestamp {
    id(NOW)
}

/// Makes a command of a type such as `course.apply`.
pub(crate) fn command(command_id: &str, event_type: &str, mut data: Value) -> Command {
    data["actor"] = json!({"type": "admin", "id": "root"});
    let body = json!({
        "specversion": "1.0", "id": command_id, "source": "/test", "type": format!("com.digitalarthouse.{event_type}.v1"),
        "time": NOW, "data": data,
    });
    Command::parse(&body.to_string()).unwrap_or_else(|e| panic!("{e}"))
}

/// A course of Thursday evenings, 100.00 GBP.
pub(crate) fn create(command_id: &str, course_id: &str, duration: u16) -> Command {
    let data = json!({"course_id": course_id, "title": "Oil painting", "description": "Evenings at the easel.",
        "cost": 10_000, "currency": "GBP", "duration": duration, "payment_method": "card",
        "payment_link": "https://pay.example.com/oils", "schedule": THURSDAYS});
    command(command_id, "course.create", data)
}

pub(crate) fn update(command_id: &str, changes: Value) -> Command {
    let mut data = json!({"course_id": "oils"});
    for (name, value) in changes.as_object().expect("an object") {
        data[name] = value.clone();
    }
    command(command_id, "course.update", data)
}

pub(crate) fn apply(command_id: &str, user_id: &str) -> Command {
    let contact = json!({"name": "Ada", "email": "ada@example.com"});
    let data = json!({"user_id": user_id, "course_id": "oils", "contact_info": contact});
    command(command_id, "course.apply", data)
}

pub(crate) fn confirm(command_id: &str, user_id: &str, reference: &str) -> Command {
    let data = json!({"user_id": user_id, "course_id": "oils", "reference": reference});
    command(command_id, "payment.confirm", data)
}

fn target(user_id: &str, session_id: &str) -> Value {
    json!({"user_id": user_id, "course_id": "oils", "session_id": session_id})
}

pub(crate) fn attend(command_id: &str, user_id: &str, session_id: &str) -> Command {
    command(command_id, "session.attend", target(user_id, session_id))
}

pub(crate) fn skip(command_id: &str, user_id: &str, session_id: &str) -> Command {
    command(command_id, "session.skip", target(user_id, session_id))
}

pub(crate) fn reschedule(command_id: &str, user_id: &str, session_id: &str) -> Command {
    let mut data = target(user_id, session_id);
    data["new_session_date"] = json!("2026-12-24T17:00:00Z");
    command(command_id, "session.reschedule", data)
}
