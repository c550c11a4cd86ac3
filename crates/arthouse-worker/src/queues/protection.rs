use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::provision::failed;
use super::{Queue, QueueError, QueueNames, QueueUrls};

/// Protects the queues: a redrive allow policy, and a policy that refuses requests without TLS. Existing policies are kept. Adds the
/// tags.
///
/// # Errors
/// Returns the failed request; a repetition continues where this one stopped.
pub(crate) async fn protect_queues(
    client: &Client,
    names: &QueueNames,
    urls: &QueueUrls,
    tags: &[(&str, &str)],
) -> Result<(), QueueError> {
    for queue in Queue::ALL {
        let (name, url) = (names.name(queue), urls.url(queue));
        let found = attributes(client, &name, url).await?;
        let wanted = guards(queue, names, found.get(&QueueAttributeName::QueueArn));
        let lacking: HashMap<_, _> = wanted
            .into_iter()
            .filter(|(attribute, _)| found.get(attribute).is_none_or(String::is_empty))
            .map(|(attribute, value)| (attribute, value.to_string()))
            .collect();
        if !lacking.is_empty() {
            let request = client.set_queue_attributes().queue_url(url);
            let set = request.set_attributes(Some(lacking)).send().await;
            set.map_err(|e| failed("SetQueueAttributes", &name, e))?;
        }
        let mut request = client.tag_queue().queue_url(url);
        for (key, value) in tags {
            request = request.tags(*key, *value);
        }
        let tagged = request.send().await;
        tagged.map_err(|e| failed("TagQueue", &name, e))?;
    }
    Ok(())
}

async fn attributes(
    client: &Client,
    name: &str,
    url: &str,
) -> Result<HashMap<QueueAttributeName, String>, QueueError> {
    let request = client
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(QueueAttributeName::All);
    let output = request.send().await;
    let output = output.map_err(|e| failed("GetQueueAttributes", name, e))?;
    Ok(output.attributes.unwrap_or_default())
}

fn guards(
    queue: Queue,
    names: &QueueNames,
    arn: Option<&String>,
) -> Vec<(QueueAttributeName, Value)> {
    let arn = arn.map(String::as_str).unwrap_or_default();
    let tls_only = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "RefusePlainHttp",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sqs:*",
            "Resource": arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }],
    });
    let redrive = match queue {
        Queue::CommandsDlq => {
            let commands = arn.replace(
                &names.name(Queue::CommandsDlq),
                &names.name(Queue::Commands),
            );
            json!({"redrivePermission": "byQueue", "sourceQueueArns": [commands]})
        }
        Queue::Commands | Queue::Outcomes | Queue::Notifications | Queue::StreamDlq => {
            json!({"redrivePermission": "denyAll"})
        }
    };
    vec![
        (QueueAttributeName::Policy, tls_only),
        (QueueAttributeName::RedriveAllowPolicy, redrive),
    ]
}
