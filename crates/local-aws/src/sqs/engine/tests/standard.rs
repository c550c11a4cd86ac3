use super::*;

#[test]
fn a_received_message_is_hidden_until_its_visibility_ends() {
    let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "30" }));
    bench.send("q", "a");
    assert_eq!(bench.receive_bodies("q", 10), ["a"]);
    bench.wait_millis(29_999);
    assert_eq!(bench.receive_bodies("q", 10), [""; 0]);
    bench.wait_millis(1);
    assert_eq!(bench.receive_bodies("q", 10), ["a"]);
}

#[test]
fn a_receive_may_hide_for_longer_or_shorter_than_the_queue_says() {
    for seconds in [0, 5, 43_200] {
        let mut bench = Bench::with("q", json!({}));
        bench.send("q", "a");
        let receive = Receive {
            visibility_seconds: Some(seconds),
            ..call("q", 1)
        };
        assert_eq!(bench.try_receive(receive).map(|got| got.len()), Ok(1));
        let next = bench.engine.next_visible(QueueId(1));
        assert_eq!(next, Some(bench.now().plus_seconds(seconds)));
    }
}

#[test]
fn each_receive_counts_and_the_first_one_stays_the_first() {
    let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "1" }));
    bench.send("q", "a");
    let sent = bench.now();
    for count in 1..=3 {
        let got = bench.wait(2).receive("q", 1);
        let message = &got[0].delivered.message;
        assert_eq!(message.sent, sent);
        assert_eq!(message.delivery.receives, count);
        assert_eq!(message.delivery.first_received, Some(sent.plus_seconds(2)));
    }
}

#[test]
fn messages_come_in_the_order_in_which_they_became_visible() {
    let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "10" }));
    for body in ["a", "b"] {
        bench.send("q", body);
        bench.wait(1);
    }
    assert_eq!(bench.receive_bodies("q", 1), ["a"]);
    bench.wait(1).send("q", "c");
    bench.wait(10);
    assert_eq!(bench.receive_bodies("q", 10), ["b", "c", "a"]);
}

#[test]
fn a_delay_hides_a_new_message_by_the_queue_or_by_itself() {
    for (of_queue, of_message, expected) in
        [(0, None, 0), (5, None, 5), (5, Some(0), 0), (0, Some(7), 7)]
    {
        let mut bench = Bench::with("q", json!({ "DelaySeconds": of_queue }));
        let outgoing = Outgoing {
            delay_seconds: of_message,
            ..bench.outgoing("a")
        };
        bench.send_as("q", outgoing).expect("a delay is fine");
        if expected > 0 {
            assert_eq!(bench.counts("q"), (0, 0, 1));
            bench.wait_millis(expected * 1_000 - 1);
            assert_eq!(bench.receive_bodies("q", 1), [""; 0]);
            bench.wait_millis(1);
        }
        assert_eq!(
            bench.receive_bodies("q", 1),
            ["a"],
            "{of_queue} {of_message:?}"
        );
    }
}

#[test]
fn a_changed_delay_leaves_messages_of_a_standard_queue_alone() {
    let mut bench = Bench::with("q", json!({ "DelaySeconds": "10" }));
    bench.send("q", "a");
    bench
        .set("q", "DelaySeconds", "0")
        .expect("a delay can be changed");
    assert_eq!(bench.counts("q"), (0, 0, 1));
}

#[test]
fn a_message_is_gone_when_its_retention_ends_even_in_flight() {
    let mut bench = Bench::with(
        "q",
        json!({ "MessageRetentionPeriod": "60", "VisibilityTimeout": "600" }),
    );
    bench.send("q", "flying");
    bench.receive("q", 1);
    bench.send("q", "waiting");
    bench.wait_millis(59_999);
    assert_eq!(bench.counts("q"), (1, 1, 0));
    bench.wait_millis(1);
    assert_eq!(bench.counts("q"), (0, 0, 0));
}

#[test]
fn a_shorter_retention_takes_away_what_is_older() {
    let mut bench = Bench::with("q", json!({}));
    bench.send("q", "old");
    bench.wait(100).send("q", "new");
    bench
        .set("q", "MessageRetentionPeriod", "60")
        .expect("a retention can be changed");
    assert_eq!(bench.receive_bodies("q", 10), ["new"]);
}

