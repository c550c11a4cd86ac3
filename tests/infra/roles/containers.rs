//! A course's life by the daemons in containers, and what runs beside them by schedule.

use arthouse::{Stack, local_settings};
use arthouse_tests::{Event, course, eventually, student};
use arthouse_worker::{AuditOptions, Begin, ReconcileOptions, audit_tables};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::by_aws::by_aws;
use super::part::Part;
use super::school::{Running, School, post};

const TEMPLATE: &str = "compute-containers";

#[tokio::test(flavor = "multi_thread")]
async fn the_daemons_may_do_what_they_do_in_a_course_s_life_and_nothing_else() {
    let school = School::new().await;
    let part = |role| Part::of_role(&school.aws, TEMPLATE, role);
    let producer = Part::of_policies(&school.aws, "a producer", &["ProducerPolicy"]).await;
    let (mut worker, mut streams) = (part("WorkerRole").await, part("StreamsRole").await);
    let upkeep = part("UpkeepRole").await;
    // Producers look up the one queue that they send to, and no other.
    producer.relay.take_calls();
    find_commands(&producer.stack).await;
    let mut running = Running::none();
    running.worker(&worker.stack);
    // What its readiness asks.
    let reached = worker.stack.store.reach().await;
    reached.expect("the tables are there");
    enrol(&school, &producer).await;

    let ada = student("ada", "oils");
    let attends = ada.attends(1);
    // There are no sessions yet, and the command is put off.
    post(&producer, &attends, attends.body.to_string()).await;
    called(&mut worker, "ChangeMessageVisibility", "commands.fifo").await;
    go_over(&upkeep.stack).await;
    assert_eq!(school.outcomes.outcomes(attends.id(), 1).await, [None]);
    school.lose_records().await;
    go_over(&upkeep.stack).await;
    assert_eq!(school.gaps().await, 0);

    school.lose_records().await;
    running.streams(&streams.stack);
    eventually("gaps repaired", || async {
        (school.gaps().await == 0).then_some(())
    })
    .await;
    school
        .apply(&producer, &student("bea", "oils").pays("ref-2"))
        .await;
    school.apply(&producer, &ada.skips(2)).await;
    let moves = ada.reschedules(3, "2099-01-05T19:00:00Z");
    school.apply(&producer, &moves).await;
    let again = school.outcome(&producer, &ada.skips(2)).await;
    assert_eq!(again.as_deref(), Some("SESSION_NOT_SCHEDULED"));
    post(&producer, &ada.attends(3), "no command".to_owned()).await;
    called(&mut worker, "SendMessage", "commands-dlq.fifo").await;
    school.spoil().await;
    called(&mut streams, "SendMessage", "stream-dlq").await;
    running.stop().await;

    let arns = school.streams().await;
    producer.check(&arns);
    worker.check(&arns);
    streams
        .and_by_aws(by_aws(TEMPLATE, "StreamsRole"))
        .check(&arns);
    upkeep.check(&arns);
    school.aws.stop().await;
}

async fn find_commands(stack: &Stack) {
    let name = stack.names.queues.name(arthouse_worker::Queue::Commands);
    let found = stack.clients.sqs.get_queue_url().queue_name(name).send();
    found.await.expect("the queue is there");
}

/// A course, one student who has paid, and one who has not.
pub(super) async fn enrol(school: &School, producer: &Part) {
    let ada = student("ada", "oils");
    for event in enrolling() {
        school.apply(producer, &event).await;
    }
    school.apply(producer, &ada.pays("ref-1")).await;
}

/// The commands that lead to it, but for the payment.
pub(super) fn enrolling() -> [Event; 4] {
    let update = json!({"course_id": "oils", "cost": 120});
    [
        Event::new("course.create", course("oils", 100, 3)),
        Event::new("course.update", update),
        student("ada", "oils").applies(),
        student("bea", "oils").applies(),
    ]
}

/// Goes over the tables as by schedule.
pub(super) async fn go_over(stack: &Stack) {
    let options = AuditOptions::default();
    let report = audit_tables(&stack.store, &options, &()).await;
    let report = report.expect("an answer");
    assert_eq!(report.violated, 0);
    assert!(report.pending > 0, "there is something to repair");
    let reconciler = stack.reconciler(&local_settings()).expect("a name");
    let options = ReconcileOptions {
        begin: Begin::ResumeOrAnew,
        ..ReconcileOptions::default()
    };
    let stop = CancellationToken::new();
    let report = reconciler.run(&options, &(), &stop).await;
    let report = report.expect("an answer");
    assert_eq!((report.finished, report.counts.failed), (true, 0));
}

/// Waits for a call that concerns a queue.
async fn called(part: &mut Part, operation: &str, queue: &str) {
    eventually(&format!("{operation} on {queue}"), || {
        let is_called = part.calls().iter().any(|call| {
            let url = call.body["QueueUrl"].as_str().unwrap_or_default();
            call.operation.starts_with(operation) && url.ends_with(queue)
        });
        async move { is_called.then_some(()) }
    })
    .await;
}
