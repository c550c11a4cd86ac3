mod reconciliation;

use std::time::Duration;

use anyhow::{Context, Result};
use arthouse_store::Sweep;
use arthouse_worker::Queue;
use aws_sdk_sqs::types::QueueAttributeName;
use clap::Args;
use dynamo_streams::Status;
use serde::Serialize;
use serde_json::{Value, json};

use crate::deployment::Deployment;
use crate::output::Format;
use crate::{Exit, Stack, output};

/// How the state is printed.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    format: Format,
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
    let stack = deployment.stack().await?;
    let status = stack
        .operations()?
        .status()
        .await
        .context("can't read the state of the streams")?;
    let depths = depths(&stack).await?;
    let sweep = stack.store.sweep().await;
    let sweep = sweep.context("can't read how the reconciliation stands")?;
    if options.format.json {
        output::print_json(&as_json(&status, &depths, sweep.as_ref()))?;
    } else {
        output::print(queues(&depths))?;
        output::print(streams(&status))?;
        output::print(reconciliation::line(sweep.as_ref()))?;
    }
    Ok(Exit::Success)
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
    let age = |age: Option<Duration>| {
        age.map_or("-".to_owned(), |age| format!("{:.1} s", age.as_secs_f64()))
    };
    let mut lines = vec![format!(
        "oldest change that may be unreacted: {}; trim headroom: {}; read and not finished: {}",
        age(status.oldest_unreacted_age),
        age(status.trim_headroom),
        status.in_flight,
    )];
    let mut shards = output::table(&["Table", "Shard", "Read by", "Checkpoint moved"]);
    for shard in &status.shards {
        let owner = shard.owner.clone().unwrap_or_else(|| "nobody".to_owned());
        shards.add_row([
            shard.table_name.clone(),
            shard.shard_id.clone(),
            owner,
            shard.checkpointed_at.to_rfc3339(),
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
            parked.parked_at, parked.table_name, parked.item_id, parked.reason
        ));
    }
    for gap in &status.gaps {
        lines.push(format!(
            "records lost in {} {}, found {}, not repaired yet",
            gap.table_name, gap.shard_id, gap.detected_at
        ));
    }
    lines.join("\n")
}

fn as_json(status: &Status, depths: &[Depth], sweep: Option<&Sweep>) -> Value {
    let seconds = |age: Option<Duration>| age.map(|age| age.as_secs_f64());
    let shards = status.shards.iter().map(|shard| {
        json!({
            "table": shard.table_name, "shard": shard.shard_id, "owner": shard.owner, "ready": shard.ready,
            "checkpointed_at": shard.checkpointed_at,
        })
    });
    let workers = status.workers.iter().map(|worker| {
        let counts = &worker.figures.counters;
        json!({
            "worker": worker.worker, "heartbeat_age_seconds": worker.heartbeat_age.as_secs_f64(),
            "shards": worker.figures.shards, "unacknowledged": worker.figures.in_flight, "polls": counts.polls,
            "empty_polls": counts.empty_polls, "lease_writes": counts.lease_writes,
        })
    });
    let parked = status.parked.iter().map(|parked| {
        json!({"table": parked.table_name, "lane": parked.item_id.to_string(), "reason": parked.reason, "parked_at": parked.parked_at})
    });
    let gaps = status.gaps.iter().map(|gap| {
        json!({
            "table": gap.table_name, "shard": gap.shard_id, "from": gap.from, "to": gap.to, "since": gap.since,
            "detected_at": gap.detected_at,
        })
    });
    json!({
        "queues": depths,
        "oldest_unreacted_age_seconds": seconds(status.oldest_unreacted_age),
        "trim_headroom_seconds": seconds(status.trim_headroom),
        "unacknowledged": status.in_flight,
        "shards": shards.collect::<Vec<_>>(),
        "workers": workers.collect::<Vec<_>>(),
        "parked": parked.collect::<Vec<_>>(),
        "gaps": gaps.collect::<Vec<_>>(),
        "reconciliation": reconciliation::as_json(sweep),
    })
}
