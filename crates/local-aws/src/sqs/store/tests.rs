use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::sqs::engine::tests::{Bench, call};
use crate::sqs::request::{Page, Receive, Reply, Request};

/// One thing to do to the two queues, by numbers that pick what.
#[derive(Clone, Debug)]
enum Step {
    Send(u8),
    Receive(usize, u32),
    Delete(usize),
    Hide(usize, u32),
    Wait(u32),
    Purge,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Send),
        3 => (1..=10_usize, 0..20_u32).prop_map(|(limit, seconds)| Step::Receive(limit, seconds)),
        2 => any::<usize>().prop_map(Step::Delete),
        2 => (any::<usize>(), 0..20_u32).prop_map(|(which, seconds)| Step::Hide(which, seconds)),
        2 => (0..40_u32).prop_map(Step::Wait),
        1 => Just(Step::Purge),
    ]
}

/// Runs steps over a FIFO queue and its dead-letter queue, writing each to the store.
fn run(store: &mut Store, steps: Vec<Step>) -> Bench {
    let mut bench = Bench::new();
    bench.create("d.fifo", json!({ "MessageRetentionPeriod": "100" }));
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:d.fifo","maxReceiveCount":2}"#;
    bench.create(
        "q.fifo",
        json!({ "RedrivePolicy": policy, "DelaySeconds": "2" }),
    );
    let mut held = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        match step {
            Step::Send(group) => {
                // Every third body is one that was sent before: a duplicate within five minutes.
                let body = (number - usize::from(number % 3 == 0 && number > 0)).to_string();
                bench.send_in("q.fifo", &format!("g{}", group % 3), &body);
            }
            Step::Receive(limit, seconds) => {
                let receive = Receive {
                    visibility_seconds: Some(seconds),
                    ..call("q.fifo", limit)
                };
                held.extend(
                    bench
                        .try_receive(receive)
                        .expect("messages can be received"),
                );
            }
            // Old handles may be refused: that too must leave the same behind.
            Step::Delete(which) => {
                let picked = which
                    .checked_rem(held.len())
                    .map(|index| held.swap_remove(index));
                let _ = picked.map(|got| bench.delete("q.fifo", &got));
            }
            Step::Hide(which, seconds) => {
                let picked = which
                    .checked_rem(held.len())
                    .map(|index| held[index].clone());
                let _ = picked.map(|got| bench.hide("q.fifo", &got, seconds));
            }
            Step::Wait(seconds) => {
                bench.wait(seconds);
            }
            Step::Purge => {
                let queue = crate::sqs::engine::tests::name("d.fifo");
                let _ = bench.run(Request::PurgeQueue { queue });
            }
        }
        store
            .commit(&std::mem::take(&mut bench.effects.writes))
            .expect("the writes can be made");
    }
    bench
}

/// Everything that can be told of an engine by draining it, which must be the same of one that was read back.
///
/// The groups' turns are not kept, so that the numbers of messages which die meanwhile may differ: of those, the place
/// in their group is told.
fn drain(bench: &mut Bench) -> Vec<String> {
    let mut seen = Vec::new();
    let mut places = HashMap::<_, usize>::new();
    for _ in 0..4 {
        for queue in ["q.fifo", "d.fifo"] {
            loop {
                let received = bench.receive(queue, 10);
                if received.is_empty() {
                    break;
                }
                for got in received {
                    let message = &got.delivered.message;
                    let place = places
                        .entry((queue, message.content.group.clone()))
                        .or_default();
                    *place += 1;
                    seen.push(format!("{queue} {place} {message:?}"));
                    bench
                        .delete(queue, &got)
                        .expect("what was received can be deleted");
                }
            }
        }
        bench.wait(10);
    }
    // What was sent within five minutes is known still, by the id that it had then.
    bench.number_from(1_000_000);
    for number in 0..60 {
        let sent = bench.send_in("q.fifo", "g0", &number.to_string());
        seen.push(format!("{number} {:?}", sent.id.as_u128()));
    }
    seen.sort();
    seen
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn an_engine_that_is_read_back_goes_on_as_the_one_that_was_written(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut store = Store::open(directory.path()).expect("the store opens");
        let mut written = run(&mut store, steps);
        let mut read = Bench::new();
        let now = written.now();
        read.wait_millis(now.since(read.now()).as_millis() as u64);
        read.engine = store.load(now, None).expect("the store can be read");
        prop_assert_eq!(drain(&mut read), drain(&mut written));
    }
}

