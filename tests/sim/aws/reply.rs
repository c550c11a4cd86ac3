use bytes::Bytes;
use serde_json::{Value, json};

/// What an API call is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiReply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The header `x-amzn-query-error` of an SQS error, by which its SDK tells errors apart. (Those of DynamoDB are
    /// told by `__type` in the body.)
    pub(crate) query_error: Option<String>,
    pub(crate) body: Bytes,
}

impl ApiReply {
    pub(super) fn ok(answer: &Value) -> Self {
        Self {
            status: 200,
            query_error: None,
            body: answer.to_string().into(),
        }
    }

    /// An error of DynamoDB or its streams.
    pub(super) fn fault(status: u16, kind: &str, message: &str) -> Self {
        let prefix = match kind {
            "ValidationException" => "com.amazon.coral.validate",
            "SerializationException" | "UnknownOperationException" => "com.amazon.coral.service",
            _ => "com.amazonaws.dynamodb.v20120810",
        };
        let body = json!({ "__type": format!("{prefix}#{kind}"), "message": message });
        Self {
            status,
            query_error: None,
            body: body.to_string().into(),
        }
    }

    /// An error of SQS.
    pub(super) fn queue_fault(status: u16, code: &str, message: &str) -> Self {
        let body = json!({ "__type": format!("com.amazonaws.sqs#{code}"), "message": message });
        let party = if status < 500 { "Sender" } else { "Receiver" };
        Self {
            status,
            query_error: Some(format!("{code};{party}")),
            body: body.to_string().into(),
        }
    }

    pub(super) fn unknown_operation() -> Self {
        Self::fault(
            400,
            "UnknownOperationException",
            "The operation is not known.",
        )
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the services answer with JSON")
    }
}
