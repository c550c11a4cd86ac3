//! What every lease store does: the one in memory and the table of a real service.

use chrono::TimeDelta;

use crate::error::Error;
use crate::lease::{Checkpoint, Guard, Lease, Seen, StreamEntry};
use crate::lease_table::{LeaseTable, create_lease_table};
use crate::observer::GapRecord;
use crate::store::{LeaseStore, ParkOutcome, ParkedStore};
use crate::testing::link::Link;
use crate::testing::memory::Memory;
use crate::testing::{STREAM, TABLE, epoch_time, free_lease, gap, heartbeat, lane, parked, shard};

use super::service::Local;

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
    only_one_of_two_workers_takes_a_free_lease,
    a_stale_epoch_never_writes,
    a_checkpoint_that_arrives_late_moves_nothing_back,
    who_is_not_the_owner_never_writes_whatever_the_epoch,
    a_lease_is_taken_only_as_it_was_seen,
    a_handover_goes_to_the_one_who_asked_and_only_one_asks,
    a_finished_lease_is_not_taken_and_may_be_forgotten,
    a_heartbeat_is_retired_only_if_it_has_not_moved,
    a_stream_keeps_its_first_choice,
    parking_needs_the_lease_and_keeps_the_order,
    a_record_behind_needs_its_item_in_quarantine,
    what_holds_no_lease_parks_as_well,
    a_redrive_claims_an_item_alone_and_reopens_it_only_when_nothing_came_meanwhile,
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

/// Creates the lease table, twice, as a repeated provisioning does.
async fn lease_table(local: &Local) -> LeaseTable {
    create_lease_table(&local.dynamo, "Leases").await.unwrap();
    create_lease_table(&local.dynamo, "Leases").await.unwrap();
    LeaseTable::new(local.dynamo.clone(), "Leases", "test").unwrap()
}

mod checks {
    use super::*;

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

    pub(super) async fn a_lease_is_made_once<S: LeaseStore>(store: &S) {
        let mut child = free_lease("s-1");
        child.parents = vec!["p".to_owned()];
        child.checkpoint = Checkpoint::Since(epoch_time(3));
        assert!(store.create(&child).await.unwrap());
        assert!(!store.create(&free_lease("s-1")).await.unwrap());
        assert_eq!(lease(store, "s-1").await, child);
    }

    pub(super) async fn only_one_of_two_workers_takes_a_free_lease<S: LeaseStore>(store: &S) {
        store.create(&free_lease("s-1")).await.unwrap();
        let seen = lease(store, "s-1").await;
        let first = store.take(seen.seen(), "a").await.unwrap();
        assert_eq!((first.owner.as_deref(), first.epoch), (Some("a"), 1));
        assert!(fenced(store.take(seen.seen(), "b").await));
        let second = store.take(first.seen(), "b").await.unwrap();
        assert_eq!((second.owner.as_deref(), second.epoch), (Some("b"), 2));
    }

    pub(super) async fn a_stale_epoch_never_writes<S: LeaseStore + ParkedStore>(store: &S) {
        let (held, stale) = taken(store, "s-1", "a").await;
        store.take(held.seen(), "a").await.unwrap();
        let now = epoch_time(9);
        let reached = "7";
        assert!(fenced(store.checkpoint(&stale, reached, 1, now).await));
        assert!(fenced(
            store.release(&stale, Some(reached), None, now).await
        ));
        assert!(fenced(store.finish(&stale, Some(reached), now).await));
        assert!(fenced(
            store.park(Some(&stale), &parked("x", 1, false)).await
        ));
        let current = lease(store, "s-1").await;
        assert_eq!(
            (current.epoch, current.checkpoint),
            (2, Checkpoint::TrimHorizon)
        );
        let guard = Guard { epoch: 2, ..stale };
        store.checkpoint(&guard, reached, 70, now).await.unwrap();
        let current = lease(store, "s-1").await;
        assert_eq!((current.checkpoint, current.load), (after(reached), 70));
        assert_eq!(current.checkpointed_at, now);
    }

