//! The coordinator's calls for shards: one at a time, searches for children before full listings.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{error, warn};

use super::Coordinator;
use crate::discovery;
use crate::error::{Error, chain};
use crate::handler::RecordHandler;
use crate::source::{ShardKey, StreamSource};
use crate::store::{LeaseStore, ParkedStore};

/// The wait before a full listing that failed is tried again.
const SURVEY_RETRY: Duration = Duration::from_secs(5);

/// What a call for shards came to.
pub(super) enum Found {
    Survey(Result<(), Error>),
    Children(ShardKey, Result<bool, Error>),
}

impl<S, L, H> Coordinator<S, L, H>
where
    S: StreamSource,
    L: LeaseStore + ParkedStore,
    H: RecordHandler,
{
    /// Starts the one call for shards that is due: children first, then everything.
    pub(super) fn discover(&mut self) {
        let now = Instant::now();
        let shared = Arc::clone(&self.shared);
        if let Some(shard) = self.searches.due(now) {
            self.discovery.spawn(async move {
                let found = discovery::children(&shared, &shard.stream_arn, &shard.shard_id).await;
                Found::Children(shard, found)
            });
        } else if self.survey_due <= now {
            self.survey_due = now + shared.settings.discovery_interval;
            if self.leads() {
                let tables = Arc::clone(&self.tables);
                self.discovery
                    .spawn(async move { Found::Survey(discovery::survey(&shared, &tables).await) });
            }
        }
    }

    pub(super) fn surveyed(&mut self, surveyed: &Result<(), Error>) {
        let now = Instant::now();
        let interval = self.shared.settings.discovery_interval;
        match surveyed {
            Ok(()) => {
                self.sync_due = now;
                self.survey_due = now + interval;
            }
            Err(error) => {
                warn!(error = chain(error), "the shards could not be listed");
                self.survey_due = now + interval.min(SURVEY_RETRY);
            }
        }
    }

    pub(super) fn discovered(&mut self, found: Result<Found, tokio::task::JoinError>) {
        let now = Instant::now();
        match found {
            Ok(Found::Survey(surveyed)) => self.surveyed(&surveyed),
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
