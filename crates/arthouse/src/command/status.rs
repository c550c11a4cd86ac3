mod reconciliation;

use std::cmp::Reverse;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use arthouse_core::{Timestamp, time_zone_data};
use arthouse_store::Sweep;
use arthouse_worker::{Limits, Queue};
use aws_sdk_sqs::types::QueueAttributeName;
use chrono::{DateTime, Utc};
use clap::Args;
use dynamo_streams::{SkippedRecord, Status};
use serde::Serialize;
use serde_json::{Value, json};

use super::{duration, redrive};
use crate::deployment::Deployment;
use crate::output::Format;
use crate::{Exit, Stack, output, signals};

/// How the state is printed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Refresh every so often until Ctrl-C; by default every 2 seconds
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "2s", value_parser = interval, conflicts_with = "json")]
    watch: Option<Duration>,
    #[command(flatten)]
    format: Format,
}

fn interval(text: &str) -> Result<Duration, &'static str> {
    let interval = duration::parse(text)?;
    let is_long_enough = interval >= Duration::from_secs(1);
    is_long_enough
        .then_some(interval)
        .ok_or("must be 1s or more")
}

/// How much lies in a queue, about.
#[derive(Debug, Serialize)]
struct Depth {
    queue: String,
    waiting: u64,
    in_flight: u64,
    delayed: u64,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let stack = deployment.stack(Limits::Operator).await?;
    if let Some(interval) = options.watch {
        return watch(&stack, interval).await;
    }
    let state = State::read(&stack).await?;
    if options.format.json {
        output::print_json(&as_json(
            &state.streams,
            &state.depths,
            state.sweep.as_ref(),
        ))?;
    } else {
        output::print(state.text())?;
    }
    Ok(Exit::Success)
}

/// Shows the state anew until a signal comes.
async fn watch(stack: &Stack, interval: Duration) -> Result<Exit> {
    let stop = signals::shutdown()?;
    let shown = stop.run_until_cancelled(Box::pin(show_forever(stack, interval)));
    shown.await.unwrap_or(Ok(()))?;
    Ok(Exit::Success)
}

async fn show_forever(stack: &Stack, interval: Duration) -> Result<()> {
    loop {
        let state = State::read(stack).await?;
        let now = output::utc(Utc::now());
        // A terminal's screen is written over from its top; elsewhere one state follows another.
        let after = if output::clear_screen()? { "" } else { "\n" };
        output::print_live(format!("{now}\n{}{after}", state.text()))?;
        tokio::time::sleep(interval).await;
    }
}

/// What is shown.
struct State {
    depths: Vec<Depth>,
    streams: Status,
    sweep: Option<Sweep>,
}

impl State {
    async fn read(stack: &Stack) -> Result<Self> {
        let streams = stack.operations()?.status().await;
        let depths = depths(stack).await?;
        let sweep = stack.store.sweep().await;
        Ok(Self {
            depths,
            streams: streams.context("can't read the state of the streams")?,
            sweep: sweep.context("can't read how the reconciliation stands")?,
        })
    }

    fn text(&self) -> String {
        [
            queues(&self.depths),
            streams(&self.streams),
            reconciliation::line(self.sweep.as_ref()),
            format!("time zone data of this program: {}", time_zone_data()),
        ]
        .join("\n")
    }
}

async fn depths(stack: &Stack) -> Result<Vec<Depth>> {
    use QueueAttributeName as Name;
    let mut depths = Vec::new();
    for queue in Queue::ALL {
        let name = stack.names.queues.name(queue);
        let request = stack
            .clients
            .sqs
            .get_queue_attributes()
            .queue_url(stack.queues.url(queue));
        let output = request.attribute_names(Name::All).send().await;
        let attributes = output
            .with_context(|| format!("can't read queue {name}"))?
            .attributes
            .unwrap_or_default();
        let number = |name| {
            attributes
                .get(&name)
                .and_then(|text| text.parse().ok())
                .unwrap_or_default()
        };
        depths.push(Depth {
            waiting: number(Name::ApproximateNumberOfMessages),
            in_flight: number(Name::ApproximateNumberOfMessagesNotVisible),
            delayed: number(Name::ApproximateNumberOfMessagesDelayed),
            queue: name,
        });
    }
    Ok(depths)
}

fn queues(depths: &[Depth]) -> String {
    let mut table = output::table(&["Queue", "Waiting", "In flight", "Delayed"]);
    for depth in depths {
        let Depth {
            queue,
            waiting,
            in_flight,
            delayed,
        } = depth;
        table.add_row([
            queue.clone(),
            waiting.to_string(),
            in_flight.to_string(),
            delayed.to_string(),
        ]);
    }
    table.to_string()
}

