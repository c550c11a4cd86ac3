//! A consumer from start to drain, on SQS in this process: `cargo run -p sqs-consumer --example greetings`.
//!
//! It sends thirty greetings, of which one fails at first and one always, handles them, stops as it would on SIGTERM, and
//! prints what happened.

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use local_aws::{Config, LocalAws};
use sqs_consumer::{
    BatchSender, Consumer, Context, Disposition, Handler, Message, OutgoingMessage, RetryPolicy,
    SenderSettings, Settings,
};
use tokio_util::sync::CancellationToken;

/// Greets whoever the body names.
struct Greeter;

impl Handler for Greeter {
    async fn handle(&self, message: &Message, context: &Context) -> Disposition {
        match (message.body(), context.attempt()) {
            ("guest 7", 1) => Disposition::Retry {
                after: None,
                reason: "not at the door yet".to_owned(),
            },
            ("guest 13", _) => Disposition::DeadLetter {
                reason: "unlucky".to_owned(),
                detail: "no such guest".to_owned(),
            },
            (guest, attempt) => {
                println!("hello, {guest} (attempt {attempt})");
                Disposition::Done
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let aws = LocalAws::start(Config {
        data_dir: folder.path().to_owned(),
        port: 0,
    })
    .await?;
    let client = client(aws.endpoint_url());
    let guests = create_queue(&client, "guests").await?;
    let dead = create_queue(&client, "guests-dead").await?;

    let sender = BatchSender::new(client.clone(), &guests, SenderSettings::default())?;
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..30 {
        let sender = sender.clone();
        let body = format!("guest {n}");
        sending.spawn(async move {
            sender
                .send(OutgoingMessage {
                    body,
                    ..OutgoingMessage::default()
                })
                .await
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent??;
    }
    println!("{:?}", sender.counters());

    let consumer = Consumer::builder(client.clone(), &guests)
        .dead_letter_queue(&dead)
        .settings(settings())
        .build()?;
    let (mut monitor, shutdown) = (consumer.monitor(), CancellationToken::new());
    let run = tokio::spawn(consumer.run(Greeter, shutdown.clone()));
    monitor
        .wait_for(|snapshot| snapshot.counters.deleted == 30)
        .await;
    shutdown.cancel();
    let snapshot = run.await??;
    println!("{snapshot:#?}");

    for message in client
        .receive_message()
        .queue_url(&dead)
        .message_attribute_names("All")
        .send()
        .await?
        .messages()
    {
        let text = |value: &aws_sdk_sqs::types::MessageAttributeValue| {
            value.string_value().map(str::to_owned)
        };
        let attributes = message.message_attributes().into_iter().flatten();
        let why: BTreeMap<_, _> = attributes
            .map(|(name, value)| (name, text(value)))
            .collect();
        println!("dead: {:?} {why:?}", message.body());
    }
    drop((client, sender));
    aws.shutdown().await?;
    Ok(())
}

fn settings() -> Settings {
    Settings {
        // So that the drain has no long poll to wait for.
        wait_time: Duration::from_secs(1),
        retry: RetryPolicy {
            first_delay: Duration::from_secs(1),
            ..RetryPolicy::default()
        },
        ..Settings::default()
    }
}

fn client(endpoint_url: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "example"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint_url)
        .build();
    Client::from_conf(config)
}

async fn create_queue(client: &Client, name: &str) -> Result<String, Box<dyn Error>> {
    let created = client.create_queue().queue_name(name).send().await?;
    Ok(created.queue_url.ok_or("the queue has no url")?)
}
