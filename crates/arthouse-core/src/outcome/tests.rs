use serde_json::{Value, json};

use crate::rejection::{COURSE_NOT_FOUND, FORBIDDEN};
use crate::samples::{NOW, PRIVATE, at, command, envelope, examples, merged};
use crate::{Command, Malformed, Outcome, Reason, Receipt, Rejection};

fn receipt(command: &Command, outcome: Outcome) -> Receipt {
    Receipt::new(command, outcome, at(NOW))
}

fn told(command: &Command, outcome: Outcome) -> Value {
    let event = receipt(command, outcome)
        .event_for(command)
        .expect("the same command");
    serde_json::from_str(&event.to_body()).expect("JSON")
}

fn with_envelope(event_type: &str, attributes: Value) -> Command {
    Command::parse(&merged(envelope(event_type, json!({})), attributes).to_string())
        .expect("a command")
}

#[test]
fn an_applied_command_is_told_to_its_sender() {
    let expected = json!({
        "specversion": "1.0",
        "id": command("session.attend", json!({})).outcome_id().as_str(),
        "source": "urn:digitalarthouse:arthouse",
        "type": "com.digitalarthouse.command.applied.v1",
        "subject": "ada/oils",
        "time": NOW,
        "datacontenttype": "application/json",
        "correlationid": "cmd-1",
        "causationid": "cmd-1",
        "data": {
            "command_id": "cmd-1", "command_source": "/website", "command_type": "com.digitalarthouse.session.attend.v1",
            "user_id": "ada", "course_id": "oils", "session_id": "0001",
        },
    });
    assert_eq!(
        told(&command("session.attend", json!({})), Outcome::Applied),
        expected
    );
}

#[test]
fn a_rejection_is_told_with_its_code_and_message() {
    let outcome = Outcome::from(&Rejection::new(
        "VERSION_CONFLICT",
        "the course is at version 4, not at the expected one",
    ));
    let event = told(&command("course.update", json!({})), outcome);
    assert_eq!(event["type"], "com.digitalarthouse.command.rejected.v1");
    assert_eq!(event["subject"], "oils");
    assert_eq!(
        event["data"],
        json!({
            "command_id": "cmd-1", "command_source": "/website", "command_type": "com.digitalarthouse.course.update.v1",
            "course_id": "oils", "code": "VERSION_CONFLICT",
            "message": "the course is at version 4, not at the expected one",
        })
    );
}

#[test]
fn the_id_of_an_outcome_depends_on_the_commands_source_and_id_alone() {
    let id = command("session.attend", json!({})).outcome_id();
    assert_eq!(
        id.as_str(),
        "d1159ca431b1229756960b0ec682bd01",
        "consumers of other days have seen it"
    );
    let elsewhere =
        json!({"time": "2027-01-01T00:00:00Z", "correlationid": "c", "traceparent": "t"});
    assert_eq!(with_envelope("course.apply", elsewhere).outcome_id(), id);
    for other in [
        json!({"id": "cmd-2"}),
        json!({"source": "/admin"}),
        json!({"source": "/websitec", "id": "md-1"}),
    ] {
        assert_ne!(with_envelope("session.attend", other).outcome_id(), id);
    }
}

#[test]
fn an_outcome_belongs_to_the_conversation_of_its_command() {
    let context =
        json!({"correlationid": "visit-7", "causationid": "click-1", "traceparent": "00-a-b-01"});
    let event = told(&with_envelope("session.skip", context), Outcome::Applied);
    assert_eq!(event["correlationid"], "visit-7");
    assert_eq!(event["causationid"], "cmd-1");
    assert_eq!(event["traceparent"], "00-a-b-01");
}

#[test]
fn an_outcome_that_is_told_again_is_the_same() {
    let command = command("session.skip", json!({}));
    let stored = receipt(&command, Outcome::from(&FORBIDDEN));
    assert_eq!(
        stored.event_for(&command),
        stored.clone().event_for(&command.clone())
    );
    assert_eq!(stored.event_for(&command).expect("the same").time, at(NOW));
}

#[test]
fn a_repeat_in_another_conversation_is_told_what_was_told() {
    let mine = json!({"correlationid": "visit-1", "traceparent": "00-a-b-01"});
    let other = json!({"correlationid": "visit-2", "traceparent": "00-c-d-00"});
    for (first, again) in [
        (mine.clone(), other.clone()),
        (mine.clone(), json!({})),
        (json!({}), other.clone()),
    ] {
        let first = with_envelope("session.skip", first);
        let again = with_envelope("session.skip", again);
        let stored = receipt(&first, Outcome::Applied);
        assert_eq!(stored.event_for(&again), stored.event_for(&first));
    }
    // Receipts of earlier versions kept no context: there the repeat's own is as good as can be.
    let stored = Receipt {
        context: None,
        ..receipt(&with_envelope("session.skip", mine), Outcome::Applied)
    };
    let event = stored.event_for(&with_envelope("session.skip", other));
    let event = event.expect("the same command");
    assert_eq!(event.correlationid.as_deref(), Some("visit-2"));
    assert_eq!(event.traceparent.as_deref(), Some("00-c-d-00"));
}

#[test]
fn an_id_that_is_used_for_another_command_is_the_producers_defect() {
    let stored = receipt(&command("session.attend", json!({})), Outcome::Applied);
    for other in [
        command("session.attend", json!({"session_id": "0002"})),
        command("session.skip", json!({"reason": null})),
        command(
            "session.attend",
            json!({"actor": {"type": "student", "id": "ada"}}),
        ),
    ] {
        assert_eq!(
            stored.event_for(&other),
            Err(Malformed::command_id_reused())
        );
    }
    assert_eq!(
        Malformed::command_id_reused().reason,
        Reason::CommandIdReused
    );
    assert_eq!(Reason::CommandIdReused.code(), "COMMAND_ID_REUSED");
}

#[test]
fn no_outcome_holds_a_contact_detail() {
    for (event_type, _) in examples() {
        for outcome in [Outcome::Applied, Outcome::from(&COURSE_NOT_FOUND)] {
            let event = told(&command(event_type, json!({})), outcome).to_string();
            assert!(!event.contains(PRIVATE), "{event}");
        }
    }
}
