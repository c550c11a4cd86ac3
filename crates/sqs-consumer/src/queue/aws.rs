//! The port on the AWS SDK.

mod classify;
pub(super) mod convert;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::retry::RetryConfig;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry,
    MessageSystemAttributeName, SendMessageBatchRequestEntry,
};

use super::{
    BatchResult, EntryError, OutgoingMessage, Queue, QueueError, Receipt, Receive, Received,
};
use classify::{queue_error, unbuilt};
use convert::{received, sdk_attribute};

/// A queue in SQS.
#[derive(Clone)]
pub struct SqsQueue {
    polling: Client,
    settling: Client,
    url: String,
}

impl SqsQueue {
    /// Makes a queue of a client and a queue URL.
    ///
    /// It uses the credentials, endpoint and HTTP connections of the client, but not its retries and timeouts. This crate retries by itself
    /// and counts each request. A receive gets a timeout of `wait_time` plus `request_timeout`, since a timeout below the wait time would
    /// strand the received messages; every other request gets `request_timeout`.
    #[must_use]
    pub fn new(
        client: &Client,
        url: impl Into<String>,
        wait_time: Duration,
        request_timeout: Duration,
    ) -> Self {
        Self {
            polling: with_timeout(client, wait_time.saturating_add(request_timeout)),
            settling: with_timeout(client, request_timeout),
            url: url.into(),
        }
    }
}

impl fmt::Debug for SqsQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqsQueue")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

fn with_timeout(client: &Client, limit: Duration) -> Client {
    let given = client
        .config()
        .timeout_config()
        .map_or_else(TimeoutConfig::builder, TimeoutConfig::to_builder);
    let timeouts = given
        .read_timeout(limit)
        .operation_attempt_timeout(limit)
        .operation_timeout(limit)
        .build();
    let config = client
        .config()
        .to_builder()
        .timeout_config(timeouts)
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

impl Queue for SqsQueue {
    fn name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }

    fn is_fifo(&self) -> bool {
        self.url.ends_with(".fifo")
    }

    async fn receive(&self, request: Receive) -> Result<Vec<Received>, QueueError> {
        let output = self
            .polling
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(count(request.max_messages))
            .wait_time_seconds(whole_seconds(request.wait_time))
            .visibility_timeout(whole_seconds(request.visibility_timeout))
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .message_attribute_names("All")
            .send()
            .await
            .map_err(|error| queue_error("ReceiveMessage", error))?;
        Ok(output
            .messages
            .unwrap_or_default()
            .into_iter()
            .filter_map(received)
            .collect())
    }

    async fn delete(&self, receipts: Vec<Receipt>) -> BatchResult {
        let entries: Result<Vec<_>, _> = receipts
            .iter()
            .enumerate()
            .map(|(i, receipt)| {
                DeleteMessageBatchRequestEntry::builder()
                    .id(i.to_string())
                    .receipt_handle(&**receipt)
                    .build()
            })
            .collect();
        let output = self
            .settling
            .delete_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(
                entries.map_err(|error| unbuilt("DeleteMessageBatch", error))?,
            ))
            .send()
            .await
            .map_err(|error| queue_error("DeleteMessageBatch", error))?;
        let accepted = output.successful.into_iter().map(|entry| entry.id);
        Ok(by_position(receipts.len(), accepted, output.failed))
    }

    async fn change_visibility(&self, changes: Vec<(Receipt, Duration)>) -> BatchResult {
        let entries: Result<Vec<_>, _> = changes
            .iter()
            .enumerate()
            .map(|(i, (receipt, visibility))| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(i.to_string())
                    .receipt_handle(&**receipt)
                    .visibility_timeout(whole_seconds(*visibility))
                    .build()
            })
            .collect();
        let output = self
            .settling
            .change_message_visibility_batch()
            .queue_url(&self.url)
            .set_entries(Some(
                entries.map_err(|error| unbuilt("ChangeMessageVisibilityBatch", error))?,
            ))
            .send()
            .await
            .map_err(|error| queue_error("ChangeMessageVisibilityBatch", error))?;
        let accepted = output.successful.into_iter().map(|entry| entry.id);
        Ok(by_position(changes.len(), accepted, output.failed))
    }

    async fn send(&self, messages: Vec<Arc<OutgoingMessage>>) -> BatchResult {
        let mut entries = Vec::with_capacity(messages.len());
        for (i, message) in messages.iter().enumerate() {
            let mut entry = SendMessageBatchRequestEntry::builder()
                .id(i.to_string())
                .message_body(&message.body)
                .set_message_group_id(message.group_id.clone())
                .set_message_deduplication_id(message.deduplication_id.clone());
            for (name, value) in &message.attributes {
                let value =
                    sdk_attribute(value).map_err(|error| unbuilt("SendMessageBatch", error))?;
                entry = entry.message_attributes(name, value);
            }
            entries.push(
                entry
                    .build()
                    .map_err(|error| unbuilt("SendMessageBatch", error))?,
            );
        }
        let output = self
            .settling
            .send_message_batch()
            .queue_url(&self.url)
            .set_entries(Some(entries))
            .send()
            .await
            .map_err(|error| queue_error("SendMessageBatch", error))?;
        let accepted = output.successful.into_iter().map(|entry| entry.id);
        Ok(by_position(messages.len(), accepted, output.failed))
    }
}

/// Orders the results of a batch by its entries. An entry without a result may be retried.
fn by_position(
    entries: usize,
    accepted: impl Iterator<Item = String>,
    failed: Vec<aws_sdk_sqs::types::BatchResultErrorEntry>,
) -> Vec<Result<(), EntryError>> {
    let unanswered = || {
        Err(EntryError {
            code: "NoAnswer".to_owned(),
            transient: true,
        })
    };
    let mut results: Vec<_> = (0..entries).map(|_| unanswered()).collect();
    let position = |id: &str| id.parse::<usize>().ok().filter(|i| *i < entries);
    for i in accepted.filter_map(|id| position(&id)) {
        results[i] = Ok(());
    }
    for entry in failed {
        if let Some(i) = position(&entry.id) {
            results[i] = Err(classify::entry_error(entry));
        }
    }
    results
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn whole_seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use aws_sdk_sqs::types::BatchResultErrorEntry;

    use super::*;

    #[test]
    fn answers_are_put_in_the_order_of_the_entries_and_a_missing_one_counts_as_failed() {
        let failed = BatchResultErrorEntry::builder()
            .id("2")
            .code("ReceiptHandleIsInvalid")
            .sender_fault(true)
            .build()
            .unwrap();

        let results = by_position(
            4,
            ["3", "0", "17", "x"].into_iter().map(str::to_owned),
            vec![failed],
        );

        assert_eq!((&results[0], &results[3]), (&Ok(()), &Ok(())));
        assert!(results[1].as_ref().unwrap_err().transient);
        assert_eq!(
            results[2].as_ref().unwrap_err().code,
            "ReceiptHandleIsInvalid"
        );
    }
}
