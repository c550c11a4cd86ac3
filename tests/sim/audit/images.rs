//! Images of items, from DynamoDB's JSON to the SDK's vocabulary.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;

pub(super) type Item = HashMap<String, AttributeValue>;

pub(super) fn item(image: &Value) -> Item {
    let attributes = image.as_object().into_iter().flatten();
    attributes
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(value: &Value) -> AttributeValue {
    let (kind, inner) = value
        .as_object()
        .and_then(|object| object.iter().next())
        .expect("an attribute has a type");
    let text = || inner.as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "S" => AttributeValue::S(text()),
        "N" => AttributeValue::N(text()),
        "BOOL" => AttributeValue::Bool(inner == &Value::Bool(true)),
        "NULL" => AttributeValue::Null(true),
        "M" => AttributeValue::M(item(inner)),
        "L" => {
            let values = inner.as_array().into_iter().flatten();
            AttributeValue::L(values.map(attribute).collect())
        }
        other => panic!("no table of ours has attributes of type {other}"),
    }
}

/// The text or number of an attribute in DynamoDB's JSON.
pub(super) fn text<'a>(image: &'a Value, name: &str) -> Option<&'a str> {
    let value = &image[name];
    value["S"].as_str().or(value["N"].as_str())
}
