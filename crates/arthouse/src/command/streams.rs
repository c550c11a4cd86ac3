use std::time::Duration;

use anyhow::Result;
use arthouse_store::Table;
use arthouse_worker::Settings;
use clap::{Args, value_parser};
use tracing::info;

use crate::deployment::Deployment;
use crate::http::{self, Probes};
use crate::{Exit, signals};

/// How the stream processor runs.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The duration of a lease, 2 to 60 seconds: others take over the shards of a processor whose heartbeats stop for so long
    ///
    /// The intervals of heartbeats and checkpoints are fractions of it. A shorter lease is taken over sooner, with fewer records processed
    /// twice, and costs more writes. All processors of a deployment must have the same.
    #[arg(long, env = "ARTHOUSE_LEASE_SECONDS", value_name = "SECONDS", default_value_t = 25, value_parser = value_parser!(u32).range(2..=60))]
    lease_seconds: u32,
    #[command(flatten)]
    http: http::Listen,
}

pub(crate) async fn run(options: Options, deployment: &Deployment) -> Result<Exit> {
    let shutdown = signals::shutdown()?;
    let probes = Probes::serve(options.http, &shutdown).await?;
    let stack = deployment.stack().await?;
    let tables = &stack.names.tables;
    info!(
        tables = ?[tables.name(Table::UsersCourses), tables.name(Table::Sessions)],
        leases = tables.leases(),
        "the stream processor begins"
    );
    let settings = settings(options.lease_seconds);
    let workers = stack.stream_workers(&settings)?;
    probes.watch_streams(&workers, &settings);
    let summary = workers.run(shutdown).await?;
    tell(&summary);
    Ok(Exit::Success)
}

/// Returns settings whose rhythms stand to the lease as the defaults' do: two heartbeats, and time for one that is late.
fn settings(lease_seconds: u32) -> Settings {
    let mut settings = Settings::default();
    let fifth = Duration::from_secs(lease_seconds.into()) / 5;
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
        assert_eq!(rhythms(settings(25)), rhythms(Settings::default()));
        assert_eq!(
            rhythms(settings(2)),
            [2_000, 800, 400, 400].map(Duration::from_millis)
        );
    }
}
