//! Real attempts, counted apart from the receive count.

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{Disposition, RetryPolicy, Settings};

use crate::rig::{Act, Rig, grouped, message, ms, secs};

#[tokio::test(start_paused = true)]
async fn a_message_goes_to_the_dead_letter_queue_when_its_attempts_are_used_up() {
    let queue = FakeQueue::new("commands");
    queue.put(message("panics"));
    let mut rig = Rig::start(&queue, Settings::default(), |_, context| {
        (
            ms(0),
            if context.attempt() == 3 {
                Act::retry()
            } else {
                Act::Panic
            },
        )
    });
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert_eq!(
        rig.runs().iter().map(|run| run.attempt).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(
        (
            snapshot.counters.panicked,
            snapshot.counters.retried,
            snapshot.counters.dead_lettered
        ),
        (4, 4, 1)
    );
    let copy = rig.dead_letters.messages().remove(0);
    assert_eq!(copy.attributes["reason"], "attempts_exhausted");
    assert_eq!(copy.attributes["detail"], "panicked: as scripted");
    assert_eq!(copy.attributes["attempt"], "5");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn throttling_does_not_burn_a_message_into_the_dead_letter_queue() {
    let queue = FakeQueue::new("commands");
    queue.put(message("throttled"));
    let mut rig = Rig::start(&queue, Settings::default(), |message, _| {
        let busy = Disposition::Defer {
            after: Some(secs(60)),
            reason: "dependency throttled".to_owned(),
        };
        (
            ms(0),
            if message.receive_count() <= 30 {
                Act::Say(busy)
            } else {
                Act::done()
            },
        )
    });
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert!(rig.runs().iter().all(|run| run.attempt == 1));
    assert_eq!(
        (
            snapshot.counters.deferred,
            snapshot.counters.done,
            snapshot.counters.dead_lettered
        ),
        (30, 1, 0)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn deployments_do_not_burn_a_message_into_the_dead_letter_queue() {
    let queue = FakeQueue::new("commands.fifo");
    queue.put(grouped("g", "long"));
    queue.put(grouped("g", "behind"));
    for _ in 0..10 {
        let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(0), Act::Hang));
        rig.until(|snapshot| snapshot.running == 1 && snapshot.in_flight == 2)
            .await;
        let snapshot = rig.stop().await;
        assert_eq!(
            snapshot.counters.released, 2,
            "one dropped at the end of the shutdown timeout, one not started"
        );
        assert_eq!(queue.visible().len(), 2);
    }
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(0), Act::done()));
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 2).await;
    let runs = rig.runs();
    assert!(
        runs.iter()
            .all(|run| run.attempt == 1 && run.receive_count == 11),
        "{runs:?}"
    );
    assert_eq!(snapshot.counters.dead_lettered, 0);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn being_behind_a_failing_message_of_the_group_is_not_an_attempt() {
    let queue = FakeQueue::new("commands.fifo");
    queue.put(grouped("g", "fails"));
    queue.put(grouped("g", "behind"));
    let mut rig = Rig::start(&queue, Settings::default(), |message, _| {
        (
            ms(0),
            if message.body() == "fails" {
                Act::retry()
            } else {
                Act::done()
            },
        )
    });
    rig.until(|snapshot| snapshot.counters.deleted == 2).await;
    let last = rig.runs().pop().unwrap();
    assert_eq!(
        (last.body.as_str(), last.attempt, last.receive_count),
        ("behind", 1, 5)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_was_handed_out_too_often_is_not_tried_again() {
    let queue = FakeQueue::new("commands");
    queue.put(message("kills the process"));
    let retry = RetryPolicy {
        max_receive_count: 5,
        ..RetryPolicy::default()
    };
    for _ in 0..5 {
        // A crash: the consumer is dropped while the handler runs, and its memory of attempts with it.
        let mut rig = Rig::start(
            &queue,
            Settings {
                retry,
                ..Settings::default()
            },
            |_, _| (ms(0), Act::Hang),
        );
        rig.until(|snapshot| snapshot.running == 1).await;
        rig.crash().await;
    }
    let mut rig = Rig::start(
        &queue,
        Settings {
            retry,
            ..Settings::default()
        },
        |_, _| (ms(0), Act::Hang),
    );
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert_eq!(
        (snapshot.counters.started, snapshot.counters.dead_lettered),
        (0, 1)
    );
    assert_eq!(
        rig.dead_letters.messages()[0].attributes["reason"],
        "receives_exhausted"
    );
    rig.stop().await;
}
