//! What every store does of leases, heartbeats and streams.

use std::collections::BTreeSet;

use super::*;
use crate::source::ShardKey;

pub(super) async fn a_lease_is_made_once<S: LeaseStore>(store: &S) {
    let mut child = free_lease("s-1");
    child.parents = vec!["p".to_owned()];
    child.checkpoint = Checkpoint::Since(epoch_time(3));
    assert!(store.create(&child).await.unwrap());
    assert!(!store.create(&free_lease("s-1")).await.unwrap());
    assert_eq!(lease(store, "s-1").await, child);
}

pub(super) async fn leases_are_read_from_a_shard_of_their_stream_on<S: LeaseStore>(store: &S) {
    let other = ShardKey {
        stream_arn: STREAM.replace(TABLE, "Sessions"),
        shard_id: "s-2".to_owned(),
    };
    for id in ["s-1", "s-2", "s-3"] {
        store.create(&free_lease(id)).await.unwrap();
    }
    let elsewhere = Lease::new(other.clone(), None, Checkpoint::TrimHorizon, epoch_time(0));
    store.create(&elsewhere).await.unwrap();
    let read = async |first: &[ShardKey]| {
        let leases = store.view_from(first).await.unwrap().leases;
        let shards = leases.into_iter().map(|lease| lease.shard);
        shards.collect::<BTreeSet<_>>()
    };
    assert_eq!(read(&[]).await.len(), 4);
    let here = BTreeSet::from([shard("s-2"), shard("s-3")]);
    assert_eq!(read(&[shard("s-2")]).await, here, "of this stream");
    let both = [shard("s-3"), other.clone()];
    assert_eq!(read(&both).await, BTreeSet::from(both.clone()));
    let all = ShardKey {
        shard_id: String::new(),
        ..other.clone()
    };
    assert_eq!(read(&[all]).await, BTreeSet::from([other]));
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
    let checkpoint = "7";
    assert!(fenced(store.checkpoint(&stale, checkpoint, 1, now).await));
    assert!(fenced(
        store
            .release(&stale, Some(checkpoint), None, Some(now))
            .await
    ));
    assert!(fenced(store.finish(&stale, Some(checkpoint), now).await));
    assert!(fenced(
        store.park(Some(&stale), &parked("x", 1, false)).await
    ));
    let current = lease(store, "s-1").await;
    assert_eq!(
        (current.epoch, current.checkpoint),
        (2, Checkpoint::TrimHorizon)
    );
    let guard = Guard { epoch: 2, ..stale };
    store.checkpoint(&guard, checkpoint, 70, now).await.unwrap();
    let current = lease(store, "s-1").await;
    assert_eq!((current.checkpoint, current.load), (after(checkpoint), 70));
    assert_eq!(current.checkpointed_at, now);
}

