use serde_json::{Value, json};

use super::{keeps_a_contract, without};
use crate::samples::{envelope, merged};
use crate::{Command, CommandType, MAX_BODY_BYTES, Malformed, Reason, schema};

const ID: &str = "must be 1 to 128 characters of A-Z a-z 0-9 . _ : @ -";
const TEXT: &str = "must be a text of 1 to 10000 characters";
const TIME: &str = "must be an RFC 3339 time with a zone, such as 2026-10-01T18:00:00Z";

/// When a command's body is changed so, it is malformed for this reason, and the detail says this.
#[track_caller]
fn check_malformed(body: &str, reason: Reason, detail: &str) {
    let expected = Malformed {
        reason,
        detail: detail.to_owned(),
    };
    assert_eq!(Command::parse(body).expect_err(body), expected, "{body}");
    // A schema sees no bytes.
    assert!(
        reason == Reason::TooLarge || !keeps_a_contract(body),
        "the contract takes {body}"
    );
}

fn apply() -> Value {
    envelope("course.apply", json!({}))
}

#[test]
fn what_is_no_json_object_is_no_command() {
    for (body, detail) in [
        ("", "the body is not JSON (line 1, column 0)"),
        (
            "{\n \"id\": cmd-1}",
            "the body is not JSON (line 2, column 8)",
        ),
        (
            "{} {}",
            "the body goes on after its JSON value: send each event in a message of its own (line 1, column 4)",
        ),
    ] {
        check_malformed(body, Reason::InvalidJson, detail);
    }
    for body in ["null", "[]", "\"text\"", "7"] {
        check_malformed(
            body,
            Reason::InvalidEnvelope,
            "the body is not a JSON object",
        );
    }
}

#[test]
fn an_envelope_has_the_attributes_of_cloudevents() {
    for field in ["specversion", "id", "source", "type"] {
        let detail = format!("missing field `{field}`");
        check_malformed(
            &without(apply(), field).to_string(),
            Reason::InvalidEnvelope,
            &detail,
        );
    }
    let source = "must be a URI reference of 1 to 256 plain characters without #";
    for (field, value, detail) in [
        ("specversion", json!("0.3"), "must be 1.0"),
        ("specversion", json!(1.0), "expected a string"),
        ("id", json!("a#b"), ID),
        ("id", json!(""), ID),
        ("id", json!("x".repeat(129)), ID),
        ("id", json!(7), "expected a string"),
        ("source", json!("/web#1"), source),
        ("source", json!(""), source),
        ("type", json!(["a"]), "expected a string"),
        ("time", json!("yesterday"), TIME),
        ("time", json!("2026-09-20T11:59:58"), TIME),
        (
            "datacontenttype",
            json!("text/xml"),
            "must be application/json",
        ),
        ("correlationid", json!(""), "must be 1 to 256 characters"),
        (
            "correlationid",
            json!("x".repeat(257)),
            "must be 1 to 256 characters",
        ),
        (
            "traceparent",
            json!("x".repeat(257)),
            "must be 1 to 256 characters",
        ),
        ("subject", json!({}), "expected a string"),
        ("causationid", json!(false), "expected a string"),
    ] {
        let body = merged(apply(), json!({field: value})).to_string();
        check_malformed(
            &body,
            Reason::InvalidEnvelope,
            &format!("{field}: {detail}"),
        );
    }
}

#[test]
fn names_may_be_as_long_as_the_limit() {
    let longest = "x".repeat(128);
    let data = json!({"user_id": longest, "course_id": longest, "actor": {"type": "student", "id": longest}});
    let context =
        json!({"id": longest, "source": "y".repeat(256), "correlationid": "z".repeat(256)});
    let body = merged(envelope("course.apply", data), context).to_string();
    assert!(Command::parse(&body).is_ok());
}

#[test]
fn a_type_or_version_that_is_not_known_is_no_command() {
    for event_type in [
        "com.digitalarthouse.course.apply.v2",
        "com.digitalarthouse.course.apply",
        "com.digitalarthouse.course.delete.v1",
        "com.digitalarthouse.command.applied.v1",
        "COM.DIGITALARTHOUSE.COURSE.APPLY.V1",
        "",
    ] {
        let body = merged(apply(), json!({"type": event_type})).to_string();
        check_malformed(
            &body,
            Reason::UnknownType,
            "type: not a command of this version",
        );
    }
}

#[test]
fn a_body_beyond_the_limit_is_too_large_and_one_at_it_is_not() {
    let padded = |size: usize| {
        let body = apply().to_string();
        let padding = " ".repeat(size - body.len());
        body + &padding
    };
    assert!(Command::parse(&padded(MAX_BODY_BYTES)).is_ok());
    for size in [MAX_BODY_BYTES + 1, 300 * 1024] {
        check_malformed(
            &padded(size),
            Reason::TooLarge,
            "the body has more than 262144 bytes",
        );
    }
}

