use serde_json::json;

use super::*;

fn code(operation: &str, body: &str) -> Option<Code> {
    decode(operation, body.as_bytes())
        .err()
        .map(|fault| fault.code)
}

fn request(operation: &str, body: &serde_json::Value) -> Result<Request, Fault> {
    decode(operation, body.to_string().as_bytes()).map(|(request, _)| request)
}

const URL: &str = "http://127.0.0.1:4566/000000000000/q";

#[test]
fn what_can_not_be_read_is_malformed_and_what_is_not_known_is_said_to_be() {
    for body in [
        "",
        "nonsense",
        "[1]",
        r#"{"QueueUrl":1}"#,
        r#"{"QueueUrl":"u","MaxNumberOfMessages":"ten"}"#,
    ] {
        assert_eq!(
            code("ReceiveMessage", body),
            Some(Code::MalformedInput),
            "{body}"
        );
    }
    for operation in ["", "Receive", "receivemessage", "ListTables"] {
        assert_eq!(
            code(operation, "{}"),
            Some(Code::InvalidAction),
            "{operation}"
        );
    }
}

#[test]
fn a_queue_that_is_not_named_does_not_exist() {
    let operations = [
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "DeleteMessage",
        "DeleteMessageBatch",
        "DeleteQueue",
        "GetQueueAttributes",
        "ListDeadLetterSourceQueues",
        "ListQueueTags",
        "PurgeQueue",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
        "SetQueueAttributes",
        "TagQueue",
        "UntagQueue",
    ];
    for operation in operations {
        for body in [
            "{}",
            r#"{"QueueUrl":""}"#,
            r#"{"QueueUrl":"http://host/0/not a name"}"#,
        ] {
            assert_eq!(
                code(operation, body),
                Some(Code::NonExistentQueue),
                "{operation} {body}"
            );
        }
    }
}

fn check(operation: &str, mut body: serde_json::Value, expected: Code) {
    body["QueueUrl"] = json!(URL);
    let refused = request(operation, &body).err().map(|fault| fault.code);
    assert_eq!(refused, Some(expected), "{operation} {body}");
}

#[test]
fn numbers_out_of_range_and_texts_of_the_wrong_form_are_refused() {
    let long = json!({ "MessageBody": "a", "DelaySeconds": 901 });
    check("SendMessage", long, Code::InvalidParameterValue);
    let groupless = json!({ "MessageBody": "a", "MessageGroupId": "" });
    check("SendMessage", groupless, Code::InvalidParameterValue);
    check(
        "SendMessage",
        json!({ "MessageBody": "a\u{0}" }),
        Code::InvalidMessageContents,
    );
    for (parameter, value) in [
        ("MaxNumberOfMessages", 0),
        ("MaxNumberOfMessages", 11),
        ("WaitTimeSeconds", -1),
        ("WaitTimeSeconds", 21),
        ("VisibilityTimeout", 43_201),
    ] {
        check(
            "ReceiveMessage",
            json!({ parameter: value }),
            Code::InvalidParameterValue,
        );
    }
    for body in [
        json!({ "MaxResults": 0 }),
        json!({ "MaxResults": 1_001 }),
        json!({ "NextToken": "?" }),
    ] {
        check("ListQueues", body, Code::InvalidParameterValue);
    }
    for body in [json!({}), json!({ "QueueName": "a b" })] {
        check("CreateQueue", body, Code::InvalidParameterValue);
    }
    check(
        "CancelMessageMoveTask",
        json!({ "TaskHandle": "x" }),
        Code::InvalidParameterValue,
    );
}

#[test]
fn parameters_that_are_missing_are_named() {
    for (operation, body) in [
        ("SendMessage", json!({})),
        ("SendMessage", json!({ "MessageBody": "" })),
        ("DeleteMessage", json!({})),
        ("ChangeMessageVisibility", json!({ "VisibilityTimeout": 1 })),
        ("ChangeMessageVisibility", json!({ "ReceiptHandle": "h" })),
        ("StartMessageMoveTask", json!({})),
        ("AddPermission", json!({ "Label": "l", "Actions": ["*"] })),
    ] {
        check(operation, body, Code::MissingParameter);
    }
}

