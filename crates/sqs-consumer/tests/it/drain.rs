//! The drain: receive no more, let the receive in flight return, release what has not started, let handlers finish.

use sqs_consumer::testing::{FakeQueue, Fault, Operation};
use sqs_consumer::{CancelReason, Consumer, Disposition, Error, ErrorKind, Settings, handler_fn};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::rig::{Act, Rig, grouped, message, ms, secs};

#[tokio::test(start_paused = true)]
async fn a_drain_finishes_running_handlers_and_releases_messages_that_have_not_started() {
    let queue = FakeQueue::new("commands.fifo");
    for n in 0..5 {
        queue.put(grouped("g", &n.to_string()));
    }
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (secs(5), Act::done()));
    rig.until(|snapshot| snapshot.running == 1 && snapshot.in_flight == 5)
        .await;

    let snapshot = rig.stop().await;

    assert_eq!(
        (
            snapshot.counters.done,
            snapshot.counters.deleted,
            snapshot.in_flight
        ),
        (1, 1, 0)
    );
    assert!(
        snapshot.counters.released >= 4,
        "the polls in flight may bring them once more"
    );
    let visible: Vec<_> = queue.visible().into_iter().map(|(body, _)| body).collect();
    assert_eq!(
        visible,
        ["1", "2", "3", "4"],
        "visible at once, in their order"
    );
}

#[tokio::test(start_paused = true)]
async fn messages_that_have_not_started_are_released_at_once_and_not_at_the_end_of_the_drain() {
    let queue = FakeQueue::new("fair");
    for n in 0..5 {
        queue.put(grouped("g", &n.to_string()));
    }
    let settings = Settings::default().with_concurrency_per_group(Some(1));
    let mut rig = Rig::start(&queue, settings, |_, _| (secs(15), Act::done()));
    rig.until(|snapshot| snapshot.running == 1 && snapshot.in_flight == 5)
        .await;
    rig.shutdown.cancel();
    rig.until(|snapshot| snapshot.in_flight == 1).await;
    assert_eq!(
        (queue.visible().len(), rig.monitor.snapshot().running),
        (4, 1)
    );
    rig.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_receive_in_flight_returns_and_its_messages_are_released() {
    let queue = FakeQueue::new("commands");
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(0), Act::done()));
    rig.until(|snapshot| snapshot.counters.receive_requests == 1)
        .await;
    rig.shutdown.cancel();
    rig.until(|_| true).await;
    tokio::time::sleep(secs(3)).await;
    for n in 0..4 {
        queue.put(message(&n.to_string()));
    }
    let (monitor, runs) = (rig.monitor.clone(), rig.runs());
    let began = Instant::now();
    let snapshot = rig.ended().await.unwrap();

    assert!(
        began.elapsed() < secs(1),
        "the drain goes on when the poll has returned"
    );
    assert_eq!(
        (
            runs.len(),
            snapshot.counters.released,
            monitor.snapshot().counters.started
        ),
        (0, 4, 0)
    );
    assert_eq!(
        queue.visible().len(),
        4,
        "none is stranded until its visibility ends"
    );
    assert_eq!(
        queue.requests()[&Operation::Receive].0,
        1,
        "no receive after the shutdown"
    );
}

