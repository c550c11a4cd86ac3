//! What a shard asks for and what it is told.

use std::sync::Arc;

use tokio::time::Instant;

use crate::error::Error;
use crate::handler::Disposition;
use crate::lease::Checkpoint;
use crate::observer::GapRecord;
use crate::record::{LaneId, Record};
use crate::source::RecordsPage;
use crate::store::ParkOutcome;

/// What is to be done for a shard; every command is answered by one event.
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
        lane: LaneId,
        ordinal: u64,
        record: Arc<Record>,
        attempt: u32,
    },
    /// Make a quarantined record durable, then tell the observer.
    Park {
        lane: LaneId,
        ordinal: u64,
        record: Arc<Record>,
        reason: String,
        attempts: u32,
        behind: bool,
    },
    /// Write the checkpoint.
    Save { reached: String, load: u64 },
    /// Write the last checkpoint and that the shard is finished.
    Finish { reached: Option<String> },
    /// Write the last checkpoint and give the lease away.
    Release {
        reached: Option<String>,
        handover_to: Option<String>,
        /// When the shard was last read under this hold.
        read_at: Option<Instant>,
    },
}

/// The answer to a command.
#[derive(Debug)]
pub(crate) enum Event {
    Opened(Result<String, Error>),
    Read {
        asked: Instant,
        result: Result<RecordsPage, Error>,
    },
    /// The gap is durable, and stamped.
    GapNoted(Result<GapRecord, Error>),
    GapClosed(Result<(), Error>),
    /// The handler's word, or nothing if it was dropped before it had one.
    Handled {
        lane: LaneId,
        ordinal: u64,
        disposition: Option<Disposition>,
    },
    Parked {
        lane: LaneId,
        ordinal: u64,
        result: Result<ParkOutcome, Error>,
    },
    Saved(Result<(), Error>),
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
    /// The lease was given away, with everything finished so far saved.
    Released,
    /// Somebody else has the lease, or may have; nothing more was written.
    Lost,
}
