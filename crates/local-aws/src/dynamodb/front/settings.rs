//! Settings of tables that DynamoDB refuses and dynoxide accepts.

use serde_json::{Map, Value};

const VIEW_TYPES: [&str; 4] = ["NEW_AND_OLD_IMAGES", "OLD_IMAGE", "KEYS_ONLY", "NEW_IMAGE"];

pub(super) fn refusal(operation: &str, request: &Map<String, Value>) -> Option<String> {
    let stream = request.get("StreamSpecification").and_then(view_type);
    stream.or_else(|| throughput(request).filter(|_| operation == "CreateTable"))
}

fn view_type(stream: &Value) -> Option<String> {
    let enabled = stream.get("StreamEnabled")?.as_bool()?;
    match stream.get("StreamViewType").and_then(Value::as_str) {
        Some(kind) if VIEW_TYPES.contains(&kind) => None,
        Some(kind) => Some(format!(
            "1 validation error detected: Value '{kind}' at 'streamSpecification.streamViewType' failed to satisfy constraint: \
             Member must satisfy enum value set: [{}]",
            VIEW_TYPES.join(", ")
        )),
        None if enabled => Some(
            "One or more parameter values were invalid: StreamViewType must be specified when StreamEnabled is true".into(),
        ),
        None => None,
    }
}

fn throughput(request: &Map<String, Value>) -> Option<String> {
    let named = |name: &str| request.get(name).is_some_and(|value| !value.is_null());
    (!named("BillingMode") && !named("ProvisionedThroughput"))
        .then(|| "No provisioned throughput specified for the table".into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn is_refused(operation: &str, request: &Value) -> bool {
        refusal(operation, request.as_object().expect("an object")).is_some()
    }

    #[test]
    fn a_stream_has_a_view_type_that_exists() {
        for (stream, refused) in [
            (
                json!({"StreamEnabled": true, "StreamViewType": "NEW_IMAGES"}),
                true,
            ),
            (json!({"StreamEnabled": true}), true),
            (
                json!({"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}),
                false,
            ),
            (json!({"StreamEnabled": false}), false),
        ] {
            let table = json!({"BillingMode": "PAY_PER_REQUEST", "StreamSpecification": stream});
            assert_eq!(is_refused("CreateTable", &table), refused, "{stream}");
            assert_eq!(is_refused("UpdateTable", &table), refused, "{stream}");
        }
    }

    #[test]
    fn a_new_table_has_a_billing_mode_or_a_throughput() {
        assert!(is_refused("CreateTable", &json!({})));
        assert!(!is_refused("UpdateTable", &json!({})));
        for table in [
            json!({"BillingMode": "PAY_PER_REQUEST"}),
            json!({"ProvisionedThroughput": {}}),
        ] {
            assert!(!is_refused("CreateTable", &table), "{table}");
        }
    }
}
