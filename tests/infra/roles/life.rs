//! A course's life in which each part speaks to the stack by a connection of its own: what it asks for must be what its policies allow.

use std::collections::{BTreeMap, BTreeSet};

use arthouse::{Clients, Names, Stack, local_settings};
use arthouse_tests::{Event, Inbox, course, eventually, student};
use arthouse_worker::{AuditOptions, Queue, ReconcileOptions, audit_tables};
use aws_sdk_dynamodb::types::AttributeValue;
use dynamo_streams::Selection;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{Access, Grant, PREFIX, calls, policy};
use crate::embedded::Embedded;
use crate::relay::{Call, Relay};

/// One part: its policies, its connection, and what it has asked for.
struct Part {
    grants: Vec<Grant>,
    relay: Relay,
    stack: Stack,
    calls: Vec<Call>,
}

impl Part {
    async fn new(aws: &Embedded, policies: &[&str]) -> Self {
        let relay = Relay::to(aws.endpoint()).await;
        let clients = Clients::for_endpoint(&relay.endpoint);
        let stack = Stack::find(clients, Names::with_prefix(PREFIX)).await;
        Self {
            grants: policies.iter().flat_map(|name| policy(name)).collect(),
            stack: stack.expect("the stack is there"),
            relay,
            calls: Vec::new(),
        }
    }

    fn calls(&mut self) -> &[Call] {
        self.calls.extend(self.relay.take_calls());
        &self.calls
    }

    /// Checks that all that was asked for is allowed; returns what is allowed and was not asked for.
    fn check(mut self, name: &str, streams: &[String]) -> BTreeSet<String> {
        let asked: BTreeSet<Access> = self
            .calls()
            .iter()
            .flat_map(|call| calls::needed(call, streams))
            .collect();
        assert!(!asked.is_empty(), "{name} has asked for nothing");
        let refused = asked.iter().filter(|access| {
            let mut grants = self.grants.iter();
            !grants.any(|grant| grant.covers(access))
        });
        assert_eq!(
            refused.collect::<Vec<_>>(),
            Vec::<&Access>::new(),
            "{name} may not"
        );
        let unused = self.grants.iter().flat_map(|grant| {
            let pairs = grant.actions.iter().flat_map(|action| {
                grant
                    .resources
                    .iter()
                    .map(move |resource| (action, resource))
            });
            pairs.filter(|(action, resource)| {
                !asked.iter().any(|access| {
                    access.action == **action && super::matches(resource, &access.resource)
                })
            })
        });
        unused
            .map(|(action, resource)| {
                let resource = resource.rsplit(':').next().unwrap_or_default();
                format!("{action} {}", resource.replace(PREFIX, ""))
            })
            .collect()
    }
}

