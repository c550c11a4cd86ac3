//! What the services do that a careless client does not expect: how often, and how often they did.

use std::collections::BTreeMap;

use fastrand::Rng;

/// One thing that a service may do. Each is allowed by the service's documentation or was seen of it, but for the one that
/// is marked as loss: that is a disaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Behaviour {
    /// DynamoDB: a call is refused with ProvisionedThroughputExceededException, RequestLimitExceeded or
    /// ThrottlingException.
    Throttled,
    /// DynamoDB: a call fails with InternalServerError and has done nothing.
    InternalError,
    /// A transaction is cancelled since another one has some of its items.
    TransactionConflict,
    /// A write of one item is refused since a transaction has the item.
    WriteConflict,
    /// A transaction is cancelled since some of its items are throttled.
    TransactionThrottled,
    /// A transaction with a request token is refused since the service is still busy with that token.
    TransactionInProgress,
    /// BatchGetItem leaves some keys for later.
    UnprocessedKeys,
    /// BatchWriteItem leaves some writes for later.
    UnprocessedItems,
    /// A read that is not consistent shows an item as it was up to a second ago.
    StaleRead,
    /// Query and Scan end a page before its limit.
    ShortPage,

    /// A shard closes and two children share its keys.
    ShardSplit,
    /// A shard closes and one child goes on.
    ShardRolledOver,
    /// Children are listed only up to a minute after their parent closed.
    LateChildren,
    /// A shard that is closed goes on being listed as open.
    OpenParent,
    /// An open shard is listed with an ending number: not by AWS, but by servers that stand in for it.
    EndingNumber,
    /// A record gets into its shard up to ten seconds after its commit: those of one transaction at different times.
    RecordDelayed,
    /// An iterator expires before its time.
    IteratorExpired,
    /// GetRecords answers with no records though there are some.
    EmptyPage,
    /// GetRecords answers with fewer records than there are.
    ShortRecordsPage,
    /// The last records of a closed shard come with an iterator, and the null one only with the next, empty, page.
    LateShardEnd,
    /// DescribeStream answers with one or two shards at a time.
    SmallListing,
    /// DescribeStream lists the youngest shards first: children before their parents.
    ChildrenFirst,
    /// The streams' calls are refused with LimitExceededException or ThrottlingException.
    StreamsThrottled,
    /// Loss: records are trimmed that are minutes old, of a shard of which a reader has kept its place. Of any other nobody
    /// could tell: it is read from wherever it begins, and that it begins too late shows nowhere.
    Trimmed,

    /// An SQS call is refused with RequestThrottled or ServiceUnavailable.
    QueueThrottled,
    /// A standard queue hands out a message that someone has just received.
    DeliveredTwice,
    /// A standard queue hands out a message once more that was deleted.
    DeleteForgotten,
    /// A receive gives what came later: any message of a standard queue, any group of a FIFO queue.
    OutOfOrder,
    /// A message becomes visible before its time is up.
    EarlyVisibility,
    /// A short poll finds nothing though there are messages.
    EmptyReceive,
    /// A receive gives fewer messages than asked for.
    FewerReceived,
    /// An entry of a batch fails, and nothing was done.
    EntryFailed,
    /// An entry of a batch is said to have failed, and was carried out.
    EntryFailureUntrue,
}

impl Behaviour {
    pub(crate) const ALL: [Self; 33] = [
        Self::Throttled,
        Self::InternalError,
        Self::TransactionConflict,
        Self::WriteConflict,
        Self::TransactionThrottled,
        Self::TransactionInProgress,
        Self::UnprocessedKeys,
        Self::UnprocessedItems,
        Self::StaleRead,
        Self::ShortPage,
        Self::ShardSplit,
        Self::ShardRolledOver,
        Self::LateChildren,
        Self::OpenParent,
        Self::EndingNumber,
        Self::RecordDelayed,
        Self::IteratorExpired,
        Self::EmptyPage,
        Self::ShortRecordsPage,
        Self::LateShardEnd,
        Self::SmallListing,
        Self::ChildrenFirst,
        Self::StreamsThrottled,
        Self::Trimmed,
        Self::QueueThrottled,
        Self::DeliveredTwice,
        Self::DeleteForgotten,
        Self::OutOfOrder,
        Self::EarlyVisibility,
        Self::EmptyReceive,
        Self::FewerReceived,
        Self::EntryFailed,
        Self::EntryFailureUntrue,
    ];

    /// Whether something is gone for good, which only `reconcile` can make up for.
    pub(crate) fn loses(self) -> bool {
        self == Self::Trimmed
    }
}

/// How often each behaviour strikes: the share of the occasions, from 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Adversity {
    rates: BTreeMap<Behaviour, f64>,
    /// With how many shards a stream starts; one, if this is 0.
    pub(crate) shards: u32,
}

impl Adversity {
    /// Services at their best.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// This, with one behaviour at another rate.
    pub(crate) fn with(mut self, behaviour: Behaviour, rate: f64) -> Self {
        self.rates.insert(behaviour, rate);
        self
    }

    /// A random half of all behaviours that lose nothing, each with a rate of its own up to `most`.
    pub(crate) fn swarm(rng: &mut Rng, most: f64) -> Self {
        let mut swarm = Self::none();
        for behaviour in Behaviour::ALL {
            let (on, rate) = (rng.bool(), rng.f64() * most);
            if on && !behaviour.loses() {
                swarm.rates.insert(behaviour, rate);
            }
        }
        swarm.shards = rng.u32(1..=4);
        swarm
    }

    pub(crate) fn rate(&self, behaviour: Behaviour) -> f64 {
        self.rates.get(&behaviour).copied().unwrap_or(0.0)
    }
}

/// Decides when a behaviour strikes, by its own dice.
#[derive(Debug)]
pub(super) struct Adversary {
    rng: Rng,
    adversity: Adversity,
    struck: BTreeMap<Behaviour, u64>,
}

impl Adversary {
    pub(super) fn new(seed: u64, adversity: Adversity) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            adversity,
            struck: BTreeMap::new(),
        }
    }

    pub(super) fn set(&mut self, adversity: Adversity) {
        self.adversity = adversity;
    }

    /// Whether a behaviour strikes on this occasion. To be asked only where it can, for it is counted.
    pub(super) fn strikes(&mut self, behaviour: Behaviour) -> bool {
        let strikes = self.would_strike(behaviour);
        if strikes {
            self.count(behaviour);
        }
        strikes
    }

    /// Whether a behaviour strikes if there is an occasion, which remains to be seen, and counted.
    pub(super) fn would_strike(&mut self, behaviour: Behaviour) -> bool {
        let rate = self.adversity.rate(behaviour);
        rate > 0.0 && self.rng.f64() < rate
    }

    pub(super) fn count(&mut self, behaviour: Behaviour) {
        *self.struck.entry(behaviour).or_default() += 1;
    }

    /// Whether a behaviour may strike at all.
    pub(super) fn may(&self, behaviour: Behaviour) -> bool {
        self.adversity.rate(behaviour) > 0.0
    }

    /// A number from `least` to `most`, both included.
    pub(super) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.rng.u64(least..=most)
    }

    /// With how many shards a stream starts.
    pub(super) fn shards(&self) -> u32 {
        self.adversity.shards
    }

    pub(super) fn coin(&mut self) -> bool {
        self.rng.bool()
    }

    pub(super) fn struck(&self) -> &BTreeMap<Behaviour, u64> {
        &self.struck
    }
}
