use arthouse_core::{CommandId, Invariant, Outcome, PayloadHash, Receipt, Source, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Item, Record, decode, encode};
use crate::{DecodeError, Key, Table};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(skip_deserializing)]
    command_id: Option<CommandId>,
    #[serde(skip_deserializing)]
    source: Option<Source>,
    r#type: String,
    payload_hash: String,
    outcome: OutcomeKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rejection: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    at: Timestamp,
    /// Seconds since 1970, for DynamoDB's time to live.
    #[serde(skip_deserializing)]
    expires_at: i64,
}

#[derive(Serialize, Deserialize)]
enum OutcomeKind {
    Applied,
    Rejected,
}

impl Record for Receipt {
    const OPTIONAL: &'static [&'static str] = &["Rejection", "Message"];

    fn key(&self) -> Key {
        Key::Receipt(self.source.clone(), self.command_id.clone())
    }

    fn to_item(&self) -> Item {
        let (outcome, rejection, message) = match &self.outcome {
            Outcome::Applied => (OutcomeKind::Applied, None, None),
            Outcome::Rejected { code, message } => (
                OutcomeKind::Rejected,
                Some(code.clone()),
                Some(message.clone()),
            ),
        };
        let attributes = Attributes {
            command_id: Some(self.command_id.clone()),
            source: Some(self.source.clone()),
            r#type: self.command_type.clone(),
            payload_hash: self.payload_hash.as_str().to_owned(),
            outcome,
            rejection,
            message,
            at: self.at,
            expires_at: self.at.unix_seconds() + Self::LIFETIME.num_seconds(),
        };
        encode(&self.key(), &attributes)
    }

    fn from_item(item: Item) -> Result<Self, DecodeError> {
        let (key, attributes): (_, Attributes) = decode("receipt", Table::Commands, item)?;
        let Key::Receipt(source, command_id) = key else {
            return Err(DecodeError::Key);
        };
        let without_code = || DecodeError::Attributes {
            record: "receipt",
            problem: "missing field `Rejection`".to_owned(),
        };
        let outcome = match attributes.outcome {
            OutcomeKind::Applied if attributes.rejection.is_some() => {
                return Err(DecodeError::Inconsistent {
                    record: "receipt",
                    invariant: Invariant::Outcome,
                });
            }
            OutcomeKind::Applied => Outcome::Applied,
            OutcomeKind::Rejected => Outcome::Rejected {
                code: attributes.rejection.ok_or_else(without_code)?,
                message: attributes.message.unwrap_or_default(),
            },
        };
        Ok(Self {
            command_id,
            source,
            command_type: attributes.r#type,
            payload_hash: PayloadHash::from_stored(attributes.payload_hash),
            outcome,
            at: attributes.at,
        })
    }
}

/// Returns when a receipt expires, in seconds since 1970.
pub(crate) fn expiry(item: &Item) -> Option<i64> {
    item.get("ExpiresAt")?.as_n().ok()?.parse().ok()
}
