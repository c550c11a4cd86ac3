//! Measures how long after a committed change its handler is called, on a service in this process.
//!
//! `cargo run --release -p dynamo-streams --example latency` prints the distribution and ends with an error if the 99th percentile is above
//! one poll interval and two round trips, both measured in the same run.

#[path = "shared/service.rs"]
mod service;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::types::AttributeValue;
use dynamo_streams::{Context, Disposition, Handler, Processor, Record, Settings};
use service::Service;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

const CHANGES: usize = 1_000;
/// The longest pause between two changes, in milliseconds; each is as long as chance will have it.
const PAUSE_MS: u64 = 40;
/// The poll interval of `arthouse local`, busy and idle alike.
const POLL: Duration = Duration::from_millis(50);

/// Notes when each item is handed over.
#[derive(Clone, Default)]
struct Clock {
    seen: Arc<Mutex<BTreeMap<String, Instant>>>,
    all: Arc<Notify>,
}

impl Handler for Clock {
    async fn handle(&self, record: &Record, _: &Context) -> Disposition {
        let now = Instant::now();
        let name = record.keys["PK"].as_s().cloned().unwrap_or_default();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.entry(name).or_insert(now);
        if seen.len() == CHANGES {
            self.all.notify_one();
        }
        Disposition::Done
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = Service::start().await?;
    let processor = Processor::builder(service.streams.clone(), service.dynamo.clone())
        .stream_of_table("Courses")
        .lease_table("Leases")
        .application("latency")
        .settings(Settings {
            poll_interval: POLL,
            idle_poll_interval: POLL,
            ..Settings::default()
        })
        .build()?;
    let (clock, shutdown) = (Clock::default(), CancellationToken::new());
    let running = tokio::spawn(processor.run(clock.clone(), shutdown.clone()));

    let (committed, trips) = write(&service.dynamo).await?;
    clock.all.notified().await;
    shutdown.cancel();
    running.await??;
    service.stop().await?;

    let seen = clock.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let latencies = committed.iter().filter_map(|(name, at)| {
        let seen = seen.get(name)?;
        Some(seen.saturating_duration_since(*at))
    });
    judge(latencies.collect(), trips)
}

/// Makes the changes; returns when each was known to be committed, and how long the requests for it and a read took.
async fn write(
    dynamo: &aws_sdk_dynamodb::Client,
) -> Result<(BTreeMap<String, Instant>, Vec<Duration>), Box<dyn Error>> {
    let (mut committed, mut trips) = (BTreeMap::new(), Vec::new());
    for n in 0..CHANGES {
        let name = format!("course {n}");
        let asked = Instant::now();
        let put = dynamo
            .put_item()
            .table_name("Courses")
            .item("PK", AttributeValue::S(name.clone()));
        put.send().await?;
        let answered = Instant::now();
        committed.insert(name, answered);
        trips.push(answered - asked);
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..PAUSE_MS))).await;
    }
    Ok((committed, trips))
}

fn judge(mut latencies: Vec<Duration>, mut trips: Vec<Duration>) -> Result<(), Box<dyn Error>> {
    latencies.sort_unstable();
    trips.sort_unstable();
    let at = |of: &[Duration], percent: usize| of[(of.len() * percent / 100).min(of.len() - 1)];
    let bound = POLL + 2 * at(&trips, 99);
    for (what, of) in [
        ("from a change to its handler", &latencies),
        ("a round trip", &trips),
    ] {
        let [p50, p90, p99, most] = [50, 90, 99, 100].map(|percent| at(of, percent));
        println!(
            "{what}: half within {p50:.1?}, 90 % {p90:.1?}, 99 % {p99:.1?}, the longest {most:.1?}"
        );
    }
    let p99 = at(&latencies, 99);
    println!(
        "{} changes; allowed at the 99th percentile: {bound:.1?}",
        latencies.len()
    );
    if p99 > bound {
        return Err(format!("the 99th percentile is {p99:.1?}").into());
    }
    Ok(())
}
