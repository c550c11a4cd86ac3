//! Parked records and gaps of the store in memory.

use std::collections::BTreeMap;

use super::{MemoryStore, SMALL, State};
use crate::error::Error;
use crate::item::{ItemId, ItemKey};
use crate::lease::Guard;
use crate::observer::{GapRecord, ParkedRecord};
use crate::store::{Claim, ClaimOutcome, ParkOutcome, ParkedItem, ParkedStore, SkippedRecord};

/// An item with its parked records, by their sequence numbers.
pub(super) struct Item {
    seen: ParkedItem,
    claim: Option<Claim>,
    /// Its claims and renewals so far.
    beats: u64,
    records: BTreeMap<u64, ParkedRecord>,
}

impl State {
    fn claimed(&mut self, item_id: ItemId, redrive: &str) -> Result<&mut Item, Error> {
        let item = self.items.get_mut(&item_id).ok_or(Error::Fenced)?;
        let claimed = item
            .claim
            .as_ref()
            .is_some_and(|claim| claim.redrive == redrive);
        if claimed {
            Ok(item)
        } else {
            Err(Error::Fenced)
        }
    }

    fn park(&mut self, guard: Option<&Guard>, parked: &ParkedRecord) -> Result<ParkOutcome, Error> {
        if let Some(guard) = guard {
            self.leases.held(guard)?;
        }
        if parked.behind && !self.items.contains_key(&parked.item_id) {
            return Ok(ParkOutcome::ItemNotParked);
        }
        let item = self.items.entry(parked.item_id).or_insert_with(|| Item {
            seen: ParkedItem {
                table_name: parked.record.table_name.clone(),
                item_id: parked.item_id,
                key: ItemKey::new(parked.record.keys.clone()),
                reason: parked.reason.clone(),
                parked_at: parked.parked_at,
                version: 0,
            },
            claim: None,
            beats: 0,
            records: BTreeMap::new(),
        });
        let number = parked.record.sequence_number.parse().expect(SMALL);
        item.seen.version += 1;
        item.records.insert(number, parked.clone());
        self.ever_parked.insert(number);
        Ok(ParkOutcome::Parked)
    }
}

impl ParkedStore for MemoryStore {
    async fn park(
        &self,
        guard: Option<&Guard>,
        parked: &ParkedRecord,
    ) -> Result<ParkOutcome, Error> {
        self.write("park", |state| state.park(guard, parked)).await
    }

    async fn parked_items(&self, table: Option<&str>) -> Result<Vec<ParkedItem>, Error> {
        let look = |state: &State| {
            let items = state.items.values().map(|item| item.seen.clone());
            items
                .filter(|item| table.is_none_or(|table| table == item.table_name))
                .collect()
        };
        self.read("parked_items", look).await
    }

    async fn parked_records(
        &self,
        item_id: ItemId,
        limit: usize,
    ) -> Result<Vec<ParkedRecord>, Error> {
        let look = |state: &State| {
            let records = state
                .items
                .get(&item_id)
                .into_iter()
                .flat_map(|item| item.records.values());
            records.take(limit).cloned().collect()
        };
        self.read("parked_records", look).await
    }

    async fn claim(
        &self,
        item: &ParkedItem,
        redrive: &str,
        seen: Option<&Claim>,
    ) -> Result<ClaimOutcome, Error> {
        let claim = |state: &mut State| {
            let Some(item) = state.items.get_mut(&item.item_id) else {
                return Ok(ClaimOutcome::NotParked);
            };
            if let Some(claim) = &item.claim
                && claim.redrive != redrive
                && seen != Some(claim)
            {
                return Ok(ClaimOutcome::Others(claim.clone()));
            }
            item.beats += 1;
            item.claim = Some(Claim {
                redrive: redrive.to_owned(),
                beat: item.beats,
            });
            Ok(ClaimOutcome::Claimed {
                version: item.seen.version,
            })
        };
        self.write("claim", claim).await
    }

    async fn remove(
        &self,
        item: &ParkedItem,
        redrive: &str,
        sequence_number: &str,
        skipped: Option<&SkippedRecord>,
    ) -> Result<(), Error> {
        let remove = |state: &mut State| {
            let item = state.claimed(item.item_id, redrive)?;
            item.records.remove(&sequence_number.parse().expect(SMALL));
            state.skipped.extend(skipped.cloned());
            Ok(())
        };
        self.write("remove", remove).await
    }

    async fn skipped_records(&self) -> Result<Vec<SkippedRecord>, Error> {
        self.read("skipped_records", |state| state.skipped.clone())
            .await
    }

    async fn reopen(&self, item: &ParkedItem, redrive: &str, version: u64) -> Result<bool, Error> {
        let reopen = |state: &mut State| {
            let is_same = state
                .claimed(item.item_id, redrive)
                .is_ok_and(|item| item.seen.version == version);
            if is_same {
                state.items.remove(&item.item_id);
            }
            Ok(is_same)
        };
        self.write("reopen", reopen).await
    }

    async fn release_claim(&self, item: &ParkedItem, redrive: &str) -> Result<(), Error> {
        let release_claim = |state: &mut State| {
            if let Ok(item) = state.claimed(item.item_id, redrive) {
                item.claim = None;
            }
            Ok(())
        };
        self.write("release_claim", release_claim).await
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
