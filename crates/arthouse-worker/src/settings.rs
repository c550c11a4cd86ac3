use std::time::Duration;

use crate::Clock;

/// How the worker and the stream processor run; what is not said here is each consumer's own default.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The command consumer's settings.
    pub commands: sqs_consumer::Settings,
    /// The settings of the senders of outcomes and notifications.
    pub sender: sqs_consumer::SenderSettings,
    /// The stream consumer's settings.
    pub streams: dynamo_streams::Settings,
    /// Where "now" comes from for reactions.
    pub clock: Clock,
}

/// How often a reaction that may yet pass is tried: for about an hour, so that an outage parks no records. What can't pass is parked at
/// once, so this holds nothing else up.
const REACTION_ATTEMPTS: u32 = 70;

impl Default for Settings {
    fn default() -> Self {
        let mut streams = dynamo_streams::Settings::default();
        streams.retry.max_attempts = REACTION_ATTEMPTS;
        Self {
            commands: sqs_consumer::Settings::default(),
            sender: sqs_consumer::SenderSettings::default(),
            streams,
            clock: Clock::system(),
        }
    }
}

/// Returns settings for a stack on this machine, where a request costs next to nothing and one process has it to itself.
///
/// Reactions follow within a tenth of a second; after a kill a restarted processor has the shards of its former self within
/// five seconds; a drain waits a second at most for the poll in flight.
pub fn local_settings() -> Settings {
    let mut settings = Settings::default();
    settings.commands.wait_time = Duration::from_secs(1);
    settings.commands.retry.first_delay = Duration::from_secs(1);
    settings.commands.settle_linger = Duration::from_millis(20);
    settings.sender.linger = Duration::from_millis(2);
    let streams = &mut settings.streams;
    streams.poll_interval = Duration::from_millis(50);
    streams.idle_poll_interval = Duration::from_millis(100);
    streams.checkpoint_interval = Duration::from_secs(1);
    streams.heartbeat_interval = Duration::from_secs(1);
    streams.lease_duration = Duration::from_secs(4);
    streams.sync_interval = Duration::from_millis(500);
    streams.list_shards_interval = Duration::from_secs(5);
    settings
}
