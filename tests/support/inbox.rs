//! A system downstream: takes all messages of a queue and keeps them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::Message;
use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::PATIENCE;

/// A message that has come.
#[derive(Debug, Clone)]
pub struct Letter {
    /// The body as it came.
    pub body: String,
    /// The body as JSON, if it is JSON.
    pub event: Value,
    /// The message attributes.
    pub attributes: BTreeMap<String, String>,
}

/// All messages that have come to a queue so far.
#[derive(Debug, Clone)]
pub struct Inbox {
    letters: watch::Receiver<Vec<Letter>>,
    _stop: Arc<DropGuard>,
}

impl Inbox {
    /// Starts taking messages; ends with the last clone.
    pub fn of(client: Client, url: String) -> Self {
        let (keep, letters) = watch::channel(Vec::new());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = take_all(client, url, keep) => {}
            }
        });
        Self {
            letters,
            _stop: Arc::new(stop.drop_guard()),
        }
    }

    /// Returns what has come so far.
    pub fn letters(&self) -> Vec<Letter> {
        self.letters.borrow().clone()
    }

    /// Waits until what has come gives an answer.
    ///
    /// # Panics
    /// If it does not in time; `what` says what was waited for.
    pub async fn wait<T>(&self, what: &str, answer: impl Fn(&[Letter]) -> Option<T>) -> T {
        let mut letters = self.letters.clone();
        let found = tokio::time::timeout(
            PATIENCE,
            letters.wait_for(|letters| answer(letters).is_some()),
        )
        .await;
        let letters = found
            .unwrap_or_else(|_| panic!("waited in vain for {what}"))
            .expect("the inbox is open");
        answer(&letters).expect("it was there a moment ago")
    }

    /// Waits for the outcomes of a command, and returns the code of each: none if it was applied.
    ///
    /// # Panics
    /// If they do not come in time.
    pub async fn outcomes(&self, command_id: &str, count: usize) -> Vec<Option<String>> {
        self.wait(&format!("{count} outcomes of {command_id}"), |letters| {
            let of_command = letters
                .iter()
                .filter(|letter| letter.event["data"]["command_id"] == command_id);
            let codes: Vec<_> = of_command
                .map(|letter| letter.event["data"]["code"].as_str().map(str::to_owned))
                .collect();
            (codes.len() >= count).then_some(codes)
        })
        .await
    }
}

async fn take_all(client: Client, url: String, keep: watch::Sender<Vec<Letter>>) {
    loop {
        let request = client
            .receive_message()
            .queue_url(&url)
            .max_number_of_messages(10)
            .wait_time_seconds(5);
        let received = match request.message_attribute_names("All").send().await {
            Ok(output) => output.messages.unwrap_or_default(),
            // The stack is being stopped or restarted.
            Err(_) => return,
        };
        for message in received {
            let receipt = message.receipt_handle.clone().unwrap_or_default();
            keep.send_modify(|letters| letters.push(Letter::of(message)));
            let deleted = client
                .delete_message()
                .queue_url(&url)
                .receipt_handle(receipt)
                .send()
                .await;
            if deleted.is_err() {
                return;
            }
        }
    }
}

impl Letter {
    fn of(message: Message) -> Self {
        let body = message.body.unwrap_or_default();
        let attributes = message.message_attributes.unwrap_or_default();
        Self {
            event: serde_json::from_str(&body).unwrap_or_default(),
            body,
            attributes: attributes
                .into_iter()
                .map(|(name, value)| (name, value.string_value.unwrap_or_default()))
                .collect(),
        }
    }
}
