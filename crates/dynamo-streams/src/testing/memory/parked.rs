//! Parked records and gaps of the store in memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{MemoryStore, State};
use crate::error::Error;
use crate::lease::Guard;
use crate::observer::{GapRecord, QuarantinedRecord};
use crate::record::LaneId;
use crate::store::{ParkOutcome, ParkedLane, ParkedStore};

/// An item in quarantine, with its parked records by their numbers.
pub(super) struct Lane {
    seen: ParkedLane,
    claim: Option<(String, DateTime<Utc>)>,
    records: BTreeMap<u64, QuarantinedRecord>,
}

impl State {
    fn claimed(&mut self, lane: LaneId, redrive: &str) -> Result<&mut Lane, Error> {
        let lane = self.lanes.get_mut(&lane).ok_or(Error::Fenced)?;
        let claimed = lane.claim.as_ref().is_some_and(|(by, _)| by == redrive);
        if claimed {
            Ok(lane)
        } else {
            Err(Error::Fenced)
        }
    }

    fn park(
        &mut self,
        guard: Option<&Guard>,
        parked: &QuarantinedRecord,
    ) -> Result<ParkOutcome, Error> {
        if let Some(guard) = guard {
            self.leases.held(guard)?;
        }
        if parked.behind && !self.lanes.contains_key(&parked.lane) {
            return Ok(ParkOutcome::LaneOpen);
        }
        let lane = self.lanes.entry(parked.lane).or_insert_with(|| Lane {
            seen: ParkedLane {
                table_name: parked.record.table_name.clone(),
                lane: parked.lane,
                reason: parked.reason.clone(),
                parked_at: parked.parked_at,
                version: 0,
            },
            claim: None,
            records: BTreeMap::new(),
        });
        let number = parked.record.sequence_number.parse().unwrap();
        lane.seen.version += 1;
        lane.records.insert(number, parked.clone());
        self.ever_parked.insert(number);
        Ok(ParkOutcome::Parked)
    }
}

impl ParkedStore for MemoryStore {
    async fn park(
        &self,
        guard: Option<&Guard>,
        parked: &QuarantinedRecord,
    ) -> Result<ParkOutcome, Error> {
        self.write("park", |state| state.park(guard, parked)).await
    }

    async fn lanes(&self, table: Option<&str>) -> Result<Vec<ParkedLane>, Error> {
        let look = |state: &State| {
            let lanes = state.lanes.values().map(|lane| lane.seen.clone());
            lanes
                .filter(|lane| table.is_none_or(|table| table == lane.table_name))
                .collect()
        };
        self.read("lanes", look).await
    }

    async fn parked(&self, lane: LaneId, limit: usize) -> Result<Vec<QuarantinedRecord>, Error> {
        let look = |state: &State| {
            let records = state
                .lanes
                .get(&lane)
                .into_iter()
                .flat_map(|lane| lane.records.values());
            records.take(limit).cloned().collect()
        };
        self.read("parked", look).await
    }

    async fn claim(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        now: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Result<Option<u64>, Error> {
        let claim = |state: &mut State| {
            let Some(lane) = state.lanes.get_mut(&lane.lane) else {
                return Ok(None);
            };
            if lane
                .claim
                .as_ref()
                .is_some_and(|(by, until)| by != redrive && *until >= now)
            {
                return Ok(None);
            }
            lane.claim = Some((redrive.to_owned(), until));
            Ok(Some(lane.seen.version))
        };
        self.write("claim", claim).await
    }

    async fn remove(
        &self,
        lane: &ParkedLane,
        redrive: &str,
        sequence_number: &str,
    ) -> Result<(), Error> {
        let remove = |state: &mut State| {
            let lane = state.claimed(lane.lane, redrive)?;
            lane.records.remove(&sequence_number.parse().unwrap());
            Ok(())
        };
        self.write("remove", remove).await
    }

    async fn reopen(&self, lane: &ParkedLane, redrive: &str, version: u64) -> Result<bool, Error> {
        let reopen = |state: &mut State| {
            let is_same = state
                .claimed(lane.lane, redrive)
                .is_ok_and(|lane| lane.seen.version == version);
            if is_same {
                state.lanes.remove(&lane.lane);
            }
            Ok(is_same)
        };
        self.write("reopen", reopen).await
    }

    async fn unclaim(&self, lane: &ParkedLane, redrive: &str) -> Result<(), Error> {
        let unclaim = |state: &mut State| {
            if let Ok(lane) = state.claimed(lane.lane, redrive) {
                lane.claim = None;
            }
            Ok(())
        };
        self.write("unclaim", unclaim).await
    }

    async fn put_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        let put = |state: &mut State| {
            state.gaps.insert(gap_key(gap), gap.clone());
            Ok(())
        };
        self.write("put_gap", put).await
    }

    async fn end_gap(&self, gap: &GapRecord) -> Result<(), Error> {
        let end = |state: &mut State| {
            if let Some(known) = state.gaps.get_mut(&gap_key(gap)) {
                known.to.clone_from(&gap.to);
            }
            Ok(())
        };
        self.write("end_gap", end).await
    }

    async fn gaps(&self) -> Result<Vec<GapRecord>, Error> {
        self.read("gaps", |state| state.gaps.values().cloned().collect())
            .await
    }

    async fn acknowledge(&self, gap: &GapRecord) -> Result<(), Error> {
        let acknowledge = |state: &mut State| {
            let key = gap_key(gap);
            let known = state.gaps.get(&key);
            if known.is_some_and(|known| known.detected_at == gap.detected_at) {
                state.gaps.remove(&key);
            }
            Ok(())
        };
        self.write("acknowledge", acknowledge).await
    }
}

fn gap_key(gap: &GapRecord) -> (String, String, Option<String>) {
    (
        gap.stream_arn.clone(),
        gap.shard_id.clone(),
        gap.from.clone(),
    )
}
