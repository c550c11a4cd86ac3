use std::collections::BTreeMap;
use std::time::SystemTime;

use arthouse_core::{
    Command, EventId, Malformed, Outcome, Receipt, Refusal, Rejection, SourceRules, Timestamp,
    decide,
};
use arthouse_store::{Commit, Store, StoreError};
use chrono::{DateTime, Utc};
use sqs_consumer::{
    BatchSender, Context, Disposition, Handler, Message, OutgoingMessage, SendError,
};
use tracing::{Instrument, info, info_span, warn};

use crate::chain;

/// The maximum of decisions of a command whose records change between load and commit. After more conflicts, a later retry is
/// better.
const MAX_DECISIONS: u32 = 5;

/// The reason of the dead letter of a command whose outcome the queue refuses for good.
const OUTCOME_REFUSED: &str = "OUTCOME_REFUSED";

/// The reason of the dead letter of a message in the name of a source that is not its sender's.
pub(super) const FORBIDDEN_SENDER: &str = "FORBIDDEN_SENDER";

/// Carries out commands. A message is done when its outcome is stored and sent; until then the message is the outbox entry.
///
/// Malformed messages go to the dead-letter queue. Failures that may pass (throttling, conflicts, time-outs, sessions not initialised
/// yet) are retried without counting an attempt.
#[derive(Debug, Clone)]
pub struct CommandHandler {
    store: Store,
    outcomes: BatchSender,
    sources: SourceRules,
}

impl CommandHandler {
    /// Makes a handler that writes to a store and sends outcomes.
    pub(crate) fn new(store: Store, outcomes: BatchSender, sources: SourceRules) -> Self {
        Self {
            store,
            outcomes,
            sources,
        }
    }

    /// Carries out the command of a message as of the time at which it was sent. The sender is checked if it is given.
    pub(super) async fn handle_at(
        &self,
        message: &Message,
        context: &Context,
        sent_at: SystemTime,
        sender: Option<&str>,
    ) -> Disposition {
        let attributes = message.attributes().iter();
        let attributes =
            attributes.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)));
        let command = match Command::parse_message(message.body(), attributes) {
            Ok(command) => command,
            Err(malformed) => return dead_letter(malformed),
        };
        let source = &command.metadata.source;
        if sender.is_some_and(|sender| !self.sources.is_sender(source, sender)) {
            return Disposition::DeadLetter {
                reason: FORBIDDEN_SENDER.to_owned(),
                detail: format!("the sender is none of the source {source}"),
            };
        }
        let subject = command.action.subject();
        let span = info_span!(
            "command",
            command.id = %command.metadata.id,
            command.source = %command.metadata.source,
            command.type = %command.action.command_type(),
            user.id = subject.user_id().map(tracing::field::display),
            course.id = %subject.course_id(),
            attempt = context.attempt(),
        );
        let now = DateTime::<Utc>::from(sent_at).into();
        self.carry_out(&command, message, now)
            .instrument(span)
            .await
    }

    async fn carry_out(&self, command: &Command, message: &Message, now: Timestamp) -> Disposition {
        let settled = match self.sources.check(command) {
            Ok(()) => settle(&self.store, command, now).await,
            Err(rejection) => reject(&self.store, command, &rejection, now).await,
        };
        match settled {
            Ok(Settled::Decided(receipt)) => self.publish(command, &receipt, message).await,
            Ok(Settled::TooEarly) => {
                info!("sessions are not initialised yet");
                put_off("sessions are not initialised yet")
            }
            Ok(Settled::Contended) => put_off("the records changed during each decision"),
            Err(error) => not_settled(&error),
        }
    }

    async fn publish(
        &self,
        command: &Command,
        receipt: &Receipt,
        message: &Message,
    ) -> Disposition {
        let event = match receipt.event_for(command) {
            Ok(event) => event,
            Err(malformed) => return dead_letter(malformed),
        };
        let sent = self.outcomes.send(OutgoingMessage {
            group_id: Some(command.action.subject().message_group().to_owned()),
            // One outcome per message: SQS drops the outcome of a redelivery within five minutes, but not that of a duplicate message.
            deduplication_id: Some(deduplication_id(event.id.as_str(), message.message_id())),
            body: event.to_body(),
            attributes: BTreeMap::new(),
        });
        match sent.await {
            Ok(()) => {
                log_outcome(&receipt.outcome);
                Disposition::Done
            }
            Err(error) => {
                warn!(error = chain(&error), "the outcome was not sent");
                not_sent(&error)
            }
        }
    }
}

impl Handler for CommandHandler {
    async fn handle(&self, message: &Message, context: &Context) -> Disposition {
        let sender = message.sender_id().unwrap_or_default();
        self.handle_at(message, context, message.sent_at(), Some(sender))
            .await
    }
}

