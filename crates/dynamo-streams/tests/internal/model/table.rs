//! The lease table of the model: the rows with their conditions, and what is noticed as they are written.

use super::NAMES;
use super::defect::Defect;
use super::stream::{ShardNo, key, number, position};
use crate::error::Error;
use crate::internal::samples::epoch_time;
use crate::lease::{Guard, Lease, Seen};
use crate::testing::rows::Rows;

pub(super) type WorkerNo = usize;

/// The token of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Token {
    pub(super) shard: ShardNo,
    pub(super) worker: WorkerNo,
    pub(super) epoch: u64,
}

/// A lease as a worker saw it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Sight {
    pub(super) shard: ShardNo,
    pub(super) owner: Option<String>,
    pub(super) epoch: u64,
    pub(super) handover_to: Option<String>,
}

impl Sight {
    pub(super) fn of(lease: &Lease) -> Self {
        Self {
            shard: number(&lease.shard),
            owner: lease.owner.clone(),
            epoch: lease.epoch,
            handover_to: lease.handover_to.clone(),
        }
    }
}

/// A write to a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Write {
    Take {
        seen: Sight,
        worker: WorkerNo,
    },
    Ask {
        seen: Sight,
        worker: WorkerNo,
    },
    Checkpoint {
        token: Token,
        checkpoint: u64,
    },
    Finish {
        token: Token,
        checkpoint: Option<u64>,
    },
    Release {
        token: Token,
        checkpoint: Option<u64>,
        to: Option<String>,
    },
}

/// What was seen as a row changed that must never be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Breaches {
    pub(super) out_of_order: bool,
    pub(super) went_back: bool,
    pub(super) stale_write: bool,
    pub(super) finished_taken: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Table {
    pub(super) rows: Rows,
    pub(super) breaches: Breaches,
}

impl Table {
    pub(super) fn row(&self, no: ShardNo) -> Option<&Lease> {
        self.rows.get(&key(no))
    }

    pub(super) fn holds(&self, token: Token) -> bool {
        self.row(token.shard).is_some_and(|row| {
            row.owner.as_deref() == Some(NAMES[token.worker]) && row.epoch == token.epoch
        })
    }

    pub(super) fn create(&mut self, lease: Lease, defect: Option<Defect>) {
        let before = self.rows.get(&lease.shard).cloned();
        let no = number(&lease.shard);
        if defect == Some(Defect::OverwritesLeases) {
            self.rows.overwrite(lease);
        } else {
            self.rows.create(&lease);
        }
        self.notice(no, before.as_ref());
    }

    /// Carries out a write whose conditions hold; a take answers with the lease.
    pub(super) fn apply(
        &mut self,
        write: &Write,
        defect: Option<Defect>,
    ) -> Result<Option<Lease>, Error> {
        let no = write.shard();
        let before = self.row(no).cloned();
        let held = write.token().is_none_or(|token| self.holds(token));
        let result = self.write(write, defect);
        // The end of a hold that is sent twice is accepted and changes nothing.
        if result.is_ok() && self.row(no) != before.as_ref() {
            self.breaches.stale_write |= !held;
            self.notice(no, before.as_ref());
        }
        result
    }

    fn write(&mut self, write: &Write, defect: Option<Defect>) -> Result<Option<Lease>, Error> {
        let now = epoch_time(0);
        let text = |number: &Option<u64>| number.map(|number| number.to_string());
        match write {
            Write::Take { seen, worker } => self.take(seen, NAMES[*worker], defect).map(Some),
            Write::Ask { seen, worker } => {
                let shard = key(seen.shard);
                self.rows
                    .request_handover(seen.with(&shard), NAMES[*worker])?;
                Ok(None)
            }
            Write::Checkpoint { token, checkpoint } => {
                let guard = self.guard(*token, defect);
                let number = checkpoint.to_string();
                if defect == Some(Defect::UnorderedCheckpoints) {
                    let row = self.rows.held(&guard)?;
                    row.checkpoint = crate::lease::Checkpoint::After(number);
                } else {
                    self.rows.checkpoint(&guard, &number, 0, now)?;
                }
                Ok(None)
            }
            Write::Finish { token, checkpoint } => {
                let guard = self.guard(*token, defect);
                self.rows.finish(&guard, text(checkpoint).as_deref(), now)?;
                Ok(None)
            }
            Write::Release {
                token,
                checkpoint,
                to,
            } => {
                let guard = self.guard(*token, defect);
                let number = text(checkpoint);
                self.rows
                    .release(&guard, number.as_deref(), to.as_deref(), Some(now))?;
                Ok(None)
            }
        }
    }

    fn take(&mut self, seen: &Sight, worker: &str, defect: Option<Defect>) -> Result<Lease, Error> {
        let shard = key(seen.shard);
        let finished = self.rows.get(&shard).is_some_and(Lease::is_finished);
        let blind = defect == Some(Defect::BlindTakes)
            || (finished && defect == Some(Defect::TakesFinishedShards));
        if !blind {
            return self.rows.take(seen.with(&shard), worker);
        }
        let mut lease = self.rows.get(&shard).cloned().ok_or(Error::Fenced)?;
        lease.owner = Some(worker.to_owned());
        lease.epoch = seen.epoch + 1;
        lease.handover_to = None;
        self.rows.overwrite(lease.clone());
        Ok(lease)
    }

    fn guard(&self, token: Token, defect: Option<Defect>) -> Guard {
        let row = self.row(token.shard);
        let unfenced = row.filter(|_| defect == Some(Defect::UnfencedWrites));
        Guard {
            shard: key(token.shard),
            owner: unfenced
                .and_then(|row| row.owner.clone())
                .unwrap_or_else(|| NAMES[token.worker].to_owned()),
            epoch: unfenced.map_or(token.epoch, |row| row.epoch),
        }
    }

    fn notice(&mut self, no: ShardNo, before: Option<&Lease>) {
        let (Some(before), Some(now)) = (before, self.row(no)) else {
            return;
        };
        let went_back = position(&now.checkpoint) < position(&before.checkpoint);
        let finished_taken = before.is_finished() && (!now.is_finished() || now.owner.is_some());
        self.breaches.went_back |= went_back || now.epoch < before.epoch;
        self.breaches.finished_taken |= finished_taken;
    }
}

impl Sight {
    fn with<'a>(&'a self, shard: &'a crate::source::ShardKey) -> Seen<'a> {
        Seen {
            shard,
            owner: self.owner.as_deref(),
            epoch: self.epoch,
            handover_to: self.handover_to.as_deref(),
        }
    }
}

impl Write {
    pub(super) fn shard(&self) -> ShardNo {
        match self {
            Write::Take { seen, .. } | Write::Ask { seen, .. } => seen.shard,
            Write::Checkpoint { token, .. }
            | Write::Finish { token, .. }
            | Write::Release { token, .. } => token.shard,
        }
    }

    /// The epoch on which it depends.
    pub(super) fn epoch(&self) -> u64 {
        match self {
            Write::Take { seen, .. } | Write::Ask { seen, .. } => seen.epoch,
            Write::Checkpoint { token, .. }
            | Write::Finish { token, .. }
            | Write::Release { token, .. } => token.epoch,
        }
    }

    /// The hold in whose name it is written.
    pub(super) fn token(&self) -> Option<Token> {
        match self {
            Write::Take { .. } | Write::Ask { .. } => None,
            Write::Checkpoint { token, .. }
            | Write::Finish { token, .. }
            | Write::Release { token, .. } => Some(*token),
        }
    }
}
