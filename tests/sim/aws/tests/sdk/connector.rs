use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;

use crate::aws::{ApiCall, Aws};

/// Services, and clients that reach them without a network, an attempt a call.
pub(super) struct Clients {
    pub(super) aws: Aws,
    pub(super) dynamodb: aws_sdk_dynamodb::Client,
    pub(super) streams: aws_sdk_dynamodbstreams::Client,
    pub(super) sqs: aws_sdk_sqs::Client,
}

impl Clients {
    pub(super) fn new(aws: Aws) -> Self {
        macro_rules! client {
            ($sdk:ident) => {
                $sdk::Client::from_conf(
                    $sdk::Config::builder()
                        .behavior_version(BehaviorVersion::latest())
                        .region(Region::from_static("us-east-1"))
                        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
                        .retry_config(RetryConfig::disabled())
                        .http_client(http_client(aws.clone()))
                        .build(),
                )
            };
        }
        Self {
            dynamodb: client!(aws_sdk_dynamodb),
            streams: client!(aws_sdk_dynamodbstreams),
            sqs: client!(aws_sdk_sqs),
            aws,
        }
    }
}

fn http_client(aws: Aws) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(Direct(aws));
    http_client_fn(move |_, _| connector.clone())
}

/// Calls the services there and then.
#[derive(Debug)]
struct Direct(Aws);

impl HttpConnector for Direct {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let reply = self.0.call(&ApiCall {
            node: 0,
            target: target.to_owned(),
            body: body.to_vec().into(),
        });
        let status = reply.status.try_into().expect("a status of HTTP");
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        if let Some(error) = reply.query_error {
            response.headers_mut().insert("x-amzn-query-error", error);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}