    pub(super) async fn a_checkpoint_that_arrives_late_moves_nothing_back<S: LeaseStore>(
        store: &S,
    ) {
        let (_, guard) = taken(store, "s-1", "a").await;
        let now = epoch_time(9);
        store.checkpoint(&guard, "9", 1, now).await.unwrap();
        store.checkpoint(&guard, "10", 2, now).await.unwrap();
        assert!(fenced(store.checkpoint(&guard, "9", 3, now).await));
        let current = lease(store, "s-1").await;
        assert_eq!((current.checkpoint, current.load), (after("10"), 2));
        store
            .checkpoint(&guard, "10", 2, now)
            .await
            .expect("the same request may arrive twice");
        store.release(&guard, None, None, now).await.unwrap();
        let seen = lease(store, "s-1").await;
        let epoch = store.take(seen.seen(), "b").await.unwrap().epoch;
        let owner = "b".to_owned();
        let next = Guard {
            owner,
            epoch,
            ..guard
        };
        assert!(fenced(store.checkpoint(&next, "9", 1, now).await));
        store.finish(&next, Some("11"), now).await.unwrap();
        assert_eq!(lease(store, "s-1").await.checkpoint, after("11"));
    }

    pub(super) async fn who_is_not_the_owner_never_writes_whatever_the_epoch<
        S: LeaseStore + ParkedStore,
    >(
        store: &S,
    ) {
        let (_, guard) = taken(store, "s-1", "a").await;
        let other = Guard {
            owner: "b".to_owned(),
            ..guard
        };
        let (now, reached) = (epoch_time(9), "7");
        assert!(fenced(store.checkpoint(&other, reached, 1, now).await));
        assert!(fenced(
            store.release(&other, Some(reached), None, now).await
        ));
        assert!(fenced(store.finish(&other, Some(reached), now).await));
        assert!(fenced(
            store.park(Some(&other), &parked("x", 1, false)).await
        ));
        let current = lease(store, "s-1").await;
        assert_eq!(current.owner.as_deref(), Some("a"));
        assert_eq!(current.checkpoint, Checkpoint::TrimHorizon);
    }

    pub(super) async fn a_lease_is_taken_only_as_it_was_seen<S: LeaseStore>(store: &S) {
        let (held, _) = taken(store, "s-1", "a").await;
        let seen = held.seen();
        for owner in [Some("c"), None] {
            assert!(fenced(store.take(Seen { owner, ..seen }, "b").await));
        }
        for epoch in [0, 2] {
            assert!(fenced(store.take(Seen { epoch, ..seen }, "b").await));
        }
        let current = lease(store, "s-1").await;
        assert_eq!((current.owner.as_deref(), current.epoch), (Some("a"), 1));
        let taken = store.take(seen, "b").await.unwrap();
        assert_eq!((taken.owner.as_deref(), taken.epoch), (Some("b"), 2));
    }

    pub(super) async fn a_handover_goes_to_the_one_who_asked_and_only_one_asks<S: LeaseStore>(
        store: &S,
    ) {
        let (held, guard) = taken(store, "s-1", "a").await;
        store.ask(held.seen(), "b").await.unwrap();
        store.ask(held.seen(), "b").await.unwrap();
        assert!(fenced(store.ask(held.seen(), "c").await));
        let asked = lease(store, "s-1").await;
        assert_eq!(asked.handover_to.as_deref(), Some("b"));
        store
            .ask(asked.seen(), "c")
            .await
            .expect("who saw the dead asker may replace it");
        let reached = "7";
        store
            .release(&guard, Some(reached), Some("c"), epoch_time(1))
            .await
            .unwrap();
        let given = lease(store, "s-1").await;
        assert_eq!((given.owner.as_deref(), given.epoch), (Some("c"), 2));
        assert_eq!(
            (given.checkpoint, given.handover_to),
            (after(reached), None)
        );
    }

