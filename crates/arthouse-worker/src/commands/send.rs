use std::collections::BTreeMap;

use arthouse_core::Command;
use sqs_consumer::OutgoingMessage;

/// Makes the message of a command as a sender should send it (`RULES.md` of arthouse-core, "Senders"): in the student's (or the
/// course's) group, deduplicated by the command's id.
pub fn command_message(command: &Command, body: String) -> OutgoingMessage {
    OutgoingMessage {
        body,
        group_id: Some(command.action.subject().message_group().to_owned()),
        deduplication_id: Some(command.metadata.id.to_string()),
        attributes: BTreeMap::new(),
    }
}
