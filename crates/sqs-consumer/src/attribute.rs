//! Message attributes and their types.

use std::borrow::Cow;
use std::fmt;

/// A message attribute: a text or bytes, with its type in SQS ("Amazon SQS message metadata", SQS developer guide).
///
/// `Debug` shows the type and not the value, so that a message may be logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Attribute {
    data_type: Cow<'static, str>,
    value: Value,
}

#[derive(Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Bytes(Vec<u8>),
}

impl Attribute {
    /// Makes an attribute of type String.
    #[must_use]
    pub fn string(text: impl Into<String>) -> Self {
        Self::text("String", text)
    }

    /// Makes an attribute of type Number. SQS keeps the digits as they are.
    #[must_use]
    pub fn number(digits: impl Into<String>) -> Self {
        Self::text("Number", digits)
    }

    /// Makes an attribute of type Binary.
    #[must_use]
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self::bytes("Binary", bytes)
    }

    /// Makes a text of any type: `String`, `Number`, or one of them with a label of your own, such as `Number.int`.
    #[must_use]
    pub fn text(data_type: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        Self {
            data_type: data_type.into(),
            value: Value::Text(text.into()),
        }
    }

    /// Makes bytes of any type: `Binary`, or that with a label of your own, such as `Binary.png`.
    #[must_use]
    pub fn bytes(data_type: impl Into<Cow<'static, str>>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            data_type: data_type.into(),
            value: Value::Bytes(bytes.into()),
        }
    }

    /// Returns the type, with its label if it has one.
    #[must_use]
    pub fn data_type(&self) -> &str {
        &self.data_type
    }

    /// Returns the text of a String or a Number.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Bytes(_) => None,
        }
    }

    /// Returns the bytes of a Binary.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match &self.value {
            Value::Text(_) => None,
            Value::Bytes(bytes) => Some(bytes),
        }
    }

    /// Returns the size that SQS counts, without the name.
    pub(crate) fn len(&self) -> usize {
        let value = match &self.value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
        };
        self.data_type.len() + value
    }
}

impl From<String> for Attribute {
    fn from(text: String) -> Self {
        Self::string(text)
    }
}

impl From<&str> for Attribute {
    fn from(text: &str) -> Self {
        Self::string(text)
    }
}

impl PartialEq<&str> for Attribute {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == Some(*text)
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribute")
            .field("data_type", &self.data_type)
            .finish_non_exhaustive()
    }
}
