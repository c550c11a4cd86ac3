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
