//! The records as items: one file a record, the attributes as `domain.md` names them.
//!
//! Ids are read from the key, which is the truth; the attributes of the same name are for filters and people. Attributes that
//! came with later versions have the meaning of their absence as default.

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

/// An item as DynamoDB gives and takes it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A record that is kept as an item.
pub(crate) trait Record: Sized {
    /// Returns the item's key.
    fn key(&self) -> Key;

    /// Writes the item, key included.
    fn to_item(&self) -> Item;

    /// Reads the item of a table.
    fn from_item(item: Item) -> Result<Self, DecodeError>;

    /// Lists the attributes that an item may lack, so that an update can take them away.
    const OPTIONAL: &'static [&'static str];
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
            problem: without_values(&e.to_string()),
        })?;
    Ok((key, attributes))
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
