use proptest::prelude::*;
use serde_json::{Value, json};

use super::without;
use crate::samples::{NOW, at, command, envelope, example, examples, merged};
use crate::{Action, Command, PayloadHash};

#[test]
fn unknown_fields_are_ignored() {
    let body = merged(
        envelope("session.attend", json!({"mood": [1, {"a": null}]})),
        json!({"dataschema": 7}),
    );
    let parsed = Command::parse(&body.to_string()).expect("a command");
    assert_eq!(parsed.action, command("session.attend", json!({})).action);
}

#[test]
fn times_of_any_zone_become_utc_to_the_second_and_session_ids_are_padded() {
    let given = json!({"new_session_date": "2026-10-02T18:00:00.25+01:00", "session_id": "1"});
    let written = command("session.reschedule", given);
    assert_eq!(
        written.action,
        command("session.reschedule", json!({})).action
    );
    let body = merged(
        envelope("course.apply", json!({})),
        json!({"time": "2026-09-20T13:59:58+02:00"}),
    );
    let parsed = Command::parse(&body.to_string()).expect("a command");
    let without_time = without(body, "time");
    assert_eq!(Command::parse(&without_time.to_string()), Ok(parsed));
}

#[test]
fn a_json_content_type_may_have_parameters_or_be_missing() {
    for given in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/cloudevents+json",
    ] {
        let body = merged(
            envelope("course.apply", json!({})),
            json!({"datacontenttype": given}),
        )
        .to_string();
        assert!(Command::parse(&body).is_ok(), "{given}");
    }
    assert!(
        Command::parse(
            &without(envelope("course.apply", json!({})), "datacontenttype").to_string()
        )
        .is_ok()
    );
}

#[test]
fn the_context_travels_with_the_command() {
    let context = json!({"correlationid": "visit-7", "traceparent": "00-a-b-01", "subject": "ada/oils", "causationid": "x"});
    let parsed = Command::parse(&merged(envelope("course.apply", json!({})), context).to_string())
        .expect("a command");
    assert_eq!(parsed.metadata.correlation_id.as_deref(), Some("visit-7"));
    assert_eq!(parsed.metadata.traceparent.as_deref(), Some("00-a-b-01"));
    assert_eq!(
        (parsed.metadata.id.as_str(), parsed.metadata.source.as_str()),
        ("cmd-1", "/website")
    );
}

#[test]
fn an_update_tells_a_payment_link_that_is_taken_away_from_one_that_stays() {
    let link = |changes: Value| {
        let Action::UpdateCourse(data) = command("course.update", changes).action else {
            panic!("an update")
        };
        data.payment_link
    };
    assert_eq!(link(json!({"payment_link": null})), Some(None));
    let data = without(example("course.update"), "payment_link");
    let data = merged(data, json!({"actor": {"type": "admin", "id": "root"}}));
    let body = merged(envelope("course.update", json!({})), json!({"data": data})).to_string();
    let Action::UpdateCourse(update) = Command::parse(&body).expect("a command").action else {
        panic!("an update")
    };
    assert_eq!(update.payment_link, None);
}

#[test]
fn the_payload_hash_covers_type_and_data_and_nothing_else() {
    let hash = |body: &Value| {
        Command::parse(&body.to_string())
            .expect("a command")
            .payload_hash
    };
    let original = hash(&envelope("session.attend", json!({})));
    let envelope_only = json!({"id": "cmd-2", "source": "/admin", "time": "2027-01-01T00:00:00Z", "correlationid": "c"});
    assert_eq!(
        hash(&merged(
            envelope("session.attend", json!({})),
            envelope_only
        )),
        original
    );
    for other in [
        envelope("session.skip", json!({"reason": null})),
        envelope("session.attend", json!({"session_id": "0002"})),
        envelope(
            "session.attend",
            json!({"actor": {"type": "admin", "id": "other"}}),
        ),
    ] {
        assert_ne!(hash(&other), original, "{other}");
        assert!(!hash(&other).matches(&original), "{other}");
    }
    assert_eq!(original.as_str().len(), 64);
}

