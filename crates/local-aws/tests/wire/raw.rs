//! Requests as JSON over a bare socket, for what an SDK would not send.

use local_aws::LocalAws;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The signature of the region that the clients of these tests have.
const SIGNED: &str =
    "authorization: AWS4-HMAC-SHA256 Credential=any/20260101/eu-west-1/dynamodb/aws4_request\r\n";

/// Sends a request with these header lines and returns the status and the body.
pub(crate) async fn send(aws: &LocalAws, head: &str, headers: &str, body: &str) -> (u16, String) {
    let address = aws.endpoint_url().strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// Calls an operation by its target, such as `DynamoDB_20120810.Scan`.
pub(crate) async fn call(aws: &LocalAws, target: &str, request: Value) -> (u16, Value) {
    let headers = format!("{SIGNED}x-amz-target: {target}\r\n");
    let (status, body) = send(aws, "POST /", &headers, &request.to_string()).await;
    (status, serde_json::from_str(&body).unwrap())
}

/// Calls an operation of DynamoDB that is to succeed.
pub(crate) async fn dynamodb(aws: &LocalAws, operation: &str, request: Value) -> Value {
    let (status, answer) = call(aws, &format!("DynamoDB_20120810.{operation}"), request).await;
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

/// Calls an operation of DynamoDB that is to be refused, and returns the code and the message.
pub(crate) async fn refused(aws: &LocalAws, operation: &str, request: Value) -> (String, String) {
    let told = request.to_string();
    let (status, answer) = call(aws, &format!("DynamoDB_20120810.{operation}"), request).await;
    assert_eq!(status, 400, "{operation} {told:.300}: {answer}");
    let message = answer.get("message").or_else(|| answer.get("Message"));
    let message = message.and_then(Value::as_str).unwrap_or_default();
    let code = answer["__type"]
        .as_str()
        .unwrap()
        .rsplit('#')
        .next()
        .unwrap();
    (code.to_owned(), message.to_owned())
}
