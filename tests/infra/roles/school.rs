//! The stack as its owner made it, and what is done to it from outside.

use arthouse::{Clients, Names, Stack, local_settings};
use arthouse_store::Table;
use arthouse_tests::{Event, Inbox};
use aws_sdk_dynamodb::types::AttributeValue;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::PREFIX;
use super::part::Part;
use crate::embedded::Embedded;

/// The stack.
pub(super) struct School {
    pub(super) aws: Embedded,
    pub(super) owner: Stack,
    pub(super) outcomes: Inbox,
}

impl School {
    pub(super) async fn new() -> Self {
        let aws = Embedded::start().await;
        let clients = Clients::for_endpoint(aws.endpoint());
        let owner = Stack::provision(clients, Names::with_prefix(PREFIX)).await;
        let owner = owner.expect("it is provisioned");
        Self {
            outcomes: Inbox::of(owner.clients.sqs.clone(), owner.queues.outcomes.clone()),
            aws,
            owner,
        }
    }

    pub(super) async fn stream(&self, table: Table) -> String {
        let name = self.owner.names.tables.name(table);
        let described = self.owner.clients.dynamodb.describe_table();
        let described = described.table_name(name).send().await;
        let table = described.expect("it is described").table.expect("a table");
        table.latest_stream_arn.expect("a stream")
    }

    pub(super) async fn streams(&self) -> [String; 2] {
        [
            self.stream(Table::UsersCourses).await,
            self.stream(Table::Sessions).await,
        ]
    }

    /// Puts an enrolment that no program of ours would write, so that its record must be parked.
    pub(super) async fn spoil(&self) {
        let table = self.owner.names.tables.name(Table::UsersCourses);
        self.put(&table, [("PK", "USER#eve"), ("SK", "COURSE#oils#PAID")])
            .await;
    }

    /// Takes the spoilt enrolment away.
    pub(super) async fn mend(&self) {
        let table = self.owner.names.tables.name(Table::UsersCourses);
        let delete = self.owner.clients.dynamodb.delete_item().table_name(table);
        let delete = delete
            .key("PK", text("USER#eve"))
            .key("SK", text("COURSE#oils#PAID"));
        delete.send().await.expect("it is deleted");
    }

    /// Says that records of a stream were lost, as the stream processor that finds this does.
    pub(super) async fn lose_records(&self) {
        let shard = format!("{}#shardId-1#", self.stream(Table::Sessions).await);
        let now = chrono::Utc::now().to_rfc3339();
        let gap = [
            ("PK", "GAP#arthouse"),
            ("SK", &shard),
            ("cause", "TRIMMED"),
            ("detected_at", &now),
        ];
        self.put(&self.owner.names.tables.leases(), gap).await;
    }

    pub(super) async fn gaps(&self) -> usize {
        let operations = self.owner.operations().expect("a name");
        operations.gaps().await.expect("an answer").len()
    }

    async fn put<const N: usize>(&self, table: &str, item: [(&str, &str); N]) {
        let mut put = self.owner.clients.dynamodb.put_item().table_name(table);
        for (name, value) in item {
            put = put.item(name, text(value));
        }
        put.send().await.expect("it is put");
    }

    /// Posts a command and waits until it has its outcome.
    pub(super) async fn outcome(&self, producer: &Part, event: &Event) -> Option<String> {
        post(producer, event, event.body.to_string()).await;
        let mut outcomes = self.outcomes.outcomes(event.id(), 1).await;
        outcomes.pop().expect("an outcome")
    }

    pub(super) async fn apply(&self, producer: &Part, event: &Event) {
        let outcome = self.outcome(producer, event).await;
        assert_eq!(outcome, None, "{}", event.body);
    }
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

pub(super) async fn post(producer: &Part, event: &Event, body: String) {
    let queue = &producer.stack.queues.commands;
    let request = producer.stack.clients.sqs.send_message().queue_url(queue);
    let request = request
        .message_body(body)
        .message_group_id(&event.group)
        .set_message_deduplication_id(event.deduplication_id.clone());
    request.send().await.expect("it is sent");
}

/// The daemons that run.
pub(super) struct Running {
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    pub(super) fn none() -> Self {
        Self {
            shutdown: CancellationToken::new(),
            tasks: Vec::new(),
        }
    }

    pub(super) fn worker(&mut self, stack: &Stack) {
        let (stack, stop) = (stack.clone(), self.shutdown.clone());
        self.tasks.push(tokio::spawn(async move {
            let worker = stack.command_worker(&local_settings());
            let ended = worker.expect("settings").run(stop).await;
            ended.expect("a clean drain");
        }));
    }

    pub(super) fn streams(&mut self, stack: &Stack) {
        let (stack, stop) = (stack.clone(), self.shutdown.clone());
        self.tasks.push(tokio::spawn(async move {
            let workers = stack.stream_workers(&local_settings());
            let ended = workers.expect("settings").run(stop).await;
            ended.expect("a clean drain");
        }));
    }

    pub(super) async fn stop(self) {
        self.shutdown.cancel();
        for task in self.tasks {
            task.await.expect("no panic");
        }
    }
}
