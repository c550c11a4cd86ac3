//! The same life by the functions, as Lambda calls them.

use std::time::Duration;

use arthouse::{Stack, local_settings};
use arthouse_store::Table;
use arthouse_tests::student;
use arthouse_worker::CommandWorker;
use dynamo_streams::{BatchReport, Record};
use serde_json::{Value, json};
use sqs_consumer::{CancellationToken, Queue as _, Receive, Received, SqsQueue};

use super::by_aws::by_aws;
use super::containers::{enrolling, go_over};
use super::part::Part;
use super::school::{School, post};
use crate::relay::Relay;

const TEMPLATE: &str = "compute-lambda";
const WAIT: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn the_functions_may_do_what_they_do_in_a_course_s_life_and_nothing_else() {
    let school = School::new().await;
    let part = async |role| {
        let part = Part::of_role(&school.aws, TEMPLATE, role).await;
        part.and_by_aws(by_aws(TEMPLATE, role))
    };
    let producer = Part::of_policies(&school.aws, "a producer", &["ProducerPolicy"]).await;
    let (commands, reactions) = (part("CommandsRole").await, part("ReactionsRole").await);
    let upkeep = part("UpkeepRole").await;
    let ada = student("ada", "oils");
    for event in enrolling().into_iter().chain([ada.pays("ref-1")]) {
        post(&producer, &event, event.body.to_string()).await;
        carry_out(&school, &commands.stack).await;
    }
    // There are no sessions yet, and the command is put off.
    let attends = ada.attends(1);
    post(&producer, &attends, attends.body.to_string()).await;
    assert_eq!(carry_out(&school, &commands.stack).await, 0);
    go_over(&upkeep.stack).await;
    while carry_out(&school, &commands.stack).await == 0 {}
    school.lose_records().await;
    go_over(&upkeep.stack).await;
    assert_eq!(school.gaps().await, 0);

    for event in [
        student("bea", "oils").pays("ref-2"),
        ada.skips(2),
        ada.reschedules(3, "2099-01-05T19:00:00Z"),
        ada.skips(2),
    ] {
        post(&producer, &event, event.body.to_string()).await;
        carry_out(&school, &commands.stack).await;
        let report = react(&school, &reactions.stack).await;
        assert_eq!((report.parked, report.unfinished), (0, 0));
    }
    post(&producer, &ada.attends(3), "no command".to_owned()).await;
    carry_out(&school, &commands.stack).await;
    school.spoil().await;
    assert_eq!(react(&school, &reactions.stack).await.parked, 1);

    let arns = school.streams().await;
    commands.check(&arns);
    reactions.check(&arns);
    upkeep.check(&arns);
    school.aws.stop().await;
}

/// Takes a batch as Lambda's poller does, has the function carry it out, and deletes what it did; returns how many these are.
async fn carry_out(school: &School, function: &Stack) -> usize {
    let url = &school.owner.queues.commands;
    let queue = SqsQueue::new(&school.owner.clients.sqs, url, WAIT, 10 * WAIT);
    let request = Receive {
        max_messages: 10,
        wait_time: WAIT,
        visibility_timeout: 60 * WAIT,
    };
    let batch = queue.receive(request).await.expect("messages");
    let receipts = batch.iter().map(|Received { message, receipt }| {
        let id = message.message_id().to_owned();
        (id, receipt.clone())
    });
    let mut receipts: Vec<_> = receipts.collect();
    let worker = function.command_worker(&local_settings());
    let CommandWorker { consumer, handler } = worker.expect("settings");
    let stop = CancellationToken::new();
    let report = consumer.into_batches().handle(batch, handler, stop).await;
    receipts.retain(|(id, _)| !report.failed.contains(id));
    let done = receipts.len();
    if done > 0 {
        let receipts = receipts.into_iter().map(|(_, receipt)| receipt).collect();
        queue.delete(receipts).await.expect("they are deleted");
    }
    done
}

/// Hands all records of both streams to the function, those that it had before too.
async fn react(school: &School, function: &Stack) -> BatchReport {
    let relay = Relay::to(school.aws.endpoint()).await;
    let mut total = BatchReport::default();
    for table in [Table::UsersCourses, Table::Sessions] {
        let workers = function.stream_workers(&local_settings());
        let workers = workers.expect("settings");
        let records = records(&relay, &school.stream(table).await).await;
        let changes = workers.processor.into_batches();
        let stop = CancellationToken::new();
        let report = Box::pin(changes.handle(records, workers.handler, &stop)).await;
        total.parked += report.parked;
        total.unfinished += report.unfinished;
    }
    total
}

async fn records(relay: &Relay, stream: &str) -> Vec<Record> {
    let ask = async |operation: &str, asked: Value| {
        let target = format!("DynamoDBStreams_20120810.{operation}");
        relay.ask(&target, &asked).await
    };
    let described = ask("DescribeStream", json!({"StreamArn": stream})).await;
    let shards = described["StreamDescription"]["Shards"].as_array();
    let mut found = Vec::new();
    for shard in shards.expect("shards") {
        let asked = json!({"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"});
        let mut at = ask("GetShardIterator", asked).await["ShardIterator"].take();
        while !at.is_null() {
            let mut page = ask("GetRecords", json!({"ShardIterator": at})).await;
            let records = page["Records"].as_array_mut().expect("records");
            if records.is_empty() {
                break;
            }
            for mut record in std::mem::take(records) {
                record["eventSourceARN"] = stream.into();
                found.push(Record::from_event(record).expect("a record"));
            }
            at = page["NextShardIterator"].take();
        }
    }
    found
}
