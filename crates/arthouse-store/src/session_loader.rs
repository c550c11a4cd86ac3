//! Batches the loads of sessions: handlers that load at the same time share one BatchGetItem, so the commands of one receive
//! batch cost one request, not ten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arthouse_core::Session;
use aws_sdk_dynamodb::Client;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::error::read;
use crate::read::batch_get;
use crate::{Key, StoreError};

/// How long the first load of a batch waits for others; far less than the duration of a request.
const LINGER: Duration = Duration::from_millis(1);
/// The maximum of batches in flight. With more than one, a slow request does not delay all loads.
const MAX_IN_FLIGHT: usize = 8;
/// The maximum of queued loads; further callers wait.
const MAX_WAITING: usize = 1_000;
/// DynamoDB's limit for one BatchGetItem.
pub(crate) const MAX_KEYS: usize = 100;

type Answer = Result<Option<Session>, StoreError>;
type Waiting = BTreeMap<Key, Vec<oneshot::Sender<Answer>>>;

#[derive(Debug, Clone)]
pub(crate) struct SessionLoader {
    requests: mpsc::Sender<(Key, oneshot::Sender<Answer>)>,
}

impl SessionLoader {
    /// Starts the batching task; it ends when the last clone is dropped.
    pub(crate) fn spawn(client: Client, table: String) -> Self {
        let (requests, incoming) = mpsc::channel(MAX_WAITING);
        tokio::spawn(gather(client, table, incoming));
        Self { requests }
    }

    /// Loads a session (strongly consistent).
    pub(crate) async fn load(&self, key: Key) -> Answer {
        let (answer, answered) = oneshot::channel();
        let gone = |_| StoreError::Unprocessed("BatchGetItem");
        self.requests
            .send((key, answer))
            .await
            .map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?
    }
}

async fn gather(
    client: Client,
    table: String,
    mut incoming: mpsc::Receiver<(Key, oneshot::Sender<Answer>)>,
) {
    let permits = Arc::new(Semaphore::new(MAX_IN_FLIGHT));
    while let Some((key, answer)) = incoming.recv().await {
        let permit = Arc::clone(&permits)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let mut waiting = Waiting::from([(key, vec![answer])]);
        tokio::time::sleep(LINGER).await;
        while waiting.len() < MAX_KEYS {
            let Ok((key, answer)) = incoming.try_recv() else {
                break;
            };
            waiting.entry(key).or_default().push(answer);
        }
        let (client, table) = (client.clone(), table.clone());
        tokio::spawn(async move {
            answer_all(&client, &table, waiting).await;
            drop(permit);
        });
    }
}

async fn answer_all(client: &Client, table: &str, waiting: Waiting) {
    let keys: Vec<_> = waiting.keys().map(Key::attributes).collect();
    match batch_get(client, table, keys).await {
        Ok(items) => {
            let mut found = BTreeMap::new();
            for item in items {
                if let Ok(key) = Key::of_item(crate::Table::Sessions, &item) {
                    found.insert(key, read(&item).map_err(StoreError::from));
                }
            }
            for (key, answers) in waiting {
                let answer = found.remove(&key).transpose();
                send(answers, &answer);
            }
        }
        Err(error) => waiting
            .into_values()
            .for_each(|answers| send(answers, &Err(error.clone()))),
    }
}

/// A caller that was cancelled does not receive its answer.
fn send(answers: Vec<oneshot::Sender<Answer>>, answer: &Answer) {
    for waiting in answers {
        let _gone = waiting.send(answer.clone());
    }
}
