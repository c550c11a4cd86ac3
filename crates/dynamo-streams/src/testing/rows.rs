//! The rows of a lease table with the conditions of its writes, without any IO.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::lease::{Checkpoint, Guard, Lease, Seen};
use crate::sequence::padded;
use crate::source::ShardKey;

/// The leases by shard. A write whose condition fails answers [`Error::Fenced`] and changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows(pub(crate) BTreeMap<ShardKey, Lease>);

impl Rows {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lease> {
        self.0.values()
    }

    pub(crate) fn create(&mut self, lease: &Lease) -> bool {
        let new = !self.0.contains_key(&lease.shard);
        if new {
            self.0.insert(lease.shard.clone(), lease.clone());
        }
        new
    }

    pub(crate) fn take(&mut self, seen: Seen<'_>, worker: &str) -> Result<Lease, Error> {
        let lease = self.as_seen(seen)?;
        lease.owner = Some(worker.to_owned());
        lease.epoch += 1;
        lease.handover_to = None;
        Ok(lease.clone())
    }

    pub(crate) fn request_handover(&mut self, seen: Seen<'_>, worker: &str) -> Result<(), Error> {
        let lease = self.as_seen(seen)?;
        let asked = lease.handover_to.as_deref();
        if asked.is_some() && asked != Some(worker) && asked != seen.handover_to {
            return Err(Error::Fenced);
        }
        lease.handover_to = Some(worker.to_owned());
        Ok(())
    }

    pub(crate) fn checkpoint(
        &mut self,
        guard: &Guard,
        checkpoint: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let lease = self.held(guard)?;
        if let Checkpoint::After(later) = &lease.checkpoint
            && padded(later) > padded(checkpoint)
        {
            return Err(Error::Fenced);
        }
        lease.checkpoint = Checkpoint::After(checkpoint.to_owned());
        lease.checkpointed_at = now;
        lease.load = load;
        Ok(())
    }

    pub(crate) fn release(
        &mut self,
        guard: &Guard,
        checkpoint: Option<&str>,
        handover_to: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        if !self.has_ended(guard, handover_to) {
            self.end(guard, checkpoint, read_at)?.owner = handover_to.map(str::to_owned);
        }
        Ok(())
    }

    pub(crate) fn finish(
        &mut self,
        guard: &Guard,
        checkpoint: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        if !self.has_ended(guard, None) {
            self.end(guard, checkpoint, Some(now))?.finished_at = Some(now);
        }
        Ok(())
    }

    pub(crate) fn forget(&mut self, shard: &ShardKey) -> Result<(), Error> {
        if !self.0.get(shard).is_some_and(Lease::is_finished) {
            return Err(Error::Fenced);
        }
        self.0.remove(shard);
        Ok(())
    }

    /// The lease that a guard still holds.
    pub(crate) fn held(&mut self, guard: &Guard) -> Result<&mut Lease, Error> {
        let lease = self.0.get_mut(&guard.shard).ok_or(Error::Fenced)?;
        let held = lease.owner.as_ref() == Some(&guard.owner) && lease.epoch == guard.epoch;
        if held { Ok(lease) } else { Err(Error::Fenced) }
    }

    /// Whether an earlier sending of the same request has ended the hold.
    fn has_ended(&self, guard: &Guard, next_owner: Option<&str>) -> bool {
        self.0.get(&guard.shard).is_some_and(|lease| {
            lease.owner.as_deref() == next_owner && lease.epoch == guard.epoch + 1
        })
    }

    fn as_seen(&mut self, seen: Seen<'_>) -> Result<&mut Lease, Error> {
        let lease = self.0.get_mut(seen.shard).ok_or(Error::Fenced)?;
        let same = lease.owner.as_deref() == seen.owner
            && lease.epoch == seen.epoch
            && !lease.is_finished();
        if same { Ok(lease) } else { Err(Error::Fenced) }
    }

    fn end(
        &mut self,
        guard: &Guard,
        checkpoint: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> Result<&mut Lease, Error> {
        let lease = self.held(guard)?;
        lease.checkpointed_at = read_at.unwrap_or(lease.checkpointed_at);
        if let Some(checkpoint) = checkpoint {
            lease.checkpoint = Checkpoint::After(checkpoint.to_owned());
        }
        lease.owner = None;
        lease.handover_to = None;
        lease.epoch += 1;
        Ok(lease)
    }
}
