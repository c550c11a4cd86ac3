//! A whole consumer over real connections to `local-aws`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::types::QueueAttributeName;
use local_aws::{Config, LocalAws};
use sqs_consumer::{
    BatchSender, Consumer, Context, Disposition, Handler, Message, OutgoingMessage, RetryPolicy,
    SenderSettings, Settings, Snapshot,
};
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::rig::{grouped, message, ms, secs};

/// `local-aws` in a folder of its own, and a client to it.
pub(crate) struct Local {
    aws: LocalAws,
    pub(crate) client: Client,
    _folder: TempDir,
}

impl Local {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let aws = LocalAws::start(Config {
            data_dir: folder.path().to_owned(),
            port: 0,
        })
        .await
        .unwrap();
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "tests"))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(aws.endpoint_url())
            .build();
        Self {
            aws,
            client: Client::from_conf(config),
            _folder: folder,
        }
    }

    /// Creates a queue and returns its URL.
    pub(crate) async fn queue(&self, name: &str) -> String {
        let mut create = self.client.create_queue().queue_name(name);
        if name.ends_with(".fifo") {
            create = create.attributes(QueueAttributeName::FifoQueue, "true");
        }
        create.send().await.unwrap().queue_url.unwrap()
    }

    /// Returns how many messages of a queue are visible and how many are hidden.
    async fn counts(&self, url: &str) -> (usize, usize) {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let ask = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .attribute_names(Visible)
            .attribute_names(Hidden);
        let attributes = ask.send().await.unwrap().attributes.unwrap();
        (
            attributes[&Visible].parse().unwrap(),
            attributes[&Hidden].parse().unwrap(),
        )
    }

    /// Sends these messages in batches, from many tasks at once.
    async fn fill(&self, url: &str, messages: impl Iterator<Item = OutgoingMessage>) {
        let sender = BatchSender::new(self.client.clone(), url, SenderSettings::default()).unwrap();
        let mut sending = JoinSet::new();
        for message in messages {
            let sender = sender.clone();
            sending.spawn(async move { sender.send(message).await });
            if sending.len() >= 400 {
                sending.join_next().await.unwrap().unwrap().unwrap();
            }
        }
        while let Some(sent) = sending.join_next().await {
            sent.unwrap().unwrap();
        }
    }

    /// Takes all messages out of a queue and returns their bodies with their reasons.
    async fn empty(&self, url: &str) -> BTreeMap<usize, (String, String)> {
        let mut found = BTreeMap::new();
        loop {
            let receive = self
                .client
                .receive_message()
                .queue_url(url)
                .max_number_of_messages(10);
            let received = receive
                .message_attribute_names("All")
                .send()
                .await
                .unwrap()
                .messages
                .unwrap_or_default();
            if received.is_empty() {
                return found;
            }
            for message in received {
                let attributes = message.message_attributes.unwrap_or_default();
                let text = |name: &str| {
                    attributes
                        .get(name)
                        .and_then(|value| value.string_value.clone())
                        .unwrap_or_default()
                };
                let before = found.insert(
                    message.body.unwrap().parse().unwrap(),
                    (text("reason"), text("detail")),
                );
                assert_eq!(before, None, "a message was dead-lettered twice");
                let receipt = message.receipt_handle.unwrap();
                self.client
                    .delete_message()
                    .queue_url(url)
                    .receipt_handle(receipt)
                    .send()
                    .await
                    .unwrap();
            }
        }
    }

    pub(crate) async fn shutdown(self) {
        drop(self.client);
        self.aws.shutdown().await.unwrap();
    }
}

/// One message of a hundred fails, one panics; the others take a random time and are done.
#[derive(Clone, Default)]
struct Worker(Arc<Mutex<BTreeMap<usize, usize>>>);

impl Worker {
    fn fate(n: usize) -> &'static str {
        match n % 100 {
            13 => "fails",
            77 => "panics",
            _ => "done",
        }
    }

    fn done(&self) -> BTreeMap<usize, usize> {
        self.0.lock().unwrap().clone()
    }
}

impl Handler for Worker {
    async fn handle(&self, message: &Message, _: &Context) -> Disposition {
        let n: usize = message.body().parse().unwrap();
        tokio::time::sleep(Duration::from_micros(fastrand::u64(0..20_000))).await;
        match Self::fate(n) {
            "fails" => Disposition::Retry {
                after: None,
                reason: "as planned".to_owned(),
            },
            "panics" => std::panic::resume_unwind(Box::new("as planned")),
            _ => {
                *self.0.lock().unwrap().entry(n).or_default() += 1;
                Disposition::Done
            }
        }
    }
}

fn settings() -> Settings {
    Settings::default().with_wait_time(secs(2)).with_retry(
        RetryPolicy::default()
            .with_first_delay(secs(1))
            .with_max_delay(secs(1))
            .with_max_attempts(2),
    )
}

/// Runs a consumer until the process gets SIGTERM.
async fn until_sigterm(consumer: Consumer, worker: Worker) -> Snapshot {
    let mut sigterm =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    let shutdown = CancellationToken::new();
    let run = tokio::spawn(consumer.run(worker, shutdown.clone()));
    sigterm.recv().await;
    shutdown.cancel();
    run.await.unwrap().unwrap()
}

fn send_sigterm() {
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &std::process::id().to_string()])
        .status();
    assert!(killed.unwrap().success());
}