struct Running {
    shutdown: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Running {
    fn none() -> Self {
        Self {
            shutdown: CancellationToken::new(),
            tasks: Vec::new(),
        }
    }

    fn worker(&mut self, part: &Part) {
        let (stack, stop) = (part.stack.clone(), self.shutdown.clone());
        self.tasks.push(tokio::spawn(async move {
            let worker = stack.command_worker(&local_settings());
            let ended = worker.expect("settings").run(stop).await;
            ended.expect("a clean drain");
        }));
    }

    fn streams(&mut self, part: &Part) {
        let (stack, stop) = (part.stack.clone(), self.shutdown.clone());
        self.tasks.push(tokio::spawn(async move {
            let workers = stack.stream_workers(&local_settings());
            let ended = workers.expect("settings").run(stop).await;
            ended.expect("a clean drain");
        }));
    }

    async fn stop(self) {
        self.shutdown.cancel();
        for task in self.tasks {
            task.await.expect("no panic");
        }
    }
}

/// The stack as its owner made it.
struct School {
    aws: Embedded,
    owner: Stack,
    outcomes: Inbox,
}

impl School {
    async fn new() -> Self {
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

    async fn streams(&self) -> Vec<String> {
        let mut arns = Vec::new();
        for table in [
            arthouse_store::Table::UsersCourses,
            arthouse_store::Table::Sessions,
        ] {
            let name = self.owner.names.tables.name(table);
            let described = self
                .owner
                .clients
                .dynamodb
                .describe_table()
                .table_name(name)
                .send()
                .await;
            let table = described.expect("it is described").table.expect("a table");
            arns.push(table.latest_stream_arn.expect("a stream"));
        }
        arns
    }

    /// Puts an enrolment that no program of ours would write, so that its record must be parked.
    async fn spoil(&self) {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let table = self
            .owner
            .names
            .tables
            .name(arthouse_store::Table::UsersCourses);
        let put = self.owner.clients.dynamodb.put_item().table_name(table);
        let put = put
            .item("PK", text("USER#eve"))
            .item("SK", text("COURSE#oils#PAID"))
            .send();
        put.await.expect("it is put");
    }
}

async fn post(producer: &Part, event: &Event, body: String) {
    let request = producer
        .stack
        .clients
        .sqs
        .send_message()
        .queue_url(&producer.stack.queues.commands);
    let request = request
        .message_body(body)
        .message_group_id(&event.group)
        .set_message_deduplication_id(event.deduplication_id.clone());
    request.send().await.expect("it is sent");
}

async fn apply(school: &School, producer: &Part, event: &Event) {
    post(producer, event, event.body.to_string()).await;
    assert_eq!(
        school.outcomes.outcomes(event.id(), 1).await,
        [None],
        "{}",
        event.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_part_is_allowed_what_it_asks_for_in_a_course_s_life_and_little_more() {
    let school = School::new().await;
    let producer = Part::new(&school.aws, &["ProducerPolicy"]).await;
    let mut worker = Part::new(&school.aws, &["WorkerPolicy"]).await;
    let mut streams = Part::new(
        &school.aws,
        &["ReactionsPolicy", "StreamReaderPolicy", "LeasesPolicy"],
    )
    .await;
    // A producer knows its queue's URL alone.
    producer.relay.take_calls();
    let mut running = Running::none();
    running.worker(&worker);
    // What its readiness asks.
    worker
        .stack
        .store
        .reach()
        .await
        .expect("the tables are there");
    play(&school, &producer, &mut worker, &mut streams, &mut running).await;
    let arns = school.streams().await;
    let reader = read(&school).await;
    let (sweep, operator) = Box::pin(watch(&school)).await;
    let redrive = redrive_commands(&school).await;
    running.stop().await;

    let mut unused = BTreeMap::from([
        ("a producer", producer.check("a producer", &arns)),
        ("the worker", worker.check("the worker", &arns)),
        ("streams", streams.check("the stream processor", &arns)),
        ("a reader", reader.check("a reader", &arns)),
    ]);
    unused.retain(|_, unused| !unused.is_empty());
    // What else a sweep and an operator may do, this life does not call for.
    sweep.check("the audit", &arns);
    operator.check("an operator", &arns);
    redrive.check("an operator who redrives commands", &arns);
    let only = |access: &str| BTreeSet::from([access.to_owned()]);
    let expected = BTreeMap::from([
        // The producers of this test were given the URL.
        ("a producer", only("sqs:GetQueueUrl arthouse-commands.fifo")),
        // Lambda's own poller asks how long the queue is.
        (
            "the worker",
            only("sqs:GetQueueAttributes arthouse-commands.fifo"),
        ),
    ]);
    assert_eq!(unused, expected);
    school.aws.stop().await;
}

/// Every command, one that must wait, one that is none, and a record that must be parked.
async fn play(
    school: &School,
    producer: &Part,
    worker: &mut Part,
    streams: &mut Part,
    running: &mut Running,
) {
    let ada = student("ada", "oils");
    apply(
        school,
        producer,
        &Event::new("course.create", course("oils", 100, 3)),
    )
    .await;
    let update = json!({"course_id": "oils", "cost": 120});
    apply(school, producer, &Event::new("course.update", update)).await;
    apply(school, producer, &ada.applies()).await;
    apply(school, producer, &ada.pays("ref-1")).await;
    // Without a stream processor there are no sessions yet, and the command is put off.
    let attends = ada.attends(1);
    post(producer, &attends, attends.body.to_string()).await;
    eventually("a command put off", || {
        let put_off = worker
            .calls()
            .iter()
            .any(|call| call.operation.starts_with("ChangeMessageVisibility"));
        async move { put_off.then_some(()) }
    })
    .await;
    running.streams(streams);
    assert_eq!(school.outcomes.outcomes(attends.id(), 1).await, [None]);
    apply(school, producer, &ada.skips(2)).await;
    apply(
        school,
        producer,
        &ada.reschedules(3, "2099-01-05T19:00:00Z"),
    )
    .await;
    let nonsense = ada.attends(3);
    post(producer, &nonsense, "no command".to_owned()).await;
    school.spoil().await;
    eventually("a parked record", || {
        let told = streams.calls().iter().any(|call| {
            let queue = call.body["QueueUrl"].as_str().unwrap_or_default();
            call.operation.starts_with("SendMessage") && queue.ends_with("stream-dlq")
        });
        async move { told.then_some(()) }
    })
    .await;
    eventually("a dead letter", || {
        let told = worker.calls().iter().any(|call| {
            let queue = call.body["QueueUrl"].as_str().unwrap_or_default();
            call.operation.starts_with("SendMessage") && queue.ends_with("dlq.fifo")
        });
        async move { told.then_some(()) }
    })
    .await;
}

async fn read(school: &School) -> Part {
    let reader = Part::new(&school.aws, &["ReaderPolicy"]).await;
    // The read side needs no queue.
    reader.relay.take_calls();
    let store = &reader.stack.store;
    let (ada, oils) = (
        "ada".parse().expect("an id"),
        "oils".parse().expect("an id"),
    );
    assert!(store.course(&oils).await.expect("an answer").is_some());
    assert!(
        store
            .student(&ada, &oils)
            .await
            .expect("an answer")
            .enrollment
            .is_some()
    );
    store.pending(10, None).await.expect("an answer");
    let first = "0001".parse().expect("an id");
    assert_eq!(
        store
            .roster(&oils, &first, None)
            .await
            .expect("an answer")
            .items
            .len(),
        1
    );
    let (source, id) = (
        "urn:school:web".parse().expect("a source"),
        "none".parse().expect("an id"),
    );
    assert!(
        store
            .receipt(&source, &id)
            .await
            .expect("an answer")
            .is_none()
    );
    reader
}

/// Goes over the tables, of which eve's enrolment can't be read.
async fn reconcile(stack: &Stack) {
    let reconciler = stack.reconciler(&local_settings());
    let options = ReconcileOptions::default();
    let stop = CancellationToken::new();
    let report = reconciler.expect("a name").run(&options, &(), &stop).await;
    let report = report.expect("an answer");
    assert_eq!((report.finished, report.counts.failed), (true, 1));
}

async fn watch(school: &School) -> (Part, Part) {
    let sweep = Part::new(
        &school.aws,
        &["SweepPolicy", "LeasesPolicy", "ReactionsPolicy"],
    )
    .await;
    let report = audit_tables(&sweep.stack.store, &AuditOptions::default(), &()).await;
    let unreadable = report.expect("an answer").unreadable;
    assert!(
        unreadable
            .iter()
            .any(|defect| defect.raw_key == "USER#eve COURSE#oils#PAID"),
        "{unreadable:?}"
    );
    reconcile(&sweep.stack).await;
    let operator = Part::new(
        &school.aws,
        &["OperatorPolicy", "LeasesPolicy", "ReactionsPolicy"],
    )
    .await;
    let stack = &operator.stack;
    for queue in Queue::ALL {
        let request = stack
            .clients
            .sqs
            .get_queue_attributes()
            .queue_url(stack.queues.url(queue));
        request.send().await.expect("an answer");
    }
    let operations = stack.operations().expect("a name");
    assert_eq!(
        operations.status().await.expect("an answer").parked.len(),
        1
    );
    assert!(stack.store.sweep().await.expect("an answer").is_some());
    let handler = stack.reaction_handler(&local_settings());
    let stop = CancellationToken::new();
    let report = Box::pin(operations.redrive(&handler, &Selection::All, &stop)).await;
    assert_eq!(report.expect("an answer").remaining.len(), 1);
    (sweep, operator)
}

/// Carries out dead letters, of which the only one is no command.
async fn redrive_commands(school: &School) -> Part {
    let operator = Part::new(&school.aws, &["OperatorPolicy", "WorkerPolicy"]).await;
    let redrive = operator.stack.command_redrive(&local_settings());
    let report = redrive.run(&CancellationToken::new()).await;
    let report = report.expect("an answer");
    assert_eq!((report.carried_out, report.remaining.len()), (0, 1));
    operator
}
