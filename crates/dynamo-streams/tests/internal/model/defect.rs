//! Deliberate defects, one at a time, to show that each property can fail.

/// What is done wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    /// Writes are not conditional on owner and epoch.
    UnfencedWrites,
    /// A checkpoint is not compared with the one that is stored.
    UnorderedCheckpoints,
    /// A lease is taken whatever has become of it since it was seen.
    BlindTakes,
    /// Finished shards are taken like others.
    TakesFinishedShards,
    /// A lease is made although there is one.
    OverwritesLeases,
    /// Children are read whatever their parent is at.
    ChildrenBeforeParents,
    /// Children are read from their newest record on.
    ChildrenAtLatest,
    /// The checkpoint is the newest record that was begun.
    CheckpointsWhatIsBegun,
    /// A shard is finished when it was read to its end.
    FinishesWhatIsRead,
    /// All records of a page are handled at once.
    IgnoresItems,
    /// A shard is handed over while a record is handled.
    ReleasesWithoutDraining,
    /// A worker whose heartbeats fail goes on.
    NoSelfFence,
    /// A live worker is held for dead.
    SuspectsTheLiving,
    /// Children that were not listed at once are never found.
    ForgetsLateChildren,
    /// A worker that drains leaves a lease behind that it has not begun to read.
    AbandonsAtDrain,
    /// A request for a lease is overdue before its holder can have ended its handlers.
    OverdueTooSoon,
    /// A shard that was handed over is not taken by the one who asked for it.
    IgnoresHandedOver,
}
