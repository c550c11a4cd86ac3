//! Bodies as upstream systems really send them, and every character of Unicode in every text.

use jsonschema::Validator;
use serde_json::{Value, json};

use super::{CONTRACTS, keeps_a_contract, without};
use crate::samples::{NOW, at, envelope, examples, merged};
use crate::{Command, Malformed, Outcome, Reason, Receipt, decide};

fn body() -> String {
    envelope("payment.confirm", json!({})).to_string()
}

#[test]
fn an_envelope_of_sns_is_taken_off() {
    let wrapped = json!({
        "Type": "Notification", "MessageId": "22b80b92", "TopicArn": "arn:aws:sns:eu-west-1:111111111111:payments",
        "Message": body(), "Timestamp": "2026-09-20T12:00:00.000Z", "SignatureVersion": "1",
    });
    let read = Command::parse(&wrapped.to_string());
    assert!(read.is_ok(), "{read:?}");
    assert_eq!(read, Command::parse(&body()));
}

#[test]
fn other_wrappings_are_named() {
    let event_bridge =
        json!({"version": "0", "detail-type": "paid", "source": "shop", "detail": {}});
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for (sent, reason, word) in [
        (
            format!("\u{feff}{}", body()),
            Reason::InvalidJson,
            "byte order mark",
        ),
        (
            "H4sIAAAAAAAAA6tWKkktLlGyUlAqS8wpTgUA".to_owned(),
            Reason::InvalidJson,
            "gzip",
        ),
        (
            "eyJzcGVjdmVyc2lvbiI6IjEuMCJ9".to_owned(),
            Reason::InvalidJson,
            "base64",
        ),
        (
            format!("{0}\n{0}", body()),
            Reason::InvalidJson,
            "message of its own",
        ),
        (deep, Reason::InvalidJson, "nested"),
        (
            r#"{"id": "\ud800"}"#.to_owned(),
            Reason::InvalidJson,
            "half a character",
        ),
        (
            format!("[{0},{0}]", body()),
            Reason::InvalidEnvelope,
            "list of events",
        ),
        (
            event_bridge.to_string(),
            Reason::InvalidEnvelope,
            "EventBridge",
        ),
    ] {
        let malformed = Command::parse(&sent).expect_err(word);
        assert_eq!(malformed.reason, reason, "{malformed}");
        assert!(malformed.detail.contains(word), "{malformed}");
    }
}

#[test]
fn a_whole_number_may_be_written_with_a_point() {
    for (written, whole) in [
        ("10000.0", true),
        ("1e4", true),
        ("10000.5", false),
        ("1e400", false),
    ] {
        let body = body().replacen("\"amount\":10000", &format!("\"amount\":{written}"), 1);
        assert!(body.contains(written));
        assert_eq!(Command::parse(&body).is_ok(), whole, "{written}");
        assert_eq!(keeps_a_contract(&body), whole, "{written}");
    }
    let same = |body: &str| Command::parse(body).expect("a command").payload_hash;
    let with_point = body().replacen("10000", "10000.0", 1);
    assert_eq!(same(&with_point), same(&body()));
}

/// Puts a text into each field in turn that is free text and travels on.
fn with_text(text: &str) -> Vec<Value> {
    let apply = |changes: Value| envelope("course.apply", changes);
    let create = |field: &str| envelope("course.create", json!({field: text}));
    vec![
        merged(apply(json!({})), json!({"correlationid": text})),
        merged(apply(json!({})), json!({"traceparent": text})),
        apply(json!({"actor": {"type": "admin", "id": text}})),
        apply(json!({"contact_info": {"name": text, "email": "a@example.com"}})),
        create("title"),
        create("description"),
        create("payment_method"),
        create("payment_link"),
        envelope("payment.confirm", json!({"reference": text})),
        envelope("session.skip", json!({"reason": text})),
    ]
}

