//! From a message's body to its JSON object, or what the body is instead.

use serde_json::{Map, Number, Value};

use crate::{Malformed, Reason};

/// Reads the JSON object of a body. SNS's envelope is taken off; other wrappings are named.
pub(super) fn object(body: &str) -> Result<Map<String, Value>, Malformed> {
    let mut value = parse(body)?;
    if let Some(inner) = of_sns(&value) {
        value = parse(inner)?;
    }
    whole_numbers(&mut value);
    match value {
        Value::Object(object) if object.contains_key("detail-type") => Err(envelope(
            "the body is an EventBridge event: let the rule's target send `$.detail` alone",
        )),
        Value::Object(object) => Ok(object),
        Value::Array(events) if events.iter().any(Value::is_object) => Err(envelope(
            "the body is a list of events: send each in a message of its own",
        )),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(envelope("the body is not a JSON object"))
        }
    }
}

fn envelope(detail: &str) -> Malformed {
    Malformed::new(Reason::InvalidEnvelope, detail)
}

fn parse(body: &str) -> Result<Value, Malformed> {
    serde_json::from_str(body).map_err(|error| {
        let what = if let Some(wrapping) = wrapping(body) {
            return Malformed::new(Reason::InvalidJson, wrapping);
        } else if error.to_string().starts_with("recursion limit") {
            "the body is nested more than 127 deep"
        } else if error.to_string().contains("hex escape") {
            "the body has an escape that is half a character"
        } else if error.to_string().starts_with("trailing characters") {
            "the body goes on after its JSON value: send each event in a message of its own"
        } else {
            "the body is not JSON"
        };
        let (line, column) = (error.line(), error.column());
        Malformed::new(
            Reason::InvalidJson,
            format!("{what} (line {line}, column {column})"),
        )
    })
}

/// Names what a body that is not JSON begins like.
fn wrapping(body: &str) -> Option<&'static str> {
    if body.starts_with('\u{feff}') {
        Some("the body begins with a byte order mark: send it without")
    } else if body.starts_with("H4sI") {
        Some("the body is gzip in base64: send the JSON as it is")
    } else if ["ey", "ew"].iter().any(|brace| body.starts_with(brace)) {
        Some("the body is base64: send the JSON as it is")
    } else {
        None
    }
}

/// Returns the message in SNS's envelope, which a subscription without raw message delivery has.
fn of_sns(value: &Value) -> Option<&str> {
    let is_sns = value["Type"] == "Notification" && value["TopicArn"].is_string();
    value["Message"].as_str().filter(|_| is_sns)
}

/// Makes integers of numbers such as `12000.0`: JSON Schema takes them for integers (draft 7, section 6.1.1 of the validation).
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(whole) = number.as_f64().filter(|_| number.is_f64()).and_then(whole) {
                *number = whole;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns the same number as an integer of 64 bits, if it is one.
fn whole(number: f64) -> Option<Number> {
    // The limits are powers of two, which a double holds exactly; its neighbours above them are out of range.
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() != 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is whole and in range"
    )]
    if (-TWO_63..TWO_63).contains(&number) {
        Some((number as i64).into())
    } else if (TWO_63..2.0 * TWO_63).contains(&number) {
        Some((number as u64).into())
    } else {
        None
    }
}
