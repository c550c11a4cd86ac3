use super::*;

/// A FIFO queue with these messages, as group and body, and a visibility of ten seconds.
fn fifo(messages: &[(&str, &str)]) -> Bench {
    let mut bench = Bench::with("q.fifo", json!({ "VisibilityTimeout": "10" }));
    for (group, body) in messages {
        bench.send_in("q.fifo", group, body);
    }
    bench
}

#[test]
fn one_receive_takes_several_of_a_group_in_order_and_then_of_the_next() {
    let mut bench = fifo(&[("g", "g1"), ("h", "h1"), ("g", "g2"), ("g", "g3")]);
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["g1", "g2", "g3", "h1"]);
}

#[test]
fn a_group_with_a_message_in_flight_gives_none_that_came_after_it() {
    let mut bench = fifo(&[("g", "g1"), ("g", "g2"), ("g", "g3"), ("h", "h1")]);
    let received = bench.receive("q.fifo", 2);
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["h1"]);
    bench
        .delete("q.fifo", &received[0])
        .expect("the message can be deleted");
    assert_eq!(
        bench.receive_bodies("q.fifo", 10),
        [""; 0],
        "the second is in flight still"
    );
    bench
        .delete("q.fifo", &received[1])
        .expect("the message can be deleted");
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["g3"]);
}

/// As the service was seen to do: what is visible again is received up to the first message that is not.
#[test]
fn messages_that_are_visible_again_come_up_to_the_first_that_is_held() {
    for (held, expected) in [(0, vec![]), (1, vec!["a"]), (2, vec!["a", "b"])] {
        let mut bench = fifo(&[("g", "a"), ("g", "b"), ("g", "c")]);
        let received = bench.receive("q.fifo", 10);
        bench
            .hide("q.fifo", &received[held], 60)
            .expect("the message is held");
        bench.wait(10);
        assert_eq!(bench.receive_bodies("q.fifo", 10), expected, "{held} held");
    }
}

#[test]
fn a_group_that_was_given_back_waits_for_its_turn() {
    let mut bench = fifo(&[("g", "g1"), ("h", "h1"), ("i", "i1")]);
    let received = bench.receive("q.fifo", 1);
    bench
        .hide("q.fifo", &received[0], 0)
        .expect("the message can be given back");
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["h1", "i1", "g1"]);
}

#[test]
fn a_message_whose_time_is_up_comes_before_those_that_were_sent_after_it() {
    let mut bench = fifo(&[("g", "a"), ("g", "b")]);
    assert_eq!(bench.receive_bodies("q.fifo", 1), ["a"]);
    bench.wait(10).send_in("q.fifo", "g", "c");
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["a", "b", "c"]);
}

