//! A load of commands: a course, and students who apply, pay, attend twice and skip once.

use serde_json::{Value, json};

/// The course's price in pence, and what a student has left of it in the end.
pub(crate) const COST: u64 = 1_000;

/// What each student causes in the tables, streams included: an application put and taken away, an enrolment put, three sessions put, one
/// note that they are there, and for each session its own change and the charge for it.
pub(crate) const CHANGES_PER_STUDENT: usize = 3 + 3 + 1 + 3 * 2;

/// The notifications of each student's life, by their types' middles.
pub(crate) const NOTIFICATIONS: [(&str, usize); 6] = [
    ("application.received", 1),
    ("payment.confirmed", 1),
    ("sessions.scheduled", 1),
    ("session.attended", 2),
    ("session.skipped", 1),
    ("course.completed", 1),
];

/// The course, as one line.
pub(crate) fn course() -> String {
    line(
        "create",
        "course.create",
        &json!({
            "course_id": "oils", "title": "Oils", "description": "Oils", "cost": COST, "currency": "GBP", "duration": 3,
            "payment_method": "card", "schedule": "DTSTART:20991001T180000Z\nRRULE:FREQ=WEEKLY",
        }),
    )
}

/// A student's commands, one a line.
pub(crate) fn life(user: &str) -> String {
    let command = |id: &str, kind: &str, extra: &Value| {
        let mut data = json!({"user_id": user, "course_id": "oils"});
        let object = data.as_object_mut().unwrap();
        object.extend(extra.as_object().unwrap().clone());
        line(&format!("{user}-{id}"), kind, &data)
    };
    let contact = json!({"contact_info": {"name": "N", "email": "n@example.com"}});
    let session = |id: &str| json!({"session_id": id});
    [
        command("apply", "course.apply", &contact),
        command("pay", "payment.confirm", &json!({})),
        command("0001", "session.attend", &session("0001")),
        command("0002", "session.skip", &session("0002")),
        command("0003", "session.attend", &session("0003")),
    ]
    .concat()
}

fn line(id: &str, kind: &str, data: &Value) -> String {
    let mut data = data.clone();
    data["actor"] = json!({"type": "system", "id": "load"});
    let event = json!({
        "specversion": "1.0", "id": id, "source": "urn:school:load", "type": format!("com.digitalarthouse.{kind}.v1"),
        "time": "2026-11-22T12:00:00Z", "data": data,
    });
    format!("{event}\n")
}
