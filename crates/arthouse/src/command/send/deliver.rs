use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_sqs::Client;
use futures::{StreamExt, TryStreamExt, future};
use sqs_consumer::{BatchSender, OutgoingMessage, SenderSettings};

use crate::ticker::Ticker;

use crate::exit::Failure;
use crate::signals;

/// Requests under way at once; more than a worker's, since a file is sent as fast as can be.
const REQUESTS_IN_FLIGHT: usize = 16;
/// Message groups that are sent side by side: enough to fill the requests with ten entries each, twice over.
const GROUPS_IN_FLIGHT: usize = REQUESTS_IN_FLIGHT * 20;

/// What may be done after a part was sent.
const SAFE_AGAIN: &str = "to send the same file again is safe, a command id takes effect once";

/// Sends messages in batches: each group's in their order, groups side by side. Shows how far it is on a terminal.
///
/// # Errors
/// Returns the first that could not be sent, and how many were.
pub(super) async fn deliver(
    sqs: &Client,
    queue: &str,
    messages: Vec<OutgoingMessage>,
) -> Result<()> {
    let total = messages.len();
    let settings = SenderSettings::default()
        .with_max_concurrent_requests(REQUESTS_IN_FLIGHT)
        .with_linger(Duration::from_millis(2));
    let sender = BatchSender::new(sqs.clone(), queue, settings)?;
    let send_group = |group: Vec<OutgoingMessage>| {
        let sender = sender.clone();
        async move {
            for message in group {
                sender.send(message).await?;
            }
            Ok::<_, sqs_consumer::SendError>(())
        }
    };
    let sending = futures::stream::iter(groups(messages))
        .map(send_group)
        .buffer_unordered(GROUPS_IN_FLIGHT)
        .try_for_each(|()| future::ready(Ok(())));
    let ticker = Ticker::start();
    let sent = tokio::select! {
        sent = sending => sent,
        () = ticker.follow(|| format!("{} of {total} sent", sender.counters().sent)) => Ok(()),
        () = signals::interrupted()? => {
            let sent = sender.counters().sent;
            bail!(Failure::Interrupted(format!("{sent} of {total} commands were sent; {SAFE_AGAIN}")));
        }
    };
    sent.with_context(|| {
        let sent = sender.counters().sent;
        format!("{sent} of {total} commands were sent; {SAFE_AGAIN}")
    })
}

/// Parts messages by group, groups and messages in their order.
fn groups(messages: Vec<OutgoingMessage>) -> Vec<Vec<OutgoingMessage>> {
    let mut places = HashMap::new();
    let mut groups: Vec<Vec<_>> = Vec::new();
    for message in messages {
        let place = *places
            .entry(message.group_id.clone())
            .or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(message),
            None => groups.push(vec![message]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn message(group: &str, body: &str) -> OutgoingMessage {
        OutgoingMessage {
            body: body.to_owned(),
            group_id: Some(group.to_owned()),
            deduplication_id: None,
            attributes: BTreeMap::new(),
        }
    }

    #[test]
    fn a_groups_messages_keep_their_order() {
        let messages = ["a1", "b1", "a2", "c1", "b2", "a3"].map(|body| message(&body[..1], body));
        let bodies: Vec<Vec<String>> = groups(messages.into())
            .into_iter()
            .map(|group| group.into_iter().map(|message| message.body).collect())
            .collect();
        assert_eq!(
            bodies,
            [vec!["a1", "a2", "a3"], vec!["b1", "b2"], vec!["c1"]]
        );
    }
}
