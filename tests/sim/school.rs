//! The systems upstream: commands as they write them, with ids that are counted.

use serde_json::{Value, json};

/// Nobody else's contact details look like this, so that they can be looked for.
pub(crate) const CONTACT_MARKS: [&str; 3] = ["Zzyzx-Name", "zzyzx@contact", "+44 20 7946 0999"];

/// A command on the wire.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: String,
    pub(crate) group: String,
    pub(crate) deduplication_id: String,
    pub(crate) body: String,
    /// The reason with which it must be given up; without one it has an outcome.
    pub(crate) doomed: Option<&'static str>,
}

impl Command {
    fn new(id: &str, kind: &str, role: &str, mut data: Value) -> Self {
        let who = match role {
            "student" => data["user_id"].as_str().unwrap_or_default().to_owned(),
            _ => "office".to_owned(),
        };
        let group = data["user_id"]
            .as_str()
            .or(data["course_id"].as_str())
            .unwrap_or_default()
            .to_owned();
        data["actor"] = json!({ "type": role, "id": who });
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": "urn:sim",
            "type": format!("com.digitalarthouse.{kind}.v1"),
            "time": "2026-01-05T09:00:00Z",
            "datacontenttype": "application/json",
            "data": data,
        });
        Self {
            id: id.to_owned(),
            group,
            deduplication_id: id.to_owned(),
            body: body.to_string(),
            doomed: None,
        }
    }

    /// Something that is no command, in one of several ways.
    pub(crate) fn malformed(id: &str, way: u32) -> Self {
        let command = Self::new(id, "course.update", "admin", json!({ "course_id": "c0" }));
        let (body, reason) = match way % 3 {
            0 => (format!("{{ {id}"), "INVALID_JSON"),
            1 => (
                command.body.replace("course.update", "course.forget"),
                "UNKNOWN_TYPE",
            ),
            _ => (command.body.replace("course_id", "course"), "INVALID_DATA"),
        };
        Self {
            group: id.to_owned(),
            body,
            doomed: Some(reason),
            ..command
        }
    }

    /// Another command under the id of this one.
    pub(crate) fn in_its_name(&self, time: u32) -> Self {
        let mut body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["data"]["course_id"] = format!("other-{time}").into();
        Self {
            body: body.to_string(),
            doomed: Some("COMMAND_ID_REUSED"),
            ..self.again(time)
        }
    }

    /// The same command once more, past the queue's own deduplication and the order of its group.
    pub(crate) fn again(&self, time: u32) -> Self {
        Self {
            deduplication_id: format!("{}-again-{time}", self.id),
            group: format!("{}-again-{time}", self.group),
            ..self.clone()
        }
    }

    /// The same in another message group.
    pub(crate) fn in_group(self, group: &str) -> Self {
        Self {
            group: group.to_owned(),
            ..self
        }
    }

    pub(crate) fn course(id: &str, course: &str, cost: i64, duration: u32) -> Self {
        let data = json!({
            "course_id": course,
            "title": "Watercolour",
            "description": "Colour and water",
            "cost": cost,
            "currency": "GBP",
            "duration": duration,
            "payment_method": "bank transfer",
            "schedule": "DTSTART;TZID=Europe/London:20260112T183000\nRRULE:FREQ=WEEKLY",
        });
        Self::new(id, "course.create", "admin", data)
    }

    pub(crate) fn retitle(id: &str, course: &str, title: &str) -> Self {
        let data = json!({ "course_id": course, "title": title });
        Self::new(id, "course.update", "admin", data)
    }

    pub(crate) fn apply(id: &str, user: &str, course: &str) -> Self {
        let contact = json!({
            "name": format!("{} {user}", CONTACT_MARKS[0]),
            "email": format!("{}.{user}.example", CONTACT_MARKS[1]),
            "phone": CONTACT_MARKS[2],
        });
        let data = json!({ "user_id": user, "course_id": course, "contact_info": contact });
        Self::new(id, "course.apply", "student", data)
    }

    pub(crate) fn pay(id: &str, user: &str, course: &str, reference: &str) -> Self {
        let data = json!({ "user_id": user, "course_id": course, "reference": reference });
        Self::new(id, "payment.confirm", "system", data)
    }

    pub(crate) fn attend(id: &str, user: &str, course: &str, session: u32) -> Self {
        Self::new(
            id,
            "session.attend",
            "instructor",
            of_session(user, course, session),
        )
    }

    pub(crate) fn skip(id: &str, user: &str, course: &str, session: u32) -> Self {
        Self::new(
            id,
            "session.skip",
            "instructor",
            of_session(user, course, session),
        )
    }

    pub(crate) fn reschedule(id: &str, user: &str, course: &str, session: u32, to: &str) -> Self {
        let mut data = of_session(user, course, session);
        data["new_session_date"] = json!(to);
        Self::new(id, "session.reschedule", "student", data)
    }
}

fn of_session(user: &str, course: &str, session: u32) -> Value {
    json!({ "user_id": user, "course_id": course, "session_id": format!("{session:04}") })
}
