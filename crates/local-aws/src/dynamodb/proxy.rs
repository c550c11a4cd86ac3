//! Forwards a request to dynoxide's server over pooled connections.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use axum::http::{Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::reply::Reply;

/// dynoxide's server requires a signature and checks none, so any credentials will do.
const AUTHORIZED: HeaderValue = HeaderValue::from_static(
    "AWS4-HMAC-SHA256 Credential=local/20260101/local/dynamodb/aws4_request, SignedHeaders=host, Signature=local",
);
const AMZ_DATE: HeaderValue = HeaderValue::from_static("20260101T000000Z");
const AWS_JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.0");

/// Why dynoxide's server did not answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProxyError {
    #[error("the request was not sent")]
    Send(#[from] hyper_util::client::legacy::Error),
    #[error("the response was incomplete")]
    Receive(#[from] hyper::Error),
    #[error("the operation's name is not a header value")]
    Operation(#[from] axum::http::Error),
}

/// A client of dynoxide's server.
#[derive(Debug)]
pub(super) struct Proxy {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: Uri,
}

impl Proxy {
    pub(super) fn to(address: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(None)
            .build(connector);
        let uri = Uri::try_from(format!("http://{address}/")).expect("an address makes a URI");
        Self { client, uri }
    }

    /// Sends one operation and reads the whole response.
    pub(super) async fn forward(&self, operation: &str, body: Bytes) -> Result<Reply, ProxyError> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, AWS_JSON)
            .header(AUTHORIZATION, AUTHORIZED)
            .header("x-amz-date", AMZ_DATE)
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(Full::new(body))?;
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let mut reply = Reply::json(head.status, body);
        for name in ["x-amzn-requestid", "x-amz-crc32"] {
            if let Some(value) = head.headers.get(name) {
                reply.headers.insert(name, value.clone());
            }
        }
        Ok(reply)
    }
}
