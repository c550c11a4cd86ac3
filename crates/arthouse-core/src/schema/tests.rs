use std::collections::BTreeSet;

use jsonschema::Validator;
use serde_json::Value;

use super::*;
use crate::rejection::COURSE_NOT_FOUND;
use crate::samples::{NOW, at, command as sample_command, examples};
use crate::{CloudEvent, Command, Outcome, Receipt, Rejection, notification};

/// Checks a document against a schema, and the schema against its own meta-schema.
#[track_caller]
fn check(schema: &Value, document: &Value) {
    jsonschema::draft7::meta::validate(schema)
        .unwrap_or_else(|error| panic!("{error}: {schema:#}"));
    if let Err(error) = validator(schema).validate(document) {
        panic!("{}: {error}: {document:#}", error.instance_path());
    }
}

/// Reads a schema as strictly as it can be read.
fn validator(schema: &Value) -> Validator {
    let options = jsonschema::draft7::options().should_validate_formats(true);
    options.build(schema).expect("a schema")
}

fn check_event(event: &CloudEvent) -> EventType {
    let found = EventType::all()
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
fn every_example_is_a_command_and_as_its_schema_says() {
    for command_type in CommandType::ALL {
        let schema = command(command_type).to_value();
        let example = &schema["examples"][0];
        check(&schema, example);
        let parsed = Command::parse(&example.to_string()).expect("a command");
        assert_eq!(parsed.action.command_type(), command_type);
    }
}

#[test]
fn an_outcome_has_a_code_exactly_if_it_is_a_rejection() {
    let told = |outcome| {
        let command = sample_command("session.attend", json!({}));
        let event = Receipt::new(&command, outcome, at(NOW)).event_for(&command);
        serde_json::to_value(event.expect("the same command")).expect("JSON")
    };
    let applied = validator(&super::event(EventType::CommandApplied).to_value());
    let rejected = validator(&super::event(EventType::CommandRejected).to_value());
    let mut event = told(Outcome::Applied);
    assert!(applied.is_valid(&event));
    event["data"]["code"] = json!("TOO_LATE");
    assert!(!applied.is_valid(&event), "{event}");

    let mut event = told(Outcome::from(&Rejection::new(
        "TOO_LATE",
        "the session is 24 hours away or less",
    )));
    assert!(rejected.is_valid(&event));
    event["data"].as_object_mut().expect("data").remove("code");
    assert!(!rejected.is_valid(&event), "{event}");
}

#[test]
fn no_text_of_a_contract_refers_to_the_code() {
    let commands = CommandType::ALL.into_iter().map(command);
    for schema in commands.chain(EventType::all().into_iter().map(super::event)) {
        let text = schema.to_value().to_string();
        assert!(!text.contains("[`"), "{text}");
    }
}

#[test]
fn every_event_is_as_its_schema_says() {
    let command = sample_command("session.attend", json!({}));
    let outcomes = [Outcome::Applied, Outcome::from(&COURSE_NOT_FOUND)];
    let mut events: Vec<CloudEvent> = outcomes
        .map(|outcome| {
            Receipt::new(&command, outcome, at(NOW))
                .event_for(&command)
                .expect("the same command")
        })
        .into();
    let changes = notification::KINDS
        .iter()
        .flat_map(|kind| (kind.examples)());
    events.extend(changes.flat_map(|change| {
        let told: Vec<_> = notification::told(&change).collect();
        told.into_iter()
            .map(|notification| notification.event().clone())
    }));
    let seen: BTreeSet<EventType> = events.iter().map(check_event).collect();
    assert_eq!(
        seen,
        EventType::all().into_iter().collect(),
        "an event is not tested"
    );
}

#[test]
fn no_schema_refers_to_another() {
    let commands = CommandType::ALL.into_iter().map(command);
    for schema in commands.chain(EventType::all().into_iter().map(super::event)) {
        let text = schema.to_value().to_string();
        assert!(!text.contains("$ref"), "{text}");
    }
}
