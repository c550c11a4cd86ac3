//! Handlers that hang, block or panic: each costs an attempt and keeps nothing for ever.

use std::future::Future;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{
    Consumer, Context, Disposition, Handler, Message, RetryPolicy, Settings, handler_fn,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::rig::{Act, Rig, grouped, message, ms, secs};

#[tokio::test(start_paused = true)]
async fn a_handler_that_hangs_and_heeds_no_token_is_dropped_and_its_group_goes_on() {
    let queue = FakeQueue::new("commands.fifo");
    queue.put(grouped("g", "hangs"));
    queue.put(grouped("g", "behind"));
    let settings = Settings::default()
        .with_handler_timeout(secs(120))
        .with_retry(RetryPolicy::default().with_max_attempts(2));
    let began = Instant::now();
    let mut rig = Rig::start(&queue, settings, |message, _| {
        let hangs = message.body() == "hangs";
        (ms(0), if hangs { Act::Hang } else { Act::done() })
    });
    let snapshot = rig.until(|snapshot| snapshot.counters.timed_out == 1).await;
    assert_eq!((began.elapsed(), snapshot.running), (secs(120), 0));
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 2).await;
    assert!(began.elapsed() < secs(250), "{:?}", began.elapsed());
    let counters = snapshot.counters;
    assert_eq!(
        (counters.timed_out, counters.retried, counters.dead_lettered),
        (2, 1, 1)
    );
    let copy = rig.dead_letters.messages().remove(0);
    assert_eq!(copy.attributes["reason"], "attempts_exhausted");
    assert_eq!(copy.attributes["detail"], "timed out");
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_default_settings_end_a_handler_that_hangs_after_a_quarter_of_an_hour() {
    let queue = FakeQueue::new("commands");
    queue.put(message("hangs"));
    let began = Instant::now();
    let mut rig = Rig::start(&queue, Settings::default(), |_, _| (ms(0), Act::Hang));
    rig.until(|snapshot| snapshot.counters.timed_out == 1).await;
    assert_eq!(began.elapsed(), secs(900));
    rig.stop().await;
}

/// Panics before it has made a future.
struct PanicsAtOnce;

impl Handler for PanicsAtOnce {
    #[expect(unreachable_code, reason = "the type of the future is needed")]
    fn handle(&self, _: &Message, _: &Context) -> impl Future<Output = Disposition> + Send {
        std::panic::resume_unwind(Box::new("as scripted"));
        std::future::ready(Disposition::Done)
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_before_the_first_await_is_a_failed_attempt_too() {
    let queue = FakeQueue::new("commands");
    queue.put(message("m"));
    let dead_letters = FakeQueue::new("dead");
    let consumer = Consumer::over(
        queue.clone(),
        Some(dead_letters.clone()),
        Settings::default(),
    )
    .unwrap();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let run = tokio::spawn(consumer.run(PanicsAtOnce, shutdown.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted == 1)
        .await;
    shutdown.cancel();
    let counters = run.await.unwrap().unwrap().counters;
    assert_eq!((counters.panicked, counters.dead_lettered), (5, 1));
    assert_eq!(dead_letters.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_blocks_its_thread_delays_no_others_and_its_disposition_counts() {
    let queue = FakeQueue::new("commands");
    queue.put(message("blocks"));
    for n in 0..20 {
        queue.put(message(&n.to_string()));
    }
    let settings = Settings::default()
        .with_wait_time(secs(1))
        .with_handler_timeout(secs(1));
    let handler = handler_fn(|message: Message, _| async move {
        if message.body() == "blocks" {
            std::thread::sleep(secs(10));
        }
        Disposition::Done
    });
    let consumer = Consumer::over(queue.clone(), None, settings).unwrap();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let began = std::time::Instant::now();
    let run = tokio::spawn(consumer.run(handler, shutdown.clone()));
    let snapshot = monitor
        .wait_for(|snapshot| snapshot.counters.deleted == 20)
        .await;
    assert!(began.elapsed() < secs(5), "{:?}", began.elapsed());
    assert_eq!(snapshot.running, 1);
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted == 21)
        .await;
    shutdown.cancel();
    let counters = run.await.unwrap().unwrap().counters;
    assert_eq!((counters.done, counters.timed_out), (21, 0));
}
