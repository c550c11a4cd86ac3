//! What every store does of parked records and gaps.

use super::*;

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
    let kept = store.parked_records(item_id("x"), 10).await.unwrap();
    assert_eq!(
        kept,
        [
            parked("x", 9, false),
            parked("x", 10, true),
            parked("x", 100, true)
        ]
    );
    assert_eq!(
        store.parked_records(item_id("x"), 2).await.unwrap(),
        kept[..2]
    );
    assert!(
        store
            .parked_item_ids(TABLE)
            .await
            .unwrap()
            .contains(&item_id("x"))
    );
    assert!(store.parked_item_ids("Other").await.unwrap().is_empty());
}

pub(super) async fn what_holds_no_lease_parks_as_well<S: ParkedStore>(store: &S) {
    let behind = store.park(None, &parked("x", 5, true)).await.unwrap();
    assert_eq!(behind, ParkOutcome::ItemNotParked);
    for record in [parked("x", 5, false), parked("x", 6, true)] {
        let outcome = store.park(None, &record).await.unwrap();
        assert_eq!(outcome, ParkOutcome::Parked);
    }
    let kept = store.parked_records(item_id("x"), 10).await.unwrap();
    assert_eq!(kept, [parked("x", 5, false), parked("x", 6, true)]);
}

pub(super) async fn a_record_behind_needs_parked_records_of_its_item<
    S: LeaseStore + ParkedStore,
>(
    store: &S,
) {
    let (_, guard) = taken(store, "s-1", "a").await;
    let outcome = store
        .park(Some(&guard), &parked("x", 5, true))
        .await
        .unwrap();
    assert_eq!(outcome, ParkOutcome::ItemNotParked);
    assert!(
        store
            .parked_records(item_id("x"), 10)
            .await
            .unwrap()
            .is_empty()
    );
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
    let item = store.parked_items(None).await.unwrap().remove(0);
    let version = claim(store, &item, "one", None).await.unwrap();
    assert!(claim(store, &item, "two", None).await.is_err());
    assert!(fenced(store.remove(&item, "two", "5", None).await));
    store.remove(&item, "one", "5", None).await.unwrap();
    store
        .park(Some(&guard), &parked("x", 6, true))
        .await
        .unwrap();
    assert!(
        !store.reopen(&item, "one", version).await.unwrap(),
        "one came meanwhile"
    );
    let version = claim(store, &item, "one", None).await.unwrap();
    store.remove(&item, "one", "6", None).await.unwrap();
    assert!(!store.reopen(&item, "two", version).await.unwrap());
    store.release_claim(&item, "two").await.unwrap();
    assert!(store.reopen(&item, "one", version).await.unwrap());
    assert!(store.parked_items(None).await.unwrap().is_empty());
    let gone = store.claim(&item, "one", None).await.unwrap();
    assert_eq!(gone, ClaimOutcome::NotParked);
}

/// Claims an item; returns its version, or the claim that another redrive has.
async fn claim<S: ParkedStore>(
    store: &S,
    item: &ParkedItem,
    redrive: &str,
    seen: Option<&Claim>,
) -> Result<u64, Claim> {
    match store.claim(item, redrive, seen).await.unwrap() {
        ClaimOutcome::Claimed { version } => Ok(version),
        ClaimOutcome::Others(claim) => Err(claim),
        ClaimOutcome::NotParked => panic!("it is parked"),
    }
}

pub(super) async fn a_claim_is_taken_over_only_as_it_was_seen_whatever_the_clocks_say<
    S: LeaseStore + ParkedStore,
>(
    store: &S,
) {
    let (_, guard) = taken(store, "s-1", "a").await;
    store
        .park(Some(&guard), &parked("y", 7, false))
        .await
        .unwrap();
    let item = store.parked_items(Some(TABLE)).await.unwrap().remove(0);
    claim(store, &item, "one", None).await.unwrap();
    let seen = claim(store, &item, "two", None).await.unwrap_err();
    claim(store, &item, "one", None).await.unwrap();
    let renewed = claim(store, &item, "two", Some(&seen)).await.unwrap_err();
    assert_ne!(renewed, seen, "a renewal shows");
    claim(store, &item, "two", Some(&renewed)).await.unwrap();
    let taken = claim(store, &item, "one", Some(&renewed))
        .await
        .unwrap_err();
    assert_eq!(taken.redrive, "two");
    assert!(fenced(store.remove(&item, "one", "7", None).await));
    store.release_claim(&item, "two").await.unwrap();
    claim(store, &item, "one", None).await.unwrap();
}

pub(super) async fn a_skipped_record_is_stored_with_its_reason_as_it_is_removed<
    S: LeaseStore + ParkedStore,
>(
    store: &S,
) {
    let (_, guard) = taken(store, "s-1", "a").await;
    for record in [parked("x", 5, false), parked("x", 6, true)] {
        store.park(Some(&guard), &record).await.unwrap();
    }
    let item = store.parked_items(None).await.unwrap().remove(0);
    assert_eq!(item.key.to_string(), "x");
    let skipped = SkippedRecord {
        table_name: item.table_name.clone(),
        item_id: item.item_id,
        key: item.key.clone(),
        sequence_number: "5".to_owned(),
        parked_reason: item.reason.clone(),
        reason: "mended by hand".to_owned(),
        skipped_at: epoch_time(7).into(),
    };
    claim(store, &item, "one", None).await.unwrap();
    let by_another = store.remove(&item, "two", "5", Some(&skipped)).await;
    assert!(fenced(by_another));
    assert_eq!(store.skipped_records().await.unwrap(), []);
    store
        .remove(&item, "one", "5", Some(&skipped))
        .await
        .unwrap();
    assert_eq!(store.skipped_records().await.unwrap(), [skipped]);
    let left = store.parked_records(item.item_id, 10).await.unwrap();
    assert_eq!(left, [parked("x", 6, true)]);
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
        detected_at: epoch_time(9).into(),
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
