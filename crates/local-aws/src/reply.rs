//! Responses: a status, a JSON body and the headers that the SDKs read.

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{HeaderMap, Response, StatusCode};
use serde_json::json;

use crate::sqs::SqsResponse;

/// The media type of every response: AWS JSON 1.0.
const AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-crc32");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

/// A response of one of the services.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Makes a response in AWS JSON 1.0 with a new request id.
    pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(CONTENT_TYPE, AWS_JSON);
        let request_id = uuid::Uuid::new_v4().to_string();
        if let Ok(value) = HeaderValue::try_from(request_id) {
            headers.insert(REQUEST_ID, value);
        }
        Self {
            status,
            headers,
            body: body.into(),
        }
    }

    /// Replaces the body and removes the old body's checksum.
    pub(crate) fn replace_body(&mut self, body: impl Into<Bytes>) {
        self.body = body.into();
        self.headers.remove(CHECKSUM);
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

impl From<SqsResponse> for Reply {
    fn from(answer: SqsResponse) -> Self {
        let status =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut reply = Self::json(status, answer.body);
        if let Some(Ok(error)) = answer.query_error.map(HeaderValue::try_from) {
            reply.headers.insert(QUERY_ERROR, error);
        }
        reply
    }
}

/// An error as the SDKs read it: the code in `__type`, the text in `message`.
pub(crate) fn fault(status: StatusCode, code: &str, message: &str) -> Reply {
    let body = json!({ "__type": code, "message": message });
    Reply::json(status, body.to_string())
}

/// The response to an unknown target. AWS's has no message; this one says what was asked for.
pub(crate) fn unknown_operation(name: &str) -> Reply {
    fault(
        StatusCode::BAD_REQUEST,
        "com.amazon.coral.service#UnknownOperationException",
        &format!("local-aws does not serve the operation {name}"),
    )
}

/// The response to `GET /`.
pub(crate) fn health(path: &str) -> Reply {
    if path != "/" {
        return unknown_operation(path);
    }
    let body = json!({ "status": "ok", "services": ["dynamodb", "dynamodbstreams", "sqs"] });
    Reply::json(StatusCode::OK, body.to_string())
}
