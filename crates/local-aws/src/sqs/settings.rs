mod parse;
mod redrive;
mod render;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fault::{Code, Fault};
use super::name::QueueName;

pub(crate) use redrive::{Redrive, RedriveAllow};
pub(crate) use render::Counts;

/// The largest body, and the largest batch, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: u32 = 1_048_576;

/// The attributes of a queue that can be set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) visibility_timeout_seconds: u32,
    pub(crate) delay_seconds: u32,
    pub(crate) retention_seconds: u32,
    pub(crate) maximum_message_bytes: u32,
    pub(crate) receive_wait_seconds: u32,
    pub(crate) fifo: Option<Fifo>,
    pub(crate) redrive: Option<Redrive>,
    pub(crate) redrive_allow: Option<RedriveAllow>,
    /// Stored and returned, but not enforced.
    pub(crate) policy: Option<String>,
    /// Stored and returned; nothing is encrypted.
    pub(crate) kms_key: Option<String>,
    pub(crate) kms_reuse_seconds: Option<u32>,
    pub(crate) managed_encryption: bool,
}

/// The attributes of FIFO queues.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fifo {
    pub(crate) content_based_deduplication: bool,
    pub(crate) deduplication_scope: DeduplicationScope,
    pub(crate) throughput_limit: ThroughputLimit,
}

/// The scope in which a deduplication id is unique.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeduplicationScope {
    #[default]
    Queue,
    MessageGroup,
}

/// The scope of the throughput quota; stored and returned, because there is no quota here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ThroughputLimit {
    #[default]
    PerQueue,
    PerMessageGroup,
}

impl Settings {
    /// The settings of a new queue: the service's defaults with the attributes of the request.
    pub(crate) fn for_new(
        name: &QueueName,
        attributes: &BTreeMap<String, String>,
    ) -> Result<Self, Fault> {
        let asks_for_fifo = match attributes.get("FifoQueue") {
            Some(value) => parse::boolean("FifoQueue", value)?,
            None => false,
        };
        if asks_for_fifo && !name.is_fifo() {
            return Err(Fault::invalid(
                "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length.",
            ));
        }
        if name.is_fifo() && !asks_for_fifo {
            return Err(Fault::invalid(
                "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length",
            ));
        }
        Self::defaults(asks_for_fifo).with(attributes)
    }

    fn defaults(fifo: bool) -> Self {
        Self {
            visibility_timeout_seconds: 30,
            delay_seconds: 0,
            retention_seconds: 345_600,
            maximum_message_bytes: MAX_MESSAGE_BYTES,
            receive_wait_seconds: 0,
            fifo: fifo.then(Fifo::default),
            redrive: None,
            redrive_allow: None,
            policy: None,
            kms_key: None,
            kms_reuse_seconds: None,
            managed_encryption: true,
        }
    }

    /// Returns these settings with all attributes of a request, or an error.
    pub(crate) fn with(&self, attributes: &BTreeMap<String, String>) -> Result<Self, Fault> {
        let both_encryptions = attributes
            .get("KmsMasterKeyId")
            .is_some_and(|key| !key.is_empty())
            && attributes
                .get("SqsManagedSseEnabled")
                .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if both_encryptions {
            return Err(Fault::new(
                Code::InvalidAttributeName,
                "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
            ));
        }
        let mut settings = self.clone();
        for (name, value) in attributes {
            parse::set(&mut settings, name, value)?;
        }
        Ok(settings)
    }

    /// Returns the first attribute of a request that differs from these settings, or why the request is invalid.
    pub(crate) fn first_difference<'a>(
        &self,
        attributes: &'a BTreeMap<String, String>,
    ) -> Result<Option<&'a str>, Fault> {
        for (name, value) in attributes {
            let mut changed = self.clone();
            parse::set(&mut changed, name, value)?;
            if changed != *self {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests;
