//! Sends one command and waits for its outcome.
//!
//! ```sh
//! cargo run --package arthouse-tests --example producer -- ID TYPE DATA
//! ```
//!
//! Ends with 0 if the command was applied, with 3 if it was rejected, with 4 if nothing was heard of it. It knows nothing of the other crates.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use aws_config::BehaviorVersion;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::Message;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use chrono::Utc;
use serde_json::{Value, json};

const SOURCE: &str = "urn:school:rust";
const ATTEMPTS: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(5);
/// How often a payment is sent that overtakes its application, and how long it waits each time; real payments may wait for hours.
const PAYMENTS: u32 = 8;
const PAUSE: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("usage: producer ID TYPE DATA");
    let (id, kind, data) = (next()?, next()?, serde_json::from_str::<Value>(&next()?)?);
    // With the SDK's default features `aws_config::load_defaults` does; without them the HTTPS client is chosen here.
    let provider = tls::Provider::Rustls(CryptoMode::Ring);
    let https = aws_smithy_http_client::Builder::new().tls_provider(provider);
    let config = aws_config::defaults(BehaviorVersion::latest()).http_client(https.build_https());
    let sqs = Client::new(&config.load().await);
    let mut told = carry_out(&sqs, &command(&id, &kind, &data)).await?;
    for payment in 2..=PAYMENTS {
        let code = told.as_ref().map(|told| &told["data"]["code"]);
        if code.is_none_or(|code| code != "APPLICATION_NOT_FOUND") {
            break;
        }
        // The payment overtook its application. A rejection is for good, so it needs a new id; its reference stays.
        tokio::time::sleep(PAUSE).await;
        told = carry_out(&sqs, &command(&format!("{id}-{payment}"), &kind, &data)).await?;
    }
    let Some(told) = told else {
        return Ok(ExitCode::from(4));
    };
    println!("{}", told["data"]);
    let applied = told["type"] == "com.digitalarthouse.command.applied.v1";
    Ok(ExitCode::from(if applied { 0 } else { 3 }))
}

/// Sends a command until its outcome is heard; all attempts have one id, so that it is carried out once.
async fn carry_out(sqs: &Client, event: &Value) -> Result<Option<Value>> {
    for attempt in 1..=ATTEMPTS {
        send(sqs, event, attempt).await?;
        if let Some(told) = outcome(sqs, event).await? {
            return Ok(Some(told));
        }
    }
    Ok(None)
}

/// One CloudEvent. What is repeated must be the same, its id and its data: the time may differ.
fn command(id: &str, kind: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0",
        "id": id,
        "source": SOURCE,
        "type": format!("com.digitalarthouse.{kind}.v1"),
        "time": Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "correlationid": id,
        "data": data,
    })
}

async fn queue(sqs: &Client, name: &str) -> Result<String> {
    let prefix = std::env::var("ARTHOUSE_PREFIX").unwrap_or_default();
    let name = format!("{prefix}arthouse-{name}.fifo");
    let found = sqs.get_queue_url().queue_name(name).send().await?;
    found.queue_url.context("a queue without a URL")
}

async fn send(sqs: &Client, event: &Value, attempt: u32) -> Result<()> {
    let data = &event["data"];
    // SQS drops repeats of a body for five minutes; one that is to be answered again must get past that.
    let past = (attempt > 1).then(|| uuid::Uuid::new_v4().to_string());
    sqs.send_message()
        .queue_url(queue(sqs, "commands").await?)
        .message_body(event.to_string())
        // Commands of one student are carried out in their order.
        .set_message_group_id(
            data["user_id"]
                .as_str()
                .or(data["course_id"].as_str())
                .map(str::to_owned),
        )
        .set_message_deduplication_id(past)
        .send()
        .await?;
    Ok(())
}

/// Waits for the outcome with our correlation; what is for others is left to them.
async fn outcome(sqs: &Client, event: &Value) -> Result<Option<Value>> {
    let outcomes = queue(sqs, "outcomes").await?;
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let receive = sqs
            .receive_message()
            .queue_url(&outcomes)
            .max_number_of_messages(10);
        let received = receive.wait_time_seconds(5).send().await?;
        let mut found = None;
        for message in received.messages.unwrap_or_default() {
            found = take(sqs, &outcomes, event, message).await?.or(found);
        }
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Deletes the message and returns what it tells if it is ours; else puts it back.
async fn take(
    sqs: &Client,
    outcomes: &str,
    event: &Value,
    message: Message,
) -> Result<Option<Value>> {
    let told: Value = serde_json::from_str(message.body().unwrap_or_default())?;
    let receipt = message.receipt_handle.unwrap_or_default();
    let ours =
        told["correlationid"] == event["correlationid"] && told["data"]["command_source"] == SOURCE;
    if ours {
        let delete = sqs.delete_message().queue_url(outcomes);
        delete.receipt_handle(receipt).send().await?;
        return Ok(Some(told));
    }
    let put_back = sqs
        .change_message_visibility()
        .queue_url(outcomes)
        .visibility_timeout(1);
    put_back.receipt_handle(receipt).send().await?;
    Ok(None)
}
