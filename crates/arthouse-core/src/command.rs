//! The seven commands, parsed once at the edge (`RULES.md`, "Commands").

mod action;
mod data;
mod parse;

pub use action::{Action, Actor, ActorType, CommandType};
pub use data::{
    ApplyForCourse, ConfirmPayment, CreateCourse, RescheduleSession, SessionTarget, SkipSession,
    UpdateCourse,
};

use crate::{EventId, Metadata, PayloadHash, Rejection};

/// A command: who wants what of the school.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The envelope's attributes.
    pub metadata: Metadata,
    /// The digest of type and data.
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

    /// Refuses an actor who may not do this: students act only for themselves, confirming payments and changing
    /// courses is for admins and systems.
    pub(crate) fn authorise(&self) -> Result<(), Rejection> {
        let allowed = match (self.actor.r#type, &self.action) {
            (ActorType::Admin | ActorType::System, _) => true,
            (
                ActorType::Student | ActorType::Instructor,
                Action::CreateCourse(_) | Action::UpdateCourse(_) | Action::ConfirmPayment(_),
            ) => false,
            (ActorType::Instructor, _) => true,
            (ActorType::Student, action) => action
                .user_id()
                .is_some_and(|user| user.as_str() == self.actor.id),
        };
        if allowed {
            Ok(())
        } else {
            Err(Rejection::Forbidden)
        }
    }
}

#[cfg(test)]
mod tests;
