//! The listings of the coordinator: one at a time, searches for children before full listings.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, warn};

use super::{Coordinator, Found};
use crate::discovery;
use crate::error::{Error, chain};
use crate::handler::Handler;
use crate::source::StreamSource;
use crate::store::{LeaseStore, ParkedStore};

/// The delay before a failed full listing is retried.
const LISTING_RETRY: Duration = Duration::from_secs(5);

impl<S, L, H> Coordinator<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: Handler,
{
    /// Starts the listing that is due: a search for children first, then a full listing.
    pub(super) fn discover(&mut self) {
        let now = Instant::now();
        let shared = Arc::clone(&self.shared);
        if let Some(shard) = self.searches.due(now) {
            self.discovery.spawn(async move {
                let found = discovery::children(&shared, &shard.stream_arn, &shard.shard_id).await;
                Found::Children(shard, found)
            });
        } else if self.listing_due <= now {
            self.listing_due = now + shared.settings.list_shards_interval;
            if self.leads() {
                let tables = Arc::clone(&self.tables);
                self.discovery.spawn(async move {
                    Found::Shards(discovery::list_shards(&shared, &tables).await)
                });
            }
        }
    }

    pub(super) fn shards_listed(&mut self, listed: &Result<(), Error>) {
        let now = Instant::now();
        let interval = self.shared.settings.list_shards_interval;
        match listed {
            Ok(()) => {
                self.sync_due = now;
                self.listing_due = now + interval;
            }
            Err(error) => {
                warn!(error = chain(error), "the shards could not be listed");
                self.listing_due = now + interval.min(LISTING_RETRY);
            }
        }
    }

    pub(super) fn discovered(&mut self, found: Result<Found, tokio::task::JoinError>) {
        let now = Instant::now();
        match found {
            Ok(Found::Shards(listed)) => self.shards_listed(&listed),
            Ok(Found::Children(shard, Ok(true))) => {
                self.searches.end(&shard);
                self.sync_due = now;
            }
            Ok(Found::Children(shard, result)) => {
                if let Err(error) = result {
                    warn!(%shard, error = chain(&error), "the children of a shard could not be listed");
                }
                self.searches.put_off(&shard, now);
            }
            Err(error) => error!(error = chain(&error), "a discovery task failed"),
        }
    }
}
