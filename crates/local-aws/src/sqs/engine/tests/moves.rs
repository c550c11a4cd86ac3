use super::*;
use crate::sqs::request::MoveReport;

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:dlq";
const TASK: Uuid = Uuid::from_u128(7);

/// A dead-letter queue that holds these messages of `q`, all of which were received once.
fn dead(bodies: &[&str]) -> Bench {
    let mut bench = Bench::with("dlq", json!({}));
    bench.create("q", redrive("dlq", 1));
    for body in bodies {
        bench.send("q", body);
    }
    bench.receive("q", 10);
    bench.wait(10);
    assert_eq!(bench.receive_bodies("q", 10), [""; 0]);
    assert_eq!(bench.counts("dlq").0, bodies.len());
    bench
}

fn start(bench: &mut Bench, to: Option<&str>, per_second: Option<u32>) -> Result<Reply, Fault> {
    let destination_arn = to.map(|to| name(to).arn());
    bench.run(Request::StartMove {
        id: TASK,
        source_arn: ARN.to_owned(),
        destination_arn,
        per_second,
    })
}

fn report(bench: &mut Bench) -> MoveReport {
    let list = Request::ListMoves {
        source_arn: ARN.to_owned(),
        limit: 10,
    };
    match bench.run(list) {
        Ok(Reply::Moves(mut reports)) if reports.len() == 1 => reports.remove(0),
        other => panic!("expected one task, got {other:?}"),
    }
}

#[test]
fn messages_go_back_to_where_they_came_from_as_new_ones() {
    let mut bench = dead(&["a", "b"]);
    start(&mut bench, None, None).expect("the task can be started");
    bench.wait(1);
    let report = report(&mut bench);
    assert_eq!(
        (report.status, report.moved, report.to_move, report.handle),
        ("COMPLETED", 2, 2, None)
    );
    assert_eq!(bench.counts("dlq"), (0, 0, 0));
    let now = bench.now();
    let moved = bench.receive("q", 10);
    let bodies: Vec<&str> = moved.iter().map(|got| got.body.as_str()).collect();
    assert_eq!(bodies, ["a", "b"]);
    for got in &moved {
        assert_eq!(got.delivered.message.delivery.receives, 1);
        assert!(
            got.delivered.message.sent > now.plus_seconds(0).min(Moment::from_millis(1_000_000))
        );
        assert!(got.delivered.message.content.id.as_u128() > 2, "a new id");
    }
}

#[test]
fn messages_go_elsewhere_if_the_task_says_so() {
    let mut bench = dead(&["a"]);
    bench.create("elsewhere", json!({}));
    start(&mut bench, Some("elsewhere"), None).expect("the task can be started");
    bench.wait(1);
    assert_eq!(bench.receive_bodies("elsewhere", 10), ["a"]);
}

#[test]
fn a_rate_is_kept_and_a_cancelled_task_stops() {
    let mut bench = dead(&["a", "b", "c"]);
    start(&mut bench, None, Some(1)).expect("the task can be started");
    bench.wait_millis(0);
    assert_eq!(report(&mut bench).moved, 1);
    bench.wait_millis(999);
    assert_eq!(report(&mut bench).moved, 1);
    bench.wait_millis(1);
    let running = report(&mut bench);
    assert_eq!((running.status, running.moved), ("RUNNING", 2));
    assert!(running.handle.is_some());
    let cancel = Request::CancelMove {
        id: TASK,
        source_arn: ARN.to_owned(),
    };
    assert_eq!(
        bench.run(cancel.clone()),
        Ok(Reply::MoveCancelled { moved: 2 })
    );
    bench.wait(10);
    assert_eq!(report(&mut bench).status, "CANCELLED");
    assert_eq!(bench.counts("dlq"), (1, 0, 0));
    assert_eq!(code(bench.run(cancel)), Some(Code::UnsupportedOperation));
}

#[test]
fn a_task_fails_when_its_destination_is_gone_and_loses_nothing() {
    let mut bench = dead(&["a"]);
    start(&mut bench, None, None).expect("the task can be started");
    bench
        .run(Request::DeleteQueue { queue: name("q") })
        .expect("a queue can be deleted");
    bench.wait(1);
    let report = report(&mut bench);
    assert_eq!(report.status, "FAILED");
    assert_eq!(
        report.failure.as_deref(),
        Some("AWS.SimpleQueueService.NonExistentQueue")
    );
    assert_eq!(bench.counts("dlq"), (1, 0, 0));
}

#[test]
fn a_message_that_was_sent_to_the_dead_letter_queue_has_nowhere_to_go_back_to() {
    let mut bench = dead(&[]);
    bench.send("dlq", "stray");
    start(&mut bench, None, None).expect("the task can be started");
    bench.wait(1);
    assert_eq!(
        report(&mut bench).failure.as_deref(),
        Some("CouldNotDetermineMessageSource")
    );
}

#[test]
fn what_can_not_be_moved_is_refused() {
    let mut bench = dead(&["a"]);
    bench.create("d.fifo", json!({}));
    let task = |source: &str| Request::StartMove {
        id: TASK,
        source_arn: source.to_owned(),
        destination_arn: None,
        per_second: None,
    };
    let no_dlq = bench.run(task(&name("q").arn()));
    assert_eq!(code(no_dlq), Some(Code::InvalidParameterValue));
    assert_eq!(
        code(bench.run(task(&name("absent").arn()))),
        Some(Code::ResourceNotFound)
    );
    assert_eq!(
        code(start(&mut bench, Some("absent"), None)),
        Some(Code::ResourceNotFound)
    );
    assert_eq!(
        code(start(&mut bench, Some("d.fifo"), None)),
        Some(Code::InvalidParameterValue)
    );
    assert_eq!(
        code(start(&mut bench, Some("dlq"), None)),
        Some(Code::InvalidParameterValue)
    );
    start(&mut bench, None, Some(1)).expect("the task can be started");
    assert_eq!(
        code(start(&mut bench, None, None)),
        Some(Code::InvalidParameterValue),
        "one at a time"
    );
    let unknown = Request::CancelMove {
        id: Uuid::from_u128(8),
        source_arn: ARN.to_owned(),
    };
    assert_eq!(code(bench.run(unknown)), Some(Code::ResourceNotFound));
}
