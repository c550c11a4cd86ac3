//! Event source mappings: what AWS does between a queue or a stream and the function.

mod queue;
mod stream;

pub(crate) use queue::QueueMapping;
pub(crate) use stream::{StreamMapping, record_event};

use serde_json::Value;

/// Reads a partial batch response.
fn item_failures(response: &Value) -> Vec<String> {
    let failures = response["batchItemFailures"].as_array().unwrap();
    let id = |failure: &Value| failure["itemIdentifier"].as_str().unwrap().to_owned();
    failures.iter().map(id).collect()
}
