//! The commands of a held shard and the events that answer them.

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Error;
use crate::handler::Disposition;
use crate::item::ItemId;
use crate::lease::Checkpoint;
use crate::observer::GapRecord;
use crate::record::Record;
use crate::source::RecordsPage;
use crate::store::ParkOutcome;

/// Something to do for a shard; every command is answered by one event.
#[derive(Debug)]
pub(crate) enum Command {
    /// Get an iterator.
    Open { at: Checkpoint },
    /// Read a page.
    Read { iterator: String },
    /// Make a gap durable, then tell the observer.
    NoteGap { gap: GapRecord },
    /// Complete a noted gap with its end.
    CloseGap { gap: GapRecord },
    /// Call the handler.
    Deliver {
        item_id: ItemId,
        ordinal: u64,
        record: Arc<Record>,
        attempt: u32,
    },
    /// Park a record, then tell the observer.
    Park {
        item_id: ItemId,
        ordinal: u64,
        record: Arc<Record>,
        reason: String,
        attempts: u32,
        behind: bool,
    },
    /// Write the checkpoint.
    Checkpoint { checkpoint: String, load: u64 },
    /// Write the last checkpoint and that the shard is finished.
    Finish { checkpoint: Option<String> },
    /// Write the last checkpoint and release the lease, or hand it over.
    Release {
        checkpoint: Option<String>,
        handover_to: Option<String>,
        /// When the shard was last read under this lease.
        read_at: Option<Instant>,
    },
}

/// The answer to a command.
#[derive(Debug)]
pub(crate) enum Event {
    Opened(Result<String, Error>),
    Read {
        requested_at: Instant,
        result: Result<RecordsPage, Error>,
        /// Whether its records were all written well before: further ones wait behind them.
        is_old: bool,
    },
    /// The gap is durable, and stamped.
    GapNoted(Result<GapRecord, Error>),
    GapClosed(Result<(), Error>),
    /// The handler's disposition; none if it was dropped.
    Handled {
        item_id: ItemId,
        ordinal: u64,
        disposition: Option<Disposition>,
    },
    Parked {
        item_id: ItemId,
        ordinal: u64,
        result: Result<ParkOutcome, Error>,
    },
    Checkpointed(Result<(), Error>),
    Ended {
        exit: Exit,
        result: Result<(), Error>,
    },
}

/// How the work on a shard ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every record of the shard is finished.
    Finished,
    /// The lease was released or handed over, with its last checkpoint.
    Released,
    /// Another worker has the lease, or may have it; no more writes were made.
    Lost,
}
