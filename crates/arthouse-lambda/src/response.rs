use serde_json::{Value, json};

/// Makes a partial batch response with the message ids or sequence numbers to deliver again. If it is empty, the whole batch is done.
pub(crate) fn partial_batch<I>(failed: I) -> Value
where
    I: IntoIterator<Item = String>,
{
    let failures = failed.into_iter().map(|id| json!({ "itemIdentifier": id }));
    json!({ "batchItemFailures": failures.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_batch_is_an_empty_list_and_a_failure_is_named() {
        assert_eq!(partial_batch([]), json!({"batchItemFailures": []}));
        let partial = json!({"batchItemFailures": [{"itemIdentifier": "m-1"}]});
        assert_eq!(partial_batch(["m-1".to_owned()]), partial);
    }
}
