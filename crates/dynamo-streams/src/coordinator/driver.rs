//! The loop around the coordinator: waits for one event, and carries out its commands in tasks of their own.

mod report;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{Command, Coordinator, Event};
use crate::discovery;
use crate::error::{Error, chain};
use crate::handler::Handler;
use crate::lease::settled::Settled;
use crate::lease::{Guard, Heartbeat, Lease};
use crate::shard::Exit;
use crate::shard::runner::{self, Directive, until};
use crate::shard::work::Shared;
use crate::source::{ShardKey, StreamSource};
use crate::store::{LeaseStore, ParkedStore};

pub(crate) struct Driver<S, L, H> {
    shared: Arc<Shared<S, L, H>>,
    tables: Arc<[String]>,
    me: Arc<str>,
    coordinator: Coordinator,
    settled: Arc<Settled>,
    calls: JoinSet<Event>,
    heartbeat: Option<AbortHandle>,
    readers: BTreeMap<ShardKey, Reader>,
    reading: JoinSet<Exit>,
    is_draining: bool,
    failure: Option<Error>,
}

/// The reader of a shard, a task.
struct Reader {
    task: Id,
    lost: CancellationToken,
    directive: watch::Sender<Directive>,
}

impl<S, L, H> Driver<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    pub(crate) fn new(shared: Arc<Shared<S, L, H>>, tables: Vec<String>, me: String) -> Self {
        let settings = shared.settings.clone();
        Self {
            coordinator: Coordinator::new(settings, me.clone(), Instant::now()),
            shared,
            tables: tables.into(),
            me: me.into(),
            settled: Arc::default(),
            calls: JoinSet::new(),
            heartbeat: None,
            readers: BTreeMap::new(),
            reading: JoinSet::new(),
            is_draining: false,
            failure: None,
        }
    }

    /// Runs until `shutdown` fires, then drains. Fails only at the start.
    pub(crate) async fn run(mut self, shutdown: &CancellationToken) -> Result<(), Error> {
        let mut event = Event::Tick;
        loop {
            for command in self.coordinator.step(event, Instant::now()) {
                if let Command::End = command {
                    return self.failure.map_or(Ok(()), Err);
                }
                self.carry_out(command);
            }
            event = self.next_event(shutdown).await;
            self.report(&event);
        }
    }

    async fn next_event(&mut self, shutdown: &CancellationToken) -> Event {
        let wake_at = self.coordinator.wake_at();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled(), if !self.is_draining => {
                    self.is_draining = true;
                    return Event::Shutdown;
                }
                Some(ended) = self.reading.join_next_with_id() => {
                    if let Some(event) = self.reader_ended(ended) {
                        return event;
                    }
                }
                Some(answer) = self.calls.join_next() => match answer {
                    Ok(event) => return event,
                    // A heartbeat that was not answered in time.
                    Err(aborted) => debug_assert!(aborted.is_cancelled()),
                },
                () = until(wake_at) => return Event::Tick,
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        let (shared, me) = (Arc::clone(&self.shared), Arc::clone(&self.me));
        match command {
            Command::WriteHeartbeat { beat, joins } => {
                let call = async move { write_heartbeat(&shared, &me, beat, joins).await };
                let call = self.call(call, move |result| Event::HeartbeatWritten { beat, result });
                if let Some(last) = self.heartbeat.replace(call) {
                    last.abort();
                }
            }
            Command::View => {
                let settled = Arc::clone(&self.settled);
                let call = async move {
                    let whole_every = shared.settings.list_shards_interval;
                    settled.view(&shared.store, whole_every).await
                };
                self.call(call, Event::Viewed);
            }
            Command::Take(lease) => {
                self.shared.figures.lease_writes();
                let shard = lease.shard.clone();
                let call = async move { shared.store.take(lease.seen(), &me).await };
                self.call(call, move |result| Event::Taken { shard, result });
            }
            Command::RequestHandover(lease) => {
                self.shared.figures.lease_writes();
                let shard = lease.shard.clone();
                let call = async move { shared.store.request_handover(lease.seen(), &me).await };
                self.call(call, move |result| Event::HandoverRequested {
                    shard,
                    result,
                });
            }
            Command::RemoveDeadWorker { worker, beat } => {
                self.shared.figures.lease_writes();
                let name = worker.clone();
                let call = async move { shared.store.remove_heartbeat(&name, Some(beat)).await };
                self.call(call, move |result| Event::DeadWorkerRemoved {
                    worker,
                    result,
                });
            }
            Command::ListShards => {
                let tables = Arc::clone(&self.tables);
                let call = async move { discovery::list_shards(&shared, &tables).await };
                self.call(call, Event::ShardsListed);
            }
            Command::ListChildren(shard) => {
                let parent = shard.clone();
                let call = async move {
                    discovery::children(&shared, &parent.stream_arn, &parent.shard_id).await
                };
                self.call(call, move |result| Event::ChildrenListed { shard, result });
            }
            Command::Read(lease) => self.read(lease),
            Command::Stop { shard, handover_to } => self.stop(&shard, handover_to),
            Command::GiveUp(shard) => self.give_up(&shard),
            Command::Leave => {
                self.shared.figures.lease_writes();
                let call = async move { shared.store.remove_heartbeat(&me, None).await };
                self.call(call, Event::Left);
            }
            Command::Fail(error) => self.failure = Arc::into_inner(error),
            Command::End => {}
        }
    }

    /// Starts a call in a task of its own, so that nothing waits for it.
    fn call<T>(
        &mut self,
        call: impl Future<Output = Result<T, Error>> + Send + 'static,
        event: impl FnOnce(Result<T, Error>) -> Event + Send + 'static,
    ) -> AbortHandle {
        self.calls.spawn(async move {
            let result = AssertUnwindSafe(call).catch_unwind().await;
            event(result.unwrap_or_else(|_| Err(Error::unavailable("the call", "it panicked"))))
        })
    }

    fn read(&mut self, lease: Lease) {
        let (directive, received) = watch::channel(Directive::default());
        let lost = CancellationToken::new();
        let shard = lease.shard.clone();
        let guard = Guard {
            shard: shard.clone(),
            owner: self.me.to_string(),
            epoch: lease.epoch,
        };
        let shared = Arc::clone(&self.shared);
        let run = runner::run(shared, lease, guard, lost.clone(), received);
        let task = self.reading.spawn(run).id();
        let reader = Reader {
            task,
            lost,
            directive,
        };
        self.readers.insert(shard, reader);
    }

    fn stop(&self, shard: &ShardKey, handover_to: Option<String>) {
        if let Some(reader) = self.readers.get(shard) {
            let stop = true;
            reader
                .directive
                .send_replace(Directive { stop, handover_to });
        }
    }

    fn give_up(&self, shard: &ShardKey) {
        if let Some(reader) = self.readers.get(shard) {
            reader.lost.cancel();
        }
    }

    fn reader_ended(&mut self, ended: Result<(Id, Exit), JoinError>) -> Option<Event> {
        let (task, exit) = ended.unwrap_or_else(|error| {
            error!(error = chain(&error), "the task of a shard failed");
            (error.id(), Exit::Lost)
        });
        let mut readers = self.readers.iter();
        let shard =
            readers.find_map(|(shard, reader)| (reader.task == task).then(|| shard.clone()))?;
        self.readers.remove(&shard);
        Some(Event::ShardEnded { shard, exit })
    }
}

/// Writes a heartbeat, with the worker's figures.
async fn write_heartbeat<S, L: LeaseStore, H>(
    shared: &Shared<S, L, H>,
    worker: &str,
    beat: u64,
    joins: bool,
) -> Result<(), Error> {
    shared.figures.lease_writes();
    let heartbeat = Heartbeat {
        worker: worker.to_owned(),
        beat,
        sent_at: shared.settings.wall_clock.utc(),
        figures: shared.figures.publish(),
    };
    shared.store.write_heartbeat(&heartbeat, joins).await?;
    shared.figures.heartbeat_written();
    Ok(())
}
