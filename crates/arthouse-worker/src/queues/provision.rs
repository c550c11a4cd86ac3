use std::collections::HashMap;
use std::error::Error;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError;
use aws_sdk_sqs::types::QueueAttributeName;

use super::{Queue, QueueNames, QueueUrls};

/// How long messages are kept: the longest that SQS offers, so that an outage of days loses none.
const RETENTION_SECONDS: &str = "1209600";
/// How long a received command is hidden at first; the consumer extends it while it works.
const VISIBILITY_SECONDS: &str = "30";
/// How often a command may be received before the queue itself gives up on it: the last net, far beyond what the consumer's own
/// policy allows, so that throttling or a deployment does not burn commands.
const MAX_RECEIVES: u32 = 1_000;

/// What can fail between us and the queues.
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
    /// A queue is not there.
    #[error("there is no queue {0}; `arthouse provision` makes it")]
    Missing(String),
}

/// Finds the queues.
///
/// # Errors
/// Returns [`QueueError::Missing`] for the first that is not there, else what failed.
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

/// Makes the queues that are absent. Queues that are there are left as they are.
///
/// # Errors
/// Returns what failed; a repetition goes on where this stopped.
pub(crate) async fn provision_queues(
    client: &Client,
    names: &QueueNames,
) -> Result<QueueUrls, QueueError> {
    for queue in Queue::ALL {
        let name = names.name(queue);
        if find_queue(client, &name).await?.is_some() {
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
        // High throughput: groups are ordered and deduplicated by themselves.
        set(Name::FifoQueue, "true");
        set(Name::DeduplicationScope, "messageGroup");
        set(Name::FifoThroughputLimit, "perMessageGroupId");
    }
    if queue == Queue::Commands {
        set(Name::VisibilityTimeout, VISIBILITY_SECONDS);
    }
    attributes
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