fn streams(status: &Status) -> String {
    let age = |age: Option<Duration>| age.map_or("-".to_owned(), output::duration);
    let mut lines = vec![format!(
        "age of the oldest change not reacted to: {}; trim headroom: {}; records in process: {}",
        age(status.oldest_unreacted_age),
        age(status.trim_headroom),
        status.in_flight,
    )];
    let mut shards = output::table(&["Table", "Shard", "Read by", "Checkpoint at"]);
    for shard in &status.shards {
        let owner = shard.owner.clone().unwrap_or_else(|| "nobody".to_owned());
        shards.add_row([
            shard.table_name.clone(),
            shard.shard_id.clone(),
            owner,
            output::utc(shard.checkpointed_at.into()),
        ]);
    }
    lines.push(shards.to_string());
    let mut workers = output::table(&[
        "Worker",
        "Heartbeat",
        "Shards",
        "Polls",
        "Empty polls",
        "Lease writes",
    ]);
    for worker in &status.workers {
        let (figures, counts) = (&worker.figures, &worker.figures.counters);
        let numbers = [
            figures.shards,
            counts.polls,
            counts.empty_polls,
            counts.lease_writes,
        ]
        .map(|n| n.to_string());
        let row = [worker.worker.clone(), age(Some(worker.heartbeat_age))];
        workers.add_row(row.into_iter().chain(numbers));
    }
    lines.push(workers.to_string());
    for parked in &status.parked {
        lines.push(format!(
            "parked since {}: {} {}: {}",
            output::utc(parked.parked_at.into()),
            parked.table_name,
            redrive::name(&parked.key, parked.item_id),
            parked.reason
        ));
    }
    for skipped in last_skipped(status) {
        lines.push(format!(
            "skipped on {}: {} {}, record {}: {}",
            output::utc(skipped.skipped_at.into()),
            skipped.table_name,
            redrive::name(&skipped.key, skipped.item_id),
            skipped.sequence_number,
            skipped.reason
        ));
    }
    for gap in &status.gaps {
        lines.push(format!(
            "records lost in {} {}, found {}, not repaired yet",
            gap.table_name,
            gap.shard_id,
            output::utc(gap.detected_at.into())
        ));
    }
    lines.join("\n")
}

/// The most skipped records that are shown: they are never removed.
const SKIPPED_SHOWN: usize = 10;

/// Returns the records that were skipped last, the latest first.
fn last_skipped(status: &Status) -> Vec<&SkippedRecord> {
    let mut skipped: Vec<_> = status.skipped.iter().collect();
    skipped.sort_by_key(|skipped| Reverse(skipped.skipped_at));
    skipped.truncate(SKIPPED_SHOWN);
    skipped
}

fn as_json(status: &Status, depths: &[Depth], sweep: Option<&Sweep>) -> Value {
    let seconds = |age: Option<Duration>| age.map(|age| age.as_secs());
    let time = |at: SystemTime| Timestamp::from(DateTime::<Utc>::from(at));
    let shards = status.shards.iter().map(|shard| {
        json!({
            "table": shard.table_name, "shard": shard.shard_id, "owner": shard.owner, "ready": shard.ready,
            "checkpointed_at": time(shard.checkpointed_at),
        })
    });
    let workers = status.workers.iter().map(|worker| {
        let counts = &worker.figures.counters;
        json!({
            "worker": worker.worker, "heartbeat_age_seconds": worker.heartbeat_age.as_secs(),
            "shards": worker.figures.shards, "unacknowledged": worker.figures.in_flight, "polls": counts.polls,
            "empty_polls": counts.empty_polls, "lease_writes": counts.lease_writes,
        })
    });
    let parked = status.parked.iter().map(|parked| {
        json!({
            "table": parked.table_name, "item_id": parked.item_id.to_string(), "key": parked.key.to_string(), "reason": parked.reason,
            "parked_at": time(parked.parked_at),
        })
    });
    let skipped = last_skipped(status).into_iter().map(|skipped| {
        json!({
            "table": skipped.table_name, "key": skipped.key.to_string(), "sequence_number": skipped.sequence_number,
            "parked_reason": skipped.parked_reason, "reason": skipped.reason, "skipped_at": time(skipped.skipped_at),
        })
    });
    let gaps = status.gaps.iter().map(|gap| {
        json!({
            "table": gap.table_name, "shard": gap.shard_id, "from": gap.from, "to": gap.to, "since": gap.since.map(time),
            "detected_at": time(gap.detected_at),
        })
    });
    let zones = time_zone_data();
    json!({
        "queues": depths,
        "oldest_unreacted_age_seconds": seconds(status.oldest_unreacted_age),
        "trim_headroom_seconds": seconds(status.trim_headroom),
        "unacknowledged": status.in_flight,
        "shards": shards.collect::<Vec<_>>(),
        "workers": workers.collect::<Vec<_>>(),
        "parked": parked.collect::<Vec<_>>(),
        "skipped": skipped.collect::<Vec<_>>(),
        "gaps": gaps.collect::<Vec<_>>(),
        "reconciliation": reconciliation::as_json(sweep),
        "time_zone_data": {"version": zones.version.to_string(), "source": zones.source},
    })
}
