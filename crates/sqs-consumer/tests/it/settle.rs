//! Settle: batches by size or age, failed entries retried, no delete cancelled, permanent failures to the dead-letter queue.

use sqs_consumer::testing::{FakeQueue, Fault, Operation};
use sqs_consumer::{Consumer, Disposition, ErrorKind, RetryPolicy, Settings, handler_fn};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::rig::{Act, Rig, grouped, message, ms, secs};

fn queue_of(messages: usize) -> (FakeQueue, Vec<String>) {
    let queue = FakeQueue::with_latency("commands", ms(5));
    let ids = (0..messages)
        .map(|n| queue.put(message(&n.to_string())).unwrap())
        .collect();
    (queue, ids)
}

#[tokio::test(start_paused = true)]
async fn deletes_go_out_in_batches_by_size_or_age_whichever_comes_first() {
    let (queue, _) = queue_of(26);
    let mut rig = Rig::start(&queue, Settings::default(), |message, _| {
        let is_last = message.body() == "25";
        (secs(if is_last { 5 } else { 1 }), Act::done())
    });
    rig.until(|snapshot| snapshot.counters.done == 25).await;
    let handled = Instant::now();

    rig.until(|snapshot| snapshot.counters.deleted == 20).await;
    assert!(handled.elapsed() < ms(20), "full batches do not wait");
    rig.until(|snapshot| snapshot.counters.deleted == 25).await;
    assert!(
        handled.elapsed() < ms(120),
        "the rest waits no longer than the linger"
    );
    assert_eq!(queue.requests()[&Operation::Delete], (3, 25));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn when_nothing_else_is_in_process_a_delete_does_not_wait_for_others() {
    let (queue, _) = queue_of(1);
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (secs(1), Act::done()));
    rig.until(|snapshot| snapshot.counters.done == 1).await;
    let handled = Instant::now();
    rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert!(handled.elapsed() < ms(10), "{:?}", handled.elapsed());
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn visibility_changes_share_requests() {
    let (queue, _) = queue_of(20);
    let mut rig = Rig::start(&queue, Settings::default(), |_, context| {
        (
            ms(100),
            if context.attempt() == 1 {
                Act::retry()
            } else {
                Act::done()
            },
        )
    });
    rig.until(|snapshot| snapshot.counters.retried == 20).await;
    rig.until(|snapshot| snapshot.in_flight == 0).await;
    assert_eq!(queue.requests()[&Operation::ChangeVisibility], (2, 20));
    rig.until(|snapshot| snapshot.counters.deleted == 20).await;
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failed_entries_of_a_delete_are_read_and_tried_again() {
    let (queue, ids) = queue_of(10);
    queue.set_faults(|operation, number| match (operation, number) {
        (Operation::Delete, 0) => Fault::Entry(3),
        (Operation::Delete, 1) => Fault::Entry(0),
        _ => Fault::None,
    });
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(10), Act::done()));

    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 10).await;

    assert_eq!(
        queue.requests()[&Operation::Delete],
        (3, 12),
        "ten, then the failed one twice"
    );
    assert!(ids.iter().all(|id| queue.deletions(id) == 1));
    assert_eq!(
        (snapshot.counters.started, snapshot.counters.lost_leases),
        (10, 0)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failed_entries_of_a_visibility_change_are_read_and_tried_again() {
    let (queue, ids) = queue_of(1);
    queue.set_faults(|operation, number| match (operation, number) {
        (Operation::ChangeVisibility, 0) => Fault::Entry(0),
        (Operation::ChangeVisibility, 1) => Fault::Refused(ErrorKind::Throttled),
        _ => Fault::None,
    });
    let began = Instant::now();
    let mut rig = Rig::start(&queue, Settings::default(), |_, context| {
        let again = Disposition::Retry {
            after: Some(secs(3)),
            reason: "later".to_owned(),
        };
        (
            ms(0),
            if context.attempt() == 1 {
                Act::Say(again)
            } else {
                Act::done()
            },
        )
    });
    rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    let waited = rig.runs()[1].began - began;
    assert!(
        (secs(3)..secs(6)).contains(&waited),
        "{waited:?}: the visibility of 30 s was not shortened to 3 s"
    );
    assert_eq!(queue.deletions(&ids[0]), 1);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_whose_answer_is_lost_is_tried_again_and_the_message_not_handled_again() {
    let (queue, ids) = queue_of(10);
    queue.set_faults(|operation, number| match (operation, number) {
        (Operation::Delete, 0) => Fault::AnswerLost,
        _ => Fault::None,
    });
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(10), Act::done()));
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 10).await;
    assert!(ids.iter().all(|id| queue.deletions(id) == 1));
    assert_eq!(
        (snapshot.counters.started, snapshot.counters.failed_requests),
        (10, 1)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delete_under_way_is_not_cancelled_by_the_drain() {
    let (queue, _) = queue_of(10);
    queue.set_faults(|operation, _| match operation {
        Operation::Delete => Fault::Slow(secs(4)),
        _ => Fault::None,
    });
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(10), Act::done()));
    rig.until(|snapshot| snapshot.counters.delete_requests == 1)
        .await;
    let snapshot = rig.stop().await;
    assert!(queue.is_empty());
    assert_eq!((snapshot.counters.deleted, snapshot.in_flight), (10, 0));
}