#[test]
fn data_is_an_object_with_an_actor() {
    check_malformed(
        &without(apply(), "data").to_string(),
        Reason::InvalidData,
        "data: missing",
    );
    let actor_type = "data.actor.type: expected one of `student`, `instructor`, `admin`, `system`";
    for (data, detail) in [
        (json!(null), "data: missing"),
        (json!("text"), "data: expected an object"),
        (json!([]), "data: expected an object"),
        (
            json!([{"type": "admin", "id": "root"}]),
            "data: expected an object",
        ),
        (json!({}), "data: missing field `actor`"),
        (json!({"actor": "ada"}), "data.actor: expected an object"),
        (
            json!({"actor": ["admin", "root"]}),
            "data.actor: expected an object",
        ),
        (
            json!({"actor": {"id": "ada"}}),
            "data.actor: missing field `type`",
        ),
        (
            json!({"actor": {"type": "student"}}),
            "data.actor: missing field `id`",
        ),
        (
            json!({"actor": {"type": "teacher", "id": "ada"}}),
            actor_type,
        ),
        (
            json!({"actor": {"type": "student", "id": ""}}),
            "data.actor.id: must be 1 to 128 characters",
        ),
        (
            json!({"actor": {"type": "student", "id": "x".repeat(129)}}),
            "data.actor.id: must be 1 to 128 characters",
        ),
    ] {
        let body = merged(apply(), json!({"data": data})).to_string();
        check_malformed(&body, Reason::InvalidData, detail);
    }
}

/// With this in its field, the data of the type is malformed for this reason.
#[track_caller]
fn check_fields<const N: usize>(event_type: &str, fields: [(&str, Value, &str); N]) {
    for (field, value, detail) in fields {
        let body = envelope(event_type, json!({field: value})).to_string();
        check_malformed(
            &body,
            Reason::InvalidData,
            &format!("data.{field}: {detail}"),
        );
    }
}

#[test]
fn each_field_of_a_course_has_its_type() {
    let currency = "must be an ISO 4217 currency code such as GBP";
    let minutes = "must be 1 to 1440 minutes";
    check_fields(
        "course.create",
        [
            ("course_id", json!("a#b"), ID),
            ("title", json!(" "), TEXT),
            ("description", json!("x".repeat(10_001)), TEXT),
            ("cost", json!(99.5), "expected a whole number"),
            ("cost", json!("100"), "expected a whole number"),
            ("cost", json!(u64::MAX), "expected a whole number"),
            ("currency", json!("pounds"), currency),
            ("duration", json!(null), "expected a whole number"),
            ("schedule", json!(["weekly"]), "expected a string"),
            ("session_minutes", json!(0), minutes),
            (
                "session_minutes",
                json!(70_000),
                "must be 1 to 1440 minutes",
            ),
        ],
    );
    check_fields(
        "course.update",
        [
            (
                "expected_version",
                json!(-1),
                "expected a whole number, 0 or more",
            ),
            ("open", json!("yes"), "expected a boolean"),
            ("payment_link", json!(7), "expected a string"),
        ],
    );
}

#[test]
fn each_field_of_a_students_command_has_its_type() {
    check_fields(
        "course.apply",
        [
            ("user_id", json!("ada lovelace"), ID),
            (
                "contact_info",
                json!("ada@example.com"),
                "expected an object",
            ),
            (
                "contact_info",
                json!(["Ada", "a@example.com"]),
                "expected an object",
            ),
            (
                "contact_info",
                json!({"name": "Ada"}),
                "missing field `email`",
            ),
        ],
    );
    check_fields(
        "payment.confirm",
        [
            ("amount", json!("10000"), "expected a whole number"),
            ("reference", json!(""), TEXT),
            ("first_session_after", json!("2026-09-21"), TIME),
        ],
    );
    check_fields(
        "session.attend",
        [
            ("session_id", json!(1), "expected a string"),
            ("session_id", json!("0001#x"), ID),
        ],
    );
    check_fields("session.skip", [("reason", json!({}), "expected a string")]);
    check_fields(
        "session.reschedule",
        [("new_session_date", json!("tomorrow"), TIME)],
    );
}

#[test]
fn what_the_contract_requires_must_be_there_and_the_rest_may_be_missing() {
    for command_type in CommandType::ALL {
        let name = command_type.name();
        let event = schema::command(command_type).to_value();
        let schema = &event["properties"]["data"];
        let required: Vec<_> = schema["required"]
            .as_array()
            .expect("required fields")
            .iter()
            .collect();
        for field in schema["properties"].as_object().expect("properties").keys() {
            let body = envelope(name, json!({}));
            let body = merged(
                body.clone(),
                json!({"data": without(body["data"].clone(), field)}),
            )
            .to_string();
            if required.contains(&&json!(field)) {
                check_malformed(
                    &body,
                    Reason::InvalidData,
                    &format!("data: missing field `{field}`"),
                );
            } else {
                assert!(Command::parse(&body).is_ok(), "{name} without {field}");
            }
        }
    }
}
