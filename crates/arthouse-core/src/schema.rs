//! The contracts on the wire as JSON Schema, generated from the types.

use schemars::{JsonSchema, Schema, schema_for};

use crate::command::{
    ApplyForCourse, ConfirmPayment, CreateCourse, RescheduleSession, SessionTarget, SkipSession,
    UpdateCourse,
};
use crate::{Actor, CloudEvent, CommandType, Progress};

/// A command's data with the actor in it, as it stands on the wire.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct WithActor<T> {
    actor: Actor,
    #[serde(flatten)]
    data: T,
}

/// Returns the schema of a command's `data`.
pub fn command_data(command_type: CommandType) -> Schema {
    match command_type {
        CommandType::CreateCourse => schema_for!(WithActor<CreateCourse>),
        CommandType::UpdateCourse => schema_for!(WithActor<UpdateCourse>),
        CommandType::ApplyForCourse => schema_for!(WithActor<ApplyForCourse>),
        CommandType::ConfirmPayment => schema_for!(WithActor<ConfirmPayment>),
        CommandType::AttendSession => schema_for!(WithActor<SessionTarget>),
        CommandType::SkipSession => schema_for!(WithActor<SkipSession>),
        CommandType::RescheduleSession => schema_for!(WithActor<RescheduleSession>),
    }
}

/// Returns the schema of the events that we send.
pub fn event() -> Schema {
    schema_for!(CloudEvent)
}

/// Returns the schema of what `progress` reads.
pub fn progress() -> Schema {
    schema_for!(Progress)
}
