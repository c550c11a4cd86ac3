//! A real service for the adapters.

use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use local_aws::{Config, LocalAws};

use crate::lease_table::{LeaseTable, create_lease_table};
use crate::source::AwsSource;
use crate::testing::TABLE;

pub(super) struct Service {
    pub(super) dynamo: aws_sdk_dynamodb::Client,
    pub(super) streams: aws_sdk_dynamodbstreams::Client,
    aws: LocalAws,
    _folder: tempfile::TempDir,
}

impl Service {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: folder.path().into(),
            port: 0,
        };
        let aws = LocalAws::start(config).await.unwrap();
        let credentials = Credentials::new("any", "thing", None, None, "test");
        let dynamo = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(aws.endpoint_url())
            .credentials_provider(credentials.clone())
            .region(Region::new("eu-west-1"))
            .build();
        let streams = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(aws.endpoint_url())
            .credentials_provider(credentials)
            .region(Region::new("eu-west-1"))
            .build();
        Self {
            dynamo: aws_sdk_dynamodb::Client::from_conf(dynamo),
            streams: aws_sdk_dynamodbstreams::Client::from_conf(streams),
            aws,
            _folder: folder,
        }
    }

    /// Creates the lease table, twice, as a repeated `provision` does.
    pub(super) async fn lease_table(&self) -> LeaseTable {
        create_lease_table(&self.dynamo, "Leases").await.unwrap();
        create_lease_table(&self.dynamo, "Leases").await.unwrap();
        LeaseTable::new(self.dynamo.clone(), "Leases", "test").unwrap()
    }

    /// Creates the table with a stream.
    pub(super) async fn source(&self) -> AwsSource {
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
            .table_name(TABLE)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(key.build().unwrap())
            .stream_specification(stream.build().unwrap())
            .send()
            .await
            .unwrap();
        AwsSource::new(self.streams.clone())
    }

    pub(super) async fn write(&self, item: &str, version: u64) {
        self.dynamo
            .put_item()
            .table_name(TABLE)
            .item("PK", AttributeValue::S(item.to_owned()))
            .item("version", AttributeValue::N(version.to_string()))
            .send()
            .await
            .unwrap();
    }

    pub(super) async fn stop(self) {
        self.aws.shutdown().await.unwrap();
    }
}
