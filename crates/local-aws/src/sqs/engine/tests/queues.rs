use super::*;
use crate::sqs::request::{Page, Permission};

fn list(bench: &mut Bench, prefix: &str, page: Page) -> (Vec<String>, Option<QueueName>) {
    match bench.run(Request::ListQueues {
        prefix: prefix.to_owned(),
        page,
    }) {
        Ok(Reply::Queues { names, next }) => (names.into_iter().map(String::from).collect(), next),
        other => panic!("expected queues, got {other:?}"),
    }
}

#[test]
fn creating_a_queue_again_needs_what_it_has_already() {
    let mut bench = Bench::with("q", json!({ "DelaySeconds": "5" }));
    for same in [
        json!({}),
        json!({ "DelaySeconds": "5" }),
        json!({ "VisibilityTimeout": "30" }),
    ] {
        assert_eq!(
            bench.try_create("q", same.clone()),
            Ok(Reply::Queue(name("q"))),
            "{same}"
        );
    }
    for other in [
        json!({ "DelaySeconds": "6" }),
        json!({ "VisibilityTimeout": "31" }),
    ] {
        assert_eq!(
            code(bench.try_create("q", other.clone())),
            Some(Code::QueueAlreadyExists),
            "{other}"
        );
    }
}

#[test]
fn queues_are_listed_in_order_by_prefix_and_page() {
    let mut bench = Bench::new();
    for queue in ["b", "a1", "a3", "a2"] {
        bench.create(queue, json!({}));
    }
    assert_eq!(
        list(&mut bench, "", Page::default()).0,
        ["a1", "a2", "a3", "b"]
    );
    let first = Page {
        limit: Some(2),
        after: None,
    };
    let (names, next) = list(&mut bench, "a", first);
    assert_eq!(
        (names, &next),
        (vec!["a1".to_owned(), "a2".to_owned()], &Some(name("a2")))
    );
    let (names, next) = list(
        &mut bench,
        "a",
        Page {
            limit: Some(2),
            after: next,
        },
    );
    assert_eq!((names, next), (vec!["a3".to_owned()], None));
}

#[test]
fn a_deleted_queue_is_gone_for_good_and_its_handles_with_it() {
    let mut bench = Bench::with("q", json!({}));
    bench.send("q", "a");
    let got = bench.receive("q", 1).remove(0);
    bench
        .run(Request::DeleteQueue { queue: name("q") })
        .expect("a queue can be deleted");
    assert_eq!(
        code(bench.try_receive(call("q", 1))),
        Some(Code::NonExistentQueue)
    );
    bench.wait(59);
    let early = code(bench.try_create("q", json!({})));
    assert_eq!(early, Some(Code::QueueDeletedRecently));
    bench.wait(1).create("q", json!({}));
    assert_eq!(bench.counts("q"), (0, 0, 0));
    assert_eq!(
        code(bench.delete("q", &got)),
        Some(Code::ReceiptHandleIsInvalid)
    );
}

#[test]
fn a_purge_takes_all_messages_and_can_be_had_once_a_minute() {
    let mut bench = Bench::with("q.fifo", json!({}));
    bench.send_in("q.fifo", "g", "flying");
    bench.receive("q.fifo", 1);
    bench.send_in("q.fifo", "g", "waiting");
    let purge = Request::PurgeQueue {
        queue: name("q.fifo"),
    };
    assert_eq!(bench.run(purge.clone()), Ok(Reply::Done));
    assert_eq!(bench.counts("q.fifo"), (0, 0, 0));
    bench.wait_millis(59_999);
    assert_eq!(
        code(bench.run(purge.clone())),
        Some(Code::PurgeQueueInProgress)
    );
    bench.wait_millis(1);
    assert_eq!(bench.run(purge), Ok(Reply::Done));
    bench.send_in("q.fifo", "g", "after");
    assert_eq!(bench.receive_bodies("q.fifo", 10), ["after"]);
}

