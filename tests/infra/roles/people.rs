//! What people do: reading, and everything that the manual tells an operator to do.

use arthouse::{Stack, local_settings};
use arthouse_tests::{Event, eventually, student};
use arthouse_worker::{Queue, RecordSkips, SkippedRecords};
use dynamo_streams::Selection;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::containers::{enrolling, go_over};
use super::part::Part;
use super::school::{Running, School};

/// As the three sample producers do: find the queue, take what is theirs, and put back what is not.
#[tokio::test(flavor = "multi_thread")]
async fn consumers_may_take_from_their_queue_and_nothing_else() {
    let school = School::new().await;
    for (queue, policy) in [
        (Queue::Outcomes, "OutcomesPolicy"),
        (Queue::Notifications, "NotificationsPolicy"),
    ] {
        let consumer = Part::of_policies(&school.aws, policy, &[policy]).await;
        consumer.relay.take_calls();
        let (sqs, names) = (&consumer.stack.clients.sqs, &consumer.stack.names.queues);
        let found = sqs.get_queue_url().queue_name(names.name(queue)).send();
        let url = found.await.expect("the queue").queue_url.expect("a URL");
        let send = school.owner.clients.sqs.send_message().queue_url(&url);
        let send = send.message_body("{}").message_group_id("g");
        let send = send.message_deduplication_id("1").send();
        send.await.expect("it is sent");
        let received = sqs.receive_message().queue_url(&url).send().await;
        // The school's own inbox takes outcomes, too.
        let messages = received.expect("an answer").messages.unwrap_or_default();
        let receipt = messages.first().and_then(|it| it.receipt_handle.clone());
        let receipt = receipt.unwrap_or_else(|| "none".to_owned());
        let put_back = sqs.change_message_visibility().queue_url(&url);
        let put_back = put_back.receipt_handle(&receipt).visibility_timeout(1);
        let _ = put_back.send().await;
        let delete = sqs.delete_message().queue_url(&url).receipt_handle(receipt);
        let _ = delete.send().await;
        consumer.check(&[]);
    }
    school.aws.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_may_do_what_the_manual_tells_them_and_nothing_else() {
    let school = School::new().await;
    let reader = Part::of_policies(&school.aws, "a reader", &["ReaderPolicy"]).await;
    // The read side needs no queue.
    reader.relay.take_calls();
    let policies = [
        "OperatorPolicy",
        "ReaderPolicy",
        "AuditPolicy",
        "RepairPolicy",
        "ReactionsPolicy",
        "LeasesPolicy",
        "CommandsPolicy",
    ];
    let operator = Part::of_policies(&school.aws, "an operator", &policies).await;
    let stack = &operator.stack;
    let ada = student("ada", "oils");

    for event in enrolling().into_iter().chain([ada.pays("ref-1")]) {
        dead_letter(&school, &event, event.body.to_string()).await;
    }
    assert_eq!(redrive_commands(stack).await, (5, 0));
    go_over(stack).await;
    for event in [ada.attends(1), ada.attends(1)] {
        dead_letter(&school, &event, event.body.to_string()).await;
    }
    dead_letter(&school, &ada.attends(2), "no command".to_owned()).await;
    assert_eq!(redrive_commands(stack).await, (2, 1));
    school.lose_records().await;
    go_over(stack).await;

    let mut running = Running::none();
    running.streams(&school.owner);
    school.spoil().await;
    let operations = school.owner.operations().expect("a name");
    eventually("a parked record", || async {
        let parked = operations.parked_items().await.expect("an answer");
        (!parked.is_empty()).then_some(())
    })
    .await;
    running.stop().await;
    watch(stack).await;
    redrive(&school, stack).await;
    Box::pin(handle_letters(&school, stack)).await;
    for part in [&reader, &operator] {
        read(&part.stack).await;
    }

    let arns = school.streams().await;
    reader.check(&arns);
    operator.check(&arns);
    school.aws.stop().await;
}

/// Dead-letters a command as SQS would.
async fn dead_letter(school: &School, event: &Event, body: String) {
    let Stack {
        clients, queues, ..
    } = &school.owner;
    let send = clients.sqs.send_message().queue_url(&queues.commands_dlq);
    let send = send
        .message_body(body)
        .message_group_id(&event.group)
        .message_deduplication_id(event.id());
    send.send().await.expect("it is sent");
}

/// `arthouse redrive --commands`: how many were carried out, and how many remain.
async fn redrive_commands(stack: &Stack) -> (usize, usize) {
    let redrive = stack.command_redrive(&local_settings());
    let report = redrive.run(&CancellationToken::new()).await;
    let report = report.expect("an answer");
    (report.carried_out, report.remaining.len())
}

/// `arthouse status`.
async fn watch(stack: &Stack) {
    for queue in Queue::ALL {
        let request = stack.clients.sqs.get_queue_attributes();
        let request = request.queue_url(stack.queues.url(queue));
        request.send().await.expect("an answer");
    }
    let operations = stack.operations().expect("a name");
    let status = operations.status().await.expect("an answer");
    assert_eq!(status.parked.len(), 1);
    let sweep = stack.store.sweep().await.expect("an answer");
    assert!(sweep.is_some());
}

/// `arthouse redrive`, and once the item is mended `arthouse redrive --skip-unreadable`.
async fn redrive(school: &School, stack: &Stack) {
    let operations = stack.operations().expect("a name");
    let handler = stack.reaction_handler(&local_settings());
    let stop = CancellationToken::new();
    let report = Box::pin(operations.redrive(&handler, &Selection::All, &stop)).await;
    assert_eq!(report.expect("an answer").remaining.len(), 1);
    school.mend().await;
    let reconciler = stack.reconciler(&local_settings()).expect("a name");
    let skips = RecordSkips::new(handler.clone(), reconciler, SkippedRecords::Unreadable);
    let skipping = operations.redrive_skipping(&handler, &skips, &Selection::All, &stop);
    let report = Box::pin(skipping).await.expect("an answer");
    assert_eq!((report.skipped.len(), report.remaining.len()), (1, 0));
}

/// Looks at dead letters and notices, clears the notices, and moves dead letters back.
async fn handle_letters(school: &School, stack: &Stack) {
    let sqs = &stack.clients.sqs;
    for queue in [Queue::CommandsDlq, Queue::StreamDlq] {
        let url = stack.queues.url(queue);
        let received = sqs.receive_message().queue_url(url).visibility_timeout(0);
        let letters = received.send().await.expect("an answer").messages;
        let letters = letters.unwrap_or_default();
        assert!(!letters.is_empty(), "{queue:?}");
        let receipt = letters[0].receipt_handle.clone().expect("a receipt");
        if queue == Queue::StreamDlq {
            let delete = sqs.delete_message().queue_url(url).receipt_handle(receipt);
            delete.send().await.expect("it is deleted");
        }
    }
    let arn = async |queue| {
        let asked = serde_json::json!({"QueueUrl": school.owner.queues.url(queue), "AttributeNames": ["QueueArn"]});
        let relay = crate::relay::Relay::to(school.aws.endpoint()).await;
        let answer = relay.ask("AmazonSQS.GetQueueAttributes", &asked).await;
        let Value::String(arn) = &answer["Attributes"]["QueueArn"] else {
            panic!("{answer}");
        };
        arn.clone()
    };
    let (from, to) = (arn(Queue::CommandsDlq).await, arn(Queue::Commands).await);
    let start = sqs.start_message_move_task().source_arn(&from);
    let start = start.destination_arn(to).send().await;
    let handle = start.expect("it is started").task_handle;
    let list = sqs.list_message_move_tasks().source_arn(from).send().await;
    list.expect("an answer");
    let cancel = sqs.cancel_message_move_task().set_task_handle(handle);
    // One message is moved before anybody can cancel it.
    let _ = cancel.send().await;
}

async fn read(stack: &Stack) {
    let store = &stack.store;
    let user = "ada".parse().expect("an id");
    let course = "oils".parse().expect("an id");
    assert!(store.course(&course).await.expect("an answer").is_some());
    let student = store.student(&user, &course).await.expect("an answer");
    assert!(student.enrollment.is_some());
    store.pending(10, None).await.expect("an answer");
    let first = "0001".parse().expect("an id");
    let roster = store.roster(&course, &first, None).await;
    assert_eq!(roster.expect("an answer").items.len(), 1);
    let source = "urn:school:web".parse().expect("a source");
    let id = "none".parse().expect("an id");
    let receipt = store.receipt(&source, &id).await;
    assert!(receipt.expect("an answer").is_none());
}
