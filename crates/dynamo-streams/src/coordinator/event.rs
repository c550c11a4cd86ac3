//! The commands of the coordinator and the events that answer them.

use std::sync::Arc;

use crate::error::Error;
use crate::lease::{Lease, View};
use crate::shard::Exit;
use crate::source::ShardKey;

/// Something to do for a worker.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Command {
    /// Write the heartbeat of this worker.
    WriteHeartbeat { beat: u64, joins: bool },
    /// Read the lease table.
    View,
    /// Take a lease that is still as it was seen.
    Take(Lease),
    /// Request a lease that is still as it was seen.
    RequestHandover(Lease),
    /// Remove the heartbeat of a worker that died long ago.
    RemoveDeadWorker { worker: String, beat: u64 },
    /// List the shards of all streams and make their leases.
    ListShards,
    /// List the children of a finished shard and make their leases.
    ListChildren(ShardKey),
    /// Start to read a shard; `ShardEnded` follows.
    Read(Lease),
    /// Let the handlers of a shard end, write its last checkpoint, release the lease or hand it over.
    Stop {
        shard: ShardKey,
        handover_to: Option<String>,
    },
    /// Stop reading a shard before the next side effect: its lease is lost, or may be.
    GiveUp(ShardKey),
    /// Remove the heartbeat of this worker, whose last one has been answered.
    Leave,
    /// Return this error at the end.
    Fail(Arc<Error>),
    /// The run is over: no command follows.
    End,
}

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Event {
    /// Time has passed.
    Tick,
    /// The worker is to shut down.
    Shutdown,
    HeartbeatWritten {
        beat: u64,
        result: Result<(), Error>,
    },
    Viewed(Result<View, Error>),
    Taken {
        shard: ShardKey,
        result: Result<Lease, Error>,
    },
    HandoverRequested {
        shard: ShardKey,
        result: Result<(), Error>,
    },
    DeadWorkerRemoved {
        worker: String,
        result: Result<(), Error>,
    },
    ShardsListed(Result<(), Error>),
    /// Whether the search is over: the children have leases, or there will be none.
    ChildrenListed {
        shard: ShardKey,
        result: Result<bool, Error>,
    },
    /// A shard is no longer read.
    ShardEnded {
        shard: ShardKey,
        exit: Exit,
    },
    /// The heartbeat of this worker is removed.
    Left(Result<(), Error>),
}