#[test]
fn attributes_are_set_all_or_none_and_say_when() {
    let mut bench = Bench::with("q", json!({}));
    let created = bench.now();
    let set = |bench: &mut Bench, pairs: &[(&str, &str)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        bench.run(Request::SetAttributes {
            queue: name("q"),
            attributes: pairs.collect(),
        })
    };
    bench.wait(60);
    let refused = set(
        &mut bench,
        &[("DelaySeconds", "1"), ("VisibilityTimeout", "-1")],
    );
    assert_eq!(code(refused), Some(Code::InvalidAttributeValue));
    let queue = bench.engine.queue(&name("q")).expect("the queue is there");
    assert_eq!((queue.settings.delay_seconds, queue.modified), (0, created));
    set(&mut bench, &[("DelaySeconds", "1")]).expect("a delay can be set");
    let queue = bench.engine.queue(&name("q")).expect("the queue is there");
    assert_eq!((queue.settings.delay_seconds, queue.created), (1, created));
    assert_eq!(queue.modified, created.plus_seconds(60));
}

#[test]
fn tags_are_put_on_and_taken_off_and_there_can_be_50() {
    let mut bench = Bench::with("q", json!({}));
    let tags = |range: std::ops::Range<u32>| {
        range
            .map(|number| (number.to_string(), "on".to_owned()))
            .collect::<BTreeMap<_, _>>()
    };
    let tag = |tags| Request::Tag {
        queue: name("q"),
        tags,
    };
    assert_eq!(bench.run(tag(tags(0..50))), Ok(Reply::Done));
    assert_eq!(
        code(bench.run(tag(tags(50..51)))),
        Some(Code::InvalidParameterValue)
    );
    let keys = (2..50).map(|number| number.to_string()).collect();
    assert_eq!(
        bench.run(Request::Untag {
            queue: name("q"),
            keys
        }),
        Ok(Reply::Done)
    );
    assert_eq!(
        bench.run(Request::ListTags { queue: name("q") }),
        Ok(Reply::Tags(tags(0..2)))
    );
}

#[test]
fn a_permission_is_a_statement_of_the_policy_until_it_is_removed() {
    let mut bench = Bench::with("q", json!({}));
    let permission = Permission {
        label: "upstream".to_owned(),
        accounts: vec!["111111111111".to_owned()],
        actions: vec!["SendMessage".to_owned()],
    };
    let add = Request::AddPermission {
        queue: name("q"),
        permission,
    };
    let remove = Request::RemovePermission {
        queue: name("q"),
        label: "upstream".to_owned(),
    };
    assert_eq!(
        code(bench.run(remove.clone())),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(bench.run(add.clone()), Ok(Reply::Done));
    assert_eq!(
        code(bench.run(add)),
        Some(Code::InvalidParameterValue),
        "the label is taken"
    );
    let policy = bench
        .engine
        .queue(&name("q"))
        .expect("the queue is there")
        .settings
        .policy
        .clone();
    let policy: Value = serde_json::from_str(&policy.expect("a policy")).expect("a policy is JSON");
    assert_eq!(
        policy["Statement"][0]["Principal"]["AWS"],
        "arn:aws:iam::111111111111:root"
    );
    assert_eq!(policy["Statement"][0]["Action"], "SQS:SendMessage");
    assert_eq!(bench.run(remove), Ok(Reply::Done));
    assert_eq!(
        bench
            .engine
            .queue(&name("q"))
            .expect("the queue is there")
            .settings
            .policy,
        None
    );
}

#[test]
fn whatever_is_asked_of_a_queue_that_is_not_there_is_refused() {
    let mut bench = Bench::new();
    let outgoing = bench.outgoing("a");
    let queue = || name("absent");
    let requests = [
        Request::FindQueue { name: queue() },
        Request::DeleteQueue { queue: queue() },
        Request::PurgeQueue { queue: queue() },
        Request::GetAttributes {
            queue: queue(),
            names: Vec::new(),
        },
        Request::SetAttributes {
            queue: queue(),
            attributes: BTreeMap::new(),
        },
        Request::ListTags { queue: queue() },
        Request::Send {
            queue: queue(),
            outgoing,
        },
        Request::SendBatch {
            queue: queue(),
            entries: Vec::new(),
        },
        Request::Receive(call("absent", 1)),
        Request::Delete {
            queue: queue(),
            handle: String::new(),
        },
        Request::DeleteBatch {
            queue: queue(),
            entries: Vec::new(),
        },
        Request::ListDeadLetterSources {
            queue: queue(),
            page: Page::default(),
        },
    ];
    for request in requests {
        assert_eq!(
            code(bench.run(request.clone())),
            Some(Code::NonExistentQueue),
            "{request:?}"
        );
    }
}
