//! Listens as the systems downstream do: to outcomes, notifications and dead letters.

use anyhow::Result;
use arthouse_worker::QueueUrls;
use aws_sdk_sqs::Client;
use serde_json::Value;
use sqs_consumer::{Consumer, Context, Disposition, Message, dead_letter, handler_fn};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::story::PLANTED_CONTACT;
use crate::local_settings;

/// What was heard.
#[derive(Debug, Clone)]
pub(super) enum Heard {
    /// A command's outcome.
    Outcome {
        event_id: String,
        command_id: String,
        command: String,
        subject: String,
        session: Option<String>,
        code: Option<String>,
        message: Option<String>,
    },
    /// A notification.
    Notification {
        event_id: String,
        name: String,
        subject: String,
        data: Value,
    },
    /// A message that was no command.
    DeadLetter { reason: String, detail: String },
    /// A contact detail where none may be.
    Leak { queue: &'static str },
}

/// Starts listening; ends with the token.
pub(super) fn listen(
    sqs: &Client,
    queues: &QueueUrls,
    shutdown: &CancellationToken,
    tasks: &mut JoinSet<Result<()>>,
) -> Result<mpsc::Receiver<Heard>> {
    let (tell, heard) = mpsc::channel(10_000);
    for (queue, url) in [
        ("outcomes", &queues.outcomes),
        ("notifications", &queues.notifications),
        ("dead letters", &queues.commands_dlq),
    ] {
        let settings = local_settings().commands.with_concurrency(200);
        let consumer = Consumer::builder(sqs.clone(), url)
            .settings(settings)
            .build()?;
        let tell = tell.clone();
        let handler = handler_fn(move |message: Message, _: Context| {
            let tell = tell.clone();
            async move {
                for heard in hear(queue, &message) {
                    // Nobody listens any more once the demonstration is over.
                    let _over = tell.send(heard).await;
                }
                Disposition::Done
            }
        });
        let listening = consumer.run(handler, shutdown.clone());
        tasks.spawn(async move {
            listening.await?;
            Ok(())
        });
    }
    Ok(heard)
}

fn hear(queue: &'static str, message: &Message) -> Vec<Heard> {
    if queue == "dead letters" {
        let attribute = |name| message.attribute(name).unwrap_or_default().to_owned();
        return vec![Heard::DeadLetter {
            reason: attribute(dead_letter::REASON),
            detail: attribute(dead_letter::DETAIL),
        }];
    }
    let leak = message
        .body()
        .contains(PLANTED_CONTACT)
        .then_some(Heard::Leak { queue });
    let event: Value = serde_json::from_str(message.body()).unwrap_or_default();
    leak.into_iter().chain([read(queue, &event)]).collect()
}

fn read(queue: &str, event: &Value) -> Heard {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let maybe = |value: &Value| value.as_str().map(str::to_owned);
    let short = |kind: &Value| {
        let kind = text(kind);
        let kind = kind.trim_start_matches("com.digitalarthouse.");
        kind.trim_end_matches(".v1").to_owned()
    };
    let data = &event["data"];
    if queue == "outcomes" {
        Heard::Outcome {
            event_id: text(&event["id"]),
            command_id: text(&data["command_id"]),
            command: short(&data["command_type"]),
            subject: text(&event["subject"]),
            session: maybe(&data["session_id"]),
            code: maybe(&data["code"]),
            message: maybe(&data["message"]),
        }
    } else {
        Heard::Notification {
            event_id: text(&event["id"]),
            name: short(&event["type"]),
            subject: text(&event["subject"]),
            data: data.clone(),
        }
    }
}
