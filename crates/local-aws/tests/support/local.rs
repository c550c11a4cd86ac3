//! A local stack of its own for each test: a temporary folder, a free port, clients without retries.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(dead_code, reason = "each test file uses a part of it")]

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use local_aws::{Config, LocalAws};
use tempfile::TempDir;

pub(crate) struct Local {
    pub(crate) aws: LocalAws,
    pub(crate) dir: TempDir,
}

impl Local {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let aws = open(&dir).await;
        Self { aws, dir }
    }

    pub(crate) async fn restart(self) -> Self {
        self.aws.shutdown().await.unwrap();
        let aws = open(&self.dir).await;
        Self { aws, dir: self.dir }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        dynamodb(self.aws.endpoint_url())
    }

    pub(crate) fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        streams(self.aws.endpoint_url())
    }
}

async fn open(dir: &TempDir) -> LocalAws {
    let data_dir = dir.path().join("data");
    LocalAws::start(Config { data_dir, port: 0 }).await.unwrap()
}

pub(crate) fn dynamodb(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("any", "thing", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

pub(crate) fn streams(url: &str) -> aws_sdk_dynamodbstreams::Client {
    use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Credentials, Region, retry};
    let config = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("any", "thing", None, None, "test"))
        .retry_config(retry::RetryConfig::disabled())
        .endpoint_url(url)
        .build();
    aws_sdk_dynamodbstreams::Client::from_conf(config)
}

/// Creates a table with string keys `PK` and `SK`; with a stream if a view is given. Returns the stream's ARN.
pub(crate) async fn create_table(
    client: &aws_sdk_dynamodb::Client,
    name: &str,
    view: Option<StreamViewType>,
) -> Option<String> {
    let mut request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest);
    for (key, kind) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        request = request
            .attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(key)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .unwrap(),
            )
            .key_schema(
                KeySchemaElement::builder()
                    .attribute_name(key)
                    .key_type(kind)
                    .build()
                    .unwrap(),
            );
    }
    if let Some(view) = view {
        request = request.stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(view)
                .build()
                .unwrap(),
        );
    }
    let created = request.send().await.unwrap();
    created.table_description.unwrap().latest_stream_arn
}

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
