//! What the function's answers rely on is set on the mappings that call it.

use serde_json::json;

use crate::template;

#[test]
fn mappings_take_partial_answers_and_those_of_streams_lose_nothing_silently() {
    let mut mappings = template::resources("compute-lambda", &[("Prefix", "school-")]);
    mappings.retain(|resource| resource.kind == "AWS::Lambda::EventSourceMapping");
    assert_eq!(mappings.len(), 3);
    for mapping in &mappings {
        // Without it every answer is taken as success, and what failed is deleted or passed over.
        let expected = json!(["ReportBatchItemFailures"]);
        assert_eq!(mapping.properties["FunctionResponseTypes"], expected);
    }
    mappings.retain(|mapping| mapping.properties.get("StartingPosition").is_some());
    assert_eq!(mappings.len(), 2);
    for mapping in &mappings {
        let of = &mapping.properties;
        assert_eq!(of["StartingPosition"], "TRIM_HORIZON");
        assert_eq!(of["BisectBatchOnFunctionError"], true);
        assert_eq!(of["MaximumRetryAttempts"], 70);
        assert_eq!(of["MaximumRecordAgeInSeconds"], -1);
        let told = of["DestinationConfig"]["OnFailure"]["Destination"].as_str();
        assert!(told.is_some_and(|queue| queue.ends_with(":school-arthouse-stream-dlq")));
    }
}
