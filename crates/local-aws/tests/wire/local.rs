//! A local stack of its own for each test: a temporary folder, a free port, clients without retries.
use std::time::Duration;

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType, TableStatus,
};
use local_aws::{Config, LocalAws, Pace};
use tempfile::TempDir;

pub(crate) struct Local {
    pub(crate) aws: LocalAws,
    pub(crate) dir: TempDir,
    pace: Pace,
}

impl Local {
    pub(crate) async fn start() -> Self {
        Self::start_with(Pace::default()).await
    }

    pub(crate) async fn start_with(pace: Pace) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let aws = open(&dir, &pace).await;
        Self { aws, dir, pace }
    }

    pub(crate) async fn restart(self) -> Self {
        self.aws.shutdown().await.unwrap();
        let aws = open(&self.dir, &self.pace).await;
        Self { aws, ..self }
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        dynamodb(self.aws.endpoint_url())
    }

    pub(crate) fn streams(&self) -> aws_sdk_dynamodbstreams::Client {
        streams(self.aws.endpoint_url())
    }
}

async fn open(dir: &TempDir, pace: &Pace) -> LocalAws {
    let data_dir = dir.path().join("data");
    let config = Config { data_dir, port: 0 };
    LocalAws::start_with(config, pace.clone()).await.unwrap()
}

/// Asks again and again until there is an answer; a test fails after ten seconds without one.
pub(crate) async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let patience = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), patience)
        .await
        .unwrap()
}

pub(crate) fn dynamodb(url: &str) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("any", "thing", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
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
        .http_client(aws_smithy_http_client::Builder::new().build_http())
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
    become_active(client, name).await;
    created.table_description.unwrap().latest_stream_arn
}

/// Waits for a table as every client must: it is active once it is described.
pub(crate) async fn become_active(client: &aws_sdk_dynamodb::Client, table: &str) {
    let described = client.describe_table().table_name(table).send().await;
    let status = described.unwrap().table.unwrap().table_status;
    assert_eq!(status, Some(TableStatus::Active));
}

/// Puts an item with one further attribute, `V`.
pub(crate) async fn put(
    client: &aws_sdk_dynamodb::Client,
    table: &str,
    key: &str,
    value: AttributeValue,
) {
    client
        .put_item()
        .table_name(table)
        .item("PK", s(key))
        .item("SK", s("-"))
        .item("V", value)
        .send()
        .await
        .unwrap();
}

pub(crate) fn s(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn n(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