    pub(super) async fn a_finished_lease_is_not_taken_and_may_be_forgotten<S: LeaseStore>(
        store: &S,
    ) {
        let (_, guard) = taken(store, "s-1", "a").await;
        assert!(
            fenced(store.forget(&shard("s-1")).await),
            "it is not finished"
        );
        store.finish(&guard, None, epoch_time(5)).await.unwrap();
        let finished = lease(store, "s-1").await;
        assert_eq!(
            (finished.owner.clone(), finished.finished_at),
            (None, Some(epoch_time(5)))
        );
        assert_eq!(finished.checkpoint, Checkpoint::TrimHorizon);
        assert!(fenced(store.take(finished.seen(), "b").await));
        store.forget(&shard("s-1")).await.unwrap();
        assert!(store.view().await.unwrap().leases.is_empty());
    }

    pub(super) async fn a_heartbeat_is_retired_only_if_it_has_not_moved<S: LeaseStore>(store: &S) {
        store.beat(&heartbeat("a/1", 1)).await.unwrap();
        store.beat(&heartbeat("a/1", 2)).await.unwrap();
        assert!(fenced(store.retire("a/1", Some(1)).await));
        assert_eq!(
            store.view().await.unwrap().heartbeats,
            [heartbeat("a/1", 2)]
        );
        store.retire("a/1", Some(2)).await.unwrap();
        store.beat(&heartbeat("a/2", 1)).await.unwrap();
        store.retire("a/2", None).await.unwrap();
        assert!(store.view().await.unwrap().heartbeats.is_empty());
    }

    pub(super) async fn a_stream_keeps_its_first_choice<S: LeaseStore>(store: &S) {
        let entry = StreamEntry {
            stream_arn: STREAM.to_owned(),
            start: Checkpoint::Since(epoch_time(1)),
            seeded: false,
            drained: false,
        };
        store.enter_stream(&entry).await.unwrap();
        let later = StreamEntry {
            start: Checkpoint::TrimHorizon,
            ..entry.clone()
        };
        store.enter_stream(&later).await.unwrap();
        assert_eq!(
            store.view().await.unwrap().streams,
            std::slice::from_ref(&entry)
        );
        store.mark_seeded(STREAM).await.unwrap();
        store.mark_drained(STREAM).await.unwrap();
        let marked = StreamEntry {
            seeded: true,
            drained: true,
            ..entry
        };
        assert_eq!(store.view().await.unwrap().streams, [marked]);
    }

    pub(super) async fn parking_needs_the_lease_and_keeps_the_order<S: LeaseStore + ParkedStore>(
        store: &S,
    ) {
        let (_, guard) = taken(store, "s-1", "a").await;
        for record in [
            parked("x", 9, false),
            parked("x", 100, true),
            parked("x", 10, true),
        ] {
            assert_eq!(
                store.park(Some(&guard), &record).await.unwrap(),
                ParkOutcome::Parked
            );
        }
        // A repetition after a crash leaves one.
        store
            .park(Some(&guard), &parked("x", 9, false))
            .await
            .unwrap();
        let kept = store.parked(lane("x"), 10).await.unwrap();
        assert_eq!(
            kept,
            [
                parked("x", 9, false),
                parked("x", 10, true),
                parked("x", 100, true)
            ]
        );
        assert_eq!(store.parked(lane("x"), 2).await.unwrap(), kept[..2]);
        assert!(
            store
                .parked_lanes(TABLE)
                .await
                .unwrap()
                .contains(&lane("x"))
        );
        assert!(store.parked_lanes("Other").await.unwrap().is_empty());
    }

    pub(super) async fn what_holds_no_lease_parks_as_well<S: ParkedStore>(store: &S) {
        let behind = store.park(None, &parked("x", 5, true)).await.unwrap();
        assert_eq!(behind, ParkOutcome::LaneOpen);
        for record in [parked("x", 5, false), parked("x", 6, true)] {
            let outcome = store.park(None, &record).await.unwrap();
            assert_eq!(outcome, ParkOutcome::Parked);
        }
        let kept = store.parked(lane("x"), 10).await.unwrap();
        assert_eq!(kept, [parked("x", 5, false), parked("x", 6, true)]);
    }