#[test]
fn numbers_are_not_given_twice_after_everything_was_deleted() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut store = Store::open(directory.path()).expect("the store opens");
    let mut bench = Bench::new();
    bench.create("q.fifo", json!({}));
    let first = bench.send_in("q.fifo", "g", "a").sequence_number;
    let got = bench.receive("q.fifo", 1).remove(0);
    bench
        .delete("q.fifo", &got)
        .expect("the message can be deleted");
    store
        .commit(&std::mem::take(&mut bench.effects.writes))
        .expect("the writes can be made");
    bench.engine = store
        .load(bench.now(), None)
        .expect("the store can be read");
    let second = bench.send_in("q.fifo", "g", "b").sequence_number;
    assert!(second > first, "{second:?} after {first:?}");
}

#[test]
fn a_commit_that_fails_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut store = Store::open(directory.path()).expect("the store opens");
    let mut bench = Bench::new();
    bench.create("q", json!({}));
    let mut writes = std::mem::take(&mut bench.effects.writes);
    bench.send("q", "a");
    let insert = bench.effects.writes.remove(0);
    bench.send("q", "b");
    writes.push(insert);
    writes.append(&mut bench.effects.writes);
    store.connection.execute_batch("CREATE TRIGGER no BEFORE INSERT ON messages WHEN new.body = 'b' BEGIN SELECT RAISE(ABORT, 'no'); END").expect("a trigger");
    assert!(store.commit(&writes).is_err());
    let mut engine = store
        .load(bench.now(), None)
        .expect("the store can be read");
    let list = Request::ListQueues {
        prefix: String::new(),
        page: Page::default(),
    };
    let listed = engine.execute(list, bench.now(), &mut bench.effects);
    assert_eq!(
        listed,
        Ok(Reply::Queues {
            names: Vec::new(),
            next: None
        })
    );
}

#[test]
fn a_store_that_is_open_can_not_be_opened_again() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let first = Store::open(directory.path()).expect("the store opens");
    assert!(matches!(
        Store::open(directory.path()),
        Err(SqsOpenError::InUse { .. })
    ));
    first.close().expect("the store closes");
    assert!(Store::open(directory.path()).is_ok());
}

#[test]
fn a_store_of_a_later_version_is_left_alone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(directory.path()).expect("the store opens");
    store
        .connection
        .pragma_update(None, "user_version", FORMAT + 1)
        .expect("a version can be set");
    store.close().expect("the store closes");
    let refused = Store::open(directory.path()).map(|_| ());
    assert!(matches!(refused, Err(SqsOpenError::LaterFormat { found, .. }) if found == FORMAT + 1));
}

#[test]
fn what_is_no_database_is_not_touched() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join(FILE_NAME);
    let text = "not a database, and of more bytes than a header has: ".repeat(20);
    std::fs::write(&path, &text).expect("a file");
    assert!(matches!(
        Store::open(directory.path()),
        Err(SqsOpenError::Unreadable { .. })
    ));
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), text);
}

#[test]
fn a_full_disk_is_told_as_one_and_loses_nothing() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut store = Store::open(directory.path()).expect("the store opens");
    let mut bench = Bench::new();
    bench.create("q", json!({}));
    bench.send("q", "kept");
    store
        .commit(&std::mem::take(&mut bench.effects.writes))
        .expect("there is room");
    let pages: i64 = store
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .expect("a number");
    store
        .connection
        .pragma_update(None, "max_page_count", pages)
        .expect("a limit");
    bench.send("q", &"x".repeat(100_000));
    let error = store.commit(&bench.effects.writes).expect_err("no room");
    assert!(error.told().contains("is full"), "{error:?}");
    let mut engine = store.load(bench.now(), None).expect("it reads");
    let peek = Request::Peek {
        queue: crate::sqs::engine::tests::name("q"),
    };
    let left = engine.execute(peek, bench.now(), &mut Default::default());
    assert!(matches!(left, Ok(Reply::Peeked(messages)) if messages.len() == 1));
}

#[test]
fn the_latest_time_is_that_of_what_was_sent_or_received_last() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut store = Store::open(directory.path()).expect("the store opens");
    assert_eq!(store.latest().expect("it reads"), Moment::default());
    let mut bench = Bench::new();
    bench.create("q", json!({}));
    bench.send("q", "a");
    bench.wait(7).receive("q", 1);
    store.commit(&bench.effects.writes).expect("it is written");
    assert_eq!(store.latest().expect("it reads"), bench.now());
}
