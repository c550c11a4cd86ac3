//! The commands: read once at the edge, decided on records (`RULES.md`, "Commands").
//!
//! A command's file says all of it. Its line in the list below makes it known to the parser, to [`decide`] and to the contracts.

mod actor;
mod binary;
mod event;
mod list;
mod parse;
mod session;
mod subject;
mod wire;

mod apply_for_course;
mod attend_session;
mod confirm_payment;
mod create_course;
mod reschedule_session;
mod skip_session;
mod update_course;

pub use actor::{Actor, ActorType};
pub use parse::{MAX_BODY_BYTES, Metadata, PayloadHash};
pub use subject::Subject;

use std::fmt;

use list::commands;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::rejection::FORBIDDEN;
use crate::{EventId, Malformed, Refusal, Rejection, State, Timestamp, Transition};

commands! {
    create_course::CreateCourse,
    update_course::UpdateCourse,
    apply_for_course::ApplyForCourse,
    confirm_payment::ConfirmPayment,
    attend_session::AttendSession,
    skip_session::SkipSession,
    reschedule_session::RescheduleSession,
}

/// All that one command says of itself; its fields are its data on the wire.
pub trait CommandData: DeserializeOwned + Serialize + JsonSchema {
    /// The type on the wire, `com.digitalarthouse.<noun>.<verb>.v1`.
    const TYPE: &'static str;
    /// Who may send it; a student only for themselves.
    const ROLES: &'static [ActorType];
    /// What it may be rejected with, beside `FORBIDDEN`.
    const REJECTIONS: &'static [Rejection];

    /// Returns what it is about.
    fn subject(&self) -> Subject<'_>;

    /// Decides it on the records of its subject, for someone who may send it.
    ///
    /// # Errors
    /// Returns the school's rejection, or that the command has come before the sessions it is about.
    fn decide(&self, state: &State, now: Timestamp) -> Result<Transition, Refusal>;

    /// Returns its data, with the actor, as a producer would write it; it stands in the contract.
    fn example() -> Value;
}

/// A command: who wants what of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The envelope's attributes.
    pub metadata: Metadata,
    /// The digests of type and data.
    pub payload_hash: PayloadHash,
    /// Who wants it.
    pub actor: Actor,
    /// What is wanted.
    pub action: Action,
}

impl Command {
    /// Returns the id of the command's one outcome.
    pub fn outcome_id(&self) -> EventId {
        EventId::derive(&[
            "outcome",
            self.metadata.source.as_str(),
            self.metadata.id.as_str(),
        ])
    }

    /// Refuses an actor whose role may not send this, and a student who acts for another.
    fn authorise(&self) -> Result<(), Rejection> {
        let Actor { r#type, id } = &self.actor;
        let is_own = || {
            let user_id = self.action.subject().user_id();
            user_id.is_some_and(|user_id| user_id.as_str() == id)
        };
        let allowed = self.action.command_type().roles().contains(r#type)
            && (*r#type != ActorType::Student || is_own());
        if allowed { Ok(()) } else { Err(FORBIDDEN) }
    }
}

impl CommandType {
    /// Returns the type with a name on the wire.
    pub fn from_wire(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// Returns the type without what all types have in common, such as `session.attend`.
    pub fn name(self) -> &'static str {
        let full = self.as_str();
        let noun_and_verb = full
            .strip_prefix("com.digitalarthouse.")
            .and_then(|rest| rest.strip_suffix(".v1"));
        noun_and_verb.unwrap_or(full)
    }
}

impl fmt::Display for CommandType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Decides a command on the records of its [subject](Subject).
///
/// `now` is when the queue took the command (`SentTimestamp`), so that its delay can't hurt the student and a redelivery
/// decides the same.
///
/// # Errors
/// Returns the school's rejection, or that the command has come before the sessions it is about.
pub fn decide(state: &State, command: &Command, now: Timestamp) -> Result<Transition, Refusal> {
    command.authorise()?;
    command.action.decide(state, now)
}

#[cfg(test)]
mod tests;
