use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::samples::{
    NOW, application, at, command as sample_command, enrollment, examples, first_session,
    initialised,
};
use crate::{
    Change, Charge, ChargeId, ChargeKind, CloudEvent, Outcome, Reaction, Receipt, Rejection,
    SessionId, react,
};

/// Checks that an object has all that its schema asks for, and nothing that the schema does not know.
fn check(schema: &Value, object: &Value) {
    let names = |value: &Value| -> BTreeSet<String> {
        let texts = value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str);
        let keys = value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys().map(String::as_str));
        texts.chain(keys).map(str::to_owned).collect()
    };
    let (known, required, present) = (
        names(&schema["properties"]),
        names(&schema["required"]),
        names(object),
    );
    assert!(
        present.is_subset(&known),
        "{object} has more than {known:?}"
    );
    assert!(
        required.is_subset(&present),
        "{object} has less than {required:?}"
    );
    for (name, field) in object.as_object().into_iter().flatten() {
        let schema = &schema["properties"][name];
        if field.is_object() && schema["properties"].is_object() {
            check(schema, field);
        }
        if let Some(expected) = schema.get("const") {
            assert_eq!(field, expected, "{name}");
        }
    }
}

fn check_event(event: &CloudEvent) -> EventType {
    let found = EventType::ALL
        .into_iter()
        .find(|known| known.wire_type() == event.r#type);
    let event_type = found.unwrap_or_else(|| panic!("{} has no schema", event.r#type));
    check(
        &super::event(event_type).to_value(),
        &serde_json::to_value(event).expect("JSON"),
    );
    event_type
}

#[test]
fn every_command_is_as_its_schema_says() {
    for (event_type, _) in examples() {
        let envelope = crate::samples::envelope(event_type, json!({}));
        let command_type = sample_command(event_type, json!({})).action.command_type();
        check(&command(command_type).to_value(), &envelope);
    }
}

#[test]
fn every_event_is_as_its_schema_says() {
    let command = sample_command("session.attend", json!({}));
    let outcomes = [Outcome::Applied, Outcome::from(&Rejection::SessionNotFound)];
    let mut events: Vec<CloudEvent> = outcomes
        .map(|outcome| {
            Receipt::new(&command, outcome, at(NOW))
                .event_for(&command)
                .expect("the same command")
        })
        .into();
    events.extend(notifications());
    let seen: BTreeSet<EventType> = events.iter().map(check_event).collect();
    assert_eq!(seen, EventType::ALL.into(), "an event is not tested");
}

#[test]
fn no_schema_refers_to_another() {
    let commands = CommandType::ALL.into_iter().map(command);
    for schema in commands.chain(EventType::ALL.into_iter().map(super::event)) {
        let text = schema.to_value().to_string();
        assert!(!text.contains("$ref"), "{text}");
    }
}

/// Every notification there is.
fn notifications() -> Vec<CloudEvent> {
    let charged = |charges: [ChargeKind; 3]| {
        let mut enrollment = initialised();
        for (ordinal, kind) in (1..).zip(charges) {
            let charge = Charge {
                amount: enrollment.cost.share(ordinal, enrollment.duration),
                kind,
                at: at(NOW),
            };
            enrollment.charges.insert(
                ChargeId::of_session(SessionId::from_ordinal(ordinal)),
                charge,
            );
        }
        enrollment
    };
    let all = charged([
        ChargeKind::Attended,
        ChargeKind::Skipped,
        ChargeKind::Attended,
    ]);
    let moved = crate::samples::after(first_session(), "session.reschedule", NOW);
    let changes = [
        Change::Applied(application().into()),
        Change::Enrolled(enrollment().into()),
        Change::EnrollmentUpdated {
            before: enrollment().into(),
            after: initialised().into(),
        },
        Change::EnrollmentUpdated {
            before: initialised().into(),
            after: all.into(),
        },
        Change::SessionUpdated {
            before: first_session().into(),
            after: moved.into(),
        },
    ];
    let event = |reaction| match reaction {
        Reaction::Notify(notification) => Some(notification.to_event()),
        Reaction::InitialiseSessions(_) | Reaction::Charge { .. } => None,
    };
    changes.iter().flat_map(react).filter_map(event).collect()
}
