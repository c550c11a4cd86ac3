//! Real attempts, counted apart from the receive count.

use std::time::Duration;

use sqs_consumer::testing::FakeQueue;
use sqs_consumer::{Context, Disposition, Message, RetryPolicy, Settings};

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
    let retry = RetryPolicy::default().with_max_unexplained_receives(5);
    for _ in 0..5 {
        // A crash: the consumer is dropped while the handler runs, and its memory of attempts with it.
        let mut rig = Rig::start(&queue, Settings::default().with_retry(retry), |_, _| {
            (ms(0), Act::Hang)
        });
        rig.until(|snapshot| snapshot.running == 1).await;
        rig.crash().await;
    }
    let mut rig = Rig::start(&queue, Settings::default().with_retry(retry), |_, _| {
        (ms(0), Act::Hang)
    });
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

fn defer() -> Disposition {
    Disposition::Defer {
        after: None,
        reason: "dependency throttled".to_owned(),
    }
}

/// A FIFO group whose head is deferred until its receive count is this high, and nine messages behind it.
fn deferred_head(receives: u32) -> (FakeQueue, impl Fn(&Message, &Context) -> (Duration, Act)) {
    let queue = FakeQueue::new("commands.fifo");
    queue.put(grouped("g", "head"));
    for n in 1..10 {
        queue.put(grouped("g", &n.to_string()));
    }
    let script = move |message: &Message, _: &Context| {
        let outage = message.body() == "head" && message.receive_count() < receives;
        (
            ms(0),
            if outage {
                Act::Say(defer())
            } else {
                Act::done()
            },
        )
    };
    (queue, script)
}

#[tokio::test(start_paused = true)]
async fn an_outage_of_a_day_dead_letters_neither_the_deferred_head_of_a_group_nor_those_behind_it()
{
    let (queue, script) = deferred_head(150);
    let mut rig = Rig::start(&queue, Settings::default(), script);
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 10).await;
    assert_eq!(
        (snapshot.counters.dead_lettered, snapshot.counters.done),
        (0, 10)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_a_long_outage_dead_letters_none_of_the_deferred_messages() {
    let (queue, script) = deferred_head(250);
    let script = std::sync::Arc::new(script);
    let receives = |receives: u32| {
        let counts = queue.visible().into_iter().map(|(_, count)| count);
        counts.max().is_some_and(|count| count >= receives)
    };
    for limit in [120, 240] {
        let script = std::sync::Arc::clone(&script);
        let rig = Rig::start(&queue, Settings::default(), move |m, c| script(m, c));
        while !receives(limit) {
            tokio::time::sleep(secs(1)).await;
        }
        rig.stop().await;
    }
    let mut rig = Rig::start(&queue, Settings::default(), move |m, c| script(m, c));
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 10).await;
    assert_eq!(
        (snapshot.counters.dead_lettered, snapshot.counters.done),
        (0, 10)
    );
    rig.stop().await;
}

#[tokio::test(start_paused = true)]
async fn those_behind_a_message_that_kills_the_process_are_handled() {
    let queue = FakeQueue::new("commands.fifo");
    for body in ["kills the process", "behind", "behind it too"] {
        queue.put(grouped("g", body));
    }
    let retry = RetryPolicy::default().with_max_unexplained_receives(5);
    let settings = Settings::default().with_retry(retry);
    let script = |message: &Message, _: &Context| match message.body() {
        "kills the process" => (ms(0), Act::Hang),
        _ => (ms(0), Act::done()),
    };
    for _ in 0..5 {
        let mut rig = Rig::start(&queue, settings.clone(), script);
        rig.until(|snapshot| snapshot.running == 1).await;
        rig.crash().await;
    }
    let mut rig = Rig::start(&queue, settings, script);
    let snapshot = rig.until(|snapshot| snapshot.counters.deleted == 3).await;
    assert_eq!(
        (snapshot.counters.dead_lettered, snapshot.counters.done),
        (1, 2)
    );
    assert_eq!(rig.dead_letters.messages()[0].body, "kills the process");
    rig.stop().await;
}
