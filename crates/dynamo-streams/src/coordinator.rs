//! The coordinator of one worker: looks at the lease table, takes and gives shards, finds new ones.

mod finding;
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
use crate::handler::RecordHandler;
use crate::heartbeat::Fence;
use crate::lease::balance::{Move, Situation, moves};
use crate::lease::liveness::Liveness;
use crate::lease::standing::{Standing, standing};
use crate::lease::{Guard, Lease, View};
use crate::lineage;
use crate::shard::Exit;
use crate::shard::runner::{self, Directive};
use crate::shard::work::Shared;
use crate::source::{ShardKey, StreamSource};
use crate::store::{LeaseStore, ParkedStore};
use finding::Found;
use searches::Searches;

pub(crate) struct Coordinator<S, L, H> {
    shared: Arc<Shared<S, L, H>>,
    tables: Arc<[String]>,
    me: String,
    fence: Arc<Fence>,
    liveness: Liveness,
    held: BTreeMap<ShardKey, Held>,
    shards: JoinSet<Exit>,
    /// What this worker asked for and has not been given yet.
    asked: BTreeMap<ShardKey, Instant>,
    /// Finished shards whose children are not known yet.
    searches: Searches,
    /// The one call for shards that is under way.
    discovery: JoinSet<Found>,
    survey_due: Instant,
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
    H: RecordHandler,
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
            asked: BTreeMap::new(),
            searches: Searches::default(),
            discovery: JoinSet::new(),
            survey_due: now,
            sync_due: now,
        }
    }

    /// Looks for the first time, and finds the shards if no other worker is there to do it.
    pub(crate) async fn begin(&mut self) -> Result<(), Error> {
        let view = self.shared.store.view().await?;
        self.shared.figures.viewed();
        self.liveness
            .observe(&view.heartbeats, &view.leases, Instant::now());
        if self.leads() {
            let surveyed = discovery::survey(&self.shared, &self.tables).await;
            if let Err(error @ Error::NoStream { .. }) = surveyed {
                return Err(error);
            }
            self.surveyed(&surveyed);
        }
        Ok(())
    }

    /// Works until it is told to shut down, then drains.
    pub(crate) async fn run(&mut self, shutdown: &CancellationToken) {
        loop {
            let search_due = self.searches.next_due();
            let discovery_due = search_due.map_or(self.survey_due, |due| due.min(self.survey_due));
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

    /// The lowest of the live workers lists the shards for all.
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
        self.shared.figures.viewed();
        let now = Instant::now();
        self.liveness.observe(&view.heartbeats, &view.leases, now);
        self.compare(&view, now);
        if let Some(fence) = self.fence.token() {
            self.balance(&view, &fence, now).await;
        }
        if self.leads() {
            self.sweep(now).await;
        }
        // Who waits for a handover looks more often.
        let interval = self.shared.settings.sync_interval;
        let wait = if self.asked.is_empty() {
            interval
        } else {
            interval / 5
        };
        self.sync_due = Instant::now() + wait;
    }

    /// Stops what another worker has by now, and hands over what a live worker asks for.
    fn compare(&mut self, view: &View, now: Instant) {
        let leases: BTreeMap<&ShardKey, &Lease> = view
            .leases
            .iter()
            .map(|lease| (&lease.shard, lease))
            .collect();
        for (shard, held) in &self.held {
            let lease = leases.get(shard).copied();
            let is_live = |worker: &str| self.liveness.is_live(worker, now);
            match standing(lease, &self.me, held.epoch, is_live) {
                Standing::Held => {}
                Standing::Lost => held.lost.cancel(),
                Standing::AskedFor(asker) => {
                    held.directive.send_if_modified(|directive| {
                        let news = !directive.stop;
                        *directive = Directive {
                            stop: true,
                            handover_to: Some(asker.to_owned()),
                        };
                        news
                    });
                }
            }
        }
        self.asked.retain(|shard, _| {
            leases
                .get(shard)
                .is_some_and(|lease| lease.is_asked_for_by(&self.me))
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
            asked: &self.asked,
            handover_timeout: self.shared.settings.handover_timeout,
            now,
        });
        for step in moves {
            let (Move::Take(shard) | Move::Ask(shard)) = &step;
            let Some(lease) = ready.iter().find(|lease| lease.shard == *shard) else {
                continue;
            };
            match step {
                // A second reader of a shard would be one that nobody can stop.
                Move::Take(_) if self.held.contains_key(&lease.shard) => {}
                Move::Take(_) => self.take(lease, fence).await,
                Move::Ask(_) => self.ask(lease, now).await,
            }
        }
    }

    async fn take(&mut self, lease: &Lease, fence: &CancellationToken) {
        self.shared.figures.lease_writes();
        match self.shared.store.take(lease.seen(), &self.me).await {
            Ok(taken) => {
                info!(shard = %taken.shard, epoch = taken.epoch, from = lease.owner, "a shard is taken");
                self.shared.figures.taken_leases();
                self.asked.remove(&taken.shard);
                self.read(taken, fence);
            }
            Err(error) if error.is_fenced() => {}
            Err(error) => {
                warn!(shard = %lease.shard, error = chain(&error), "a shard could not be taken");
            }
        }
    }

    async fn ask(&mut self, lease: &Lease, now: Instant) {
        self.shared.figures.lease_writes();
        match self.shared.store.ask(lease.seen(), &self.me).await {
            Ok(()) => {
                info!(shard = %lease.shard, holder = lease.owner, "a shard is asked for");
                self.asked.insert(lease.shard.clone(), now);
            }
            Err(error) if error.is_fenced() => {}
            Err(error) => {
                warn!(shard = %lease.shard, error = chain(&error), "a shard could not be asked for");
            }
        }
    }

    fn read(&mut self, lease: Lease, fence: &CancellationToken) {
        let (directive, told) = watch::channel(Directive::default());
        let lost = fence.child_token();
        let guard = Guard {
            shard: lease.shard.clone(),
            owner: self.me.clone(),
            epoch: lease.epoch,
        };
        let (shard, epoch) = (lease.shard.clone(), lease.epoch);
        let run = runner::run(Arc::clone(&self.shared), lease, guard, lost.clone(), told);
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
                // What waited for this shard may be known already.
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
            match self.shared.store.retire(&worker, Some(beat)).await {
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

    /// Stops reading, lets what runs end, saves, gives every shard away.
    async fn drain(&mut self) {
        self.discovery.shutdown().await;
        for held in self.held.values() {
            held.directive.send_if_modified(|directive| {
                let news = !directive.stop;
                directive.stop = true;
                news
            });
        }
        while let Some(ended) = self.shards.join_next_with_id().await {
            self.shard_ended(ended);
        }
        self.shared.figures.lease_writes();
        if let Err(error) = self.shared.store.retire(&self.me, None).await {
            warn!(error = chain(&error), "the heartbeat could not be removed");
        }
    }
}
