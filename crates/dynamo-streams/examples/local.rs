//! A record that fails, is parked, and is redriven, on a service in this process.
//!
//! Run it with `cargo run -p dynamo-streams --example local`.

#[path = "shared/service.rs"]
mod service;

use std::error::Error;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use dynamo_streams::{
    Context, Disposition, Handler, Operations, Processor, Record, RetryPolicy, Selection, Settings,
};
use service::Service;
use tokio_util::sync::CancellationToken;

/// Prints changes; refuses those of one item until it is mended.
struct Printer {
    mended: bool,
}

impl Handler for Printer {
    async fn handle(&self, record: &Record, context: &Context) -> Disposition {
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
    let service = Service::start().await?;
    let processor = Processor::builder(service.streams.clone(), service.dynamo.clone())
        .stream_of_table("Courses")
        .lease_table("Leases")
        .application("example")
        .settings(Settings {
            poll_interval: Duration::from_millis(20),
            idle_poll_interval: Duration::from_millis(100),
            retry: RetryPolicy {
                max_attempts: 2,
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
            write(&service.dynamo, item, version).await?;
        }
    }
    while monitor.snapshot().counters.done + monitor.snapshot().counters.parked < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let operations = Operations::new(service.dynamo.clone(), "Leases", "example")?;
    println!("parked: {:?}", operations.parked_items().await?);
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
    service.stop().await?;
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
