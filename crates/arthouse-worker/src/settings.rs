use std::time::Duration;

use arthouse_core::SourceRules;

use crate::Clock;

/// The settings of the worker and the stream processor. Other settings are each consumer's defaults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The command consumer's settings.
    pub commands: sqs_consumer::Settings,
    /// The settings of the senders of outcomes and notifications.
    pub sender: sqs_consumer::SenderSettings,
    /// The stream consumer's settings.
    pub streams: dynamo_streams::Settings,
    /// The clock for reactions.
    pub clock: Clock,
    /// For whom each source may act.
    pub sources: SourceRules,
}

/// The maximum of attempts of a reaction that may still succeed: about an hour, so an outage parks no records. A reaction that can't
/// succeed is parked at once.
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
            sources: SourceRules::default(),
        }
    }
}

/// Returns settings for a stack on this machine, where requests are cheap and one process uses the stack.
///
/// Reactions follow within a tenth of a second. After a kill, a restarted processor takes over its former shards within five seconds.
/// A drain waits at most a second for the poll in flight.
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
