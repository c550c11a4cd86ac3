//! FIFO: serial within a group, parallel between groups; on failure only that group stops.

use std::collections::BTreeMap;

use sqs_consumer::Settings;
use sqs_consumer::testing::FakeQueue;

use crate::rig::{Act, Rig, grouped, ms};

fn queue_of(groups: &[&str], each: usize) -> FakeQueue {
    let queue = FakeQueue::new("commands.fifo");
    for n in 0..each {
        for group in groups {
            queue.put(grouped(group, &format!("{group}{n}")));
        }
    }
    queue
}

#[tokio::test(start_paused = true)]
async fn a_fifo_queue_is_serial_within_a_group_and_parallel_between_groups() {
    let queue = queue_of(&["a", "b", "c"], 8);
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(100), Act::done()));

    rig.until(|snapshot| snapshot.counters.deleted == 24).await;

    let mut groups: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for run in rig.runs() {
        groups
            .entry(run.body[..1].to_owned())
            .or_default()
            .push(run);
    }
    for (group, runs) in &groups {
        let order: Vec<_> = runs.iter().map(|run| run.body.clone()).collect();
        assert_eq!(
            order,
            (0..8).map(|n| format!("{group}{n}")).collect::<Vec<_>>()
        );
        assert!(
            runs.windows(2)
                .all(|pair| pair[0].ended.unwrap() <= pair[1].began)
        );
    }
    let overlap = groups["a"][0].ended > Some(groups["b"][0].began);
    assert!(overlap, "groups a and b ran one after the other");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_group_with_a_backlog_does_not_wait_for_deletes_that_nothing_else_can_share() {
    let queue = FakeQueue::with_latency("commands.fifo", ms(5));
    for n in 0..30 {
        queue.put(grouped("hot", &n.to_string()));
    }
    let began = tokio::time::Instant::now();
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(10), Act::done()));
    rig.until(|snapshot| snapshot.counters.deleted == 30).await;
    // Three times a receive, ten handlers one after the other, and a delete.
    assert!(began.elapsed() < ms(3 * 115), "{:?}", began.elapsed());
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn on_failure_only_that_group_stops_and_the_rest_of_its_batch_is_released() {
    let queue = queue_of(&["a", "b"], 5);
    let mut rig = Rig::start(&queue, Settings::default(), |message, context| {
        let fails = message.body() == "a1" && context.attempt() == 1;
        (ms(10), if fails { Act::retry() } else { Act::done() })
    });

    let snapshot = rig.until(|snapshot| snapshot.counters.done == 6).await; // a0 and all of b
    assert_eq!(
        (snapshot.counters.retried, snapshot.counters.released),
        (1, 3),
        "a2, a3 and a4 are given back"
    );

    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 10).await;
    let of_a: Vec<_> = rig
        .began()
        .into_iter()
        .filter(|body| body.starts_with('a'))
        .collect();
    assert_eq!(of_a, ["a0", "a1", "a1", "a2", "a3", "a4"]);
    assert_eq!(
        (snapshot.counters.lost_leases, snapshot.counters.duplicates),
        (0, 0)
    );
    rig.stop().await;
}
