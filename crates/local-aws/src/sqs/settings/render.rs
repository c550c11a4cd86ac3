use std::collections::BTreeMap;

use super::{DeduplicationScope, Settings, ThroughputLimit};
use crate::sqs::fault::Fault;
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;

const NAMES: [&str; 21] = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
    "ContentBasedDeduplication",
    "CreatedTimestamp",
    "DeduplicationScope",
    "DelaySeconds",
    "FifoQueue",
    "FifoThroughputLimit",
    "KmsDataKeyReusePeriodSeconds",
    "KmsMasterKeyId",
    "LastModifiedTimestamp",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "Policy",
    "QueueArn",
    "ReceiveMessageWaitTimeSeconds",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "SqsManagedSseEnabled",
    "VisibilityTimeout",
];

/// The numbers of visible, delayed and in-flight messages of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

impl Settings {
    /// Returns the attributes of a queue that a request names, or all of them for `All`.
    pub(crate) fn render(
        &self,
        names: &[String],
        queue: &QueueName,
        (created, modified): (Moment, Moment),
        counts: Counts,
    ) -> Result<BTreeMap<String, String>, Fault> {
        for name in names {
            if name != "All" && !NAMES.contains(&name.as_str()) {
                return Err(Fault::unknown_attribute(name));
            }
        }
        let asked = |name: &str| names.iter().any(|wanted| wanted == "All" || wanted == name);
        let mut all = self.shown();
        all.extend([
            ("ApproximateNumberOfMessages", counts.visible.to_string()),
            (
                "ApproximateNumberOfMessagesNotVisible",
                counts.in_flight.to_string(),
            ),
            (
                "ApproximateNumberOfMessagesDelayed",
                counts.delayed.to_string(),
            ),
            ("CreatedTimestamp", created.seconds().to_string()),
            ("LastModifiedTimestamp", modified.seconds().to_string()),
            ("QueueArn", queue.arn()),
        ]);
        Ok(all
            .into_iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, value)| (name.to_owned(), value))
            .collect())
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let mut shown = vec![
            (
                "VisibilityTimeout",
                self.visibility_timeout_seconds.to_string(),
            ),
            ("DelaySeconds", self.delay_seconds.to_string()),
            ("MessageRetentionPeriod", self.retention_seconds.to_string()),
            ("MaximumMessageSize", self.maximum_message_bytes.to_string()),
            (
                "ReceiveMessageWaitTimeSeconds",
                self.receive_wait_seconds.to_string(),
            ),
            ("SqsManagedSseEnabled", self.managed_encryption.to_string()),
        ];
        if let Some(fifo) = &self.fifo {
            let scope = match fifo.deduplication_scope {
                DeduplicationScope::Queue => "queue",
                DeduplicationScope::MessageGroup => "messageGroup",
            };
            let limit = match fifo.throughput_limit {
                ThroughputLimit::PerQueue => "perQueue",
                ThroughputLimit::PerMessageGroup => "perMessageGroupId",
            };
            shown.extend([
                ("FifoQueue", true.to_string()),
                (
                    "ContentBasedDeduplication",
                    fifo.content_based_deduplication.to_string(),
                ),
                ("DeduplicationScope", scope.to_owned()),
                ("FifoThroughputLimit", limit.to_owned()),
            ]);
        }
        let optional = [
            (
                "RedrivePolicy",
                self.redrive.as_ref().map(super::Redrive::render),
            ),
            (
                "RedriveAllowPolicy",
                self.redrive_allow.as_ref().map(super::RedriveAllow::render),
            ),
            ("Policy", self.policy.clone()),
            ("KmsMasterKeyId", self.kms_key.clone()),
            (
                "KmsDataKeyReusePeriodSeconds",
                self.kms_reuse_seconds.map(|seconds| seconds.to_string()),
            ),
        ];
        shown.extend(
            optional
                .into_iter()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        shown
    }
}