    pub(super) async fn a_record_behind_needs_its_item_in_quarantine<
        S: LeaseStore + ParkedStore,
    >(
        store: &S,
    ) {
        let (_, guard) = taken(store, "s-1", "a").await;
        let outcome = store
            .park(Some(&guard), &parked("x", 5, true))
            .await
            .unwrap();
        assert_eq!(outcome, ParkOutcome::LaneOpen);
        assert!(store.parked(lane("x"), 10).await.unwrap().is_empty());
    }

    pub(super) async fn a_redrive_claims_an_item_alone_and_reopens_it_only_when_nothing_came_meanwhile<
        S: LeaseStore + ParkedStore,
    >(
        store: &S,
    ) {
        let (_, guard) = taken(store, "s-1", "a").await;
        store
            .park(Some(&guard), &parked("x", 5, false))
            .await
            .unwrap();
        let item = store.lanes(None).await.unwrap().remove(0);
        let (now, until) = (epoch_time(0), epoch_time(60));
        let version = store
            .claim(&item, "one", now, until)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(store.claim(&item, "two", now, until).await.unwrap(), None);
        assert!(fenced(store.remove(&item, "two", "5").await));
        store.remove(&item, "one", "5").await.unwrap();
        store
            .park(Some(&guard), &parked("x", 6, true))
            .await
            .unwrap();
        assert!(
            !store.reopen(&item, "one", version).await.unwrap(),
            "one came meanwhile"
        );
        let version = store
            .claim(&item, "one", now, until)
            .await
            .unwrap()
            .unwrap();
        store.remove(&item, "one", "6").await.unwrap();
        assert!(!store.reopen(&item, "two", version).await.unwrap());
        store.unclaim(&item, "two").await.unwrap();
        assert!(store.reopen(&item, "one", version).await.unwrap());
        assert!(store.lanes(None).await.unwrap().is_empty());

        store
            .park(Some(&guard), &parked("y", 7, false))
            .await
            .unwrap();
        let item = store.lanes(Some(TABLE)).await.unwrap().remove(0);
        store
            .claim(&item, "dead", now, until)
            .await
            .unwrap()
            .unwrap();
        let later = until + TimeDelta::seconds(1);
        assert!(
            store
                .claim(&item, "two", later, later)
                .await
                .unwrap()
                .is_some()
        );
    }

    pub(super) async fn a_gap_is_kept_once_and_gets_its_end<S: ParkedStore>(store: &S) {
        let mut found = gap("s-1");
        found.from = Some("7".to_owned());
        store.put_gap(&found).await.unwrap();
        found.to = Some("9".to_owned());
        store.end_gap(&found).await.unwrap();
        store.put_gap(&gap("s-2")).await.unwrap();
        assert_eq!(store.gaps().await.unwrap(), [found.clone(), gap("s-2")]);
        store.acknowledge(&found).await.unwrap();
        assert_eq!(store.gaps().await.unwrap(), [gap("s-2")]);
    }

    pub(super) async fn an_acknowledged_gap_stays_gone_when_its_end_is_found<S: ParkedStore>(
        store: &S,
    ) {
        let mut found = gap("s-1");
        store.put_gap(&found).await.unwrap();
        store.acknowledge(&found).await.unwrap();
        found.to = Some("9".to_owned());
        store.end_gap(&found).await.unwrap();
        assert_eq!(store.gaps().await.unwrap(), []);
    }

    pub(super) async fn a_gap_that_is_found_anew_outlives_the_acknowledgement_of_the_old_one<
        S: ParkedStore,
    >(
        store: &S,
    ) {
        let old = gap("s-1");
        let anew = GapRecord {
            detected_at: epoch_time(9),
            ..old.clone()
        };
        store.put_gap(&old).await.unwrap();
        store.put_gap(&anew).await.unwrap();
        store.acknowledge(&old).await.unwrap();
        assert_eq!(
            store.gaps().await.unwrap().as_slice(),
            std::slice::from_ref(&anew)
        );
        store.acknowledge(&anew).await.unwrap();
        assert_eq!(store.gaps().await.unwrap(), []);
    }
}