#[test]
fn a_batch_is_refused_as_a_whole_for_its_form_and_by_entry_for_the_rest() {
    let batch = |entries: serde_json::Value| {
        request(
            "SendMessageBatch",
            &json!({ "QueueUrl": URL, "Entries": entries }),
        )
    };
    let many: Vec<_> = (0..11)
        .map(|id| json!({ "Id": id.to_string(), "MessageBody": "a" }))
        .collect();
    let long = "x".repeat(524_289);
    let cases = [
        (json!([]), Code::EmptyBatchRequest),
        (json!(many), Code::TooManyEntriesInBatchRequest),
        (
            json!([{ "Id": "a", "MessageBody": "1" }, { "Id": "a", "MessageBody": "2" }]),
            Code::BatchEntryIdsNotDistinct,
        ),
        (
            json!([{ "Id": "a b", "MessageBody": "1" }]),
            Code::InvalidBatchEntryId,
        ),
        (
            json!([{ "Id": "i".repeat(81), "MessageBody": "1" }]),
            Code::InvalidBatchEntryId,
        ),
        (json!([{ "MessageBody": "1" }]), Code::InvalidBatchEntryId),
        (
            json!([{ "Id": "a", "MessageBody": long }, { "Id": "b", "MessageBody": long }]),
            Code::BatchRequestTooLong,
        ),
    ];
    for (entries, expected) in cases {
        assert_eq!(batch(entries).err().map(|fault| fault.code), Some(expected));
    }
    let mixed = json!([{ "Id": "good", "MessageBody": "1" }, { "Id": "bad" }]);
    let Ok(Request::SendBatch { entries, .. }) = batch(mixed) else {
        panic!("the form is fine")
    };
    let entries: Vec<_> = entries
        .iter()
        .map(|(id, entry)| (id.as_str(), entry.as_ref().err().map(|fault| fault.code)))
        .collect();
    assert_eq!(
        entries,
        [("good", None), ("bad", Some(Code::MissingParameter))]
    );
}

#[test]
fn message_attributes_have_names_types_and_values_that_the_service_takes() {
    let send = |attributes: serde_json::Value| {
        let body = json!({ "QueueUrl": URL, "MessageBody": "a", "MessageAttributes": attributes });
        request("SendMessage", &body).err().map(|fault| fault.code)
    };
    let text = |value: &str| json!({ "DataType": "String", "StringValue": value });
    let eleven: serde_json::Map<_, _> = (0..11).map(|n| (format!("n{n}"), text("v"))).collect();
    let longest = "n".repeat(256);
    let good = [
        json!({ "a-b_c.D1": text("v") }),
        json!({ longest: text("v") }),
        json!({ "n": { "DataType": "Number.int", "StringValue": "-1.5e10" } }),
        json!({ "b": { "DataType": "Binary.png", "BinaryValue": "AAE=" } }),
    ];
    for attributes in good {
        assert_eq!(send(attributes.clone()), None, "{attributes}");
    }
    let bad = [
        json!(eleven),
        json!({ "n".repeat(257): text("v") }),
        json!({ "": text("v") }),
        json!({ "a b": text("v") }),
        json!({ ".a": text("v") }),
        json!({ "a.": text("v") }),
        json!({ "a..b": text("v") }),
        json!({ "AWS.a": text("v") }),
        json!({ "amazon.a": text("v") }),
        json!({ "a": text("") }),
        json!({ "a": { "DataType": "Text", "StringValue": "v" } }),
        json!({ "a": { "StringValue": "v" } }),
        json!({ "a": { "DataType": "Number", "StringValue": "one" } }),
        json!({ "a": { "DataType": "Number", "StringValue": "NaN" } }),
        json!({ "a": { "DataType": "Binary", "StringValue": "v" } }),
        json!({ "a": { "DataType": "Binary", "BinaryValue": "?" } }),
    ];
    for attributes in bad {
        assert_eq!(
            send(attributes.clone()),
            Some(Code::InvalidParameterValue),
            "{attributes}"
        );
    }
    let listed = json!({ "a": { "DataType": "String", "StringListValues": ["v"] } });
    assert_eq!(send(listed), Some(Code::UnsupportedOperation));
    assert_eq!(
        send(json!({ "a": text("\u{1}") })),
        Some(Code::InvalidMessageContents)
    );
}

#[test]
fn the_trace_header_is_the_one_system_attribute_that_can_be_sent() {
    let send = |name: &str| {
        let attribute = json!({ "DataType": "String", "StringValue": "Root=1" });
        let body = json!({ "QueueUrl": URL, "MessageBody": "a", "MessageSystemAttributes": { name: attribute } });
        request("SendMessage", &body)
    };
    let Ok(Request::Send { outgoing, .. }) = send("AWSTraceHeader") else {
        panic!("it can be sent")
    };
    assert_eq!(outgoing.content.trace_header.as_deref(), Some("Root=1"));
    assert_eq!(
        send("SenderId").err().map(|fault| fault.code),
        Some(Code::InvalidParameterValue)
    );
}

#[test]
fn a_fault_is_told_in_the_body_and_in_the_header_of_the_older_protocol() {
    let response = encode_fault(&Fault::no_such_queue());
    assert_eq!(response.status, 400);
    assert_eq!(
        response.query_error.as_deref(),
        Some("AWS.SimpleQueueService.NonExistentQueue;Sender")
    );
    let body: serde_json::Value = serde_json::from_slice(&response.body).expect("the body is JSON");
    let expected = json!({
        "__type": "com.amazonaws.sqs#QueueDoesNotExist",
        "message": "The specified queue does not exist.",
    });
    assert_eq!(body, expected);
    let internal = encode_fault(&Fault::new(Code::InternalFailure, "no"));
    assert_eq!(
        (internal.status, internal.query_error.as_deref()),
        (500, Some("InternalFailure;Receiver"))
    );
}
