//! A service in this process, with a table of courses, its stream and a lease table.

use std::error::Error;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    StreamSpecification, StreamViewType,
};
use local_aws::{Config, LocalAws};

pub(crate) struct Service {
    pub(crate) dynamo: aws_sdk_dynamodb::Client,
    pub(crate) streams: aws_sdk_dynamodbstreams::Client,
    aws: LocalAws,
    _folder: tempfile::TempDir,
}

impl Service {
    pub(crate) async fn start() -> Result<Self, Box<dyn Error>> {
        let folder = tempfile::tempdir()?;
        let aws = LocalAws::start(Config {
            data_dir: folder.path().into(),
            port: 0,
        })
        .await?;
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .endpoint_url(aws.endpoint_url())
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "any", "thing", None, None, "example",
            )))
            .build();
        let dynamo = aws_sdk_dynamodb::Client::new(&config);
        create_table(&dynamo).await?;
        dynamo_streams::create_lease_table(&dynamo, "Leases").await?;
        Ok(Self {
            dynamo,
            streams: aws_sdk_dynamodbstreams::Client::new(&config),
            aws,
            _folder: folder,
        })
    }

    pub(crate) async fn stop(self) -> Result<(), Box<dyn Error>> {
        self.aws.shutdown().await?;
        Ok(())
    }
}

async fn create_table(client: &aws_sdk_dynamodb::Client) -> Result<(), Box<dyn Error>> {
    let key = KeySchemaElement::builder()
        .attribute_name("PK")
        .key_type(KeyType::Hash)
        .build()?;
    let attribute = AttributeDefinition::builder()
        .attribute_name("PK")
        .attribute_type(ScalarAttributeType::S)
        .build()?;
    let stream = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(StreamViewType::NewAndOldImages)
        .build()?;
    client
        .create_table()
        .table_name("Courses")
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute)
        .key_schema(key)
        .stream_specification(stream)
        .send()
        .await?;
    Ok(())
}
