use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::text::check_characters;
use crate::sqs::attribute::{Attribute, Payload};
use crate::sqs::fault::{Code, Fault};

const MAX_ATTRIBUTES: usize = 10;
const MAX_NAME: usize = 256;
const RESERVED: [&str; 2] = ["aws.", "amazon."];

/// A message attribute of a request.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SentAttribute {
    data_type: Option<String>,
    string_value: Option<String>,
    binary_value: Option<String>,
    string_list_values: Option<Vec<String>>,
    binary_list_values: Option<Vec<String>>,
}

pub(super) type SentAttributes = BTreeMap<String, SentAttribute>;

pub(super) fn attributes(sent: SentAttributes) -> Result<BTreeMap<String, Attribute>, Fault> {
    if sent.len() > MAX_ATTRIBUTES {
        return Err(Fault::invalid(format!(
            "Number of message attributes [{}] exceeds the allowed maximum [{MAX_ATTRIBUTES}].",
            sent.len()
        )));
    }
    let checked = sent.into_iter().map(|(name, sent)| {
        check_name(&name)?;
        let attribute = attribute(&name, sent, "user")?;
        Ok((name, attribute))
    });
    checked.collect()
}

/// The trace header: the one system attribute that a message can be sent with.
pub(super) fn trace_header(sent: SentAttributes) -> Result<Option<String>, Fault> {
    let mut header = None;
    for (name, sent) in sent {
        if name != "AWSTraceHeader" {
            return Err(Fault::invalid(format!(
                "Message system attribute name '{name}' is not valid. Allowed: AWSTraceHeader."
            )));
        }
        match attribute(&name, sent, "system")?.payload {
            Payload::Text(value) => header = Some(value),
            Payload::Binary(_) => return Err(wrong_type(&name)),
        }
    }
    Ok(header)
}

fn attribute(name: &str, sent: SentAttribute, kind: &str) -> Result<Attribute, Fault> {
    let lists = [sent.string_list_values, sent.binary_list_values];
    if lists.into_iter().flatten().any(|list| !list.is_empty()) {
        return Err(Fault::new(
            Code::UnsupportedOperation,
            "Message attribute list values in SendMessage operation are not supported.",
        ));
    }
    let data_type = sent
        .data_type
        .filter(|data_type| !data_type.is_empty())
        .ok_or_else(|| {
            Fault::invalid(format!(
                "The message attribute '{name}' must contain a non-empty message attribute type."
            ))
        })?;
    if data_type.len() > MAX_NAME {
        return Err(wrong_type(name));
    }
    let empty = || {
        Fault::invalid(format!(
            "Message ({kind}) attribute '{name}' must contain a non-empty value of type '{data_type}'."
        ))
    };
    let payload = match data_type.split('.').next() {
        Some("String") => Payload::Text(
            sent.string_value
                .filter(|text| !text.is_empty())
                .ok_or_else(empty)?,
        ),
        Some("Number") => {
            let text = sent
                .string_value
                .filter(|text| !text.is_empty())
                .ok_or_else(empty)?;
            if !is_number(&text) {
                return Err(Fault::invalid(format!(
                    "Can't cast the value of message ({kind}) attribute '{name}' to a number."
                )));
            }
            Payload::Text(text)
        }
        Some("Binary") => {
            let encoded = sent
                .binary_value
                .filter(|text| !text.is_empty())
                .ok_or_else(empty)?;
            let bytes = STANDARD.decode(encoded).map_err(|_| {
                Fault::invalid(format!(
                    "The message attribute '{name}' is not valid Base64."
                ))
            })?;
            Payload::Binary(bytes)
        }
        Some(_) | None => return Err(wrong_type(name)),
    };
    if let Payload::Text(text) = &payload {
        check_characters(text, "message attribute")?;
    }
    Ok(Attribute { data_type, payload })
}

fn check_name(name: &str) -> Result<(), Fault> {
    let characters = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    if name.is_empty() || name.len() > MAX_NAME || !characters {
        return Err(Fault::invalid(
            "Message (user) attribute name can only contain the characters A-Z, a-z, 0-9, _, -, and ., and has 1 to 256 of them.",
        ));
    }
    if name.starts_with('.') || name.ends_with('.') || name.contains("..") {
        return Err(Fault::invalid(format!(
            "Message (user) attribute name '{name}' must not start or end with a period, or have successive periods."
        )));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED.iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(Fault::invalid(format!(
            "Message (user) attribute name '{name}' starts with a reserved prefix, AWS. or Amazon."
        )));
    }
    Ok(())
}

/// Whether text is a decimal number, in plain or scientific notation.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_finite)
}

fn wrong_type(name: &str) -> Fault {
    Fault::invalid(format!(
        "The message attribute '{name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String."
    ))
}
