//! A course, a student and their commands, for the tests of this crate and of `arthouse-store`, which includes this file.
//!
//! Ada applies for three Thursday evenings of oil painting in London, 100.00 GBP.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use arthouse_core::{
    Application, Change, Charge, ChargeId, ChargeKind, Command, CommandType, ContactInfo, Course,
    Enrollment, Quote, Session, SessionId, Timestamp, Transition, initial_sessions, schema,
};
use serde_json::{Value, json};

/// When the commands of these tests are taken by the queue.
pub(crate) const NOW: &str = "2026-09-20T12:00:00Z";

/// Stands in every contact detail, and may stand nowhere else.
pub(crate) const PRIVATE: &str = "zq9";

pub(crate) const THURSDAYS: &str =
    "DTSTART;TZID=Europe/London:20261001T180000\nRRULE:FREQ=WEEKLY;BYDAY=TH";

pub(crate) fn at(instant: &str) -> Timestamp {
    instant.parse().unwrap_or_else(|e| panic!("{instant}: {e}"))
}

/// Parses an id, an instant, a currency or a schedule.
pub(crate) fn id<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e:?}"))
}

/// Checks a number or a text.
pub(crate) fn value<N, T: TryFrom<N, Error: Debug>>(of: N) -> T {
    T::try_from(of).expect("in range")
}

pub(crate) fn text(text: &str) -> arthouse_core::Text {
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
        cost: value(10_000_i64),
        currency: id("GBP"),
        duration: value(3_i64),
        payment_method: text("card"),
        payment_link: Some(text("https://pay.example.com/oils")),
        schedule: id(THURSDAYS),
        session_minutes: value(90_i64),
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
        balance: value(10_000_i64),
        sessions_remaining: 3,
        applied_date: at("2026-09-18T09:30:00Z"),
        contact_info: contact(),
        title: text("Oil painting"),
        cost: value(10_000_i64),
        currency: id("GBP"),
        duration: value(3_i64),
        schedule: id(THURSDAYS),
        session_minutes: value(90_i64),
        first_session_after: None,
        payment_reference: Some(text("pay-1")),
        charges: BTreeMap::new(),
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

/// All three sessions are charged: attended, skipped, attended.
pub(crate) fn all_charged() -> Change {
    let kinds = [
        ChargeKind::Attended,
        ChargeKind::Skipped,
        ChargeKind::Attended,
    ];
    let mut enrollment = initialised();
    for (ordinal, kind) in (1..).zip(kinds) {
        let charge = Charge {
            amount: enrollment.cost.share(ordinal, enrollment.duration),
            kind,
            at: at(NOW),
        };
        let id = ChargeId::of_session(SessionId::from_ordinal(ordinal));
        enrollment.charges.insert(id, charge);
    }
    Change::EnrollmentUpdated {
        before: initialised().into(),
        after: enrollment.into(),
        sessions: Vec::new(),
    }
}

/// The same session after a command of this type.
pub(crate) fn after(session: Session, event_type: &str, now: &str) -> Session {
    let state = arthouse_core::State {
        session: Some(session),
        ..arthouse_core::State::default()
    };
    match arthouse_core::decide(&state, &command(event_type, json!({})), at(now)) {
        Ok(Transition::UpdateSession(session)) => session,
        other => panic!("{event_type}: {other:?}"),
    }
}

/// The types and, for each, complete and valid data.
pub(crate) fn examples() -> Vec<(&'static str, Value)> {
    CommandType::ALL
        .map(|known| (known.name(), example(known.name())))
        .into()
}

/// The complete data of a type: as in its contract, but for the course, its first session and what follows from them.
pub(crate) fn example(event_type: &str) -> Value {
    let known = CommandType::ALL
        .into_iter()
        .find(|known| known.name() == event_type);
    let data = known.unwrap_or_else(|| panic!("{event_type}?"));
    let mut data = schema::example(data)["data"].take();
    let ours = match event_type {
        "course.create" => {
            json!({"title": "Oil painting", "description": "Three evenings at the easel.", "cost": 10_000, "duration": 3,
                "payment_link": "https://pay.example.com/oils", "schedule": THURSDAYS})
        }
        "course.update" => {
            json!({"expected_version": 4, "title": "Oils", "description": "Evenings.", "cost": 12_000, "currency": "EUR",
                "duration": 4, "payment_method": "cash", "payment_link": "https://pay.example.com/2",
                "schedule": THURSDAYS, "session_minutes": 45, "open": false})
        }
        "course.apply" => json!({"contact_info": contact()}),
        "payment.confirm" => {
            json!({"amount": 10_000, "reference": "pay-1", "first_session_after": "2026-09-21T00:00:00Z"})
        }
        "session.reschedule" => json!({"new_session_date": "2026-10-02T17:00:00Z"}),
        _ => json!({}),
    };
    data["course_id"] = json!("oils");
    if !data["session_id"].is_null() {
        data["session_id"] = json!("0001");
    }
    let mut data = merged(data, ours);
    data.as_object_mut()
        .and_then(|fields| fields.remove("actor"))
        .expect("an actor");
    data
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
