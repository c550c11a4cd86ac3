use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::KeysAndAttributes;

use crate::StoreError;
use crate::items::Item;

/// The maximum of requests while keys are left unprocessed, with a pause that doubles.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// Reads up to 100 items of a table (strongly consistent). Absent items are omitted.
pub(crate) async fn batch_get(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
) -> Result<Vec<Item>, StoreError> {
    batch_get_with(client, table, keys, true).await
}

/// Reads up to 100 items of a table, strongly consistent or for half the read units.
pub(super) async fn batch_get_with(
    client: &Client,
    table: &str,
    keys: Vec<Item>,
    consistent: bool,
) -> Result<Vec<Item>, StoreError> {
    let mut found = Vec::with_capacity(keys.len());
    let mut wanted = keys;
    let mut pause = FIRST_PAUSE;
    for _ in 0..ATTEMPTS {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(wanted))
            .consistent_read(consistent)
            .build();
        let request = client
            .batch_get_item()
            .request_items(table, keys.expect("keys are set"));
        let output = request
            .send()
            .await
            .map_err(|e| StoreError::request("BatchGetItem", e))?;
        found.extend(
            output
                .responses
                .and_then(|mut tables| tables.remove(table))
                .unwrap_or_default(),
        );
        wanted = output
            .unprocessed_keys
            .and_then(|mut tables| tables.remove(table))
            .map(|rest| rest.keys)
            .unwrap_or_default();
        if wanted.is_empty() {
            return Ok(found);
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(StoreError::Unprocessed("BatchGetItem"))
}
