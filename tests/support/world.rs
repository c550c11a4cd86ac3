//! A stack of a scenario's own: embedded, or on whatever `AWS_ENDPOINT_URL` names, behind a prefix of its own.

use std::fmt;
use std::path::{Path, PathBuf};

use arthouse::{Clients, Names, RunSummary, Stack, local_settings};
use arthouse_core::Violation;
use arthouse_store::{StudentRecords, Table};
use arthouse_worker::{
    AuditOptions, LOCAL_CREDENTIALS, LOCAL_REGION, Queue, RunError, audit_tables,
};
use aws_sdk_sqs::types::MessageAttributeValue;
use local_aws::{Config, LocalAws, Pace};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{Event, Inbox, Student, check_command, check_event, course, eventually};

/// A stack, the worker and the stream processor on it, and the systems downstream.
pub struct World {
    /// The stack.
    pub stack: Stack,
    /// What has come of commands.
    pub outcomes: Inbox,
    /// What other systems were told.
    pub notifications: Inbox,
    /// What was no command.
    pub dead_letters: Inbox,
    embedded: Option<LocalAws>,
    data: Option<TempDir>,
    workers: Vec<Running>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("stack", &self.stack.names)
            .finish_non_exhaustive()
    }
}

/// How the embedded services behave. A third of the scenarios, picked by their names, has them under pressure: transactions conflict, partitions are
/// throttled, reads and entries of indexes are late, shards split. `ARTHOUSE_TEST_PRESSURE` names the seed for all of them.
fn pace() -> Pace {
    if let Ok(seed) = std::env::var("ARTHOUSE_TEST_PRESSURE") {
        return Pace::under_pressure(seed.parse().expect("a seed is a number"));
    }
    // Each test has a thread of its own with its name.
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    let seed: u64 = name.bytes().map(u64::from).sum();
    if seed.is_multiple_of(3) && name != "main" {
        return Pace::under_pressure(seed);
    }
    Pace::default()
}

struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<Result<RunSummary, RunError>>,
}

