//! Lease: visibility is extended in batches from the moment of receipt, up to the cap; a lost lease drops the handler.

use sqs_consumer::testing::{FakeQueue, Fault, Operation};
use sqs_consumer::{ErrorKind, Settings};
use tokio::time::Instant;

use crate::rig::{Act, Rig, grouped, message, ms, secs};

#[tokio::test(start_paused = true)]
async fn heartbeats_extend_visibility_in_batches_for_queued_messages_too() {
    let queue = FakeQueue::new("commands.fifo");
    let ids: Vec<_> = (0..10)
        .map(|n| queue.put(grouped("g", &n.to_string())).unwrap())
        .collect();
    let mut rig = Rig::start(&queue, Settings::default(), |message, _| {
        (
            if message.body() == "0" {
                secs(300)
            } else {
                ms(10)
            },
            Act::done(),
        )
    });
    rig.until(|snapshot| snapshot.running == 1 && snapshot.in_flight == 10)
        .await;

    let began = Instant::now();
    while began.elapsed() < secs(299) {
        for id in &ids {
            assert!(
                queue.hidden_until(id).is_some(),
                "{id} became visible after {:?}",
                began.elapsed()
            );
        }
        tokio::time::sleep(secs(1)).await;
    }

    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 10).await;
    let (requests, entries) = queue.requests()[&Operation::ChangeVisibility];
    assert_eq!(
        (requests, entries),
        (snapshot.counters.heartbeat_requests, requests * 10),
        "ten share each request"
    );
    assert!(
        (19..=21).contains(&requests),
        "{requests} extensions in 300 s, one every 15 s"
    );
    assert_eq!(
        (
            snapshot.counters.lost_leases,
            snapshot.counters.duplicates,
            rig.runs().len()
        ),
        (0, 0, 10)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn visibility_is_extended_up_to_the_cap_of_twelve_hours_and_then_the_handler_is_dropped() {
    let queue = FakeQueue::new("commands");
    let id = queue.put(message("hangs")).unwrap();
    let began = Instant::now();
    let settings = Settings::default().with_handler_timeout(secs(24 * 60 * 60));
    let mut rig = Rig::start(&queue, settings, |message, _| {
        (
            ms(0),
            if message.receive_count() == 1 {
                Act::Hang
            } else {
                Act::done()
            },
        )
    });
    rig.until(|snapshot| snapshot.running == 1).await;

    let snapshot = rig
        .until(|snapshot| snapshot.counters.lost_leases == 1)
        .await;
    assert_eq!(began.elapsed().as_secs(), 12 * 60 * 60);
    assert_eq!(
        snapshot.counters.failed_requests, 0,
        "no extension beyond the cap was asked for"
    );

    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    let runs = rig.runs();
    assert_eq!(
        (runs.len(), runs[1].attempt),
        (2, 1),
        "a dropped run is not an attempt"
    );
    assert_eq!(
        (
            queue.deletions(&id),
            snapshot.counters.retried,
            snapshot.counters.deferred
        ),
        (1, 0, 1)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_drops_the_handler_at_its_next_await_and_counts_no_attempt() {
    let queue = FakeQueue::new("commands");
    let id = queue.put(message("m")).unwrap();
    queue.set_faults(|operation, number| match operation {
        Operation::ChangeVisibility if number < 50 => Fault::Refused(ErrorKind::Throttled),
        _ => Fault::None,
    });
    let began = Instant::now();
    // The handler ignores its token: it would act long after others may have the message.
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (secs(100), Act::done()));

    let snapshot = rig
        .until(|snapshot| snapshot.counters.lost_leases == 1 && snapshot.running == 0)
        .await;
    assert_eq!(began.elapsed().as_secs(), 30);
    assert_eq!(
        (snapshot.counters.deferred, snapshot.counters.released),
        (1, 0)
    );
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 1).await;
    let runs = rig.runs();
    let lost = snapshot.counters.lost_leases;
    assert_eq!(
        runs.len() as u64,
        lost + 1,
        "each lost run was dropped, the next one ended"
    );
    assert!(runs[..runs.len() - 1].iter().all(|run| run.ended.is_none()));
    assert!(runs.iter().all(|run| run.attempt == 1));
    assert_eq!(queue.deletions(&id), 1);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_token_tells_that_the_lease_is_lost() {
    let queue = FakeQueue::new("commands");
    queue.put(message("m"));
    queue.set_faults(|operation, number| match operation {
        Operation::ChangeVisibility if number < 50 => Fault::Refused(ErrorKind::Throttled),
        _ => Fault::None,
    });
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let handler = sqs_consumer::handler_fn(move |_, context: sqs_consumer::Context| {
        let tell = tell.clone();
        async move {
            // The handler itself is dropped; a task of its own goes on and hears of it.
            let task = tokio::spawn(async move {
                context.cancellation_token().cancelled().await;
                tell.send((
                    context.cancel_reason(),
                    context.cancellation_token().is_cancelled(),
                ))
                .unwrap();
            });
            task.await.unwrap();
            std::future::pending().await
        }
    });
    let consumer = sqs_consumer::Consumer::over(queue, None, Settings::default()).unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let run = tokio::spawn(consumer.run(handler, shutdown.clone()));

    assert_eq!(
        tokio::time::timeout(secs(3_600), told.recv())
            .await
            .unwrap(),
        Some((Some(sqs_consumer::CancelReason::LeaseLost), true))
    );
    shutdown.cancel();
    run.await.unwrap().unwrap();
}
