//! The coordinator of one worker: reads the lease table, takes and hands over leases, lists shards.

mod listing;
mod searches;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::discovery;
use crate::error::{Error, chain};
use crate::handler::Handler;
use crate::heartbeat::Fence;
use crate::lease::balance::{Move, Situation, moves};
use crate::lease::check::{LeaseCheck, check_lease};
use crate::lease::liveness::Liveness;
use crate::lease::{Guard, Lease, View};
use crate::lineage;
use crate::shard::Exit;
use crate::shard::runner::{self, Directive};
use crate::shard::work::Shared;
use crate::source::{ShardKey, StreamSource};
use crate::store::{LeaseStore, ParkedStore};
use searches::Searches;

/// The result of a listing.
enum Found {
    Shards(Result<(), Error>),
    Children(ShardKey, Result<bool, Error>),
}

pub(crate) struct Coordinator<S, L, H> {
    shared: Arc<Shared<S, L, H>>,
    tables: Arc<[String]>,
    me: String,
    fence: Arc<Fence>,
    liveness: Liveness,
    held: BTreeMap<ShardKey, Held>,
    shards: JoinSet<Exit>,
    /// The leases that this worker requested and has not got yet.
    requested: BTreeMap<ShardKey, Instant>,
    /// Finished shards whose children are not known yet.
    searches: Searches,
    /// The listing in flight; there is one at a time.
    discovery: JoinSet<Found>,
    listing_due: Instant,
    sync_due: Instant,
}

struct Held {
    task: Id,
    epoch: u64,
    lost: CancellationToken,
    directive: watch::Sender<Directive>,
}