impl World {
    /// Starts a stack with one worker and one stream processor.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        let mut world = Self::idle().await;
        world.add_worker();
        world
    }

    /// Starts a stack on which nothing runs yet.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn idle() -> Self {
        match std::env::var("AWS_ENDPOINT_URL") {
            Ok(url) => {
                let names = Names::with_prefix(&format!(
                    "t{}-",
                    &uuid::Uuid::new_v4().simple().to_string()[..12]
                ));
                Self::on(Clients::for_endpoint(&url), names, None, None).await
            }
            Err(_) => {
                let data = tempfile::tempdir().expect("a temporary folder");
                Self::embedded(data.path().to_owned(), Some(data)).await
            }
        }
    }

    /// Starts an embedded stack on a folder that a scenario keeps.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn at(data: &Path) -> Self {
        Self::embedded(data.to_owned(), None).await
    }

    async fn embedded(data_dir: PathBuf, data: Option<TempDir>) -> Self {
        let config = Config { data_dir, port: 0 };
        let aws = LocalAws::start_with(config, pace())
            .await
            .expect("the embedded stack starts");
        let clients = Clients::for_endpoint(aws.endpoint_url());
        Self::on(clients, Names::default(), Some(aws), data).await
    }

    async fn on(
        clients: Clients,
        names: Names,
        embedded: Option<LocalAws>,
        data: Option<TempDir>,
    ) -> Self {
        let stack = Stack::provision(clients, names)
            .await
            .expect("the stack can be provisioned");
        let inbox = |queue| {
            Inbox::of(
                stack.clients.sqs.clone(),
                stack.queues.url(queue).to_owned(),
            )
        };
        Self {
            outcomes: inbox(Queue::Outcomes),
            notifications: inbox(Queue::Notifications),
            dead_letters: inbox(Queue::CommandsDlq),
            stack,
            embedded,
            data,
            workers: Vec::new(),
        }
    }

    /// Returns the variables by which a program of its own finds this stack.
    ///
    /// # Panics
    /// If the stack is neither embedded nor named by `AWS_ENDPOINT_URL`.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let endpoint = match &self.embedded {
            Some(aws) => aws.endpoint_url().to_owned(),
            None => std::env::var("AWS_ENDPOINT_URL").expect("a stack elsewhere"),
        };
        let queue = self.stack.names.queues.name(Queue::StreamDlq);
        let prefix = queue.trim_end_matches("arthouse-stream-dlq").to_owned();
        vec![
            ("AWS_ENDPOINT_URL", endpoint),
            ("AWS_REGION", LOCAL_REGION.to_owned()),
            ("AWS_ACCESS_KEY_ID", LOCAL_CREDENTIALS.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", LOCAL_CREDENTIALS.to_owned()),
            ("ARTHOUSE_PREFIX", prefix),
        ]
    }

    /// Says whether the stack is the embedded one.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }

    /// Starts one more worker and stream processor.
    pub fn add_worker(&mut self) {
        let (stack, shutdown) = (self.stack.clone(), CancellationToken::new());
        let stop = shutdown.clone();
        let task = tokio::spawn(async move { stack.run(&local_settings(), stop).await });
        self.workers.push(Running { shutdown, task });
    }

    /// Drops the oldest worker and stream processor where they stand, as a crash does.
    ///
    /// # Panics
    /// If there is none.
    pub async fn crash_worker(&mut self) {
        let running = self.workers.remove(0);
        running.task.abort();
        assert!(running.task.await.expect_err("aborted").is_cancelled());
    }

    /// Posts a command as systems upstream do, who keep to its contract.
    ///
    /// # Panics
    /// If it does not, or the queue does not take it.
    pub async fn post(&self, event: &Event) {
        let body = event.body.to_string();
        check_command(&body).expect("a command as its contract says");
        self.post_body(&event.group, event.deduplication_id.as_deref(), body)
            .await;
    }

    /// Posts any body; without a deduplication id, the queue goes by its content.
    ///
    /// # Panics
    /// If the queue does not take it.
    pub async fn post_body(&self, group: &str, deduplication_id: Option<&str>, body: String) {
        let request = self
            .stack
            .clients
            .sqs
            .send_message()
            .queue_url(&self.stack.queues.commands);
        let request = request
            .message_body(body)
            .message_group_id(group)
            .set_message_deduplication_id(deduplication_id.map(str::to_owned));
        request.send().await.expect("the queue takes the message");
    }

    /// Puts any message with attributes into any queue.
    ///
    /// # Panics
    /// If the queue does not take it.
    pub async fn put(&self, queue: &str, group: &str, body: &str, attributes: &[(&str, &str)]) {
        let mut request = self.stack.clients.sqs.send_message().queue_url(queue);
        for (name, text) in attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(*text)
                .build();
            request = request.message_attributes(*name, value.expect("a type and a value"));
        }
        let request = request
            .message_body(body)
            .message_group_id(group)
            .message_deduplication_id(uuid::Uuid::new_v4().to_string());
        request.send().await.expect("the queue takes the message");
    }

    /// Posts a command and waits for its outcome: none if it was applied, else the code.
    pub async fn outcome(&self, event: &Event) -> Option<String> {
        self.post(event).await;
        self.outcomes.outcomes(event.id(), 1).await.remove(0)
    }

    /// Posts a command that must be applied.
    ///
    /// # Panics
    /// If it is rejected.
    pub async fn apply(&self, event: &Event) {
        assert_eq!(self.outcome(event).await, None, "{}", event.body);
    }

    /// Offers a course at a cost in minor units, of so many sessions.
    ///
    /// # Panics
    /// If it can't be created.
    pub async fn offer(&self, course_id: &str, cost: i64, sessions: u32) {
        let create = Event::new("course.create", course(course_id, cost, sessions));
        self.apply(&create).await;
    }

    /// Lets a student apply and pay with the reference `ref-1`, and waits for the sessions.
    ///
    /// # Panics
    /// If either is rejected.
    pub async fn enrol(&self, student: &Student) -> StudentRecords {
        self.apply(&student.applies()).await;
        self.apply(&student.pays("ref-1")).await;
        self.sessions(&student.user, &student.course).await
    }

    /// Reads a student's records.
    ///
    /// # Panics
    /// If they can't be read.
    pub async fn records(&self, user: &str, course: &str) -> StudentRecords {
        let (user, course) = (
            user.parse().expect("a user id"),
            course.parse().expect("a course id"),
        );
        self.stack
            .store
            .student(&user, &course)
            .await
            .expect("the records can be read")
    }

    /// Waits until a paid enrolment has its sessions.
    pub async fn sessions(&self, user: &str, course: &str) -> StudentRecords {
        eventually("sessions", || async {
            let records = self.records(user, course).await;
            let ready = records
                .enrollment
                .as_ref()
                .is_some_and(|paid| paid.sessions_initialized_at.is_some());
            ready.then_some(records)
        })
        .await
    }

    /// Waits until nothing is under way any more; returns what is wrong for good.
    pub async fn settled(&self) -> Vec<Violation> {
        eventually("settled tables", || async {
            let report = audit_tables(&self.stack.store, &AuditOptions::default(), &()).await;
            let violations = report.expect("the tables can be read").violations;
            (!violations.iter().any(|violation| violation.pending)).then_some(violations)
        })
        .await
    }

    /// Reads a raw item, as any client would.
    ///
    /// # Panics
    /// If it is not there.
    pub async fn item(&self, table: Table, pk: &str, sk: &str) -> serde_json::Value {
        use aws_sdk_dynamodb::types::AttributeValue::S;
        let request = self
            .stack
            .clients
            .dynamodb
            .get_item()
            .table_name(self.stack.names.tables.name(table));
        let request = request
            .key("PK", S(pk.to_owned()))
            .key("SK", S(sk.to_owned()))
            .consistent_read(true);
        let item = request
            .send()
            .await
            .expect("the item can be read")
            .item
            .expect("the item is there");
        serde_dynamo::aws_sdk_dynamodb_1::from_item(item).expect("plain attributes")
    }

    /// Drains the workers and stops the stack. All that was told until then must be as its contract says.
    ///
    /// # Panics
    /// If it is not, or if anything ended before its time.
    pub async fn stop(mut self) {
        for inbox in [&self.outcomes, &self.notifications] {
            for letter in inbox.letters() {
                check_event(&letter.body).expect("an event as its contract says");
            }
        }
        for running in self.workers.drain(..) {
            running.shutdown.cancel();
            running
                .task
                .await
                .expect("no panic")
                .expect("a clean drain");
        }
        match self.embedded.take() {
            Some(aws) => aws.shutdown().await.expect("a clean end"),
            None => self.remove().await,
        }
        drop(self.data.take());
    }

    /// Takes away what was provisioned elsewhere.
    async fn remove(&self) {
        for queue in Queue::ALL {
            let request = self
                .stack
                .clients
                .sqs
                .delete_queue()
                .queue_url(self.stack.queues.url(queue));
            request.send().await.expect("the queue can be deleted");
        }
        let tables = Table::ALL.map(|table| self.stack.names.tables.name(table));
        for table in tables.into_iter().chain([self.stack.names.tables.leases()]) {
            let request = self.stack.clients.dynamodb.delete_table().table_name(table);
            request.send().await.expect("the table can be deleted");
        }
    }
}