/// `SendMessage`, SQS API reference.
fn sqs_carries(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A command that is read is one whose data and outcome SQS can carry, and parser and contract agree on it.
fn check_text(text: &str, contracts: &[Validator]) {
    for event in with_text(text) {
        let read = Command::parse(&event.to_string());
        let keeps = contracts.iter().any(|contract| contract.is_valid(&event));
        assert_eq!(read.is_ok(), keeps, "{text:?} in {event}");
        let Ok(command) = read else {
            assert!(
                !text.chars().all(sqs_carries) || text.trim().is_empty(),
                "{text:?} in {event}"
            );
            continue;
        };
        let receipt = Receipt::new(&command, Outcome::Applied, at(NOW));
        let told = receipt.event_for(&command).expect("the same").to_body();
        assert!(told.chars().all(sqs_carries), "{text:?} is told in {told}");
        let stored = decide(&crate::State::default(), &command, at(NOW));
        let is_stored = stored.is_ok();
        assert!(
            !is_stored || format!("{stored:?}").chars().all(sqs_carries),
            "{text:?} is kept"
        );
    }
}

#[test]
fn no_character_is_taken_in_that_sqs_can_t_carry_out() {
    // All that SQS refuses, both sides of each limit, and a sample of the rest.
    let refused = ('\0'..='\u{10ffff}').filter(|c| !sqs_carries(*c));
    let sample = ('\0'..='\u{10ffff}').step_by(10_007);
    let limits =
        "\u{7f}\u{85}\u{a0}\u{d7ff}\u{e000}\u{fffd}\u{10000}\u{10ffff}\u{200b}\u{202e}\u{feff}";
    for c in refused.chain(sample).chain(limits.chars()) {
        check_text(&format!("a{c}b"), &CONTRACTS);
    }
}

#[test]
fn every_character_is_taken_in_or_refused_as_sqs_does() {
    for c in '\0'..='\u{10ffff}' {
        assert_eq!(
            crate::values::is_carried(c.encode_utf8(&mut [0; 4])),
            sqs_carries(c),
            "{c:?}"
        );
    }
}

/// The example of a type in binary mode, with this prefix before the names of the attributes.
fn binary(event_type: &str, prefix: &str) -> (Vec<(String, String)>, String) {
    let context = json!({"correlationid": "visit-7", "traceparent": "00-a-b-01"});
    let mut event = merged(envelope(event_type, json!({})), context);
    let data = event["data"].take().to_string();
    let event = without(without(event, "data"), "datacontenttype");
    let fields = event.as_object().expect("an object").iter();
    let attributes = fields.map(|(name, field)| {
        let text = field.as_str().expect("text");
        (format!("{prefix}{name}"), text.to_owned())
    });
    (attributes.collect(), data)
}

fn parse_binary(attributes: &[(String, String)], body: &str) -> Result<Command, Malformed> {
    let attributes = attributes
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()));
    Command::parse_message(body, attributes)
}

#[test]
fn an_event_in_binary_mode_is_the_same_command() {
    for (event_type, _) in examples() {
        for prefix in ["ce-", "ce_", "Ce-", "cloudEvents_", "cloudEvents:"] {
            let (mut attributes, data) = binary(event_type, prefix);
            let context = json!({"correlationid": "visit-7", "traceparent": "00-a-b-01"});
            let body = merged(envelope(event_type, json!({})), context).to_string();
            let expected = Command::parse(&body);
            assert_eq!(parse_binary(&attributes, &data), expected);
            attributes.push(("Content-Type".to_owned(), "application/json".to_owned()));
            attributes.push(("other".to_owned(), "x".to_owned()));
            assert_eq!(parse_binary(&attributes, &data), expected);
            // Some senders repeat the context of an event in structured mode, for filters.
            let other = vec![(format!("{prefix}specversion"), "0.3".to_owned())];
            assert_eq!(parse_binary(&other, &body), expected);
        }
    }
}

#[test]
fn what_is_wrong_in_binary_mode_is_named_as_in_structured_mode() {
    let (attributes, data) = binary("session.attend", "ce-");
    let check = |attributes: &[(String, String)], body: &str, reason, detail: &str| {
        let defect = parse_binary(attributes, body).expect_err(detail);
        assert_eq!((defect.reason, defect.detail.as_str()), (reason, detail));
    };
    let but = |name: &str, text: Option<&str>| -> Vec<(String, String)> {
        let others = attributes
            .iter()
            .filter(|(known, _)| known != name)
            .cloned();
        let changed = text.map(|text| (name.to_owned(), text.to_owned()));
        others.chain(changed).collect()
    };
    let envelope = Reason::InvalidEnvelope;
    check(&but("ce-id", None), &data, envelope, "missing field `id`");
    check(
        &but("ce-specversion", Some("0.3")),
        &data,
        envelope,
        "specversion: must be 1.0",
    );
    let xml = but("content-type", Some("text/xml"));
    check(
        &xml,
        &data,
        envelope,
        "datacontenttype: must be application/json",
    );
    let structured = but("content-type", Some("application/cloudevents+json"));
    check(&structured, &data, envelope, "missing field `specversion`");
    check(&attributes, "[]", envelope, "the body is not a JSON object");
    check(
        &attributes,
        "{}",
        Reason::InvalidData,
        "data: missing field `actor`",
    );
}
