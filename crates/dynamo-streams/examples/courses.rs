//! A record that fails, is parked, and is redriven: `cargo run -p dynamo-streams --features testing --example courses`.
//!
//! The streams and the lease table are in memory. With clients of the AWS SDK, [`Processor::builder`] and [`Operations::new`] take their
//! place.
//!
//! [`Processor::builder`]: dynamo_streams::Processor::builder
//! [`Operations::new`]: dynamo_streams::Operations::new

use std::error::Error;
use std::time::Duration;

use dynamo_streams::aws_sdk_dynamodb::types::AttributeValue;
use dynamo_streams::testing::FakeDynamo;
use dynamo_streams::{
    CancellationToken, Context, Disposition, Handler, Item, Record, RetryPolicy, Selection,
    Settings,
};

/// Prints changes; cannot handle those of one course until that is mended.
struct Printer {
    mended: bool,
}

impl Handler for Printer {
    async fn handle(&self, record: &Record, context: &Context) -> Disposition {
        let (event, attempt) = (record.event, context.attempt());
        let name = record.keys["PK"].as_s().map_or("?", String::as_str);
        if name == "broken" && !self.mended {
            println!("{event:?} of {name}: attempt {attempt} fails");
            return Disposition::retry("not mended yet");
        }
        println!("{event:?} of {name}: done");
        Disposition::Done
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let dynamo = FakeDynamo::new();
    dynamo.add_table("Courses");
    let retry = RetryPolicy::default().with_max_attempts(2);
    let processor = dynamo
        .processor()
        .stream_of_table("Courses")
        .settings(Settings::default().with_retry(retry))
        .build()?;
    let (monitor, shutdown) = (processor.monitor(), CancellationToken::new());
    let running = tokio::spawn(processor.run(Printer { mended: false }, shutdown.clone()));

    println!("Two courses change three times each:");
    for version in 1..=3 {
        for name in ["oils", "broken"] {
            dynamo.write(change(name, version));
        }
    }
    let ended = || monitor.snapshot().counters.done + monitor.snapshot().counters.parked;
    while ended() < 6 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    let operations = dynamo.operations();
    for item in operations.parked_items().await? {
        println!("Parked: {} ({})", item.key, item.reason);
    }
    println!("The cause is mended:");
    let mended = Printer { mended: true };
    let report = operations
        .redrive(&mended, &Selection::All, &shutdown)
        .await?;
    println!("{} records are redriven.", report.records);

    shutdown.cancel();
    println!("{:#?}", running.await??);
    Ok(())
}

/// The `version`-th change of a course.
fn change(name: &str, version: u32) -> Record {
    let keys = Item::from([("PK".to_owned(), AttributeValue::S(name.to_owned()))]);
    let image = |version: u32| {
        let mut image = keys.clone();
        let version = AttributeValue::N(version.to_string());
        image.insert("version".to_owned(), version);
        image
    };
    let before = (version > 1).then(|| image(version - 1));
    Record::new("Courses", keys.clone(), before, Some(image(version)))
}
