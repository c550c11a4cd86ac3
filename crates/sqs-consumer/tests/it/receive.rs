//! Receive: only what free permits can start, and no permit waits for the slowest of a batch.

use std::time::Duration;

use sqs_consumer::Settings;
use sqs_consumer::testing::{FakeQueue, Operation};
use tokio::time::Instant;

use crate::rig::{Act, Rig, grouped, message, ms, secs};

fn queue_of(messages: usize) -> FakeQueue {
    let queue = FakeQueue::with_latency("commands", ms(5));
    for n in 0..messages {
        queue.put(message(&n.to_string()));
    }
    queue
}

#[tokio::test(start_paused = true)]
async fn only_what_free_permits_can_start_is_received() {
    let queue = queue_of(40);
    let settings = Settings::default().with_concurrency(13);
    let mut rig = Rig::start(&queue, settings, |_, _| (secs(60), Act::done()));

    rig.until(|snapshot| snapshot.running == 13).await;
    tokio::time::sleep(secs(30)).await;

    assert_eq!((queue.visible().len(), rig.runs().len()), (27, 13));
    assert!(
        queue.visible().iter().all(|(_, receives)| *receives == 0),
        "received without a permit"
    );
    rig.until(|snapshot| snapshot.counters.deleted == 40).await;
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_free_permit_is_refilled_while_the_rest_of_a_batch_still_runs() {
    let queue = queue_of(30);
    let settings = Settings::default().with_concurrency(10);
    let mut rig = Rig::start(&queue, settings, |message, _| {
        (
            if message.body() == "0" {
                secs(30)
            } else {
                ms(100)
            },
            Act::done(),
        )
    });

    let began = Instant::now();
    rig.until(|snapshot| snapshot.counters.done == 29).await;

    assert!(
        began.elapsed() < secs(2),
        "29 fast messages took {:?} beside a slow one",
        began.elapsed()
    );
    assert_eq!(rig.monitor.snapshot().running, 1, "the slow one runs on");
    rig.stop().await;
}

/// Returns how long it takes until all of 600 messages of 100 ms are handled, beside slow ones that hold permits.
async fn time_for_the_fast(concurrency: usize, slow: usize) -> Duration {
    let queue = FakeQueue::with_latency("commands", ms(5));
    for n in 0..slow + 600 {
        queue.put(message(if n < slow { "slow" } else { "fast" }));
    }
    let settings = Settings::default().with_concurrency(concurrency);
    let mut rig = Rig::start(&queue, settings, |message, _| {
        (
            if message.body() == "slow" {
                secs(30)
            } else {
                ms(100)
            },
            Act::done(),
        )
    });
    let began = Instant::now();
    rig.until(|snapshot| snapshot.counters.done == 600).await;
    let took = began.elapsed();
    rig.stop().await;
    took
}

#[tokio::test(start_paused = true)]
async fn one_slow_message_costs_the_others_no_more_than_the_permit_that_it_holds() {
    for concurrency in [10, 20, 50] {
        let beside_a_slow_one = time_for_the_fast(concurrency, 1).await;
        let with_a_permit_less = time_for_the_fast(concurrency - 1, 0).await;
        println!(
            "{concurrency} permits: {beside_a_slow_one:?} beside a slow message, {with_a_permit_less:?} with a permit less"
        );
        // One receive more or less at the end is a round of 100 ms.
        assert!(
            beside_a_slow_one <= with_a_permit_less + ms(110),
            "{concurrency} permits: {beside_a_slow_one:?} beside a slow message, {with_a_permit_less:?} with a permit less"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn repeats_inside_one_batch_are_collapsed() {
    let queue = queue_of(20);
    queue.repeat_deliveries(3);
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(50), Act::done()));

    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 20).await;

    assert!(snapshot.counters.duplicates > 0 && snapshot.counters.received > 20);
    assert_eq!((snapshot.counters.started, rig.runs().len()), (20, 20));
    assert!(
        queue.is_empty(),
        "a repeat's newer receipt was not used to delete"
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_handler_is_caught_and_the_message_retried() {
    let queue = queue_of(3);
    let mut rig = Rig::start(&queue, Settings::default(), |message, context| {
        (
            ms(10),
            if message.body() == "1" && context.attempt() == 1 {
                Act::Panic
            } else {
                Act::done()
            },
        )
    });

    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 3).await;

    assert_eq!(
        (
            snapshot.counters.panicked,
            snapshot.counters.retried,
            snapshot.counters.done
        ),
        (1, 1, 3)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_bounded_per_group_on_a_fair_queue() {
    let queue = FakeQueue::new("fair");
    for n in 0..12 {
        queue.put(crate::rig::grouped("noisy", &format!("n{n}")));
    }
    queue.put(crate::rig::grouped("quiet", "q"));
    queue.put(message("no group"));
    let settings = Settings::default().with_concurrency_per_group(Some(2));
    let mut rig = Rig::start(&queue, settings, |_, _| (secs(1), Act::done()));

    rig.until(|snapshot| snapshot.in_flight == 14).await;
    assert_eq!(
        rig.monitor.snapshot().running,
        4,
        "two of the noisy group, one quiet, one without a group"
    );
    let began = Instant::now();
    rig.until(|snapshot| snapshot.counters.done == 14).await;
    assert_eq!(
        began.elapsed().as_secs(),
        6,
        "twelve of one group, two at a time"
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_idle_queue_costs_one_receive_every_twenty_seconds() {
    let queue = FakeQueue::new("idle");
    let rig = Rig::start(&queue, Settings::default(), |_, _| (ms(1), Act::done()));
    tokio::time::sleep(secs(199)).await;
    assert_eq!(queue.requests()[&Operation::Receive].0, 10);
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn at_full_load_receive_and_delete_cost_no_more_than_0_22_requests_a_message() {
    let queue = queue_of(5_000);
    let mut rig = Rig::start(&queue, Settings::default(), |message, _| {
        let n: u64 = message.body().parse().unwrap();
        (ms(5 + n * 7_919 % 40), Act::done())
    });

    let snapshot = rig
        .until(|snapshot| snapshot.counters.deleted == 5_000)
        .await;

    let requests = snapshot.counters.receive_requests + snapshot.counters.delete_requests;
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let each = requests as f64 / 5_000.0;
    println!(
        "{} receives and {} deletes for 5,000 messages: {each:.3} a message",
        snapshot.counters.receive_requests, snapshot.counters.delete_requests
    );
    assert!(each <= 0.22, "{each}");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_noisy_group_does_not_keep_the_others_from_free_handlers() {
    let queue = FakeQueue::new("fair");
    for n in 0..2_000 {
        queue.put(grouped("noisy", &n.to_string()));
    }
    for n in 0..20 {
        queue.put(grouped(&format!("quiet {n}"), "quiet"));
    }
    let settings = Settings::default().with_concurrency_per_group(Some(1));
    let began = Instant::now();
    let mut rig = Rig::start(&queue, settings, |message, _| match message.body() {
        "quiet" => (ms(10), Act::done()),
        _ => (secs(60), Act::done()),
    });
    let snapshot = rig.until(|snapshot| snapshot.counters.done >= 20).await;
    assert!(began.elapsed() < secs(30), "{:?}", began.elapsed());
    assert_eq!(snapshot.running, 1);
    // What was put back is not received over and over.
    rig.until(|snapshot| snapshot.counters.done >= 25).await;
    let receives = f64::from(u32::try_from(queue.requests()[&Operation::Receive].0).unwrap());
    let rate = receives / began.elapsed().as_secs_f64();
    assert!(rate < 20.0, "{rate} receives a second");
    rig.stop().await;
}
