//! The outcome of a command, once and for good (`RULES.md`, "Outcomes").

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    CloudEvent, Command, CommandId, CourseId, Malformed, Metadata, PayloadHash, Rejection,
    SessionId, Source, Timestamp, UserId,
};

/// What has become of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Applied,
    /// The school said no.
    Rejected {
        /// The rejection's code.
        code: String,
        /// The same for people.
        message: String,
    },
}

impl From<&Rejection> for Outcome {
    fn from(rejection: &Rejection) -> Self {
        Self::Rejected {
            code: rejection.code().to_owned(),
            message: rejection.to_string(),
        }
    }
}

/// The stored record of a command's one outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The command's id.
    pub command_id: CommandId,
    /// The command's source.
    pub source: Source,
    /// The command's type on the wire.
    pub command_type: String,
    /// The digests of its payload.
    pub payload_hash: PayloadHash,
    /// What has become of it.
    pub outcome: Outcome,
    /// When the queue took it.
    pub at: Timestamp,
    /// What its outcome was sent with; earlier versions did not keep it.
    pub context: Option<OutcomeContext>,
}

/// The conversation and the trace that a command's outcome belongs to: those of its first message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutcomeContext {
    /// The command's `correlationid`, if it had one.
    pub correlation_id: Option<String>,
    /// The command's `traceparent`, if it had one.
    pub traceparent: Option<String>,
}

impl OutcomeContext {
    fn of(metadata: &Metadata) -> Self {
        Self {
            correlation_id: metadata.correlation_id.clone(),
            traceparent: metadata.traceparent.clone(),
        }
    }
}

impl Receipt {
    /// How long a receipt is kept at least: longer than its message can live, which is 14 days queued, 14 in the dead-letter queue
    /// and, redriven, 14 more (`RULES.md`, "Outcomes").
    pub const LIFETIME: TimeDelta = TimeDelta::days(90);

    /// Makes the record of a command's outcome.
    pub fn new(command: &Command, outcome: Outcome, now: Timestamp) -> Self {
        Self {
            command_id: command.metadata.id.clone(),
            source: command.metadata.source.clone(),
            command_type: command.action.command_type().as_str().to_owned(),
            payload_hash: command.payload_hash.clone(),
            outcome,
            at: now,
            context: Some(OutcomeContext::of(&command.metadata)),
        }
    }

    /// Writes the outcome of a command as the event that its sender waits for. A repeat gets the same event, whatever conversation
    /// and trace it comes in.
    ///
    /// # Errors
    /// Returns [`Malformed`] with `COMMAND_ID_REUSED` if the record is of another payload.
    pub fn event_for(&self, command: &Command) -> Result<CloudEvent, Malformed> {
        if !self.payload_hash.matches(&command.payload_hash) {
            return Err(Malformed::command_id_reused());
        }
        let (what, code, message) = match &self.outcome {
            Outcome::Applied => ("command.applied", None, None),
            Outcome::Rejected { code, message } => ("command.rejected", Some(code), Some(message)),
        };
        let (subject, metadata) = (command.action.subject(), &command.metadata);
        let data = OutcomeData {
            command_id: &metadata.id,
            command_source: &metadata.source,
            command_type: command.action.command_type().as_str(),
            user_id: subject.user_id(),
            course_id: Some(subject.course_id()),
            session_id: subject.session_id(),
            code: code.map(String::as_str),
            message: message.map(String::as_str),
        };
        let data = serde_json::to_value(data).expect("an outcome holds texts only");
        let event = CloudEvent::new(
            command.outcome_id(),
            what,
            subject.to_string(),
            self.at,
            data,
        );
        let context = self.context.clone();
        let context = context.unwrap_or_else(|| OutcomeContext::of(metadata));
        let id = metadata.id.to_string();
        Ok(CloudEvent {
            correlationid: Some(context.correlation_id.unwrap_or_else(|| id.clone())),
            causationid: Some(id),
            traceparent: context.traceparent,
            ..event
        })
    }
}

/// The `data` of an outcome on the wire.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct OutcomeData<'a> {
    /// The command's id.
    command_id: &'a CommandId,
    /// The command's source.
    command_source: &'a Source,
    /// The command's type.
    command_type: &'a str,
    /// The student, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a UserId>,
    /// The course.
    #[serde(skip_serializing_if = "Option::is_none")]
    course_id: Option<&'a CourseId>,
    /// The session, if it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'a SessionId>,
    /// Why not, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

#[cfg(test)]
mod tests;
