use std::ops::RangeInclusive;

use super::{
    DeduplicationScope, Fifo, MAX_MESSAGE_BYTES, Redrive, RedriveAllow, Settings, ThroughputLimit,
};
use crate::sqs::fault::{Code, Fault};

const VISIBILITY_SECONDS: RangeInclusive<u32> = 0..=43_200;
const DELAY_SECONDS: RangeInclusive<u32> = 0..=900;
const RETENTION_SECONDS: RangeInclusive<u32> = 60..=1_209_600;
const MESSAGE_BYTES: RangeInclusive<u32> = 1_024..=MAX_MESSAGE_BYTES;
const WAIT_SECONDS: RangeInclusive<u32> = 0..=20;
const KMS_REUSE_SECONDS: RangeInclusive<u32> = 60..=86_400;

/// Sets one attribute by its name.
pub(super) fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), Fault> {
    match name {
        "VisibilityTimeout" => {
            settings.visibility_timeout_seconds = within(name, value, VISIBILITY_SECONDS)?
        }
        "DelaySeconds" => settings.delay_seconds = within(name, value, DELAY_SECONDS)?,
        "MessageRetentionPeriod" => {
            settings.retention_seconds = within(name, value, RETENTION_SECONDS)?
        }
        "MaximumMessageSize" => {
            settings.maximum_message_bytes = within(name, value, MESSAGE_BYTES)?
        }
        "ReceiveMessageWaitTimeSeconds" => {
            settings.receive_wait_seconds = within(name, value, WAIT_SECONDS)?
        }
        "RedrivePolicy" => {
            settings.redrive = some_text(value)
                .map(|text| Redrive::parse(&text))
                .transpose()?
        }
        "RedriveAllowPolicy" => {
            settings.redrive_allow = some_text(value)
                .map(|text| RedriveAllow::parse(&text))
                .transpose()?;
        }
        "Policy" => settings.policy = some_text(value).map(json_object).transpose()?,
        "KmsMasterKeyId" => {
            settings.kms_key = some_text(value);
            if settings.kms_key.is_some() {
                settings.managed_encryption = false;
            }
        }
        "KmsDataKeyReusePeriodSeconds" => {
            settings.kms_reuse_seconds = some_text(value)
                .map(|text| within(name, &text, KMS_REUSE_SECONDS))
                .transpose()?;
        }
        "SqsManagedSseEnabled" => {
            settings.managed_encryption = boolean(name, value)?;
            if settings.managed_encryption {
                settings.kms_key = None;
                settings.kms_reuse_seconds = None;
            }
        }
        "FifoQueue" => fifo_queue(settings, value)?,
        "ContentBasedDeduplication" => {
            fifo(settings, name)?.content_based_deduplication = boolean(name, value)?;
        }
        "DeduplicationScope" => {
            fifo(settings, name)?.deduplication_scope = match value {
                "queue" => DeduplicationScope::Queue,
                "messageGroup" => DeduplicationScope::MessageGroup,
                _ => return Err(Fault::invalid_attribute(name)),
            };
        }
        "FifoThroughputLimit" => {
            fifo(settings, name)?.throughput_limit = match value {
                "perQueue" => ThroughputLimit::PerQueue,
                "perMessageGroupId" => ThroughputLimit::PerMessageGroup,
                _ => return Err(Fault::invalid_attribute(name)),
            };
        }
        _ => return Err(Fault::unknown_attribute(name)),
    }
    Ok(())
}

pub(super) fn boolean(name: &str, value: &str) -> Result<bool, Fault> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Fault::invalid_attribute(name)),
    }
}

/// The name of a queue decides its type. The attribute may repeat the type but not change it.
fn fifo_queue(settings: &Settings, value: &str) -> Result<(), Fault> {
    let asked = boolean("FifoQueue", value)?;
    match (settings.fifo.is_some(), asked) {
        (true, true) => Ok(()),
        (true, false) => Err(Fault::new(
            Code::InvalidAttributeValue,
            "Invalid value for the parameter FifoQueue. Reason: Modifying queue type is not supported.",
        )),
        (false, _) => Err(Fault::unknown_attribute("FifoQueue")),
    }
}

fn fifo<'a>(settings: &'a mut Settings, name: &str) -> Result<&'a mut Fifo, Fault> {
    settings.fifo.as_mut().ok_or_else(|| match name {
        "ContentBasedDeduplication" => Fault::unknown_attribute(name),
        _ => Fault::new(
            Code::InvalidAttributeName,
            format!("You can specify the {name} only when FifoQueue is set to true."),
        ),
    })
}

fn within(name: &str, value: &str, range: RangeInclusive<u32>) -> Result<u32, Fault> {
    match value.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        Ok(_) | Err(_) => Err(Fault::invalid_attribute(name)),
    }
}

fn some_text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn json_object(text: String) -> Result<String, Fault> {
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(Fault::invalid_attribute("Policy")),
    }
}