#[tokio::test(start_paused = true)]
async fn a_delete_under_way_is_not_cancelled_by_dropping_the_consumer() {
    let (queue, _) = queue_of(10);
    queue.set_faults(|operation, _| match operation {
        Operation::Delete => Fault::Slow(secs(4)),
        _ => Fault::None,
    });
    let consumer = Consumer::over(queue.clone(), None, Settings::default()).unwrap();
    let mut monitor = consumer.monitor();
    let run = tokio::spawn(consumer.run(
        handler_fn(|_, _| async { Disposition::Done }),
        CancellationToken::new(),
    ));
    monitor
        .wait_for(|snapshot| snapshot.counters.delete_requests == 1)
        .await;
    run.abort();
    assert!(run.await.unwrap_err().is_cancelled());
    assert_eq!(queue.len(), 10);
    tokio::time::sleep(secs(5)).await;
    assert!(queue.is_empty());
}

#[tokio::test(start_paused = true)]
async fn visibility_grows_with_the_attempt_with_jitter() {
    let (queue, _) = queue_of(20);
    let retry = RetryPolicy::default()
        .with_first_delay(secs(10))
        .with_max_delay(secs(60))
        .with_max_attempts(5);
    let settings = Settings::default().with_retry(retry);
    let mut rig = Rig::start(&queue, settings, |_, context| {
        (
            ms(0),
            if context.attempt() < 5 {
                Act::retry()
            } else {
                Act::done()
            },
        )
    });
    rig.until(|snapshot| snapshot.counters.deleted == 20).await;

    let mut firsts = std::collections::BTreeSet::new();
    for n in 0..20 {
        let runs: Vec<_> = rig
            .runs()
            .into_iter()
            .filter(|run| run.body == n.to_string())
            .collect();
        let gaps: Vec<_> = runs
            .windows(2)
            .map(|pair| pair[1].began - pair[0].began)
            .collect();
        for (gap, full) in gaps.iter().zip([10, 20, 40, 60]) {
            assert!(
                (secs(full) / 2..=secs(full + 2)).contains(gap),
                "{gap:?} of at most {full} s"
            );
        }
        firsts.insert(gaps[0].as_secs());
    }
    assert!(firsts.len() > 2, "all came back together: {firsts:?}");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_goes_to_the_dead_letter_queue_with_what_happened() {
    let queue = FakeQueue::new("commands.fifo");
    let id = queue.put(grouped("g", "the body")).unwrap();
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| {
        (ms(0), Act::dead_letter("malformed"))
    });
    rig.until(|snapshot| snapshot.counters.deleted == 1).await;

    let copy = rig.dead_letters.messages().remove(0);
    assert_eq!(
        (copy.body.as_str(), copy.group_id.as_deref()),
        ("the body", Some("g"))
    );
    assert_eq!(copy.deduplication_id.as_ref(), Some(&id));
    let attribute = |name: &str| copy.attributes[name].as_str().unwrap();
    assert_eq!(
        (attribute("reason"), attribute("detail")),
        ("malformed", "why")
    );
    assert_eq!(
        (attribute("source_queue"), attribute("source_message_id")),
        ("commands.fifo", id.as_str())
    );
    assert_eq!(attribute("attempt"), "1");
    let snapshot = rig.stop().await;
    assert_eq!(
        (
            snapshot.counters.dead_lettered,
            snapshot.counters.send_requests
        ),
        (1, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_deleted_only_after_its_copy_was_accepted() {
    let (queue, ids) = queue_of(1);
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| {
        (ms(0), Act::dead_letter("bad"))
    });
    let dead_letters = rig.dead_letters.clone();
    let source = queue.clone();
    let id = ids[0].clone();
    dead_letters.set_faults(move |_, number| {
        assert_eq!(
            source.deletions(&id),
            0,
            "deleted before its copy was accepted"
        );
        if number < 3 {
            Fault::Refused(ErrorKind::Throttled)
        } else {
            Fault::None
        }
    });
    rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert_eq!((dead_letters.len(), queue.deletions(&ids[0])), (1, 1));
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_copy_is_refused_for_good_stays_in_its_queue() {
    let (queue, ids) = queue_of(1);
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| {
        (ms(0), Act::dead_letter("bad"))
    });
    rig.dead_letters
        .set_faults(|_, _| Fault::Refused(ErrorKind::Denied));
    rig.until(|snapshot| snapshot.counters.deferred == 1 && snapshot.in_flight == 0)
        .await;
    assert_eq!(
        (
            queue.len(),
            queue.deletions(&ids[0]),
            rig.dead_letters.len()
        ),
        (1, 0, 0)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_dead_letter_queue_nothing_is_ever_deleted_but_what_is_done() {
    let (queue, _) = queue_of(1);
    let consumer = Consumer::over(queue.clone(), None, Settings::default()).unwrap();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let bad = || Disposition::DeadLetter {
        reason: "bad".to_owned(),
        detail: String::new(),
    };
    let run = tokio::spawn(consumer.run(
        handler_fn(move |_, _| async move { bad() }),
        shutdown.clone(),
    ));
    monitor
        .wait_for(|snapshot| snapshot.counters.retried == 3)
        .await;
    shutdown.cancel();
    run.await.unwrap().unwrap();
    assert_eq!(queue.len(), 1);
}