pub(super) async fn a_checkpoint_that_arrives_late_moves_nothing_back<S: LeaseStore>(store: &S) {
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
    store.release(&guard, None, None, Some(now)).await.unwrap();
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

pub(super) async fn who_gives_a_lease_away_unread_leaves_it_as_old_as_it_was<S: LeaseStore>(
    store: &S,
) {
    let (found, guard) = taken(store, "s-1", "a").await;
    let read_at = epoch_time(7);
    assert_ne!(found.checkpointed_at, read_at);
    store.release(&guard, None, None, None).await.unwrap();
    let unread = lease(store, "s-1").await;
    assert_eq!((unread.owner.as_deref(), unread.epoch), (None, 2));
    assert_eq!(unread.checkpointed_at, found.checkpointed_at);
    for (written, checkpoint) in [(None, Checkpoint::TrimHorizon), (Some("7"), after("7"))] {
        let seen = lease(store, "s-1").await;
        let held = store.take(seen.seen(), "b").await.unwrap();
        let guard = Guard {
            owner: "b".to_owned(),
            epoch: held.epoch,
            ..guard.clone()
        };
        let release = store.release(&guard, written, None, Some(read_at));
        release.await.unwrap();
        let read = lease(store, "s-1").await;
        assert_eq!(
            (read.checkpointed_at, read.checkpoint),
            (read_at, checkpoint)
        );
    }
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
    let (now, checkpoint) = (epoch_time(9), "7");
    assert!(fenced(store.checkpoint(&other, checkpoint, 1, now).await));
    assert!(fenced(
        store
            .release(&other, Some(checkpoint), None, Some(now))
            .await
    ));
    assert!(fenced(store.finish(&other, Some(checkpoint), now).await));
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
    store.request_handover(held.seen(), "b").await.unwrap();
    store.request_handover(held.seen(), "b").await.unwrap();
    assert!(fenced(store.request_handover(held.seen(), "c").await));
    let asked = lease(store, "s-1").await;
    assert_eq!(asked.handover_to.as_deref(), Some("b"));
    store
        .request_handover(asked.seen(), "c")
        .await
        .expect("who saw the dead asker may replace it");
    let checkpoint = "7";
    store
        .release(&guard, Some(checkpoint), Some("c"), Some(epoch_time(1)))
        .await
        .unwrap();
    let given = lease(store, "s-1").await;
    assert_eq!((given.owner.as_deref(), given.epoch), (Some("c"), 2));
    assert_eq!(
        (given.checkpoint, given.handover_to),
        (after(checkpoint), None)
    );
}

pub(super) async fn who_sends_the_end_of_a_hold_twice_since_the_answer_was_lost_hears_that_it_ended<
    S: LeaseStore,
>(
    store: &S,
) {
    let (_, guard) = taken(store, "s-1", "a").await;
    for to in [Some("b"), None] {
        let (_, guard) = taken(store, to.unwrap_or("s-2"), "a").await;
        store.release(&guard, Some("7"), to, None).await.unwrap();
        let ended = lease(store, &guard.shard.shard_id).await;
        store.release(&guard, Some("7"), to, None).await.unwrap();
        assert_eq!(lease(store, &guard.shard.shard_id).await, ended);
        assert!(fenced(store.release(&guard, None, Some("c"), None).await));
    }
    let now = epoch_time(5);
    store.finish(&guard, Some("7"), now).await.unwrap();
    store.finish(&guard, Some("7"), now).await.unwrap();
    let (held, guard) = taken(store, "s-3", "a").await;
    store.take(held.seen(), "b").await.unwrap();
    assert!(fenced(store.release(&guard, None, None, None).await));
}

pub(super) async fn a_finished_lease_is_not_taken_and_may_be_forgotten<S: LeaseStore>(store: &S) {
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

pub(super) async fn a_heartbeat_is_removed_only_if_it_has_not_moved<S: LeaseStore>(store: &S) {
    store
        .write_heartbeat(&heartbeat("a/1", 1), true)
        .await
        .unwrap();
    store
        .write_heartbeat(&heartbeat("a/1", 2), false)
        .await
        .unwrap();
    assert!(fenced(store.remove_heartbeat("a/1", Some(1)).await));
    assert_eq!(
        store.view().await.unwrap().heartbeats,
        [heartbeat("a/1", 2)]
    );
    store.remove_heartbeat("a/1", Some(2)).await.unwrap();
    store
        .write_heartbeat(&heartbeat("a/2", 1), true)
        .await
        .unwrap();
    store.remove_heartbeat("a/2", None).await.unwrap();
    assert!(store.view().await.unwrap().heartbeats.is_empty());
}

pub(super) async fn a_heartbeat_that_arrives_late_neither_goes_back_nor_adds_its_worker_again<
    S: LeaseStore,
>(
    store: &S,
) {
    let beat = |beat| heartbeat("a/1", beat);
    store.write_heartbeat(&beat(1), true).await.unwrap();
    store.write_heartbeat(&beat(3), false).await.unwrap();
    assert!(fenced(store.write_heartbeat(&beat(2), false).await));
    store
        .write_heartbeat(&beat(3), false)
        .await
        .expect("the same request may arrive twice");
    assert_eq!(store.view().await.unwrap().heartbeats, [beat(3)]);
    store.remove_heartbeat("a/1", None).await.unwrap();
    assert!(fenced(store.write_heartbeat(&beat(4), false).await));
    assert!(store.view().await.unwrap().heartbeats.is_empty());
    store.write_heartbeat(&beat(5), true).await.unwrap();
    assert_eq!(store.view().await.unwrap().heartbeats, [beat(5)]);
}

pub(super) async fn a_stream_keeps_its_first_choice<S: LeaseStore>(store: &S) {
    let entry = StreamEntry {
        stream_arn: STREAM.to_owned(),
        start: Checkpoint::Since(epoch_time(1)),
        seeded: false,
        drained: false,
    };
    store.add_stream(&entry).await.unwrap();
    let later = StreamEntry {
        start: Checkpoint::TrimHorizon,
        ..entry.clone()
    };
    store.add_stream(&later).await.unwrap();
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
