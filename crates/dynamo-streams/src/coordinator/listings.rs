//! The listings of the coordinator: one full listing at a time, and a few searches for children beside it.

use std::time::Duration;

use tokio::time::Instant;

use super::searches::Searches;
use super::{Command, Coordinator, Phase};
use crate::error::Error;
use crate::source::ShardKey;

/// The delay before a failed full listing is retried.
const LISTING_RETRY: Duration = Duration::from_secs(5);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Listings {
    /// Finished shards whose children are not known yet.
    pub(super) searches: Searches,
    /// Whether a full listing is in flight.
    in_flight: bool,
    /// When the next one is due.
    due: Instant,
}

impl Listings {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            searches: Searches::default(),
            in_flight: false,
            due: now,
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let full = (!self.in_flight).then_some(self.due);
        full.into_iter().chain(self.searches.next_due()).min()
    }
}

impl Coordinator {
    pub(super) fn may_list(&self) -> bool {
        self.phase >= Phase::Listing && self.drain.is_none()
    }

    /// Starts the listings that are due.
    pub(super) fn list(&mut self, now: Instant) {
        if !self.may_list() {
            return;
        }
        while let Some(shard) = self.listings.searches.start(now) {
            self.commands.push(Command::ListChildren(shard));
        }
        if !self.listings.in_flight && self.listings.due <= now {
            self.listings.due = now + self.settings.list_shards_interval;
            if self.leads(now) {
                self.listings.in_flight = true;
                self.commands.push(Command::ListShards);
            }
        }
    }

    pub(super) fn shards_listed(&mut self, result: Result<(), Error>, now: Instant) {
        self.listings.in_flight = false;
        let interval = self.settings.list_shards_interval;
        let first = self.phase == Phase::Listing;
        self.phase = Phase::Running;
        match result {
            Ok(()) => {
                self.view.due = now;
                self.listings.due = now + interval;
            }
            Err(error @ Error::NoStream { .. }) if first => self.fail(error, now),
            Err(_) => self.listings.due = now + interval.min(LISTING_RETRY),
        }
    }

    pub(super) fn children_listed(
        &mut self,
        shard: &ShardKey,
        result: &Result<bool, Error>,
        now: Instant,
    ) {
        match result {
            Ok(true) => {
                self.listings.searches.end(shard);
                self.view.due = now;
            }
            Ok(false) | Err(_) => self.listings.searches.put_off(shard, now),
        }
    }
}
