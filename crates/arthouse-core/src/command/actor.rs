use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::values::carried_by_none;

/// Who posts a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    /// In which role.
    pub r#type: ActorType,
    /// The user's id in that role; for a student the same as `user_id`.
    #[schemars(extend("minLength" = 1, "maxLength" = 128, "not" = carried_by_none()))]
    pub id: String,
}

/// The roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ActorType {
    /// Someone who takes courses.
    Student,
    /// Someone who teaches.
    Instructor,
    /// Someone who runs the school.
    Admin,
    /// Another system, such as the payment provider's webhook.
    System,
}