#[test]
fn each_handle_of_a_message_deletes_it_in_time_and_late() {
    for (late, which) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "10" }));
        bench.send("q", "a");
        let first = bench.receive("q", 1).remove(0);
        let second = bench.wait(10).receive("q", 1).remove(0);
        if late {
            bench.wait(10);
        }
        let handles = [first, second];
        assert_eq!(bench.delete("q", &handles[which]), Ok(()));
        assert_eq!(bench.counts("q"), (0, 0, 0), "{late} {which}");
        for handle in &handles {
            assert_eq!(bench.delete("q", handle), Ok(()), "deleting again is fine");
        }
    }
}

#[test]
fn with_a_seed_messages_come_in_an_order_of_their_own_which_the_seed_repeats() {
    let order = |seed: Option<u64>| {
        let mut bench = Bench::new();
        bench.engine = Engine::seeded(seed);
        bench.create("q", json!({}));
        let sent: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        sent.iter().for_each(|body| drop(bench.send("q", body)));
        let received = bench.receive_bodies("q", 10);
        let mut sorted = received.clone();
        sorted.sort();
        assert_eq!(sorted, sent);
        (received == sent, received)
    };
    assert!(order(None).0);
    assert!(!order(Some(1)).0);
    assert_eq!(order(Some(1)), order(Some(1)));
    assert_ne!(order(Some(1)), order(Some(2)));
}

#[test]
fn with_a_seed_no_message_waits_for_ever() {
    let mut bench = Bench::new();
    bench.engine = Engine::seeded(Some(1));
    bench.create("q", json!({}));
    bench.send("q", "first");
    for number in 0..100 {
        bench.wait(1).send("q", &number.to_string());
    }
    assert_eq!(bench.receive_bodies("q", 1), ["first"]);
}

#[test]
fn a_handle_of_another_queue_or_of_nobody_is_not_valid() {
    let mut bench = Bench::with("q", json!({}));
    bench.create("other", json!({}));
    bench.send("other", "a");
    let got = bench.receive("other", 1).remove(0);
    assert_eq!(
        code(bench.delete("q", &got)),
        Some(Code::ReceiptHandleIsInvalid)
    );
    let made_up = Got {
        handle: "garbage".to_owned(),
        ..got
    };
    assert_eq!(
        code(bench.delete("q", &made_up)),
        Some(Code::ReceiptHandleIsInvalid)
    );
    assert_eq!(
        code(bench.hide("q", &made_up, 1)),
        Some(Code::ReceiptHandleIsInvalid)
    );
}

#[test]
fn visibility_can_be_made_longer_shorter_or_nothing_counted_from_now() {
    for seconds in [0, 1, 600] {
        let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "30" }));
        bench.send("q", "a");
        let got = bench.receive("q", 1).remove(0);
        bench.wait(20);
        assert_eq!(bench.hide("q", &got, seconds), Ok(()));
        if seconds > 0 {
            bench.wait_millis(u64::from(seconds) * 1_000 - 1);
            assert_eq!(bench.receive_bodies("q", 1), [""; 0], "{seconds}");
            bench.wait_millis(1);
        }
        assert_eq!(bench.receive_bodies("q", 1), ["a"], "{seconds}");
    }
}

#[test]
fn a_message_is_not_hidden_for_more_than_twelve_hours_after_one_receive() {
    let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "43200" }));
    bench.send("q", "a");
    let got = bench.receive("q", 1).remove(0);
    assert_eq!(bench.hide("q", &got, 43_200), Ok(()));
    bench.wait(1);
    assert_eq!(
        code(bench.hide("q", &got, 43_200)),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(bench.hide("q", &got, 43_199), Ok(()));
    bench.wait(43_199);
    let again = bench.receive("q", 1).remove(0);
    assert_eq!(
        bench.hide("q", &again, 43_200),
        Ok(()),
        "the next receive counts anew"
    );
}

