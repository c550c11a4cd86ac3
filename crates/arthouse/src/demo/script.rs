//! What is sent, and what should become of it.

use anyhow::{Context, Result};
use arthouse_core::{Action, Actor, ActorType, Command, Metadata, Timestamp};

/// A message for the commands queue.
#[derive(Debug, Clone)]
pub(super) struct Post {
    /// The message group.
    pub(super) group: String,
    /// The deduplication id; none leaves it to the queue, which goes by the body.
    pub(super) deduplication_id: Option<String>,
    /// The body.
    pub(super) body: String,
    /// What should become of it.
    pub(super) expected: Expectation,
}

/// What should become of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expectation {
    /// The command with this id gets an outcome; no code means that it is applied.
    Outcome {
        /// The command's id.
        command_id: String,
        /// The rejection's code.
        code: Option<&'static str>,
    },
    /// It becomes a dead letter with this reason.
    DeadLetter {
        /// The reason.
        reason: &'static str,
    },
}

/// Writes commands, numbering them.
#[derive(Debug)]
pub(super) struct Script {
    prefix: &'static str,
    now: Timestamp,
    written: u32,
}

/// The source of all commands of the demonstration.
pub(super) const SOURCE: &str = "urn:digitalarthouse:demo";

impl Script {
    pub(super) fn new(prefix: &'static str, now: Timestamp) -> Self {
        Self {
            prefix,
            now,
            written: 0,
        }
    }

    /// Writes a command that should be applied, or rejected with a code.
    pub(super) fn command(
        &mut self,
        actor: &Actor,
        action: &Action,
        code: Option<&'static str>,
    ) -> Result<Post> {
        self.written += 1;
        let id = format!("{}-{:06}", self.prefix, self.written);
        let metadata = Metadata {
            id: id.parse().context("a command id")?,
            source: SOURCE.parse().context("a source")?,
            correlation_id: None,
            traceparent: None,
        };
        Ok(Post {
            group: action.subject().message_group().to_owned(),
            deduplication_id: None,
            body: action.to_body(&metadata, actor, self.now),
            expected: Expectation::Outcome {
                command_id: id,
                code,
            },
        })
    }
}

impl Post {
    /// The same message once more, as a producer sends it that did not hear the answer.
    pub(super) fn again(&self) -> Self {
        Self {
            deduplication_id: Some("again".to_owned()),
            ..self.clone()
        }
    }

    /// Another body under the same command id: a producer's defect.
    pub(super) fn reused_for(&self, other: &Self) -> Result<Self> {
        let mut event: serde_json::Value = serde_json::from_str(&other.body)?;
        event["id"] = serde_json::from_str::<serde_json::Value>(&self.body)?["id"].clone();
        Ok(Self {
            group: self.group.clone(),
            deduplication_id: None,
            body: event.to_string(),
            expected: Expectation::DeadLetter {
                reason: "COMMAND_ID_REUSED",
            },
        })
    }

    /// A message that is no command.
    pub(super) fn malformed(body: impl Into<String>, reason: &'static str) -> Self {
        Self {
            group: "malformed".to_owned(),
            deduplication_id: None,
            body: body.into(),
            expected: Expectation::DeadLetter { reason },
        }
    }

    /// A command with one text of its body put in another's place.
    pub(super) fn spoiled(&self, from: &str, to: &str, reason: &'static str) -> Self {
        debug_assert!(Command::parse(&self.body).is_ok());
        Self::malformed(self.body.replace(from, to), reason)
    }
}

pub(super) fn actor(r#type: ActorType, id: &str) -> Actor {
    Actor {
        r#type,
        id: id.to_owned(),
    }
}
