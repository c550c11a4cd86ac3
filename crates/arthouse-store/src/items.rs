//! The records as items: one file per record, with the attributes that `TABLES.md` lists.
//!
//! Ids are read from the key; the attributes of the same name are for filters and people. An attribute that a later version added has
//! a default for items without it.

mod application;
mod course;
mod enrollment;
mod fields;
mod receipt;
mod session;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::Serialize;

use crate::{DecodeError, Key, Table};

pub(crate) use application::PENDING;
pub(crate) use enrollment::charge_line;
pub(crate) use fields::{Fields, absent, is_absent, null};
pub(crate) use receipt::expiry;

/// An item as DynamoDB gives and takes it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// All attributes of a record beside its key; an optional one that the record lacks is `None`.
pub(crate) type Attributes = Vec<(&'static str, Option<AttributeValue>)>;

/// The version of an item without one.
pub(crate) const FIRST_VERSION: u64 = 1;

/// A record that is kept as an item.
pub(crate) trait Record: Sized {
    /// The kind of record, in messages.
    const NAME: &'static str;
    /// The table.
    const TABLE: Table;

    /// Returns the item's key.
    fn key(&self) -> Key;

    /// Writes the attributes.
    fn attributes(&self) -> Attributes;

    /// Reads the attributes of the item with this key.
    fn read(key: Key, fields: &Fields<'_>) -> Result<Self, DecodeError>;

    /// Writes the item, key included.
    fn to_item(&self) -> Item {
        let attributes = self.attributes().into_iter();
        let present = attributes.filter_map(|(name, value)| Some((name.to_owned(), value?)));
        present.chain(self.key().attributes()).collect()
    }

    /// Reads an item of the table.
    fn from_item(item: &Item) -> Result<Self, DecodeError> {
        let key = Key::of_item(Self::TABLE, item)?;
        Self::read(key, &Fields::new(Self::NAME, item))
    }
}

/// Writes a number.
pub(crate) fn number(n: u64) -> AttributeValue {
    AttributeValue::N(n.to_string())
}

/// Writes an attribute; an absent one is `None`.
pub(crate) fn attribute(value: impl Serialize) -> Option<AttributeValue> {
    let written: AttributeValue = serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)
        .expect("a record holds texts, numbers, flags and maps only");
    Some(written).filter(|value| !value.is_null())
}

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;
