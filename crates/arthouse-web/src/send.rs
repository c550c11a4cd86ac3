//! Commands: written, checked as the worker will check them, sent, and found again by their ids.

use arthouse_core::{
    Command, CommandId, CommandType, Malformed, Outcome, Receipt, Refusal, Rejection, Source,
    Timestamp, decide,
};
use arthouse_store::StoreError;
use arthouse_worker::command_message;
use axum::http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tracing::error;
use uuid::Uuid;

use crate::problem::Problem;
use crate::{Role, Viewer, Web};

/// The source of the commands that are sent from here.
pub(crate) const SOURCE: &str = "urn:digitalarthouse:web";

/// A command that can be sent. It is not for the log: the body may hold contact details.
pub(crate) struct Draft {
    command: Command,
    body: String,
}

/// What has become of a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct CommandState {
    /// Names the command; only whoever sent it can read it.
    pub(crate) command_id: CommandId,
    /// The source that it was sent from.
    pub(crate) command_source: Source,
    /// Where it is.
    pub(crate) state: Stage,
    /// The rejection, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    /// When the queue took it, once it has an outcome.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Timestamp>,
}

/// Where a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "CommandStage")]
pub(crate) enum Stage {
    /// In the queue; the worker has not decided it yet.
    Waiting,
    /// Carried out.
    Applied,
    /// Refused by the school's rules.
    Rejected,
}

impl Draft {
    /// Writes a command of a viewer. A student's is about the student, whatever the data says.
    ///
    /// `key` names the attempt: the same key with the same data is the same command, which takes effect once.
    pub(crate) fn new(
        web: &Web,
        viewer: &Viewer,
        command_type: CommandType,
        key: &str,
        mut data: Value,
    ) -> Result<Self, Malformed> {
        if viewer.role == Role::Student {
            data["user_id"] = json!(viewer.id);
        }
        data["actor"] = json!({"type": viewer.role.actor_type(), "id": viewer.id});
        // Whether a JSON object keeps its order is a choice that any crate of the build can make for all.
        data.sort_all_objects();
        let digest = Sha256::digest(format!("{command_type}\n{data}"));
        let digest: String = digest[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let attempt = format!("{key}.{digest}");
        let id = format!("{attempt}.{}", signature(web, viewer, &attempt));
        let body = json!({
            "specversion": "1.0",
            "id": id,
            "source": SOURCE,
            "type": command_type.as_str(),
            "time": web.now(),
            "datacontenttype": "application/json",
            "data": data,
        });
        let body = body.to_string();
        let command = Command::parse(&body)?;
        Ok(Self { command, body })
    }

    /// Decides the command as the worker would now, so that whoever sends it learns of a refusal beside the field. What counts is what the
    /// worker decides.
    ///
    /// # Errors
    /// Returns the failed read.
    pub(crate) async fn foresee(&self, web: &Web) -> Result<Option<Rejection>, StoreError> {
        let loaded = web.store().load_for(&self.command.action).await?;
        Ok(match decide(&loaded.state, &self.command, web.now()) {
            Err(Refusal::Rejected(rejection)) => Some(rejection),
            Ok(_) | Err(Refusal::SessionsNotInitialized) => None,
        })
    }

    /// Puts the command on the queue.
    pub(crate) async fn send(self, web: &Web) -> Result<CommandId, Problem> {
        let id = self.command.metadata.id.clone();
        let message = command_message(&self.command, self.body);
        web.commands().send(message).await.map_err(|failed| {
            error!(
                error = arthouse_worker::chain(&failed),
                "can't send a command"
            );
            let detail = "the command could not be sent; nothing has changed, send it again";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail)
        })?;
        Ok(id)
    }
}

/// Names a new attempt.
pub(crate) fn new_key() -> String {
    Uuid::now_v7().to_string()
}

fn signature(web: &Web, viewer: &Viewer, attempt: &str) -> String {
    let viewer = viewer.to_string();
    web.secret().sign("command", &[&viewer, attempt])
}

/// Reads what has become of a command that a viewer has sent from here. Another's can't be asked for: the id is signed for its sender.
pub(crate) async fn state_of(
    web: &Web,
    viewer: &Viewer,
    id: &str,
) -> Result<CommandState, Problem> {
    let unknown = || Problem::not_found("you have sent no such command from here");
    let (attempt, given) = id.rsplit_once('.').ok_or_else(unknown)?;
    let sender = viewer.to_string();
    if !web
        .secret()
        .has_signed("command", &[&sender, attempt], given)
    {
        return Err(unknown());
    }
    let command_id: CommandId = id.parse().map_err(|_| unknown())?;
    let source: Source = SOURCE.parse().map_err(|_| unknown())?;
    let receipt = web.store().receipt(&source, &command_id).await?;
    Ok(describe(command_id, source, receipt.as_ref()))
}

/// Describes a command by its receipt, or as waiting.
pub(crate) fn describe(
    command_id: CommandId,
    command_source: Source,
    receipt: Option<&Receipt>,
) -> CommandState {
    let mut state = CommandState {
        command_id,
        command_source,
        state: Stage::Waiting,
        code: None,
        message: None,
        at: receipt.map(|receipt| receipt.at),
    };
    match receipt.map(|receipt| &receipt.outcome) {
        None => {}
        Some(Outcome::Applied) => state.state = Stage::Applied,
        Some(Outcome::Rejected { code, message }) => {
            state.state = Stage::Rejected;
            state.code = Some(code.clone());
            state.message = Some(message.clone());
        }
    }
    state
}
