//! The queues: their names, URLs and attributes.

mod protection;
mod provision;

pub(crate) use protection::protect_queues;
pub(crate) use provision::provision_queues;
pub use provision::{QueueError, find_queues};

/// The queues of the school.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Queue {
    /// Commands from upstream; its group is the student, for course commands the course.
    Commands,
    /// Dead letters: commands that can't be carried out.
    CommandsDlq,
    /// Outcomes of commands.
    Outcomes,
    /// Notifications to other systems.
    Notifications,
    /// Notices of parked records and of gaps.
    StreamDlq,
}

impl Queue {
    /// All of them; a dead-letter queue comes before the queue that names it.
    pub const ALL: [Self; 5] = [
        Self::CommandsDlq,
        Self::Commands,
        Self::Outcomes,
        Self::Notifications,
        Self::StreamDlq,
    ];

    fn base_name(self) -> &'static str {
        match self {
            Self::Commands => "arthouse-commands.fifo",
            Self::CommandsDlq => "arthouse-commands-dlq.fifo",
            Self::Outcomes => "arthouse-outcomes.fifo",
            Self::Notifications => "arthouse-notifications.fifo",
            Self::StreamDlq => "arthouse-stream-dlq",
        }
    }

    fn is_fifo(self) -> bool {
        self.base_name().ends_with(".fifo")
    }
}

/// The names of the queues, with a prefix that identifies the deployment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueNames {
    prefix: String,
}

impl QueueNames {
    /// Makes the names with a prefix, which may be empty.
    pub fn with_prefix(prefix: impl Into<String>) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// Returns a queue's name.
    pub fn name(&self, queue: Queue) -> String {
        format!("{}{}", self.prefix, queue.base_name())
    }
}

/// The URLs of the queues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// Of [`Queue::Commands`].
    pub commands: String,
    /// Of [`Queue::CommandsDlq`].
    pub commands_dlq: String,
    /// Of [`Queue::Outcomes`].
    pub outcomes: String,
    /// Of [`Queue::Notifications`].
    pub notifications: String,
    /// Of [`Queue::StreamDlq`].
    pub stream_dlq: String,
}

impl QueueUrls {
    /// Returns a queue's URL.
    pub fn url(&self, queue: Queue) -> &str {
        match queue {
            Queue::Commands => &self.commands,
            Queue::CommandsDlq => &self.commands_dlq,
            Queue::Outcomes => &self.outcomes,
            Queue::Notifications => &self.notifications,
            Queue::StreamDlq => &self.stream_dlq,
        }
    }
}