/// The result of a command.
#[derive(Debug)]
enum Settled {
    /// It has its outcome, new or stored before.
    Decided(Box<Receipt>),
    /// Its sessions are not initialised yet.
    TooEarly,
    /// Its records changed during each decision.
    Contended,
}

/// Loads, decides and commits a command, with up to [`MAX_DECISIONS`] decisions.
async fn settle(store: &Store, command: &Command, now: Timestamp) -> Result<Settled, StoreError> {
    for _ in 0..MAX_DECISIONS {
        let loaded = store.load_for(&command.action).await?;
        let (receipt, commit) = match decide(&loaded.state, command, now) {
            Ok(transition) => {
                let receipt = Receipt::new(command, Outcome::Applied, now);
                let commit = store.commit(&loaded, &transition, &receipt).await?;
                (receipt, commit)
            }
            Err(Refusal::Rejected(rejection)) => {
                let receipt = Receipt::new(command, Outcome::from(&rejection), now);
                let commit = store.put_receipt(&receipt).await?;
                (receipt, commit)
            }
            Err(Refusal::SessionsNotInitialized) => return Ok(Settled::TooEarly),
        };
        match commit {
            Commit::Committed => return Ok(Settled::Decided(Box::new(receipt))),
            Commit::Duplicate(first) => return Ok(Settled::Decided(first)),
            Commit::Moved => {}
        }
    }
    Ok(Settled::Contended)
}

/// Rejects a command without a look at the school's records.
async fn reject(
    store: &Store,
    command: &Command,
    rejection: &Rejection,
    now: Timestamp,
) -> Result<Settled, StoreError> {
    let receipt = Receipt::new(command, Outcome::from(rejection), now);
    Ok(match store.put_receipt(&receipt).await? {
        Commit::Committed => Settled::Decided(Box::new(receipt)),
        Commit::Duplicate(first) => Settled::Decided(first),
        Commit::Moved => Settled::Contended,
    })
}

fn deduplication_id(outcome_id: &str, message_id: &str) -> String {
    EventId::derive(&[outcome_id, message_id]).to_string()
}

/// Retries a command after a growing delay, without counting an attempt.
fn put_off(reason: &str) -> Disposition {
    Disposition::Defer {
        after: None,
        reason: reason.to_owned(),
    }
}

fn dead_letter(malformed: Malformed) -> Disposition {
    Disposition::DeadLetter {
        reason: malformed.reason.code().to_owned(),
        detail: malformed.detail,
    }
}

/// A failure that does not pass, such as an unreadable item, counts as an attempt. All others may pass.
fn not_settled(error: &StoreError) -> Disposition {
    warn!(error = chain(error), "the command failed");
    match error {
        StoreError::Decode(_)
        | StoreError::Sweep { .. }
        | StoreError::Overdrawn { .. }
        | StoreError::EnrollmentMissing(_)
        | StoreError::ScheduleTooShort(_)
        | StoreError::TableDiffers { .. } => Disposition::Retry {
            after: None,
            reason: error.to_string(),
        },
        StoreError::Request { .. } | StoreError::Contended(_) | StoreError::Unprocessed(_) => {
            put_off(&error.to_string())
        }
    }
}

/// An outcome that the queue refuses for good is never sent. Its command, which was carried out, is dead-lettered at once, since the
/// commands behind it wait.
fn not_sent(error: &SendError) -> Disposition {
    if error.is_permanent() {
        Disposition::DeadLetter {
            reason: OUTCOME_REFUSED.to_owned(),
            detail: error.to_string(),
        }
    } else {
        put_off("the outcome was not sent")
    }
}

fn log_outcome(outcome: &Outcome) {
    match outcome {
        Outcome::Applied => info!("command applied"),
        Outcome::Rejected { code, .. } => info!(code, "command rejected"),
    }
}

#[cfg(test)]
mod tests {
    use sqs_consumer::ErrorKind;

    use super::*;

    #[test]
    fn an_outcome_that_is_refused_for_good_is_not_put_off() {
        let refused = SendError::Refused {
            code: "InvalidMessageContents".to_owned(),
        };
        let reason = |error| match not_sent(&error) {
            Disposition::DeadLetter { reason, .. } | Disposition::Defer { reason, .. } => reason,
            other @ (Disposition::Done | Disposition::Retry { .. }) => panic!("{other:?}"),
        };
        assert_eq!(reason(refused), OUTCOME_REFUSED);
        let throttled = SendError::Failed {
            attempts: 8,
            kind: ErrorKind::Throttled,
        };
        assert_eq!(reason(throttled), "the outcome was not sent");
    }
}
