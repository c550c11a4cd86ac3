//! Logs and counts what happened.

use tracing::{info, warn};

use super::Driver;
use crate::coordinator::Event;
use crate::error::{Error, chain};
use crate::shard::Exit;

impl<S, L, H> Driver<S, L, H> {
    pub(super) fn report(&self, event: &Event) {
        let figures = &self.shared.figures;
        match event {
            Event::Tick => {}
            Event::Shutdown => info!("the stream processor drains"),
            Event::HeartbeatWritten { result, .. } => {
                warn_of(result, |error| warn!(error, "a heartbeat failed"));
            }
            Event::Viewed(Ok(_)) => figures.lease_table_read(),
            Event::Viewed(Err(error)) => {
                warn!(error = chain(error), "the lease table could not be read");
            }
            Event::Taken {
                result: Ok(lease), ..
            } => {
                info!(shard = %lease.shard, epoch = lease.epoch, "a lease is taken");
                figures.taken_leases();
            }
            Event::Taken { shard, result } => {
                warn_of(
                    result,
                    |error| warn!(%shard, error, "a lease could not be taken"),
                );
            }
            Event::HandoverRequested {
                shard,
                result: Ok(()),
            } => {
                info!(%shard, "a lease is requested");
            }
            Event::HandoverRequested { shard, result } => {
                warn_of(
                    result,
                    |error| warn!(%shard, error, "a lease could not be requested"),
                );
            }
            Event::DeadWorkerRemoved { worker, result } => {
                warn_of(result, |error| {
                    warn!(worker, error, "a dead worker could not be removed")
                });
            }
            Event::ShardsListed(result) => {
                warn_of(result, |error| {
                    warn!(error, "the shards could not be listed")
                });
            }
            Event::ChildrenListed { shard, result } => warn_of(result, |error| {
                warn!(%shard, error, "the children of a shard could not be listed");
            }),
            Event::ShardEnded { shard, exit } => {
                info!(%shard, ?exit, "a shard is no longer read");
                match exit {
                    Exit::Finished => figures.finished_shards(),
                    Exit::Lost => figures.lost_leases(),
                    Exit::Released => {}
                }
            }
            Event::Left(result) => {
                warn_of(result, |error| {
                    warn!(error, "the heartbeat could not be removed")
                });
            }
        }
    }
}

/// Warns of an error, unless the write was refused because another worker was first.
fn warn_of<T>(result: &Result<T, Error>, warn: impl FnOnce(String)) {
    if let Err(error) = result
        && !error.is_fenced()
    {
        warn(chain(error));
    }
}
