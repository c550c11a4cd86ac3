use serde::{Deserialize, Serialize};

/// One attribute that a sender put on a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attribute {
    pub(crate) data_type: String,
    pub(crate) payload: Payload,
}

/// The value of an [`Attribute`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Payload {
    Text(String),
    Binary(Vec<u8>),
}