impl<S, L, H> Coordinator<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    pub(crate) fn new(
        shared: Arc<Shared<S, L, H>>,
        tables: Vec<String>,
        me: String,
        fence: Arc<Fence>,
    ) -> Self {
        let now = Instant::now();
        Self {
            liveness: Liveness::new(shared.settings.lease_duration),
            shared,
            tables: tables.into(),
            me,
            fence,
            held: BTreeMap::new(),
            shards: JoinSet::new(),
            requested: BTreeMap::new(),
            searches: Searches::default(),
            discovery: JoinSet::new(),
            listing_due: now,
            sync_due: now,
        }
    }

    /// Reads the lease table for the first time, and lists the shards if this worker leads.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        let view = self.shared.store.view().await?;
        self.shared.figures.lease_table_read();
        self.liveness
            .observe(&view.heartbeats, &view.leases, Instant::now());
        if self.leads() {
            let listed = discovery::list_shards(&self.shared, &self.tables).await;
            if let Err(error @ Error::NoStream { .. }) = listed {
                return Err(error);
            }
            self.shards_listed(&listed);
        }
        Ok(())
    }

    /// Runs until `shutdown` fires, then drains.
    pub(crate) async fn run(&mut self, shutdown: &CancellationToken) {
        loop {
            let search_due = self.searches.next_due();
            let discovery_due =
                search_due.map_or(self.listing_due, |due| due.min(self.listing_due));
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                Some(ended) = self.shards.join_next_with_id() => self.shard_ended(ended),
                Some(found) = self.discovery.join_next() => self.discovered(found),
                () = sleep_until(self.sync_due) => self.sync().await,
                () = sleep_until(discovery_due), if self.discovery.is_empty() => self.discover(),
            }
        }
        self.drain().await;
    }

    /// Whether this worker lists the shards for all: it is the first of the live workers.
    fn leads(&self) -> bool {
        let live = self.liveness.live(Instant::now());
        live.first().is_none_or(|first| *first >= self.me)
    }

    async fn sync(&mut self) {
        let view = match self.shared.store.view().await {
            Ok(view) => view,
            Err(error) => {
                warn!(error = chain(&error), "the lease table could not be read");
                self.sync_due = Instant::now() + self.shared.settings.sync_interval;
                return;
            }
        };
        self.shared.figures.lease_table_read();
        let now = Instant::now();
        self.liveness.observe(&view.heartbeats, &view.leases, now);
        self.compare(&view, now);
        if let Some(fence) = self.fence.token() {
            self.balance(&view, &fence, now).await;
        }
        if self.leads() {
            self.sweep(now).await;
        }
        // While a handover is awaited the table is read more often.
        let interval = self.shared.settings.sync_interval;
        let wait = if self.requested.is_empty() {
            interval
        } else {
            interval / 5
        };
        self.sync_due = Instant::now() + wait;
    }

    /// Stops shards whose lease is lost, and hands over those that a live worker requests.
    fn compare(&mut self, view: &View, now: Instant) {
        let leases: BTreeMap<&ShardKey, &Lease> = view
            .leases
            .iter()
            .map(|lease| (&lease.shard, lease))
            .collect();
        for (shard, held) in &self.held {
            let lease = leases.get(shard).copied();
            let is_live = |worker: &str| self.liveness.is_live(worker, now);
            match check_lease(lease, &self.me, held.epoch, is_live) {
                LeaseCheck::Held => {}
                LeaseCheck::Lost => held.lost.cancel(),
                LeaseCheck::HandoverRequested(worker) => {
                    held.directive.send_if_modified(|directive| {
                        let changed = !directive.stop;
                        *directive = Directive {
                            stop: true,
                            handover_to: Some(worker.to_owned()),
                        };
                        changed
                    });
                }
            }
        }
        self.requested.retain(|shard, _| {
            leases
                .get(shard)
                .is_some_and(|lease| lease.is_requested_by(&self.me))
        });
    }

    async fn balance(&mut self, view: &View, fence: &CancellationToken, now: Instant) {
        let ready = lineage::ready(&view.leases, &view.streams);
        let held: BTreeSet<ShardKey> = self.held.keys().cloned().collect();
        let moves = moves(&Situation {
            me: &self.me,
            ready: &ready,
            liveness: &self.liveness,
            held: &held,
            requested: &self.requested,
            handover_timeout: self.shared.settings.handover_timeout,
            now,
        });
        for step in moves {
            let (Move::Take(shard) | Move::RequestHandover(shard)) = &step;
            let Some(lease) = ready.iter().find(|lease| lease.shard == *shard) else {
                continue;
            };
            match step {
                // A second reader of a shard could not be stopped.
                Move::Take(_) if self.held.contains_key(&lease.shard) => {}
                Move::Take(_) => self.take(lease, fence).await,
                Move::RequestHandover(_) => self.request_handover(lease, now).await,
            }
        }
    }

    async fn take(&mut self, lease: &Lease, fence: &CancellationToken) {
        self.shared.figures.lease_writes();
        match self.shared.store.take(lease.seen(), &self.me).await {
            Ok(taken) => {
                info!(shard = %taken.shard, epoch = taken.epoch, from = lease.owner, "a lease is taken");
                self.shared.figures.taken_leases();
                self.requested.remove(&taken.shard);
                self.read(taken, fence);
            }
            Err(error) if error.is_fenced() => {}
            Err(error) => {
                warn!(shard = %lease.shard, error = chain(&error), "a lease could not be taken");
            }
        }
    }

    async fn request_handover(&mut self, lease: &Lease, now: Instant) {
        self.shared.figures.lease_writes();
        match self
            .shared
            .store
            .request_handover(lease.seen(), &self.me)
            .await
        {
            Ok(()) => {
                info!(shard = %lease.shard, holder = lease.owner, "a lease is requested");
                self.requested.insert(lease.shard.clone(), now);
            }
            Err(error) if error.is_fenced() => {}
            Err(error) => {
                warn!(shard = %lease.shard, error = chain(&error), "a lease could not be requested");
            }
        }
    }

    fn read(&mut self, lease: Lease, fence: &CancellationToken) {
        let (directive, received) = watch::channel(Directive::default());
        let lost = fence.child_token();
        let guard = Guard {
            shard: lease.shard.clone(),
            owner: self.me.clone(),
            epoch: lease.epoch,
        };
        let (shard, epoch) = (lease.shard.clone(), lease.epoch);
        let run = runner::run(
            Arc::clone(&self.shared),
            lease,
            guard,
            lost.clone(),
            received,
        );
        let task = self.shards.spawn(run).id();
        self.held.insert(
            shard,
            Held {
                task,
                epoch,
                lost,
                directive,
            },
        );
    }

    fn shard_ended(&mut self, ended: Result<(Id, Exit), tokio::task::JoinError>) {
        let (task, exit) = match ended {
            Ok(ended) => ended,
            Err(error) => {
                error!(error = chain(&error), "the task of a shard failed");
                (error.id(), Exit::Lost)
            }
        };
        let Some(shard) = self
            .held
            .iter()
            .find(|(_, held)| held.task == task)
            .map(|(key, _)| key.clone())
        else {
            return;
        };
        self.held.remove(&shard);
        info!(%shard, ?exit, "a shard is no longer read");
        match exit {
            Exit::Finished => {
                self.shared.figures.finished_shards();
                let now = Instant::now();
                self.searches.begin(shard, now);
                // Its children may have leases already.
                self.sync_due = now;
            }
            Exit::Lost => self.shared.figures.lost_leases(),
            Exit::Released => {}
        }
    }

    /// Removes the heartbeats of workers that died long ago.
    async fn sweep(&self, now: Instant) {
        for (worker, beat) in self.liveness.long_dead(now) {
            self.shared.figures.lease_writes();
            match self
                .shared
                .store
                .remove_heartbeat(&worker, Some(beat))
                .await
            {
                Err(error) if !error.is_fenced() => {
                    warn!(
                        worker,
                        error = chain(&error),
                        "a dead worker could not be removed"
                    );
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    /// Stops reading, lets handlers end, writes the last checkpoints, releases every lease.
    async fn drain(&mut self) {
        self.discovery.shutdown().await;
        for held in self.held.values() {
            held.directive.send_if_modified(|directive| {
                let changed = !directive.stop;
                directive.stop = true;
                changed
            });
        }
        while let Some(ended) = self.shards.join_next_with_id().await {
            self.shard_ended(ended);
        }
        self.shared.figures.lease_writes();
        if let Err(error) = self.shared.store.remove_heartbeat(&self.me, None).await {
            warn!(error = chain(&error), "the heartbeat could not be removed");
        }
    }
}
