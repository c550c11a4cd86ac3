use arthouse_core::{Invariant, Outcome, OutcomeContext, PayloadHash, Receipt};
use serde::{Deserialize, Serialize};

use super::{Attributes, Fields, Item, Record, attribute};
use crate::{DecodeError, Key, Table};

#[derive(Serialize, Deserialize)]
enum OutcomeKind {
    Applied,
    Rejected,
}

impl Record for Receipt {
    const NAME: &'static str = "receipt";
    const TABLE: Table = Table::Commands;

    fn key(&self) -> Key {
        Key::Receipt(self.source.clone(), self.command_id.clone())
    }

    fn attributes(&self) -> Attributes {
        let (outcome, rejection, message) = match &self.outcome {
            Outcome::Applied => (OutcomeKind::Applied, None, None),
            Outcome::Rejected { code, message } => {
                (OutcomeKind::Rejected, Some(code), Some(message))
            }
        };
        let context = self.context.clone().unwrap_or_default();
        // In seconds since 1970, for DynamoDB's time to live.
        let expires_at = self.at.unix_seconds() + Self::LIFETIME.num_seconds();
        vec![
            ("CommandId", attribute(&self.command_id)),
            ("Source", attribute(&self.source)),
            ("Type", attribute(&self.command_type)),
            ("PayloadHash", attribute(self.payload_hash.as_str())),
            ("MeaningHash", attribute(self.payload_hash.meaning_as_str())),
            ("Outcome", attribute(outcome)),
            ("Rejection", attribute(rejection)),
            ("Message", attribute(message)),
            ("CorrelationId", attribute(context.correlation_id)),
            ("Traceparent", attribute(context.traceparent)),
            ("At", attribute(self.at)),
            ("ExpiresAt", attribute(expires_at)),
        ]
    }

    fn read(key: Key, fields: &Fields<'_>) -> Result<Self, DecodeError> {
        let Key::Receipt(source, command_id) = key else {
            return Err(DecodeError::Key);
        };
        let outcome = match fields.get("Outcome")? {
            OutcomeKind::Applied if fields.find::<String>("Rejection")?.is_some() => {
                return Err(DecodeError::Inconsistent {
                    record: Self::NAME,
                    invariant: Invariant::Outcome,
                });
            }
            OutcomeKind::Applied => Outcome::Applied,
            OutcomeKind::Rejected => Outcome::Rejected {
                code: fields.get("Rejection")?,
                message: fields.find("Message")?.unwrap_or_default(),
            },
        };
        let meaning: Option<String> = fields.find("MeaningHash")?;
        let context = OutcomeContext {
            correlation_id: fields.find("CorrelationId")?,
            traceparent: fields.find("Traceparent")?,
        };
        Ok(Self {
            command_id,
            source,
            command_type: fields.get("Type")?,
            payload_hash: PayloadHash::from_stored(fields.get("PayloadHash")?)
                .with_meaning(meaning.clone()),
            outcome,
            at: fields.get("At")?,
            // The version that began to keep a command's meaning also began to keep this.
            context: meaning.is_some().then_some(context),
        })
    }
}

/// Returns when a receipt expires, in seconds since 1970.
pub(crate) fn expiry(item: &Item) -> Option<i64> {
    item.get("ExpiresAt")?.as_n().ok()?.parse().ok()
}
