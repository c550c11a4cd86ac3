use std::collections::BTreeMap;

use uuid::Uuid;

use super::digest::Checksum;
use super::fault::Fault;
use super::message::{Content, Delivered, QueueId};
use super::moment::Moment;
use super::name::QueueName;

/// The requests, checked as far as possible without the queues.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    CreateQueue {
        name: QueueName,
        attributes: BTreeMap<String, String>,
        tags: BTreeMap<String, String>,
    },
    FindQueue {
        name: QueueName,
    },
    ListQueues {
        prefix: String,
        page: Page,
    },
    ListDeadLetterSources {
        queue: QueueName,
        page: Page,
    },
    DeleteQueue {
        queue: QueueName,
    },
    PurgeQueue {
        queue: QueueName,
    },
    GetAttributes {
        queue: QueueName,
        names: Vec<String>,
    },
    SetAttributes {
        queue: QueueName,
        attributes: BTreeMap<String, String>,
    },
    ListTags {
        queue: QueueName,
    },
    Tag {
        queue: QueueName,
        tags: BTreeMap<String, String>,
    },
    Untag {
        queue: QueueName,
        keys: Vec<String>,
    },
    AddPermission {
        queue: QueueName,
        permission: Permission,
    },
    RemovePermission {
        queue: QueueName,
        label: String,
    },
    Send {
        queue: QueueName,
        outgoing: Outgoing,
    },
    SendBatch {
        queue: QueueName,
        entries: Vec<(String, Result<Outgoing, Fault>)>,
    },
    Receive(Receive),
    /// The messages of a queue, as they are.
    Peek {
        queue: QueueName,
    },
    Delete {
        queue: QueueName,
        handle: String,
    },
    DeleteBatch {
        queue: QueueName,
        entries: Vec<(String, Result<String, Fault>)>,
    },
    ChangeVisibility {
        queue: QueueName,
        change: VisibilityChange,
    },
    ChangeVisibilityBatch {
        queue: QueueName,
        entries: Vec<(String, Result<VisibilityChange, Fault>)>,
    },
    StartMove {
        id: Uuid,
        source_arn: String,
        destination_arn: Option<String>,
        per_second: Option<u32>,
    },
    ListMoves {
        source_arn: String,
        limit: usize,
    },
    CancelMove {
        id: Uuid,
        source_arn: String,
    },
}

impl Request {
    /// Gives the messages to send this trace header, unless they have one of their own.
    pub(crate) fn trace(&mut self, header: &str) {
        let give = |outgoing: &mut Outgoing| outgoing.trace_header = Some(header.to_owned());
        if let Self::Send { outgoing, .. } = self {
            give(outgoing);
        } else if let Self::SendBatch { entries, .. } = self {
            let entries = entries.iter_mut();
            entries
                .filter_map(|(_, entry)| entry.as_mut().ok())
                .for_each(give);
        }
    }
}

/// A page of a list: its maximum size, and the name after which it starts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: Option<usize>,
    pub(crate) after: Option<QueueName>,
}

/// A statement of a queue's policy, as in AddPermission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) label: String,
    pub(crate) accounts: Vec<String>,
    pub(crate) actions: Vec<String>,
}

/// A message to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outgoing {
    pub(crate) content: Content,
    pub(crate) delay_seconds: Option<u32>,
    /// The trace header of the request, for a message that has none of its own.
    pub(crate) trace_header: Option<String>,
}

/// A receive request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receive {
    pub(crate) queue: QueueName,
    pub(crate) limit: usize,
    pub(crate) visibility_seconds: Option<u32>,
    pub(crate) wait_seconds: Option<u32>,
    pub(crate) attempt_id: Option<String>,
}

/// A new visibility timeout for a received message, from now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VisibilityChange {
    pub(crate) handle: String,
    pub(crate) seconds: u32,
}

/// The reply to a [`Request`].
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    Done,
    DoneBatch(Batch<()>),
    Queue(QueueName),
    Queues {
        names: Vec<QueueName>,
        next: Option<QueueName>,
    },
    DeadLetterSources {
        names: Vec<QueueName>,
        next: Option<QueueName>,
    },
    Attributes(BTreeMap<String, String>),
    Tags(BTreeMap<String, String>),
    Sent(Sent),
    SentBatch(Batch<Sent>),
    Received(Received),
    Peeked(Vec<(Presence, Delivered)>),
    MoveStarted {
        handle: String,
    },
    Moves(Vec<MoveReport>),
    MoveCancelled {
        moved: u64,
    },
}

/// The successful and the failed entries of a batch, by their ids.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Batch<T> {
    pub(crate) successful: Vec<(String, T)>,
    pub(crate) failed: Vec<(String, Fault)>,
}

impl<T> FromIterator<(String, Result<T, Fault>)> for Batch<T> {
    fn from_iter<I: IntoIterator<Item = (String, Result<T, Fault>)>>(entries: I) -> Self {
        let mut batch = Self {
            successful: Vec::new(),
            failed: Vec::new(),
        };
        for (id, outcome) in entries {
            match outcome {
                Ok(done) => batch.successful.push((id, done)),
                Err(fault) => batch.failed.push((id, fault)),
            }
        }
        batch
    }
}

/// A message that was sent, now or before (a duplicate).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) id: Uuid,
    pub(crate) body_md5: Checksum,
    pub(crate) attributes_md5: Option<Checksum>,
    pub(crate) trace_header: Option<String>,
    pub(crate) sequence_number: Option<String>,
}

/// The messages of a receive, and how long it may wait if there are none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Received {
    pub(crate) queue: QueueId,
    pub(crate) messages: Vec<Delivered>,
    pub(crate) wait_seconds: u32,
}

/// Whether a message can be received now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Visible,
    /// Sent, but delayed.
    Delayed,
    /// Received, and hidden until the visibility timeout ends.
    InFlight,
}

/// The progress of a message move task.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MoveReport {
    /// Only for a running task.
    pub(crate) handle: Option<String>,
    pub(crate) status: &'static str,
    pub(crate) source_arn: String,
    pub(crate) destination_arn: Option<String>,
    pub(crate) per_second: Option<u32>,
    pub(crate) moved: u64,
    pub(crate) to_move: u64,
    pub(crate) failure: Option<String>,
    pub(crate) started: Moment,
}