#[test]
fn a_handle_whose_time_is_up_deletes_nothing_and_hides_nothing() {
    let mut bench = fifo(&[("g", "a")]);
    let first = bench.receive("q.fifo", 1).remove(0);
    bench.wait(10);
    assert_eq!(
        code(bench.delete("q.fifo", &first)),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(
        code(bench.hide("q.fifo", &first, 5)),
        Some(Code::InvalidParameterValue)
    );
    let second = bench.receive("q.fifo", 1).remove(0);
    assert_eq!(
        code(bench.delete("q.fifo", &first)),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(bench.counts("q.fifo"), (0, 1, 0));
    assert_eq!(bench.delete("q.fifo", &second), Ok(()));
    assert_eq!(
        bench.delete("q.fifo", &second),
        Ok(()),
        "what is gone is gone"
    );
}

#[test]
fn an_extended_message_is_deleted_after_the_time_it_had_at_first() {
    let mut bench = fifo(&[("g", "a")]);
    let got = bench.receive("q.fifo", 1).remove(0);
    bench
        .hide("q.fifo", &got, 30)
        .expect("the message can be held");
    bench.wait(29);
    assert_eq!(bench.delete("q.fifo", &got), Ok(()));
}

#[test]
fn sequence_numbers_grow_and_have_20_digits() {
    let mut bench = fifo(&[]);
    let numbers: Vec<String> = ["a", "b", "c"]
        .into_iter()
        .filter_map(|body| bench.send_in("q.fifo", "g", body).sequence_number)
        .collect();
    assert_eq!(numbers.len(), 3);
    assert!(
        numbers.is_sorted() && numbers.iter().all(|number| number.len() == 20),
        "{numbers:?}"
    );
}

#[test]
fn a_deduplication_id_counts_once_in_five_minutes_even_if_the_message_is_gone() {
    let mut bench = fifo(&[]);
    let first = bench.send_in("q.fifo", "g", "a");
    let got = bench.receive("q.fifo", 1).remove(0);
    bench
        .delete("q.fifo", &got)
        .expect("the message can be deleted");
    bench.wait_millis(299_999);
    let again = bench.send_in("q.fifo", "h", "a");
    assert_eq!(
        (again.id, again.sequence_number),
        (first.id, first.sequence_number)
    );
    assert_eq!(bench.counts("q.fifo"), (0, 0, 0));
    bench.wait_millis(1);
    assert_ne!(bench.send_in("q.fifo", "g", "a").id, first.id);
    assert_eq!(bench.counts("q.fifo"), (1, 0, 0));
}

#[test]
fn a_scope_of_message_groups_lets_the_id_pass_in_another_group() {
    let attributes = json!({ "DeduplicationScope": "messageGroup" });
    let mut bench = Bench::with("q.fifo", attributes);
    for group in ["g", "h", "g"] {
        bench.send_in("q.fifo", group, "a");
    }
    assert_eq!(bench.counts("q.fifo"), (2, 0, 0));
}

#[test]
fn the_content_is_the_id_if_the_queue_says_so_and_the_message_does_not() {
    let mut bench = Bench::with("q.fifo", json!({ "ContentBasedDeduplication": "true" }));
    for (body, id) in [("a", None), ("a", None), ("b", None), ("a", Some("other"))] {
        let mut outgoing = bench.outgoing(body);
        outgoing.content.group = Some(GroupId::from("g".to_owned()));
        outgoing.content.deduplication = id.map(str::to_owned);
        bench
            .send_as("q.fifo", outgoing)
            .expect("the message can be sent");
    }
    let received = bench.receive("q.fifo", 10);
    let bodies: Vec<&str> = received.iter().map(|got| got.body.as_str()).collect();
    assert_eq!(bodies, ["a", "b", "a"]);
    let id = received[0]
        .delivered
        .message
        .content
        .deduplication
        .as_deref();
    let sha256_of_a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    assert_eq!(id, Some(sha256_of_a));
}

#[test]
fn a_message_needs_its_group_and_an_id_and_may_not_have_a_delay() {
    let mut bench = fifo(&[]);
    let mut complete = bench.outgoing("a");
    complete.content.group = Some(GroupId::from("g".to_owned()));
    complete.content.deduplication = Some("id".to_owned());
    let mut groupless = complete.clone();
    groupless.content.group = None;
    let mut nameless = complete.clone();
    nameless.content.deduplication = None;
    let late = Outgoing {
        delay_seconds: Some(1),
        ..complete.clone()
    };
    let prompt = Outgoing {
        delay_seconds: Some(0),
        ..complete
    };
    assert_eq!(
        code(bench.send_as("q.fifo", groupless.clone())),
        Some(Code::MissingParameter)
    );
    assert_eq!(
        code(bench.send_as("q.fifo", nameless)),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(
        code(bench.send_as("q.fifo", late)),
        Some(Code::InvalidParameterValue)
    );
    let entries = vec![
        ("good".to_owned(), Ok(prompt.clone())),
        ("bad".to_owned(), Ok(groupless)),
    ];
    let batch = bench.run(Request::SendBatch {
        queue: name("q.fifo"),
        entries,
    });
    assert_eq!(
        code(batch),
        Some(Code::InvalidParameterValue),
        "the batch fails as a whole, and not as a single message does"
    );
    assert_eq!(bench.counts("q.fifo"), (0, 0, 0));
    assert!(bench.send_as("q.fifo", prompt).is_ok());
}

#[test]
fn a_delay_of_the_queue_holds_back_its_groups_and_follows_the_queue() {
    let mut bench = Bench::with("q.fifo", json!({ "DelaySeconds": "10" }));
    bench.send_in("q.fifo", "g", "a");
    bench.wait(5).send_in("q.fifo", "g", "b");
    bench.wait(5);
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["a"]);
    assert_eq!(bench.counts("q.fifo"), (0, 1, 1));
    bench
        .set("q.fifo", "DelaySeconds", "0")
        .expect("a delay can be changed");
    assert_eq!(bench.counts("q.fifo"), (1, 1, 0));
}

#[test]
fn deleting_wakes_those_who_wait_for_the_rest_of_the_group() {
    let mut bench = fifo(&[("g", "a"), ("g", "b")]);
    let got = bench.receive("q.fifo", 1).remove(0);
    bench.was_woken("q.fifo");
    bench
        .delete("q.fifo", &got)
        .expect("the message can be deleted");
    assert!(bench.was_woken("q.fifo"));
}

#[test]
fn an_attempt_made_again_gets_the_same_messages_and_handles_unless_something_became_of_them() {
    let attempt = Receive {
        attempt_id: Some("once".to_owned()),
        ..call("q.fifo", 2)
    };
    let mut bench = fifo(&[("g", "a"), ("g", "b"), ("h", "c")]);
    let first = bench
        .try_receive(attempt.clone())
        .expect("messages can be received");
    bench.wait(9);
    let again = bench
        .try_receive(attempt.clone())
        .expect("messages can be received");
    let handles = |got: &[Got]| got.iter().map(|got| got.handle.clone()).collect::<Vec<_>>();
    assert_eq!(handles(&again), handles(&first));
    assert_eq!(again[0].delivered.message.delivery.receives, 1);
    bench.wait(9);
    assert_eq!(bench.counts("q.fifo"), (1, 2, 0), "hidden anew");
    bench
        .delete("q.fifo", &again[0])
        .expect("the message can be deleted");
    let other = bench
        .try_receive(attempt)
        .expect("messages can be received");
    assert_eq!(
        other
            .iter()
            .map(|got| got.body.as_str())
            .collect::<Vec<_>>(),
        ["c"]
    );
}
