use std::collections::HashMap;
use std::error::Error;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::QueueAttributeName;

use super::{Queue, QueueNames, QueueUrls};

/// The retention of messages: the maximum of SQS, 14 days, so an outage of days loses none.
const RETENTION_SECONDS: &str = "1209600";
/// The visibility timeout of a command for whom asks for none with the receive: AWS Lambda, whose functions need six times their own time-out.
const VISIBILITY_SECONDS: &str = "180";
/// The `maxReceiveCount` of the redrive policy. It is far above the consumer's own limits, so throttling or a deployment moves no command
/// to the dead-letter queue.
const MAX_RECEIVES: u32 = 1_000;

/// A failure of a request to SQS.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// A request failed, after the SDK's own retries.
    #[error("{operation} failed for queue {queue}")]
    Request {
        /// The API operation.
        operation: &'static str,
        /// The queue's name.
        queue: String,
        /// The SDK's error.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A queue does not exist.
    #[error("there is no queue {0}; `arthouse provision` makes it")]
    Missing(String),
}

/// Finds the queues.
///
/// # Errors
/// Returns [`QueueError::Missing`] for the first queue that does not exist, else the failed request.
pub async fn find_queues(client: &Client, names: &QueueNames) -> Result<QueueUrls, QueueError> {
    let find = async |queue| {
        let name = names.name(queue);
        find_queue(client, &name)
            .await?
            .ok_or(QueueError::Missing(name))
    };
    Ok(QueueUrls {
        commands: find(Queue::Commands).await?,
        commands_dlq: find(Queue::CommandsDlq).await?,
        outcomes: find(Queue::Outcomes).await?,
        notifications: find(Queue::Notifications).await?,
        stream_dlq: find(Queue::StreamDlq).await?,
    })
}

/// Creates the absent queues. Of existing queues, only the commands queue is changed, if it does not deduplicate by content: earlier
/// versions left the deduplication id to its senders.
///
/// # Errors
/// Returns the failed request; a repetition continues where this one stopped.
pub(crate) async fn provision_queues(
    client: &Client,
    names: &QueueNames,
) -> Result<QueueUrls, QueueError> {
    for queue in Queue::ALL {
        let name = names.name(queue);
        if let Some(url) = find_queue(client, &name).await? {
            if queue == Queue::Commands {
                deduplicate_by_content(client, &name, &url).await?;
            }
            continue;
        }
        let mut attributes = attributes(queue);
        if queue == Queue::Commands {
            let dlq = arn(client, &names.name(Queue::CommandsDlq)).await?;
            let policy =
                format!(r#"{{"deadLetterTargetArn":"{dlq}","maxReceiveCount":{MAX_RECEIVES}}}"#);
            attributes.insert(QueueAttributeName::RedrivePolicy, policy);
        }
        let request = client
            .create_queue()
            .queue_name(&name)
            .set_attributes(Some(attributes));
        request
            .send()
            .await
            .map_err(|e| failed("CreateQueue", &name, e))?;
    }
    find_queues(client, names).await
}

fn attributes(queue: Queue) -> HashMap<QueueAttributeName, String> {
    use QueueAttributeName as Name;
    let mut attributes =
        HashMap::from([(Name::MessageRetentionPeriod, RETENTION_SECONDS.to_owned())]);
    let mut set = |name, value: &str| attributes.insert(name, value.to_owned());
    set(Name::SqsManagedSseEnabled, "true");
    if queue.is_fifo() {
        // High throughput: order and deduplication per message group.
        set(Name::FifoQueue, "true");
        set(Name::DeduplicationScope, "messageGroup");
        set(Name::FifoThroughputLimit, "perMessageGroupId");
    }
    if queue == Queue::Commands {
        set(Name::VisibilityTimeout, VISIBILITY_SECONDS);
        // An id is unique within its source only, so no sender may deduplicate by it.
        set(Name::ContentBasedDeduplication, "true");
    }
    attributes
}

async fn deduplicate_by_content(client: &Client, name: &str, url: &str) -> Result<(), QueueError> {
    let request = client
        .set_queue_attributes()
        .queue_url(url)
        .attributes(QueueAttributeName::ContentBasedDeduplication, "true");
    let set = request.send().await;
    set.map_err(|e| failed("SetQueueAttributes", name, e))?;
    Ok(())
}

async fn find_queue(client: &Client, name: &str) -> Result<Option<String>, QueueError> {
    match client.get_queue_url().queue_name(name).send().await {
        Ok(output) => Ok(output.queue_url),
        Err(e)
            if e.as_service_error()
                .is_some_and(GetQueueUrlError::is_queue_does_not_exist) =>
        {
            Ok(None)
        }
        Err(e) => Err(failed("GetQueueUrl", name, e)),
    }
}

async fn arn(client: &Client, name: &str) -> Result<String, QueueError> {
    let missing = || QueueError::Missing(name.to_owned());
    let url = find_queue(client, name).await?.ok_or_else(missing)?;
    let request = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::QueueArn);
    let output = request
        .send()
        .await
        .map_err(|e| failed("GetQueueAttributes", name, e))?;
    output
        .attributes
        .and_then(|mut attributes| attributes.remove(&QueueAttributeName::QueueArn))
        .ok_or_else(missing)
}

pub(super) fn failed(
    operation: &'static str,
    queue: &str,
    source: impl Error + Send + Sync + 'static,
) -> QueueError {
    QueueError::Request {
        operation,
        queue: queue.to_owned(),
        source: Box::new(source),
    }
}
