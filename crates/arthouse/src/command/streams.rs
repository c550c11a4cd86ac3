use std::time::Duration;

use anyhow::Result;
use arthouse_store::Table;
use arthouse_worker::Settings;
use clap::Args;
use tracing::info;

use super::duration;
use super::start::Start;
use crate::deployment::Deployment;
use crate::http::{self, Probes};
use crate::{Exit, signals};

/// How the stream processor runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The duration of a lease, 2s to 60s: others take over the shards of a processor whose heartbeats stop for so long
    ///
    /// The intervals of heartbeats and checkpoints are fractions of it. A shorter lease is taken over sooner, with fewer records processed
    /// twice, and costs more writes. All processors of a deployment must have the same.
    #[arg(long, env = "ARTHOUSE_LEASE_DURATION", value_name = "DURATION", default_value = "25s", value_parser = duration::seconds(2..=60))]
    lease_duration: Duration,
    #[command(flatten)]
    start: Start,
    #[command(flatten)]
    http: http::Listen,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let probes = Probes::serve(options.http, &shutdown).await?;
    let Some(stack) = options.start.stack(deployment, &shutdown).await? else {
        return Ok(Exit::Success);
    };
    let tables = &stack.names.tables;
    info!(
        tables = ?[tables.name(Table::UsersCourses), tables.name(Table::Sessions)],
        leases = tables.leases(),
        "the stream processor begins"
    );
    let settings = settings(options.lease_duration);
    // Once it runs it only ends with `shutdown`: an error is one of the start.
    let run = async || {
        let workers = stack.stream_workers(&settings)?;
        probes.watch_streams(&workers, &settings);
        Ok(Some(workers.run(shutdown.clone()).await?))
    };
    if let Some(summary) = options.start.until_up(&shutdown, run).await? {
        tell(&summary);
    }
    Ok(Exit::Success)
}

/// Returns settings whose rhythms stand to the lease as the defaults' do: two heartbeats, and time for one that is late.
fn settings(lease_duration: Duration) -> Settings {
    let mut settings = Settings::default();
    let fifth = lease_duration / 5;
    let streams = &mut settings.streams;
    streams.lease_duration = fifth * 5;
    streams.heartbeat_interval = fifth * 2;
    streams.sync_interval = fifth;
    streams.checkpoint_interval = fifth;
    settings
}

/// Logs what a stream processor did.
pub(super) fn tell(last: &dynamo_streams::Snapshot) {
    let counters = &last.counters;
    info!(
        done = counters.done,
        retried = counters.retried,
        parked = counters.parked,
        gaps = counters.gaps,
        lost_leases = counters.lost_leases,
        "the stream processor has ended"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_of_25_seconds_is_what_the_consumer_has_by_itself() {
        let rhythms = |settings: Settings| {
            let streams = settings.streams;
            [
                streams.lease_duration,
                streams.heartbeat_interval,
                streams.sync_interval,
                streams.checkpoint_interval,
            ]
        };
        assert_eq!(
            rhythms(settings(Duration::from_secs(25))),
            rhythms(Settings::default())
        );
        assert_eq!(
            rhythms(settings(Duration::from_secs(2))),
            [2_000, 800, 400, 400].map(Duration::from_millis)
        );
    }
}
