//! Items of DynamoDB tables, and their ids.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::error::Error;

/// An item, or its key, in the types of `aws-sdk-dynamodb`.
pub type Item = HashMap<String, AttributeValue>;

/// The id of an item: a digest of its table and key, the same in every process and release.
///
/// It may be logged. A key may not, since it can contain personal data.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId([u8; 16]);

impl ItemId {
    /// Returns the id of the item of `table_name` with these `keys`.
    pub fn of(table_name: &str, keys: &Item) -> Self {
        let mut digest = Sha256::new();
        feed(&mut digest, b't', table_name.as_bytes());
        let mut names: Vec<&String> = keys.keys().collect();
        names.sort_unstable();
        for name in names {
            feed(&mut digest, b'n', name.as_bytes());
            let value = &keys[name];
            if let Ok(text) = value.as_s() {
                feed(&mut digest, b'S', text.as_bytes());
            } else if let Ok(number) = value.as_n() {
                feed(&mut digest, b'N', number.as_bytes());
            } else if let Ok(blob) = value.as_b() {
                feed(&mut digest, b'B', blob.as_ref());
            }
        }
        let mut id = [0; 16];
        id.copy_from_slice(&digest.finalize()[..16]);
        Self(id)
    }
}

/// The primary key of an item. It may contain personal data: `Display` shows it to a person, `Debug` shows the names of its attributes.
#[derive(Clone, Default, PartialEq)]
pub struct ItemKey(Item);

impl ItemKey {
    pub(crate) fn new(attributes: Item) -> Self {
        Self(attributes)
    }

    /// Returns the attributes of the key; none if it is unknown.
    pub fn attributes(&self) -> &Item {
        &self.0
    }
}

/// The values of the key in the order of their names, separated by spaces.
impl fmt::Display for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ordered: BTreeMap<_, _> = self.0.iter().collect();
        for (index, value) in ordered.into_values().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            match (value.as_s().or_else(|_| value.as_n()), value.as_b()) {
                (Ok(text), _) => f.write_str(text)?,
                (Err(_), Ok(blob)) => f.write_str(&BASE64.encode(blob))?,
                (Err(_), Err(_)) => f.write_str("?")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ItemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        AttributeNames(&self.0).fmt(f)
    }
}

/// Shows the attributes of an item without their values.
pub(crate) struct AttributeNames<'a>(pub(crate) &'a Item);

impl fmt::Debug for AttributeNames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        f.debug_set().entries(names).finish()
    }
}

fn feed(digest: &mut Sha256, tag: u8, bytes: &[u8]) {
    digest.update([tag]);
    digest.update((bytes.len() as u64).to_be_bytes());
    digest.update(bytes);
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ItemId({self})")
    }
}

impl FromStr for ItemId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut id = [0; 16];
        if text.len() != 32 || !text.is_ascii() {
            return Err(Error::Corrupt(format!("{text} is not an item id")));
        }
        for (byte, at) in id.iter_mut().zip((0..32).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16)
                .map_err(|_| Error::Corrupt(format!("{text} is not an item id")))?;
        }
        Ok(Self(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pairs: &[(&str, &str)]) -> Item {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), AttributeValue::S((*value).to_owned())))
            .collect()
    }

    #[test]
    fn an_item_id_is_the_same_in_every_process_and_release() {
        let item_id = ItemId::of("Courses", &key(&[("PK", "a"), ("SK", "b")]));
        assert_eq!(item_id.to_string(), "0c703de5d71825bac1cd2a32ed7ff4bd");
    }

    #[test]
    fn items_whose_keys_only_share_their_concatenation_have_different_ids() {
        let one = ItemId::of("T", &key(&[("PK", "ab"), ("SK", "c")]));
        let two = ItemId::of("T", &key(&[("PK", "a"), ("SK", "bc")]));
        assert_ne!(one, two);
        assert_ne!(one, ItemId::of("U", &key(&[("PK", "ab"), ("SK", "c")])));
    }

    #[test]
    fn a_key_is_shown_to_a_person_and_not_to_a_log() {
        let mut attributes = key(&[("SK", "COURSE#oils"), ("PK", "USER#ada")]);
        let key = ItemKey::new(attributes.clone());
        assert_eq!(key.to_string(), "USER#ada COURSE#oils");
        assert_eq!(format!("{key:?}"), r#"{"PK", "SK"}"#);
        attributes.insert("SK".to_owned(), AttributeValue::N("7".to_owned()));
        assert_eq!(ItemKey::new(attributes).to_string(), "USER#ada 7");
        assert_eq!(ItemKey::default().to_string(), "");
    }

    #[test]
    fn an_item_id_survives_its_text_form() {
        let item_id = ItemId::of("T", &key(&[("PK", "ab")]));
        assert_eq!(item_id.to_string().parse::<ItemId>().unwrap(), item_id);
        assert!("xy".parse::<ItemId>().is_err());
        assert!("é".repeat(16).parse::<ItemId>().is_err());
    }
}