#[test]
fn what_a_producer_adds_and_how_it_writes_a_value_leave_the_command_the_same() {
    let hash = |event_type: &str, changes| command(event_type, changes).payload_hash;
    let counting = |attempt: u32| {
        let changes = json!({"attempt": attempt, "actor": {"type": "admin", "id": "root", "session": attempt}});
        hash("session.attend", changes)
    };
    assert_ne!(counting(1).as_str(), counting(2).as_str());
    assert!(counting(1).matches(&counting(2)));
    assert!(counting(1).matches(&hash("session.attend", json!({"session_id": "1"}))));
    let later = json!({"new_session_date": "2026-10-02T19:00:00+02:00"});
    assert!(hash("session.reschedule", later).matches(&hash("session.reschedule", json!({}))));
}

/// A version that knows another field finds another meaning in the same words, and versions before this one kept the words' digest only.
#[test]
fn the_same_words_are_the_same_command_for_other_versions_too() {
    let command = command("session.attend", json!({"attempt": 1})).payload_hash;
    let stored = || PayloadHash::from_stored(command.as_str().to_owned());
    assert!(stored().matches(&command));
    assert!(
        stored()
            .with_meaning(Some("b2".repeat(16)))
            .matches(&command)
    );
    let other = PayloadHash::from_stored("a1".repeat(32));
    assert!(!other.matches(&command));
    assert!(!PayloadHash::from_stored("c3".repeat(32)).matches(&other));
}

#[test]
fn the_payload_hash_is_the_same_for_ever() {
    assert_eq!(
        command("session.attend", json!({})).payload_hash.as_str(),
        "d9768f75c2090ef4ceccfb45599d14e952e17c2989c324241e8709c3b6076088",
        "receipts of other days hold it"
    );
    assert_eq!(
        command("session.attend", json!({}))
            .payload_hash
            .meaning_as_str(),
        Some("827b346fa87f9b9aea814bcc04995e60"),
        "receipts of other days hold it"
    );
}

#[test]
fn a_command_reads_back_from_the_data_that_it_writes() {
    for (event_type, _) in examples() {
        let read = command(event_type, json!({}));
        let data = read.action.to_data(&read.actor);
        let body = merged(envelope(event_type, json!({})), json!({"data": data}));
        assert_eq!(Command::parse(&body.to_string()), Ok(read));
    }
}

#[test]
fn a_command_reads_back_from_the_body_that_it_writes() {
    for (event_type, _) in examples() {
        let context = json!({"correlationid": "visit-7", "traceparent": "00-a-b-01"});
        for body in [
            envelope(event_type, json!({})),
            merged(envelope(event_type, json!({})), context),
        ] {
            let read = Command::parse(&body.to_string()).expect("a command");
            let written = read.action.to_body(&read.metadata, &read.actor, at(NOW));
            assert_eq!(Command::parse(&written), Ok(read));
        }
    }
}

#[test]
fn commands_of_a_student_queue_up_behind_each_other() {
    for (event_type, _) in examples() {
        let group = if event_type.starts_with("course.c") || event_type.starts_with("course.u") {
            "oils"
        } else {
            "ada"
        };
        assert_eq!(
            command(event_type, json!({}))
                .action
                .subject()
                .message_group(),
            group,
            "{event_type}"
        );
    }
}

/// Writes the same value with its keys in another order and white space between.
fn scrambled(value: &Value, seed: usize) -> String {
    let Value::Object(fields) = value else {
        return value.to_string();
    };
    let mut fields: Vec<_> = fields.iter().collect();
    let turn = seed % fields.len().max(1);
    fields.rotate_left(turn);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, field)| format!("{} :\t{}", json!(name), scrambled(field, seed / 3)))
        .collect();
    format!("{{ {}\n}}", fields.join(" ,\r\n"))
}

proptest! {
    #[test]
    fn order_and_white_space_leave_the_payload_hash_alone(seed in 0_usize..10_000, which in 0_usize..7) {
        let event_type = examples()[which].0;
        let body = scrambled(&envelope(event_type, json!({})), seed);
        prop_assert_eq!(Command::parse(&body), Ok(command(event_type, json!({}))));
    }
}
