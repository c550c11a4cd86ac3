//! What every lease store does: the one in memory and the table of a real service.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::error::Error;
use crate::internal::samples::{
    STREAM, TABLE, epoch_time, free_lease, gap, heartbeat, item_id, parked, shard,
};
use crate::lease::{Checkpoint, Guard, Lease, Seen, StreamEntry};
use crate::lease_table::{LeaseTable, create_lease_table};
use crate::observer::GapRecord;
use crate::store::{
    Claim, ClaimOutcome, LeaseStore, ParkOutcome, ParkedItem, ParkedStore, SkippedRecord,
};
use crate::testing::link::Link;
use crate::testing::memory::Memory;

use super::service::Local;

mod leases;
mod parked;

/// The checks of both parts, by their names.
mod checks {
    pub(super) use super::leases::*;
    pub(super) use super::parked::*;
}

/// Runs a check on a fresh store of each kind.
macro_rules! both {
    ($($check:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $check() {
            checks::$check(&Memory::default().store(&Link::sound())).await;
            let local = Local::serve(&[]).await;
            checks::$check(&lease_table(&local).await).await;
            local.stop().await;
        }
    )*};
}

both! {
    a_lease_is_made_once,
    leases_are_read_from_a_shard_of_their_stream_on,
    only_one_of_two_workers_takes_a_free_lease,
    a_stale_epoch_never_writes,
    a_checkpoint_that_arrives_late_moves_nothing_back,
    who_gives_a_lease_away_unread_leaves_it_as_old_as_it_was,
    who_is_not_the_owner_never_writes_whatever_the_epoch,
    a_lease_is_taken_only_as_it_was_seen,
    a_handover_goes_to_the_one_who_asked_and_only_one_asks,
    who_sends_the_end_of_a_hold_twice_since_the_answer_was_lost_hears_that_it_ended,
    a_finished_lease_is_not_taken_and_may_be_forgotten,
    a_heartbeat_is_removed_only_if_it_has_not_moved,
    a_heartbeat_that_arrives_late_neither_goes_back_nor_adds_its_worker_again,
    a_stream_keeps_its_first_choice,
    parking_needs_the_lease_and_keeps_the_order,
    a_record_behind_needs_parked_records_of_its_item,
    what_holds_no_lease_parks_as_well,
    a_redrive_claims_an_item_alone_and_reopens_it_only_when_nothing_came_meanwhile,
    a_claim_is_taken_over_only_as_it_was_seen_whatever_the_clocks_say,
    a_skipped_record_is_stored_with_its_reason_as_it_is_removed,
    a_gap_is_kept_once_and_gets_its_end,
    an_acknowledged_gap_stays_gone_when_its_end_is_found,
    a_gap_that_is_found_anew_outlives_the_acknowledgement_of_the_old_one,
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_do_not_see_each_other() {
    let local = Local::serve(&[]).await;
    let one = lease_table(&local).await;
    let other = LeaseTable::new(local.dynamo.clone(), "Leases", "other").unwrap();
    one.create(&free_lease("s-1")).await.unwrap();
    assert!(other.view().await.unwrap().leases.is_empty());
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_an_older_release_left_behind_is_taken_over() {
    let local = Local::serve(&[]).await;
    let store = lease_table(&local).await;
    store.park(None, &parked("x", 5, false)).await.unwrap();
    let item = store.parked_items(None).await.unwrap().remove(0);
    let update = local.dynamo.update_item().table_name("Leases");
    update
        .key("PK", s("LANE#test"))
        .key("SK", s(format!("{TABLE}#{}", item.item_id)))
        .update_expression("SET claimed_by = :old, claimed_until = :old REMOVE #keys")
        .expression_attribute_names("#keys", "keys")
        .expression_attribute_values(":old", s("redrive-old"))
        .send()
        .await
        .unwrap();
    let old = store.parked_items(None).await.unwrap().remove(0);
    assert!(old.key.attributes().is_empty());
    let ClaimOutcome::Others(claim) = store.claim(&item, "new", None).await.unwrap() else {
        panic!("another redrive has it");
    };
    let taken = store.claim(&item, "new", Some(&claim)).await.unwrap();
    assert_eq!(taken, ClaimOutcome::Claimed { version: 1 });
    local.stop().await;
}

/// Creates the lease table, twice, as a repeated provisioning does.
async fn lease_table(local: &Local) -> LeaseTable {
    create_lease_table(&local.dynamo, "Leases").await.unwrap();
    create_lease_table(&local.dynamo, "Leases").await.unwrap();
    LeaseTable::new(local.dynamo.clone(), "Leases", "test").unwrap()
}

fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

async fn taken<S: LeaseStore>(store: &S, id: &str, worker: &str) -> (Lease, Guard) {
    store.create(&free_lease(id)).await.unwrap();
    let seen = lease(store, id).await;
    let lease = store.take(seen.seen(), worker).await.unwrap();
    let (owner, epoch) = (worker.to_owned(), lease.epoch);
    (
        lease,
        Guard {
            shard: shard(id),
            owner,
            epoch,
        },
    )
}

async fn lease<S: LeaseStore>(store: &S, id: &str) -> Lease {
    let leases = store.view().await.unwrap().leases;
    leases
        .into_iter()
        .find(|lease| lease.shard == shard(id))
        .unwrap()
}

fn after(number: &str) -> Checkpoint {
    Checkpoint::After(number.to_owned())
}

fn fenced<T>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| error.is_fenced())
}
