//! Each is of type String.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::attribute::Attribute;
use crate::message::Message;
use crate::queue::{MAX_MESSAGE_BYTES, OutgoingMessage, is_allowed};

/// How the name of an attribute of the message begins that has the name of one of these: `original.reason`.
pub const ORIGINAL: &str = "original.";
/// Why the message was dead-lettered, in a few constant words.
pub const REASON: &str = "reason";
/// The particulars, at most 1,024 bytes; absent if there are none.
pub const DETAIL: &str = "detail";
/// The id that the message had in its queue.
pub const SOURCE_MESSAGE_ID: &str = "source_message_id";
/// When its queue had accepted it (`SentTimestamp`): milliseconds since 1970. It tells nothing of a message that came back from a dead-letter queue into a
/// queue to which others send, since they can set it too.
pub const SENT_AT: &str = "sent_at";
/// The name of its queue.
pub const SOURCE_QUEUE: &str = "source_queue";
/// The number of its last attempt.
pub const ATTEMPT: &str = "attempt";
/// How often it had been received.
pub const RECEIVE_COUNT: &str = "receive_count";

/// The most message attributes that SQS accepts.
const MAX_ATTRIBUTES: usize = 10;
const REASON_BYTES: usize = 256;
const DETAIL_BYTES: usize = 1_024;

/// The attributes of the copy, in the order in which they are dropped if the body leaves no room for them.
const DROP_ORDER: [&str; 7] = [
    DETAIL,
    RECEIVE_COUNT,
    ATTEMPT,
    SOURCE_QUEUE,
    SENT_AT,
    SOURCE_MESSAGE_ID,
    REASON,
];

/// Those that make room for the message's own attributes.
const LAST: [&str; 3] = [SOURCE_QUEUE, ATTEMPT, RECEIVE_COUNT];

/// Makes the copy: the unchanged body, attributes that describe the failure, and the message's own attributes as far as there is room.
pub(crate) fn copy(
    message: &Message,
    attempt: u32,
    source_queue: &str,
    to_fifo: bool,
    reason: &str,
    detail: &str,
) -> OutgoingMessage {
    let texts = [
        (REASON, or_unspecified(clean(reason, REASON_BYTES))),
        (DETAIL, clean(detail, DETAIL_BYTES)),
        (SOURCE_MESSAGE_ID, message.message_id().to_owned()),
        (SENT_AT, milliseconds(message.sent_at())),
        (SOURCE_QUEUE, source_queue.to_owned()),
        (ATTEMPT, attempt.to_string()),
        (RECEIVE_COUNT, message.receive_count().to_string()),
    ];
    let attributes: BTreeMap<_, _> = texts
        .into_iter()
        .filter(|(_, text)| !text.is_empty()) // SQS accepts no empty value
        .map(|(name, text)| (name.to_owned(), Attribute::string(text)))
        .collect();
    let group = message.group_id().map(str::to_owned);
    let mut copy = OutgoingMessage {
        body: message.body().to_owned(),
        // A FIFO queue requires a group; a message without one is a group by itself.
        group_id: if to_fifo {
            group.or_else(|| Some(message.message_id().to_owned()))
        } else {
            group
        },
        deduplication_id: to_fifo.then(|| message.message_id().to_owned()),
        attributes,
    };
    for name in DROP_ORDER {
        if copy.bytes() > MAX_MESSAGE_BYTES {
            copy.attributes.remove(name);
        }
    }
    add_own_attributes(&mut copy, message);
    copy
}

fn add_own_attributes(copy: &mut OutgoingMessage, message: &Message) {
    let last = LAST.map(|name| copy.attributes.remove_entry(name));
    let mut bytes = copy.bytes();
    // A message that came back from a dead-letter queue has those of its last end.
    let came_back = message.attributes().contains_key(SOURCE_MESSAGE_ID);
    let mut own: Vec<_> = message.attributes().iter().collect();
    own.sort_by_key(|(name, _)| !is_required(name));
    for (name, value) in own {
        let name = match DROP_ORDER.contains(&name.as_str()) {
            true if came_back => continue,
            true => format!("{ORIGINAL}{name}"),
            false => name.clone(),
        };
        let more = name.len() + value.len();
        if copy.attributes.len() < MAX_ATTRIBUTES && bytes + more <= MAX_MESSAGE_BYTES {
            bytes += more;
            copy.attributes.insert(name, value.clone());
        }
    }
    for (name, value) in last.into_iter().flatten() {
        let more = name.len() + value.len();
        if copy.attributes.len() < MAX_ATTRIBUTES && bytes + more <= MAX_MESSAGE_BYTES {
            bytes += more;
            copy.attributes.insert(name, value);
        }
    }
}

/// Whether the attribute may be one that an event in binary mode can't do without (CloudEvents 1.0, "Required attributes").
fn is_required(name: &str) -> bool {
    let last = name.rsplit(['-', '_', ':']).next().unwrap_or(name);
    ["specversion", "id", "source", "type"].contains(&last)
}

fn milliseconds(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_millis().to_string()
}

fn or_unspecified(text: String) -> String {
    if text.is_empty() {
        "unspecified".to_owned()
    } else {
        text
    }
}

