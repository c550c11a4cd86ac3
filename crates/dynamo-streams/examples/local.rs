//! A record that fails, its quarantine and its redrive, on a service in this process.
//!
//! Run it with `cargo run -p dynamo-streams --example local`.

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ScalarAttributeType, StreamSpecification, StreamViewType,
};
use dynamo_streams::{
    Disposition, Operations, Processor, Record, RecordContext, RecordHandler, RetryPolicy,
    Selection, Settings,
};
use local_aws::{Config, LocalAws};
use tokio_util::sync::CancellationToken;

/// Prints changes; refuses those of one item until it is mended.
struct Printer {
    mended: bool,
}

impl RecordHandler for Printer {
    async fn handle(&self, record: &Record, context: &RecordContext) -> Disposition {
        let name = record.keys["PK"].as_s().map_or("?", String::as_str);
        let version = record
            .new_image
            .as_ref()
            .and_then(|image| image["version"].as_n().ok());
        if name == "broken" && !self.mended {
            println!("  {name} {version:?}: attempt {} fails", context.attempt());
            return Disposition::Retry {
                reason: "not mended yet".to_owned(),
            };
        }
        println!("  {name} {version:?}: done");
        Disposition::Done
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let aws = LocalAws::start(Config {
        data_dir: folder.path().into(),
        port: 0,
    })
    .await?;
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint_url())
        .region("eu-west-1")
        .credentials_provider(Credentials::new("any", "thing", None, None, "example"))
        .load()
        .await;
    let dynamo = aws_sdk_dynamodb::Client::new(&config);
    create_table(&dynamo).await?;
    dynamo_streams::create_lease_table(&dynamo, "Leases").await?;

    let processor = Processor::builder(
        aws_sdk_dynamodbstreams::Client::new(&config),
        dynamo.clone(),
    )
    .stream_of_table("Courses")
    .lease_table("Leases")
    .application("example")
    .settings(Settings {
        poll_interval: Duration::from_millis(20),
        idle_poll_interval: Duration::from_millis(100),
        retry: RetryPolicy {
            attempts: 2,
            ..RetryPolicy::default()
        },
        ..Settings::default()
    })
    .build()?;
    let monitor = processor.monitor();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(processor.run(Printer { mended: false }, shutdown.clone()));

    println!("two items change three times each:");
    for version in 1..=3 {
        for item in ["sound", "broken"] {
            write(&dynamo, item, version).await?;
        }
    }
    while monitor.snapshot().counts.done + monitor.snapshot().counts.quarantined < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let operations = Operations::new(dynamo, "Leases", "example")?;
    println!("in quarantine: {:?}", operations.parked_lanes().await?);
    println!("the cause is mended; redrive:");
    let report = operations
        .redrive(
            &Printer { mended: true },
            &Selection::All,
            &CancellationToken::new(),
        )
        .await?;
    println!("{report:?}");

    shutdown.cancel();
    println!("{:#?}", running.await??);
    aws.shutdown().await?;
    Ok(())
}

async fn write(
    client: &aws_sdk_dynamodb::Client,
    item: &str,
    version: u32,
) -> Result<(), Box<dyn Error>> {
    client
        .put_item()
        .table_name("Courses")
        .item("PK", AttributeValue::S(item.to_owned()))
        .item("version", AttributeValue::N(version.to_string()))
        .send()
        .await?;
    Ok(())
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
