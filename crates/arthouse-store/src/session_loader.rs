//! Gathers the sessions that handlers ask for at the same time into one BatchGetItem: the commands of one receive batch
//! cost one request, not ten.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arthouse_core::Session;
use aws_sdk_dynamodb::Client;
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::items::Record;
use crate::read::batch_get;
use crate::{Key, StoreError};

/// How long the first of a batch waits for others: far less than a request takes.
const LINGER: Duration = Duration::from_millis(1);
/// The most batches under way, so that one slow request does not hold up all.
const MAX_IN_FLIGHT: usize = 8;
/// The most that may wait to be asked for; whoever comes then waits for room.
const MAX_WAITING: usize = 1_000;
/// The service's limit for one BatchGetItem.
pub(crate) const MAX_KEYS: usize = 100;

type Answer = Result<Option<Session>, StoreError>;
type Waiting = BTreeMap<Key, Vec<oneshot::Sender<Answer>>>;

#[derive(Debug, Clone)]
pub(crate) struct SessionLoader {
    requests: mpsc::Sender<(Key, oneshot::Sender<Answer>)>,
}

impl SessionLoader {
    /// Starts the gathering task; it ends with the last clone.
    pub(crate) fn spawn(client: Client, table: String) -> Self {
        let (requests, incoming) = mpsc::channel(MAX_WAITING);
        tokio::spawn(gather(client, table, incoming));
        Self { requests }
    }

    /// Loads a session as it is now (strongly consistent).
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
                    found.insert(key, Session::from_item(item).map_err(StoreError::from));
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

/// Whoever is not there any more to get the answer does not need it.
fn send(answers: Vec<oneshot::Sender<Answer>>, answer: &Answer) {
    for waiting in answers {
        let _gone = waiting.send(answer.clone());
    }
}
