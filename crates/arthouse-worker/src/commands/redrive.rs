use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use sqs_consumer::{
    CancellationToken, Context, Disposition, Message, Queue as _, QueueError, Receive, Received,
    SqsQueue, dead_letter,
};

use super::CommandHandler;
use super::handler::FORBIDDEN_SENDER;

/// How long dead letters stay hidden from others meanwhile.
const VISIBILITY: Duration = Duration::from_secs(10 * 60);
/// The dead-letter queue is empty if there is no message for so long.
const WAIT: Duration = Duration::from_secs(1);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// What the wait behind another dead letter of the same group is called.
const BEHIND: &str = "behind another one of its group";

/// Carries out dead-lettered commands from their queue.
///
/// "Now" is the time at which a command was first sent, from the attribute that its dead letter has. It can be trusted here, and nowhere
/// else: only the worker and SQS put messages into this queue, and a sender's own attribute of that name is renamed on the way.
#[derive(Debug)]
pub struct CommandRedrive {
    queue: SqsQueue,
    handler: CommandHandler,
}

/// What was done with the dead letters.
#[derive(Debug, Default)]
pub struct CommandRedriveReport {
    /// Commands that have their outcome now; their dead letters are deleted.
    pub carried_out: usize,
    /// Dead letters that stay.
    pub remaining: Vec<RemainingDeadLetter>,
}

/// A dead letter that stays in its queue.
#[derive(Debug)]
pub struct RemainingDeadLetter {
    /// The id of the message.
    pub message_id: String,
    /// Why it could not be carried out.
    pub reason: String,
}

impl CommandRedrive {
    pub(crate) fn new(client: &aws_sdk_sqs::Client, url: &str, handler: CommandHandler) -> Self {
        Self {
            queue: SqsQueue::new(client, url, WAIT, REQUEST_TIMEOUT),
            handler,
        }
    }

    /// Carries out the dead letters, those of a group in their order, until no more are found or `stop` fires. What can't be carried out
    /// stays, with what is behind it in its group.
    ///
    /// # Errors
    /// Returns the failed request to SQS. A repetition does no harm: receipts recognise what was carried out.
    pub async fn run(&self, stop: &CancellationToken) -> Result<CommandRedriveReport, QueueError> {
        let mut report = CommandRedriveReport::default();
        let mut held = Vec::new();
        let request = Receive {
            max_messages: sqs_consumer::MAX_BATCH_ENTRIES,
            wait_time: WAIT,
            visibility_timeout: VISIBILITY,
        };
        while !stop.is_cancelled() {
            let batch = self.queue.receive(request).await?;
            if batch.is_empty() {
                break;
            }
            let (mut blocked, mut done) = (BTreeSet::new(), Vec::new());
            for Received { message, receipt } in batch {
                let group = message.group_id().map(str::to_owned);
                let failed = if blocked.contains(&group) {
                    Some(BEHIND.to_owned())
                } else {
                    self.carry_out(&message).await
                };
                let Some(reason) = failed else {
                    done.push(receipt);
                    continue;
                };
                blocked.insert(group);
                held.push((receipt, Duration::ZERO));
                let message_id = message.message_id().to_owned();
                report
                    .remaining
                    .push(RemainingDeadLetter { message_id, reason });
            }
            report.carried_out += done.len();
            if !done.is_empty() {
                self.queue.delete(done).await?;
            }
        }
        for released in held.chunks(sqs_consumer::MAX_BATCH_ENTRIES) {
            self.queue.change_visibility(released.to_vec()).await?;
        }
        Ok(report)
    }

    /// Returns why the command has no outcome.
    async fn carry_out(&self, message: &Message) -> Option<String> {
        // The sender of a dead letter is the worker, or was looked at before. What it refused stays refused.
        if is_refused(message) {
            return Some(FORBIDDEN_SENDER.to_owned());
        }
        let context = Context::new(message, 1, CancellationToken::new());
        let handled = self
            .handler
            .handle_at(message, &context, first_sent(message), None);
        match handled.await {
            Disposition::Done => None,
            Disposition::Retry { reason, .. } | Disposition::Defer { reason, .. } => Some(reason),
            Disposition::DeadLetter { reason, detail } => Some(format!("{reason}: {detail}")),
        }
    }
}

/// Returns whether the worker has found that the message's sender is none of its source.
fn is_refused(message: &Message) -> bool {
    message.moved_from().is_none() && message.attribute("reason") == Some(FORBIDDEN_SENDER)
}

/// Returns when the command was sent. Dead letters of earlier versions, and those that SQS moved itself, don't say; for them it is when they were
/// dead-lettered.
fn first_sent(message: &Message) -> SystemTime {
    let of_worker = message.moved_from().is_none();
    let told = message
        .attribute(dead_letter::SENT_AT)
        .filter(|_| of_worker);
    let first = told
        .and_then(|milliseconds| milliseconds.parse().ok())
        .and_then(|milliseconds| {
            SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds))
        });
    first.map_or(message.sent_at(), |first| first.min(message.sent_at()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_of_a_foreign_sender_is_not_carried_out() {
        let letter = |reason| Message::new("m", "b").with_attributes([("reason", reason)]);
        assert!(is_refused(&letter(FORBIDDEN_SENDER)));
        assert!(!is_refused(&letter("OUTCOME_REFUSED")));
        assert!(!is_refused(&Message::new("m", "b")));
        // SQS leaves the attributes of the sender as they are.
        let moved = letter(FORBIDDEN_SENDER).with_moved_from(Some("arn:commands".to_owned()));
        assert!(!is_refused(&moved));
    }

    #[test]
    fn a_dead_letter_was_first_sent_when_it_says_and_not_after_it_was_dead_lettered() {
        let at = |milliseconds| SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
        let letter = |told: Option<&str>| {
            let told = told.map(|told| (dead_letter::SENT_AT, told));
            Message::new("m", "b")
                .with_sent_at(at(5_000))
                .with_attributes(told)
        };
        for (told, first) in [
            (Some("1234"), 1_234),
            (Some("5001"), 5_000),
            (Some("-1"), 5_000),
            (Some("18446744073709551616"), 5_000),
            (Some("yesterday"), 5_000),
            (None, 5_000),
        ] {
            assert_eq!(first_sent(&letter(told)), at(first), "{told:?}");
        }
        // SQS leaves the attributes of the sender as they are.
        let moved = letter(Some("1234")).with_moved_from(Some("arn:commands".to_owned()));
        assert_eq!(first_sent(&moved), at(5_000));
    }
}
