use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::sqs::fault::Fault;
use crate::sqs::name::QueueName;

const MAX_RECEIVE_COUNT: u32 = 1_000;
const MAX_SOURCES: usize = 10;

/// The redrive policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Redrive {
    pub(crate) target_arn: String,
    pub(crate) target: QueueName,
    pub(crate) max_receive_count: u32,
}

impl Redrive {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let invalid = |reason: &str| Fault::invalid_value(text, "RedrivePolicy", reason);
        let policy: Value = serde_json::from_str(text)
            .map_err(|_| invalid("Redrive policy is not a valid JSON map."))?;
        if !policy.is_object() {
            return Err(invalid("Redrive policy is not a valid JSON map."));
        }
        let arn = policy["deadLetterTargetArn"].as_str().ok_or_else(|| {
            invalid("Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
        })?;
        let count = match &policy["maxReceiveCount"] {
            Value::Number(number) => number.as_u64().and_then(|count| u32::try_from(count).ok()),
            Value::String(digits) => digits.parse().ok(),
            Value::Null => {
                return Err(invalid(
                    "Redrive policy does not contain mandatory attribute: maxReceiveCount.",
                ));
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let max_receive_count = count
            .filter(|count| (1..=MAX_RECEIVE_COUNT).contains(count))
            .ok_or_else(|| {
                invalid("Invalid value for maxReceiveCount. It must be between 1 and 1000.")
            })?;
        let target = QueueName::from_arn(arn)
            .ok_or_else(|| invalid("Invalid value for deadLetterTargetArn."))?;
        Ok(Self {
            target_arn: arn.to_owned(),
            target,
            max_receive_count,
        })
    }

    pub(super) fn render(&self) -> String {
        json!({ "deadLetterTargetArn": self.target_arn, "maxReceiveCount": self.max_receive_count })
            .to_string()
    }
}

/// The redrive allow policy: which queues may use this queue as their dead-letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RedriveAllow {
    All,
    None,
    Sources(Vec<String>),
}

impl RedriveAllow {
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let invalid = |reason: &str| Fault::invalid_value(text, "RedriveAllowPolicy", reason);
        let policy: Value =
            serde_json::from_str(text).map_err(|_| invalid("Amazon SQS can't parse the JSON."))?;
        let arns = policy.get("sourceQueueArns").filter(|arns| !arns.is_null());
        let sources = arns
            .map(|arns| serde_json::from_value::<Vec<String>>(arns.clone()))
            .transpose()
            .map_err(|_| invalid("sourceQueueArns is not a list of ARNs."))?;
        match (policy["redrivePermission"].as_str(), sources) {
            (Some("allowAll"), None) => Ok(Self::All),
            (Some("denyAll"), None) => Ok(Self::None),
            (Some("byQueue"), Some(arns)) if (1..=MAX_SOURCES).contains(&arns.len()) => {
                Ok(Self::Sources(arns))
            }
            (Some("byQueue"), _) => Err(invalid("byQueue takes 1 to 10 sourceQueueArns.")),
            (Some("allowAll" | "denyAll"), Some(_)) => {
                Err(invalid("sourceQueueArns can only be given with byQueue."))
            }
            (Some(_) | None, _) => Err(invalid(
                "redrivePermission is one of allowAll, denyAll and byQueue.",
            )),
        }
    }

    pub(super) fn render(&self) -> String {
        match self {
            Self::All => json!({ "redrivePermission": "allowAll" }),
            Self::None => json!({ "redrivePermission": "denyAll" }),
            Self::Sources(arns) => {
                json!({ "redrivePermission": "byQueue", "sourceQueueArns": arns })
            }
        }
        .to_string()
    }

    pub(crate) fn permits(&self, source: &QueueName) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Sources(arns) => arns
                .iter()
                .any(|arn| QueueName::from_arn(arn).as_ref() == Some(source)),
        }
    }
}
