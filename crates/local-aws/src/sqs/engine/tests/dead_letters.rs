use super::*;
use crate::sqs::request::Page;

/// Queues `q` and `dlq`, where messages of `q` go after `max` receives.
fn queues(max: u32) -> Bench {
    let mut bench = Bench::with("dlq", json!({ "VisibilityTimeout": "10" }));
    bench.create("q", redrive("dlq", max));
    bench
}

/// Receives and does not delete, this many times.
fn fail(bench: &mut Bench, queue: &str, times: u32) {
    for _ in 0..times {
        assert_eq!(bench.receive(queue, 10).len(), 1);
        bench.wait(10);
    }
}

#[test]
fn a_message_goes_to_the_dead_letter_queue_when_it_would_be_received_once_too_often() {
    let mut bench = queues(2);
    let sent = bench.send("q", "poison");
    let sent_at = bench.now();
    fail(&mut bench, "q", 2);
    assert_eq!(
        bench.counts("dlq"),
        (0, 0, 0),
        "not before someone asks for it"
    );
    bench.was_woken("dlq");
    assert_eq!(bench.receive_bodies("q", 10), [""; 0]);
    assert!(bench.was_woken("dlq"));
    let dead = bench.receive("dlq", 10).remove(0).delivered.message;
    assert_eq!(dead.content.id, sent.id);
    assert_eq!(dead.content.body, "poison");
    assert_eq!(dead.sent, sent_at);
    assert_eq!(dead.delivery.receives, 3, "the count goes on");
    assert_eq!(dead.dead_letter_source, Some(name("q")));
}

#[test]
fn dead_messages_make_room_for_others_in_the_same_receive() {
    let mut bench = queues(1);
    bench.send("q", "poison");
    fail(&mut bench, "q", 1);
    bench.send("q", "good");
    assert_eq!(bench.receive_bodies("q", 1), ["good"]);
    assert_eq!(bench.counts("dlq"), (1, 0, 0));
}

#[test]
fn without_its_dead_letter_queue_a_message_is_received_on_and_on() {
    let mut bench = queues(1);
    bench.send("q", "poison");
    bench
        .run(Request::DeleteQueue { queue: name("dlq") })
        .expect("a queue can be deleted");
    fail(&mut bench, "q", 3);
}

#[test]
fn retention_goes_on_in_a_standard_dead_letter_queue_and_starts_anew_in_a_fifo_one() {
    for (source, target, left) in [("q", "d", 0), ("q.fifo", "d.fifo", 1)] {
        let mut bench = Bench::with(target, json!({ "MessageRetentionPeriod": "60" }));
        bench.create(source, redrive(target, 1));
        if source == "q" {
            bench.send(source, "a")
        } else {
            bench.send_in(source, "g", "a")
        };
        fail(&mut bench, source, 1);
        bench.wait(30).receive(source, 1);
        assert_eq!(bench.counts(target).0, 1);
        bench.wait(20);
        assert_eq!(bench.counts(target).0, left, "{target}");
    }
}

#[test]
fn a_dead_message_of_a_group_lets_the_next_one_forward_and_keeps_its_group() {
    let mut bench = Bench::with("d.fifo", json!({}));
    bench.create("q.fifo", redrive("d.fifo", 1));
    bench.send_in("q.fifo", "g", "a");
    bench.send_in("q.fifo", "g", "b");
    assert_eq!(bench.receive_bodies("q.fifo", 1), ["a"]);
    bench.wait(10);
    assert_eq!(bench.receive_bodies("q.fifo", 1), ["b"]);
    let dead = bench.receive("d.fifo", 1).remove(0).delivered.message;
    assert_eq!(dead.content.group, Some(GroupId::from("g".to_owned())));
    assert_eq!(dead.content.deduplication.as_deref(), Some("a"));
}

#[test]
fn queues_that_are_each_others_dead_letter_queue_do_not_wake_each_other_for_ever() {
    let mut bench = Bench::with("a", json!({}));
    bench.create("b", redrive("a", 1));
    let policy = redrive("b", 1)["RedrivePolicy"]
        .as_str()
        .expect("a text")
        .to_owned();
    bench
        .set("a", "RedrivePolicy", &policy)
        .expect("a cycle is allowed");
    bench.send("b", "poison");
    fail(&mut bench, "b", 1);
    bench.was_woken("a");
    assert_eq!(bench.receive_bodies("b", 1), [""; 0]);
    assert!(!bench.was_woken("a"));
    assert_eq!(bench.receive_bodies("a", 1), [""; 0]);
    assert_eq!(bench.counts("b"), (1, 0, 0), "it went back");
}

#[test]
fn a_redrive_policy_needs_a_queue_of_the_same_type_that_permits_it() {
    let mut bench = Bench::with(
        "closed",
        json!({ "RedriveAllowPolicy": r#"{"redrivePermission":"denyAll"}"# }),
    );
    bench.create("d.fifo", json!({}));
    for target in ["closed", "d.fifo", "absent"] {
        let refused = bench.try_create("q", redrive(target, 1));
        assert_eq!(code(refused), Some(Code::InvalidParameterValue), "{target}");
    }
    assert!(
        bench.try_create("q", redrive("q", 1)).is_ok(),
        "a queue may be its own dead-letter queue"
    );
}

#[test]
fn the_sources_of_a_dead_letter_queue_are_listed() {
    let mut bench = queues(1);
    bench.create("also", redrive("dlq", 3));
    let list = Request::ListDeadLetterSources {
        queue: name("dlq"),
        page: Page::default(),
    };
    let expected = Reply::DeadLetterSources {
        names: vec![name("also"), name("q")],
        next: None,
    };
    assert_eq!(bench.run(list), Ok(expected));
}
