use std::str::FromStr;

use arthouse_core::{ContactInfo, Text, without_values};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::value::Error;
use serde::de::{DeserializeOwned, IntoDeserializer};

use super::Item;
use crate::DecodeError;

/// Returns whether an attribute counts as absent: it is missing or NULL. [`absent`] is the same as a condition.
pub(crate) fn is_absent(value: Option<&AttributeValue>) -> bool {
    value.is_none_or(AttributeValue::is_null)
}

/// Writes the condition that an attribute is absent, as [`is_absent`] has it. The values of its request include [`null`].
pub(crate) fn absent(name: &str) -> String {
    format!("(attribute_not_exists({name}) OR attribute_type({name}, :null))")
}

/// The value that [`absent`] names.
pub(crate) fn null() -> (String, AttributeValue) {
    (":null".to_owned(), AttributeValue::S("NULL".to_owned()))
}

/// The attributes of an item, to be read one by one.
pub(crate) struct Fields<'a> {
    record: &'static str,
    /// Precedes the names of attributes in messages, where these are the fields of a map.
    path: String,
    item: &'a Item,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(record: &'static str, item: &'a Item) -> Self {
        Self {
            record,
            path: String::new(),
            item,
        }
    }

    /// Reads an attribute that must be there.
    pub(crate) fn get<T: DeserializeOwned>(&self, name: &'static str) -> Result<T, DecodeError> {
        self.find(name)?
            .ok_or_else(|| self.invalid(name, DecodeError::MISSING.to_owned()))
    }

    /// Reads an attribute that may be absent.
    pub(crate) fn find<T: DeserializeOwned>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, DecodeError> {
        let value = self.present(name);
        let read = value.map(|value| read(value).map_err(|problem| self.invalid(name, problem)));
        read.transpose()
    }

    /// Reads a free text that must be there.
    pub(crate) fn text(&self, name: &'static str) -> Result<Text, DecodeError> {
        self.find_text(name)?
            .ok_or_else(|| self.invalid(name, DecodeError::MISSING.to_owned()))
    }

    /// Reads a free text that may be absent. What a command may hold has become less, so records are not held to it.
    pub(crate) fn find_text(&self, name: &'static str) -> Result<Option<Text>, DecodeError> {
        let text = self.find(name)?.map(Text::from_stored).transpose();
        text.map_err(|error| self.invalid(name, format!("is a text: {error}")))
    }

    /// Reads a text that may be absent and has a form of its own.
    pub(crate) fn find_parsed<T: FromStr>(
        &self,
        name: &'static str,
        form: &str,
    ) -> Result<Option<T>, DecodeError> {
        let problem = || format!("is a text: must be {form}");
        let parse = |text: String| text.parse().map_err(|_| self.invalid(name, problem()));
        self.find(name)?.map(parse).transpose()
    }

    /// Returns a map that must be there, to be read field by field.
    pub(crate) fn map(&self, name: &str) -> Result<&'a Item, DecodeError> {
        let value = self.present(name);
        let value = value.ok_or_else(|| self.invalid(name, DecodeError::MISSING.to_owned()))?;
        let problem = || format!("is {}: must be a map", kind(value));
        value.as_m().map_err(|_| self.invalid(name, problem()))
    }

    /// Returns the fields of a map within the item.
    pub(crate) fn within(&self, path: String, map: &'a Item) -> Self {
        let path = format!("{}{path}.", self.path);
        Self {
            record: self.record,
            path,
            item: map,
        }
    }

    /// Reads contact details.
    pub(crate) fn contact(&self, name: &'static str) -> Result<ContactInfo, DecodeError> {
        let fields = self.within(name.to_owned(), self.map(name)?);
        Ok(ContactInfo {
            name: fields.get("name")?,
            email: fields.get("email")?,
            phone: fields.find("phone")?,
        })
    }

    fn present(&self, name: &str) -> Option<&'a AttributeValue> {
        self.item.get(name).filter(|value| !is_absent(Some(value)))
    }

    /// Returns the text of a number, if the attribute is one.
    pub(crate) fn number(&self, name: &'static str) -> Option<&'a str> {
        self.item.get(name)?.as_n().ok().map(String::as_str)
    }

    /// Says what is wrong with an attribute.
    pub(crate) fn invalid(&self, attribute: &str, problem: String) -> DecodeError {
        DecodeError::Attribute {
            record: self.record,
            attribute: format!("{}{attribute}", self.path),
            problem,
        }
    }
}

/// Reads a value, or says what it is and what it must be.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK may add kinds of values"
)]
fn read<T: DeserializeOwned>(value: &AttributeValue) -> Result<T, String> {
    let read = match value {
        AttributeValue::S(text) => T::deserialize(text.as_str().into_deserializer()),
        AttributeValue::N(text) => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => T::deserialize(number.into_deserializer()),
            (_, Ok(number)) => T::deserialize(number.into_deserializer()),
            (_, _) => return Err("is a number that is not whole, or out of range".to_owned()),
        },
        AttributeValue::Bool(flag) => T::deserialize(flag.into_deserializer()),
        other => serde_dynamo::aws_sdk_dynamodb_1::from_attribute_value(other.clone())
            .map_err(serde::de::Error::custom),
    };
    read.map_err(|error: Error| format!("is {}: {}", kind(value), expectation(&error)))
}

/// Names the kind of a value.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the SDK may add kinds of values"
)]
fn kind(value: &AttributeValue) -> &'static str {
    match value {
        AttributeValue::S(_) => "a text",
        AttributeValue::N(_) => "a number",
        AttributeValue::Bool(_) => "a flag",
        AttributeValue::M(_) => "a map",
        AttributeValue::L(_) => "a list",
        AttributeValue::B(_) => "binary data",
        AttributeValue::Ss(_) | AttributeValue::Ns(_) | AttributeValue::Bs(_) => "a set",
        AttributeValue::Null(_) => "NULL",
        _ => "of an unknown kind",
    }
}

/// Keeps what was expected, in words, and removes the value that was found.
fn expectation(error: &Error) -> String {
    let message = error.to_string();
    // The only message of serde_dynamo that quotes a value.
    if message.starts_with("Failed to parse '") {
        return "must be a number in range".to_owned();
    }
    let message = without_values(&message);
    match message.strip_prefix("expected ") {
        Some("a string" | "string" | "a borrowed string") => "must be a text".to_owned(),
        Some("a boolean") => "must be a flag".to_owned(),
        Some("an object" | "a map") => "must be a map".to_owned(),
        Some("num") => "must be a whole number".to_owned(),
        Some(other) => format!("must be {other}"),
        None => message,
    }
}
