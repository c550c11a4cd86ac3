//! A course, a student and their commands, for the tests.
//!
//! Ada applies for three Thursday evenings of oil painting in London, 100.00 GBP.

use serde_json::{Value, json};

use crate::{
    Application, Command, ContactInfo, Course, Duration, Enrollment, Quote, Session, Timestamp,
    Transition, initial_sessions,
};

/// When the commands of these tests are taken by the queue.
pub(crate) const NOW: &str = "2026-09-20T12:00:00Z";

/// Stands in every contact detail, and may stand nowhere else.
pub(crate) const PRIVATE: &str = "zq9";

pub(crate) const THURSDAYS: &str =
    "DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY;BYDAY=TH";

pub(crate) fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap_or_else(|e| panic!("{instant}: {e}"))
}

pub(crate) fn id<T: std::str::FromStr<Err = crate::InvalidValue>>(text: &str) -> T {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

pub(crate) fn value<S, T: TryFrom<S, Error = crate::InvalidValue>>(of: S) -> T {
    of.try_into().unwrap_or_else(|e| panic!("{e}"))
}

pub(crate) fn text(text: &str) -> crate::Text {
    value(text.to_owned())
}

pub(crate) fn contact() -> ContactInfo {
    ContactInfo {
        name: format!("Ada {PRIVATE}"),
        email: format!("{PRIVATE}@example.com"),
        phone: Some(format!("+44 20 {PRIVATE}")),
    }
}

pub(crate) fn course() -> Course {
    Course {
        course_id: id("oils"),
        title: text("Oil painting"),
        description: text("Three evenings at the easel."),
        cost: value(10_000),
        currency: id("GBP"),
        duration: value::<i64, Duration>(3),
        payment_method: text("card"),
        payment_link: Some(text("https://pay.example.com/oils")),
        schedule: THURSDAYS.parse().expect("a schedule"),
        session_minutes: value(90),
        open: true,
        version: 4,
    }
}

pub(crate) fn application() -> Application {
    Application {
        user_id: id("ada"),
        course_id: id("oils"),
        applied_date: at("2026-09-18T09:30:00Z"),
        contact_info: contact(),
        quote: Quote::of(&course()),
        version: 1,
    }
}

/// Ada's enrolment right after the payment.
pub(crate) fn enrollment() -> Enrollment {
    Enrollment {
        user_id: id("ada"),
        course_id: id("oils"),
        paid_date: at(NOW),
        balance: value(10_000),
        sessions_remaining: 3,
        applied_date: at("2026-09-18T09:30:00Z"),
        contact_info: contact(),
        title: text("Oil painting"),
        cost: value(10_000),
        currency: id("GBP"),
        duration: value::<i64, Duration>(3),
        schedule: THURSDAYS.parse().expect("a schedule"),
        session_minutes: value(90),
        first_session_after: None,
        payment_reference: Some(text("pay-1")),
        charges: std::collections::BTreeMap::new(),
        sessions_initialized_at: None,
        version: 1,
    }
}

/// Ada's enrolment once its sessions are there.
pub(crate) fn initialised() -> Enrollment {
    Enrollment {
        sessions_initialized_at: Some(at("2026-09-20T12:00:07Z")),
        version: 2,
        ..enrollment()
    }
}

/// Ada's three sessions: 1, 8 and 15 October, 18:00 in London, which is 17:00 UTC.
pub(crate) fn sessions() -> Vec<Session> {
    initial_sessions(&enrollment()).expect("dates enough")
}

pub(crate) fn first_session() -> Session {
    sessions().swap_remove(0)
}

/// The same session after a command of this type.
pub(crate) fn after(session: Session, event_type: &str, now: &str) -> Session {
    let state = crate::State {
        session: Some(session),
        ..crate::State::default()
    };
    match crate::decide(&state, &command(event_type, json!({})), at(now)) {
        Ok(Transition::UpdateSession(session)) => session,
        other => panic!("{event_type}: {other:?}"),
    }
}

/// The types and, for each, complete and valid data.
pub(crate) fn examples() -> Vec<(&'static str, Value)> {
    let session = json!({"user_id": "ada", "course_id": "oils", "session_id": "0001"});
    vec![
        (
            "course.create",
            json!({"course_id": "oils", "title": "Oil painting", "description": "Three evenings at the easel.",
                "cost": 10_000, "currency": "GBP", "duration": 3, "payment_method": "card",
                "payment_link": "https://pay.example.com/oils", "schedule": THURSDAYS, "session_minutes": 90}),
        ),
        (
            "course.update",
            json!({"course_id": "oils", "expected_version": 4, "title": "Oils", "description": "Evenings.", "cost": 12_000,
                "currency": "EUR", "duration": 4, "payment_method": "cash", "payment_link": "https://pay.example.com/2",
                "schedule": THURSDAYS, "session_minutes": 45, "open": false}),
        ),
        (
            "course.apply",
            json!({"user_id": "ada", "course_id": "oils", "contact_info": contact()}),
        ),
        (
            "payment.confirm",
            json!({"user_id": "ada", "course_id": "oils", "amount": 10_000, "reference": "pay-1",
                "first_session_after": "2026-09-21T00:00:00Z"}),
        ),
        ("session.attend", session.clone()),
        (
            "session.skip",
            merged(session.clone(), json!({"reason": "a cold"})),
        ),
        (
            "session.reschedule",
            merged(session, json!({"new_session_date": "2026-10-02T17:00:00Z"})),
        ),
    ]
}

/// The complete data of a type.
pub(crate) fn example(event_type: &str) -> Value {
    let found = examples().into_iter().find(|(name, _)| *name == event_type);
    found.unwrap_or_else(|| panic!("{event_type}?")).1
}

/// The envelope of a command from an admin, with some fields of its example data put in another way.
pub(crate) fn envelope(event_type: &str, changes: Value) -> Value {
    let actor = json!({"actor": {"type": "admin", "id": "root"}});
    let data = merged(merged(example(event_type), actor), changes);
    json!({
        "specversion": "1.0", "id": "cmd-1", "source": "/website", "type": format!("com.digitalarthouse.{event_type}.v1"),
        "time": "2026-09-20T11:59:58Z", "datacontenttype": "application/json", "data": data,
    })
}

pub(crate) fn command(event_type: &str, changes: Value) -> Command {
    Command::parse(&envelope(event_type, changes).to_string()).unwrap_or_else(|e| panic!("{e}"))
}

/// Puts the fields of one object into another.
pub(crate) fn merged(mut into: Value, fields: Value) -> Value {
    let Value::Object(fields) = fields else {
        panic!("{fields} is no object")
    };
    for (name, field) in fields {
        into[name] = field;
    }
    into
}