#[tokio::test(start_paused = true)]
async fn handlers_are_cancelled_before_the_shutdown_timeout_and_dropped_before_its_end() {
    let queue = FakeQueue::new("commands");
    for body in ["heeds", "ignores"] {
        queue.put(message(body));
    }
    let mut rig = Rig::start(&queue, Settings::default(), |message, _| {
        let again = Disposition::Retry {
            after: None,
            reason: "told to stop".to_owned(),
        };
        (
            ms(0),
            if message.body() == "heeds" {
                Act::UntilCancelled(again)
            } else {
                Act::Hang
            },
        )
    });
    rig.until(|snapshot| snapshot.running == 2).await;
    rig.shutdown.cancel();
    let began = Instant::now();

    rig.until(|snapshot| snapshot.running == 1).await;
    assert_eq!(
        began.elapsed().as_secs(),
        21,
        "told four seconds before the end"
    );
    let snapshot = rig.ended().await.unwrap();

    assert!(
        began.elapsed() <= secs(24),
        "{:?} of a shutdown timeout of 25 s",
        began.elapsed()
    );
    assert_eq!(
        (snapshot.in_flight, queue.visible().len()),
        (0, 2),
        "both are back in the queue"
    );
    assert_eq!(
        (
            snapshot.counters.deferred,
            snapshot.counters.released,
            snapshot.counters.retried
        ),
        (1, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn the_context_says_that_the_consumer_is_shutting_down() {
    let queue = FakeQueue::new("commands");
    queue.put(message("m"));
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let handler = handler_fn(move |_, context: sqs_consumer::Context| {
        let tell = tell.clone();
        async move {
            context.cancellation_token().cancelled().await;
            tell.send(context.cancel_reason()).unwrap();
            Disposition::Done
        }
    });
    let consumer = Consumer::over(queue.clone(), None, Settings::default()).unwrap();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let run = tokio::spawn(consumer.run(handler, shutdown.clone()));
    monitor.wait_for(|snapshot| snapshot.running == 1).await;
    shutdown.cancel();
    assert_eq!(
        tokio::time::timeout(secs(3_600), told.recv())
            .await
            .unwrap(),
        Some(Some(CancelReason::ShuttingDown))
    );
    run.await.unwrap().unwrap();
    assert!(
        queue.is_empty(),
        "what is done after the token is done all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_flushes_deletes_at_once_instead_of_letting_them_gather() {
    let queue = FakeQueue::new("commands");
    for body in ["fast", "slow"] {
        queue.put(message(body));
    }
    let settings = Settings::default().with_settle_linger(secs(7));
    let mut rig = Rig::start(&queue, settings, |message, _| {
        (
            if message.body() == "fast" {
                ms(10)
            } else {
                secs(20)
            },
            Act::done(),
        )
    });
    let snapshot = rig.until(|snapshot| snapshot.counters.done == 1).await;
    assert_eq!(
        (snapshot.running, snapshot.counters.delete_requests),
        (1, 0)
    );
    rig.shutdown.cancel();
    let began = Instant::now();
    rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    assert!(began.elapsed() < ms(100), "{:?}", began.elapsed());
    rig.ended().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn deletes_are_flushed_before_the_end_even_when_they_fail_at_first() {
    let queue = FakeQueue::new("commands");
    for n in 0..5 {
        queue.put(message(&n.to_string()));
    }
    queue.set_faults(|operation, number| match operation {
        Operation::Delete if number < 4 => Fault::Refused(ErrorKind::Throttled),
        _ => Fault::None,
    });
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(100), Act::done()));
    rig.until(|snapshot| snapshot.running == 5).await;
    let snapshot = rig.stop().await;
    assert_eq!(
        (snapshot.counters.deleted, queue.len(), snapshot.in_flight),
        (5, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_never_outlasts_the_shutdown_timeout_and_counts_the_messages_it_left() {
    let queue = FakeQueue::new("commands");
    for n in 0..5 {
        queue.put(message(&n.to_string()));
    }
    queue.set_faults(|operation, _| match operation {
        Operation::Delete => Fault::Refused(ErrorKind::Unavailable),
        _ => Fault::None,
    });
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(100), Act::done()));
    rig.until(|snapshot| snapshot.counters.done == 5).await;
    let began = Instant::now();
    let snapshot = rig.stop().await;
    assert_eq!(
        (began.elapsed(), snapshot.draining_for.unwrap()),
        (secs(25), secs(25))
    );
    assert_eq!((snapshot.in_flight, snapshot.counters.deleted), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn an_idle_consumer_drains_as_soon_as_its_poll_returns() {
    let queue = FakeQueue::new("commands");
    let settings = Settings::default().with_wait_time(secs(2));
    let mut rig = Rig::start(&queue, settings, |_, _| (ms(0), Act::done()));
    rig.until(|snapshot| snapshot.counters.receive_requests == 1)
        .await;
    let snapshot = rig.stop().await;
    assert!(snapshot.draining_for.unwrap() <= secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_exist_ends_the_run_with_an_error() {
    let queue = FakeQueue::new("commands");
    queue.put(message("runs"));
    queue.set_faults(|operation, number| match operation {
        Operation::Receive if number >= 1 => Fault::Refused(ErrorKind::QueueNotFound),
        _ => Fault::None,
    });
    let rig = Rig::start(&queue, Settings::default(), |_, _| (secs(2), Act::done()));
    let error = rig.ended().await.unwrap_err();
    assert!(matches!(error, Error::QueueNotFound(_)));
    assert!(queue.is_empty(), "what ran was finished first");
}