#[test]
fn changing_visibility_works_for_whoever_held_the_message_while_it_is_in_flight() {
    let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "10" }));
    bench.send("q", "a");
    let first = bench.receive("q", 1).remove(0);
    bench.wait(10);
    assert_eq!(
        bench.hide("q", &first, 60),
        Ok(()),
        "too late has no effect, and is no error"
    );
    assert_eq!(bench.counts("q"), (1, 0, 0));
    let second = bench.receive("q", 1).remove(0);
    assert_eq!(bench.hide("q", &first, 0), Ok(()));
    assert_eq!(bench.counts("q"), (1, 0, 0));
    assert_eq!(bench.delete("q", &second), Ok(()));
    assert_eq!(
        code(bench.hide("q", &second, 0)),
        Some(Code::InvalidParameterValue)
    );
}

#[test]
fn over_120_000_messages_in_flight_a_short_poll_fails_and_a_long_one_finds_nothing() {
    let mut bench = Bench::with("q", json!({ "VisibilityTimeout": "600" }));
    for _ in 0..120_001 {
        bench.send("q", "a");
    }
    for _ in 0..12_000 {
        assert_eq!(bench.receive("q", 10).len(), 10);
    }
    assert_eq!(
        code(bench.try_receive(call("q", 10))),
        Some(Code::OverLimit)
    );
    let patient = Receive {
        wait_seconds: Some(1),
        ..call("q", 10)
    };
    assert_eq!(bench.try_receive(patient), Ok(Vec::new()));
}

#[test]
fn whoever_waits_is_woken_by_a_send_and_by_a_message_given_back() {
    let mut bench = Bench::with("q", json!({}));
    bench.send("q", "a");
    assert!(bench.was_woken("q"));
    let got = bench.receive("q", 1).remove(0);
    assert!(!bench.was_woken("q"));
    bench
        .hide("q", &got, 0)
        .expect("the message can be given back");
    assert!(bench.was_woken("q"));
}

#[test]
fn a_batch_does_what_it_can() {
    let mut bench = Bench::with("q", json!({ "MaximumMessageSize": "1024" }));
    let (good, large) = (bench.outgoing("a"), bench.outgoing(&"x".repeat(1_025)));
    let refused = Fault::invalid("refused earlier");
    let entries = vec![
        ("large".to_owned(), Ok(large)),
        ("bad".to_owned(), Err(refused.clone())),
        ("good".to_owned(), Ok(good)),
    ];
    let Ok(Reply::SentBatch(batch)) = bench.run(Request::SendBatch {
        queue: name("q"),
        entries,
    }) else {
        panic!("the batch was refused as a whole");
    };
    let failed: Vec<(&str, Code)> = batch
        .failed
        .iter()
        .map(|(id, fault)| (id.as_str(), fault.code))
        .collect();
    assert_eq!(
        failed,
        [
            ("large", Code::InvalidParameterValue),
            ("bad", refused.code)
        ]
    );
    assert_eq!(batch.successful.len(), 1);
    assert_eq!(bench.receive_bodies("q", 10), ["a"]);
}

#[test]
fn a_message_may_have_as_many_bytes_as_the_queue_takes_and_no_more() {
    let mut bench = Bench::with("q", json!({ "MaximumMessageSize": "1024" }));
    let outgoing = bench.outgoing(&"x".repeat(1_024));
    assert!(bench.send_as("q", outgoing).is_ok());
    let outgoing = bench.outgoing(&"x".repeat(1_025));
    assert_eq!(
        code(bench.send_as("q", outgoing)),
        Some(Code::InvalidParameterValue)
    );
}

#[test]
fn a_group_is_welcome_and_a_deduplication_id_is_not() {
    let mut bench = Bench::with("q", json!({}));
    let mut fair = bench.outgoing("a");
    fair.content.group = Some(GroupId::from("tenant".to_owned()));
    let mut twice = fair.clone();
    twice.content.deduplication = Some("id".to_owned());
    assert!(bench.send_as("q", fair.clone()).is_ok());
    assert!(
        bench.send_as("q", fair).is_ok(),
        "a group does not block on a standard queue"
    );
    assert_eq!(
        code(bench.send_as("q", twice)),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(bench.receive("q", 10).len(), 2);
}

#[test]
fn an_attempt_id_is_for_fifo_queues() {
    let mut bench = Bench::with("q", json!({}));
    let receive = Receive {
        attempt_id: Some("once".to_owned()),
        ..call("q", 1)
    };
    assert_eq!(
        code(bench.try_receive(receive)),
        Some(Code::InvalidParameterValue)
    );
}
