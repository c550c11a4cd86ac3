//! One processor: delivery, order, checkpoints, parked records.

use dynamo_streams::{Disposition, Operations, RetryPolicy, Selection};
use tokio_util::sync::CancellationToken;

use crate::local::{Journal, LEASES, Local, Refusing, Running, brisk};

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_two_tables_is_delivered_once_and_in_the_order_of_its_item() {
    let local = Local::start(&["Courses", "Sessions"]).await;
    let journal = Journal::new();
    let running = Running::start(local.processor(&["Courses", "Sessions"]), journal.clone());
    for version in 1..=5 {
        for item in ["a", "b", "c"] {
            local.write("Courses", item, version).await;
            local.write("Sessions", item, version).await;
        }
    }
    let entries = journal.until_versions(6, 5).await;
    assert!(
        entries
            .values()
            .all(|versions| *versions == [1, 2, 3, 4, 5]),
        "{entries:?}"
    );
    let summary = running.stop().await;
    assert_eq!(summary.counters.done, 30);
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_processor_repeats_nothing_when_it_starts_again() {
    let local = Local::start(&["Courses"]).await;
    let journal = Journal::new();
    local.write("Courses", "a", 1).await;
    let first = Running::start(local.processor(&["Courses"]), journal.clone());
    journal.until_versions(1, 1).await;
    first.stop().await;
    local.write("Courses", "a", 2).await;
    let second = Running::start(local.processor(&["Courses"]), journal.clone());
    let entries = journal.until_versions(1, 2).await;
    assert_eq!(entries["Courses/a"], [1, 2]);
    second.stop().await;
    local.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_always_fails_holds_up_only_its_item_and_redrive_brings_it_up_to_date() {
    let local = Local::start(&["Courses"]).await;
    let journal = Journal::new();
    let refusing = Refusing {
        journal: journal.clone(),
        refuses: |item: &str, version| {
            (item == "poison" && version == 2).then(|| Disposition::Retry {
                reason: "no such course".to_owned(),
            })
        },
    };
    let settings = brisk().with_retry(RetryPolicy::default().with_max_attempts(2));
    let running = Running::start(local.processor(&["Courses"]).settings(settings), refusing);
    for version in 1..=4 {
        local.write("Courses", "poison", version).await;
        local.write("Courses", "sound", version).await;
    }
    let sound = journal
        .until(|entries| {
            entries
                .get("Courses/sound")
                .is_some_and(|seen| seen.len() == 4)
        })
        .await;
    assert_eq!(sound["Courses/poison"], [1]);
    let operations = Operations::new(local.dynamo.clone(), LEASES, "test").unwrap();
    let item_id = crate::local::eventually(
        || async {
            operations
                .parked_items()
                .await
                .unwrap()
                .into_iter()
                .find(|item_id| item_id.version == 3)
        },
        Option::is_some,
    )
    .await
    .unwrap();
    assert_eq!(item_id.reason, "no such course");
    let parked = operations
        .parked_records(item_id.item_id, 10)
        .await
        .unwrap();
    let behind: Vec<_> = parked
        .iter()
        .map(|parked| (parked.attempts, parked.behind))
        .collect();
    assert_eq!(behind, [(2, false), (0, true), (0, true)]);

    let redriven = Journal::new();
    let report = operations
        .redrive(&redriven, &Selection::All, &CancellationToken::new())
        .await
        .unwrap();
    assert_eq!(
        (report.reopened, report.records),
        (vec![item_id.item_id], 3)
    );
    assert_eq!(redriven.entries()["Courses/poison"], [2, 3, 4]);

    local.write("Courses", "poison", 5).await;
    let after = journal
        .until(|entries| entries["Courses/poison"].contains(&5))
        .await;
    assert_eq!(after["Courses/poison"], [1, 5]);
    assert_eq!(running.stop().await.counters.parked, 3);
    local.stop().await;
}
