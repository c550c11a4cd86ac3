//! Deliberate bugs, one at a time, none of them in the program: requests and answers are spoilt on their way, or a handler's
//! answer is. Each must be found.

mod caught;
mod losses;
mod wire;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

pub(crate) use wire::Spoiler;

/// A bug that someone might well write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bug {
    /// A charge is made whether or not it was made before.
    ChargeUnconditional,
    /// A charge is a penny too much.
    ChargeOffByOne,
    /// A session that was skipped counts as attended.
    SkipCountsAsAttended,
    /// A session is put over what is there.
    SessionPutUnconditional,
    /// A session that was charged stays unpaid.
    PaymentStatusForgotten,
    /// A change is written over whatever was written since it was decided.
    VersionUnchecked,
    /// Confirming a payment leaves the application.
    ApplicationKept,
    /// A receipt is written over another one.
    ReceiptUnconditional,
    /// A change is written without its receipt.
    ReceiptForgotten,
    /// A rejection is sent and not stored.
    RejectionNotStored,
    /// A message is deleted when it is received.
    DeletedBeforeCommit,
    /// A duplicate is told no outcome.
    DuplicateNotTold,
    /// An outcome that could not be sent is taken for sent.
    OutcomeFailureIgnored,
    /// A notification that could not be sent is taken for sent.
    NotificationFailureIgnored,
    /// A command that is to be tried again is taken for done.
    CommandRetryDropped,
    /// A command that is to be tried again is a dead letter.
    CommandRetryBuried,
    /// A command that was begun before is not carried out again.
    CommandsDedupedWhenBegun,
    /// A record that is to be tried again is taken for done.
    RecordRetryDropped,
    /// A record that is to be tried again is parked at once.
    RecordRetryParked,
    /// A record that was begun before is not handled again.
    RecordsDedupedWhenBegun,
    /// A record that is to be tried again goes to the end of the line.
    RetryOvertaken,
    /// A record is taken for done when its reaction begins.
    CheckpointBeforeWork,
    /// A checkpoint is written, and a lease given away, whoever holds it.
    CheckpointUnfenced,
    /// A checkpoint is written over a later one of the same holder.
    CheckpointUnordered,
    /// The records that come with a shard's end are dropped.
    LastPageDropped,
    /// A shard that has no checkpoint is read from its latest record.
    ChildrenAtLatest,
    /// A shard that has a checkpoint is read from its latest record.
    ReopenedAtLatest,
    /// Children are read before their parents.
    ChildrenBeforeParents,
    /// A notification has another id each time.
    NotificationIdRandom,
    /// A notification carries contact details.
    ContactTold,
    /// A command that can never be carried out is put off as if it could be later.
    RefusalPutOff,
    /// A command that failed is a dead letter once it was received thrice, whyever it was.
    BuriedByReceiveCount,
    /// A record at which the handler panics ends its process, each time.
    PanicEscapes,
    /// A record that can't be decoded is read again and again.
    UndecodableBlocks,
    /// A place that was trimmed is left for the oldest record, and nobody is told.
    TrimmedPlaceLeft,
    /// A gap is told of and not written down.
    GapNotWritten,
    /// A shard that was never read counts as just found, however long ago that was.
    ShardAgeForgotten,
    /// A repair makes no charges.
    RepairSkipsCharges,
    /// A repair charges whether or not it was done before.
    RepairChargesAgain,
    /// A repair puts no sessions.
    RepairSkipsSessions,
}

impl Bug {
    pub(crate) const ALL: [Self; 34] = [
        Self::ChargeUnconditional,
        Self::ChargeOffByOne,
        Self::SkipCountsAsAttended,
        Self::SessionPutUnconditional,
        Self::PaymentStatusForgotten,
        Self::VersionUnchecked,
        Self::ApplicationKept,
        Self::ReceiptUnconditional,
        Self::ReceiptForgotten,
        Self::RejectionNotStored,
        Self::DeletedBeforeCommit,
        Self::DuplicateNotTold,
        Self::OutcomeFailureIgnored,
        Self::NotificationFailureIgnored,
        Self::CommandRetryDropped,
        Self::CommandRetryBuried,
        Self::CommandsDedupedWhenBegun,
        Self::RecordRetryDropped,
        Self::RecordRetryParked,
        Self::RecordsDedupedWhenBegun,
        Self::RetryOvertaken,
        Self::CheckpointBeforeWork,
        Self::CheckpointUnfenced,
        Self::CheckpointUnordered,
        Self::LastPageDropped,
        Self::ChildrenAtLatest,
        Self::ReopenedAtLatest,
        Self::ChildrenBeforeParents,
        Self::NotificationIdRandom,
        Self::ContactTold,
        Self::RefusalPutOff,
        Self::BuriedByReceiveCount,
        Self::PanicEscapes,
        Self::UndecodableBlocks,
    ];

    /// What shows only where records are lost.
    pub(crate) const OF_LOSSES: [Self; 6] = [
        Self::TrimmedPlaceLeft,
        Self::GapNotWritten,
        Self::ShardAgeForgotten,
        Self::RepairSkipsCharges,
        Self::RepairChargesAgain,
        Self::RepairSkipsSessions,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter().chain(Self::OF_LOSSES);
        all.find(|bug| format!("{bug:?}") == name)
    }

    /// What the handler of a command says with this bug, when it was received so often.
    pub(crate) fn after_command(
        self,
        receive_count: u32,
        disposition: sqs_consumer::Disposition,
    ) -> sqs_consumer::Disposition {
        use sqs_consumer::Disposition::{DeadLetter, Defer, Done, Retry};
        match (self, disposition) {
            (Self::CommandRetryDropped, Retry { .. } | Defer { .. }) => Done,
            (Self::CommandRetryBuried, Retry { reason, .. } | Defer { reason, .. }) => DeadLetter {
                reason,
                detail: String::new(),
            },
            (Self::BuriedByReceiveCount, Retry { reason, .. } | Defer { reason, .. })
                if receive_count >= 3 =>
            {
                DeadLetter {
                    reason,
                    detail: String::new(),
                }
            }
            (Self::RefusalPutOff, DeadLetter { reason, .. }) => Defer {
                after: None,
                reason,
            },
            (_, disposition) => disposition,
        }
    }

    /// What a record's handler says with this bug.
    pub(crate) fn after_record(
        self,
        disposition: dynamo_streams::Disposition,
    ) -> dynamo_streams::Disposition {
        use dynamo_streams::Disposition::{Done, Park, Retry};
        match (self, disposition) {
            (Self::RecordRetryDropped, Retry { .. }) => Done,
            (Self::RecordRetryParked, Retry { reason }) => Park { reason },
            (_, disposition) => disposition,
        }
    }
}

/// What a process with a bug remembers of its work.
#[derive(Debug, Default)]
pub(crate) struct Begun(Mutex<BTreeSet<String>>);

impl Begun {
    /// Whether this was begun before.
    pub(crate) fn again(&self, id: &str) -> bool {
        let mut begun = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !begun.insert(id.to_owned())
    }
}
