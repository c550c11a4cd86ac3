//! A service in this process, its clients and its tables. The conformance suites of the crate use it too.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use local_aws::{Config, LocalAws};

pub(crate) struct Local {
    pub(crate) dynamo: aws_sdk_dynamodb::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    aws: LocalAws,
    _folder: tempfile::TempDir,
}

/// The clients of an endpoint.
pub(crate) fn clients(
    endpoint_url: &str,
) -> (aws_sdk_dynamodb::Client, aws_sdk_dynamodbstreams::Client) {
    let credentials = Credentials::new("any", "thing", None, None, "test");
    let dynamo = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint_url)
        .credentials_provider(credentials.clone())
        .region(Region::new("eu-west-1"))
        .build();
    let streams = aws_sdk_dynamodbstreams::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(endpoint_url)
        .credentials_provider(credentials)
        .region(Region::new("eu-west-1"))
        .build();
    let dynamo = aws_sdk_dynamodb::Client::from_conf(dynamo);
    (dynamo, aws_sdk_dynamodbstreams::Client::from_conf(streams))
}

impl Local {
    /// Starts the service and creates the tables, each with a stream.
    pub(crate) async fn serve(tables: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: folder.path().into(),
            port: 0,
        };
        let aws = LocalAws::start(config).await.unwrap();
        let (dynamo, streams) = clients(aws.endpoint_url());
        let local = Self {
            dynamo,
            streams,
            aws,
            _folder: folder,
        };
        for table in tables {
            local.create_table(table).await;
        }
        local
    }

    async fn create_table(&self, name: &str) {
        let key = KeySchemaElement::builder()
            .attribute_name("PK")
            .key_type(KeyType::Hash);
        let attribute = AttributeDefinition::builder()
            .attribute_name("PK")
            .attribute_type(ScalarAttributeType::S);
        let stream = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(StreamViewType::NewAndOldImages);
        self.dynamo
            .create_table()
            .table_name(name)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(key.build().unwrap())
            .stream_specification(stream.build().unwrap())
            .send()
            .await
            .unwrap();
        // It is active once it is described.
        let described = self.dynamo.describe_table().table_name(name);
        described.send().await.unwrap();
    }

    /// Writes the `version`-th state of an item.
    pub(crate) async fn write(&self, table: &str, item: &str, version: u64) {
        self.dynamo
            .put_item()
            .table_name(table)
            .item("PK", AttributeValue::S(item.to_owned()))
            .item("version", AttributeValue::N(version.to_string()))
            .send()
            .await
            .unwrap();
    }

    pub(crate) async fn stop(self) {
        self.aws.shutdown().await.unwrap();
    }
}
