use std::collections::BTreeMap;

use arthouse_core::Command;
use sqs_consumer::OutgoingMessage;

/// Makes the message of a command as a sender should send it (`RULES.md` of arthouse-core, "Senders"): in the student's (or the
/// course's) group, deduplicated by its content.
pub fn command_message(command: &Command, body: String) -> OutgoingMessage {
    OutgoingMessage {
        body,
        group_id: Some(command.action.subject().message_group().to_owned()),
        // Not the command's id: another source may use the same, and SQS would drop one of the two.
        deduplication_id: None,
        attributes: BTreeMap::new(),
    }
}
