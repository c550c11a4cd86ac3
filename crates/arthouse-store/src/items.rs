//! The records as items: one file per record, with the attributes that `TABLES.md` lists.
//!
//! Ids are read from the key; the attributes of the same name are for filters and people. An attribute that a later version added has
//! a default for items without it.

mod application;
mod course;
mod enrollment;
mod receipt;
mod session;

use std::collections::HashMap;

use arthouse_core::without_values;
use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{DecodeError, Key, Table};

pub(crate) use application::PENDING;
pub(crate) use enrollment::charge_line;
pub(crate) use receipt::expiry;

/// An item as DynamoDB gives and takes it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The version of an item without one.
pub(crate) const FIRST_VERSION: u64 = 1;

fn first_version() -> u64 {
    FIRST_VERSION
}

/// A record that is kept as an item.
pub(crate) trait Record: Sized {
    /// Returns the item's key.
    fn key(&self) -> Key;

    /// Writes the item, key included.
    fn to_item(&self) -> Item;

    /// Reads the item of a table.
    fn from_item(item: Item) -> Result<Self, DecodeError>;

    /// The optional attributes, which an update may remove.
    const OPTIONAL: &'static [&'static str];
}

/// Writes a number.
pub(crate) fn number(n: u64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

/// Writes a record's attributes, and its key beside them.
fn encode(key: &Key, attributes: &impl Serialize) -> Item {
    let mut item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(attributes)
        .expect("a record holds texts, numbers, flags and maps only");
    item.extend(key.attributes());
    item
}

/// Reads a record's attributes, and its key beside them.
fn decode<T: DeserializeOwned>(
    record: &'static str,
    table: Table,
    item: Item,
) -> Result<(Key, T), DecodeError> {
    let key = Key::of_item(table, &item)?;
    let attributes =
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item).map_err(|e| DecodeError::Attributes {
            record,
            problem: problem(&e.to_string()),
        })?;
    Ok((key, attributes))
}

/// Keeps the expectation of the decoder's message and removes the value that it found.
fn problem(message: &str) -> String {
    // The only message of serde_dynamo that quotes a value.
    if message.starts_with("Failed to parse '") {
        "expected a number in range".to_owned()
    } else {
        without_values(message)
    }
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