const MESSAGES: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_messages_with_failures_panics_and_a_sigterm_in_the_middle() {
    let local = Local::start().await;
    let (source, dead) = (local.queue("commands").await, local.queue("dead").await);
    let began = Instant::now();
    local
        .fill(&source, (0..MESSAGES).map(|n| message(&n.to_string())))
        .await;
    println!("sent in {:?}", began.elapsed());

    let worker = Worker::default();
    let build = || {
        let builder = Consumer::builder(local.client.clone(), &source).dead_letter_queue(&dead);
        builder.settings(settings()).build().unwrap()
    };
    let consumer = build();
    let mut monitor = consumer.monitor();
    let began = Instant::now();
    let run = tokio::spawn(until_sigterm(consumer, worker.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.done >= MESSAGES as u64 / 2)
        .await;
    send_sigterm();
    let snapshot = run.await.unwrap();
    println!(
        "half done in {:?}, drained in {:?}: {:?}",
        began.elapsed(),
        snapshot.draining_for.unwrap(),
        snapshot
    );
    assert_eq!(snapshot.in_flight, 0);
    assert!(snapshot.draining_for.unwrap() < settings().shutdown_timeout);

    tokio::time::sleep(secs(1)).await;
    let (visible, hidden) = local.counts(&source).await;
    let gone = usize::try_from(snapshot.counters.done + snapshot.counters.dead_lettered).unwrap();
    assert_eq!(
        (visible, hidden),
        (MESSAGES - gone, 0),
        "a second after the drain the rest is back in the queue"
    );

    let consumer = build();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let began = Instant::now();
    let run = tokio::spawn(consumer.run(worker.clone(), shutdown.clone()));
    let left = (MESSAGES - gone) as u64;
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted >= left)
        .await;
    shutdown.cancel();
    let rest = run.await.unwrap().unwrap();
    println!("the rest in {:?}: {:?}", began.elapsed(), rest);

    assert_eq!(local.counts(&source).await, (0, 0));
    let (done, died) = (worker.done(), local.empty(&dead).await);
    assert!(
        done.values().all(|times| *times == 1),
        "a message was done twice"
    );
    check_fates(&done, &died);
    print_requests(&[snapshot, rest]);
    local.shutdown().await;
}

/// Each message is done or dead-lettered, as it was planned.
fn check_fates(done: &BTreeMap<usize, usize>, dead: &BTreeMap<usize, (String, String)>) {
    for n in 0..MESSAGES {
        let expected = match Worker::fate(n) {
            "fails" => Some("as planned"),
            "panics" => Some("panicked: as planned"),
            _ => None,
        };
        let found = dead
            .get(&n)
            .map(|(reason, detail)| (reason.as_str(), detail.as_str()));
        assert_eq!(
            found,
            expected.map(|detail| ("attempts_exhausted", detail)),
            "message {n}"
        );
        assert_eq!(done.contains_key(&n), expected.is_none(), "message {n}");
    }
}

fn print_requests(summaries: &[Snapshot]) {
    let sum = |count: fn(&Snapshot) -> u64| summaries.iter().map(count).sum::<u64>();
    let (receives, deletes) = (
        sum(|s| s.counters.receive_requests),
        sum(|s| s.counters.delete_requests),
    );
    let deliveries = sum(|s| s.counters.received);
    #[expect(clippy::cast_precision_loss, reason = "thousands")]
    let each = (receives + deletes) as f64 / deliveries as f64;
    println!(
        "{receives} receives and {deletes} deletes for {deliveries} deliveries: {each:.3} a delivery"
    );
    assert!(each <= 0.22, "{each}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifo_groups_stay_in_order_over_real_connections() {
    const EACH: usize = 20;
    let local = Local::start().await;
    let (source, dead) = (
        local.queue("commands.fifo").await,
        local.queue("dead.fifo").await,
    );
    let of = |n: usize| {
        let group = format!("g{}", n % 50);
        OutgoingMessage {
            deduplication_id: Some(n.to_string()),
            ..grouped(&group, &n.to_string())
        }
    };
    for n in 0..EACH {
        local
            .fill(&source, (0..50).map(|group| of(n * 50 + group)))
            .await;
    }

    let order: Arc<Mutex<BTreeMap<usize, Vec<usize>>>> = Arc::default();
    let failed: Arc<Mutex<BTreeSet<usize>>> = Arc::default();
    let handler = {
        let (order, failed) = (Arc::clone(&order), Arc::clone(&failed));
        sqs_consumer::handler_fn(move |message: Message, _| {
            let (order, failed) = (Arc::clone(&order), Arc::clone(&failed));
            async move {
                let n: usize = message.body().parse().unwrap();
                tokio::time::sleep(ms(fastrand::u64(0..5))).await;
                if n % 97 == 5 && failed.lock().unwrap().insert(n) {
                    return Disposition::Retry {
                        after: Some(secs(1)),
                        reason: "once".to_owned(),
                    };
                }
                order.lock().unwrap().entry(n % 50).or_default().push(n);
                Disposition::Done
            }
        })
    };
    let consumer = Consumer::builder(local.client.clone(), &source).dead_letter_queue(&dead);
    let consumer = consumer.settings(settings()).build().unwrap();
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let run = tokio::spawn(consumer.run(handler, shutdown.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted >= 50 * EACH as u64)
        .await;
    shutdown.cancel();
    let snapshot = run.await.unwrap().unwrap();

    println!("{:?}", snapshot);
    assert_eq!(local.counts(&source).await, (0, 0));
    let order = order.lock().unwrap().clone();
    for (group, order) in &order {
        let expected: Vec<_> = (0..EACH).map(|n| n * 50 + group).collect();
        assert_eq!(order, &expected, "group {group}");
    }
    assert_eq!(
        (order.len(), snapshot.counters.done),
        (50, 50 * EACH as u64)
    );
    local.shutdown().await;
}