/// Replaces characters that SQS does not accept (XML 1.0 defines them) and cuts the text at `max_bytes`.
fn clean(text: &str, max_bytes: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(max_bytes));
    for c in text
        .chars()
        .map(|c| if is_allowed(c) { c } else { '\u{FFFD}' })
    {
        if cleaned.len() + c.len_utf8() > max_bytes {
            break;
        }
        cleaned.push(c);
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let sent_at = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(1_234);
        Message::new("m-1", "the body")
            .with_group_id(Some("g".to_owned()))
            .with_sent_at(sent_at)
            .with_receive_count(7)
    }

    #[test]
    fn the_copy_says_what_happened_and_has_the_body_as_it_came() {
        let copy = copy(&message(), 3, "commands", false, "malformed", "line 1");

        assert_eq!(
            (
                copy.body.as_str(),
                copy.group_id.as_deref(),
                &copy.deduplication_id
            ),
            ("the body", Some("g"), &None)
        );
        let expected = [
            ("attempt", "3"),
            ("detail", "line 1"),
            ("reason", "malformed"),
            ("receive_count", "7"),
            ("sent_at", "1234"),
            ("source_message_id", "m-1"),
            ("source_queue", "commands"),
        ];
        let attributes: Vec<_> = copy
            .attributes
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        assert_eq!(attributes, expected);
    }

    #[test]
    fn a_fifo_copy_keeps_its_group_and_is_deduplicated_by_the_source_message() {
        let grouped = copy(&message(), 1, "q", true, "r", "d");
        assert_eq!(
            (
                grouped.group_id.as_deref(),
                grouped.deduplication_id.as_deref()
            ),
            (Some("g"), Some("m-1"))
        );
        let single = copy(&Message::new("m-2", "b"), 1, "q", true, "r", "d");
        assert_eq!(
            (
                single.group_id.as_deref(),
                single.deduplication_id.as_deref()
            ),
            (Some("m-2"), Some("m-2"))
        );
    }

    #[test]
    fn texts_are_cut_at_a_character_and_cleaned_of_what_sqs_refuses() {
        let copy = copy(
            &message(),
            1,
            "q",
            false,
            "",
            &format!("a\u{0}b\u{FFFF}{}", "é".repeat(2_000)),
        );
        assert_eq!(copy.attributes[REASON], "unspecified");
        let detail = copy.attributes[DETAIL].as_str().unwrap();
        assert!(
            detail.starts_with("a\u{FFFD}b\u{FFFD}é")
                && detail.len() <= DETAIL_BYTES
                && detail.len() > 1_020
        );
    }

    #[test]
    fn own_attributes_come_along_up_to_ten_in_all_and_never_replace_ours() {
        let own: BTreeMap<String, String> = (0..9)
            .map(|i| (format!("own-{i}"), "v".to_owned()))
            .chain([(REASON.to_owned(), "theirs".to_owned())])
            .collect();
        let copy = copy(&message().with_attributes(own), 1, "q", false, "ours", "d");
        assert_eq!(copy.attributes.len(), MAX_ATTRIBUTES);
        assert_eq!(copy.attributes[REASON], "ours");
        assert!(copy.attributes.contains_key("own-0"));
    }

    #[test]
    fn an_event_in_binary_mode_keeps_what_makes_it_an_event() {
        let names = [
            "ce-correlationid",
            "ce-datacontenttype",
            "ce-id",
            "ce-source",
            "ce-specversion",
        ];
        let names = names
            .into_iter()
            .chain(["ce-time", "ce-traceparent", "ce-type"]);
        let own = names.map(|name| (name, "v"));
        let copy = copy(&message().with_attributes(own), 1, "q", false, "r", "d");
        assert_eq!(copy.attributes.len(), MAX_ATTRIBUTES);
        for name in [
            "ce-id",
            "ce-source",
            "ce-specversion",
            "ce-type",
            REASON,
            DETAIL,
            SENT_AT,
        ] {
            assert!(copy.attributes.contains_key(name), "{name}");
        }
    }

    #[test]
    fn own_attributes_keep_their_types_and_a_reason_of_the_sender_stays() {
        let own = [
            ("reason", Attribute::string("theirs")),
            ("priority", Attribute::number("7")),
            ("size", Attribute::text("Number.int", "8")),
            ("picture", Attribute::bytes("Binary.png", [0, 255])),
        ];
        let copy = copy(
            &message().with_attributes(own.clone()),
            1,
            "q",
            false,
            "ours",
            "d",
        );
        for (name, value) in own {
            let name = if name == REASON {
                "original.reason"
            } else {
                name
            };
            assert_eq!(copy.attributes[name], value, "{name}");
        }
        assert_eq!(copy.attributes[REASON], "ours");
    }

    #[test]
    fn a_message_that_dies_again_has_nothing_of_its_first_end() {
        let before = [(DETAIL, "old"), (REASON, "old"), (SOURCE_MESSAGE_ID, "m")];
        let copy = copy(&message().with_attributes(before), 1, "q", false, "new", "");
        assert_eq!(copy.attributes[REASON], "new");
        assert!(!copy.attributes.contains_key(DETAIL));
        assert!(
            !copy
                .attributes
                .keys()
                .any(|name| name.starts_with(ORIGINAL))
        );
    }

    #[test]
    fn a_message_at_the_size_limit_leaves_its_own_attributes_behind() {
        let big = Message::new("m", "x".repeat(MAX_MESSAGE_BYTES - 200))
            .with_attributes(BTreeMap::from([("own".to_owned(), "v".repeat(150))]));
        let copy = copy(&big, 1, "q", false, "r", "");
        assert!(!copy.attributes.contains_key("own") && copy.bytes() <= MAX_MESSAGE_BYTES);
    }

    #[test]
    fn a_body_that_leaves_no_room_still_comes_whole_with_its_reason_if_that_fits() {
        let big = Message::new("m", "x".repeat(MAX_MESSAGE_BYTES - 20));
        let copy = copy(&big, 1, "q", false, "r", "");
        assert_eq!(copy.body.len(), MAX_MESSAGE_BYTES - 20);
        assert_eq!(copy.attributes.keys().collect::<Vec<_>>(), [REASON]);
    }
}
