//! Clients with timeouts: without one, a request on a lost connection would wait for ever.

use std::time::Duration;

use aws_sdk_dynamodb::config::timeout::TimeoutConfig;

/// The timeout of one attempt; each request of this crate normally takes milliseconds.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(5);
/// The timeout of a request with its retries.
const OPERATION: Duration = Duration::from_secs(15);

pub(crate) fn bounded_dynamo(client: &aws_sdk_dynamodb::Client) -> aws_sdk_dynamodb::Client {
    let config = client.config();
    let limits = limits(config.timeout_config());
    aws_sdk_dynamodb::Client::from_conf(config.to_builder().timeout_config(limits).build())
}

pub(crate) fn bounded_streams(
    client: &aws_sdk_dynamodbstreams::Client,
) -> aws_sdk_dynamodbstreams::Client {
    let config = client.config();
    let limits = limits(config.timeout_config());
    aws_sdk_dynamodbstreams::Client::from_conf(config.to_builder().timeout_config(limits).build())
}

/// Keeps the timeouts of the client and adds the missing ones.
fn limits(own: Option<&TimeoutConfig>) -> TimeoutConfig {
    let defaults = TimeoutConfig::builder()
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(OPERATION)
        .build();
    match own {
        None => defaults,
        Some(own) => {
            let mut limits = own.clone();
            limits.take_defaults_from(&defaults);
            limits
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_the_users_own_is_kept_and_a_missing_one_added() {
        let own = TimeoutConfig::builder()
            .operation_attempt_timeout(Duration::from_secs(1))
            .build();
        let limits = limits(Some(&own));
        assert_eq!(
            limits.operation_attempt_timeout(),
            Some(Duration::from_secs(1))
        );
        assert_eq!(limits.operation_timeout(), Some(OPERATION));
        assert_eq!(
            super::limits(None).operation_attempt_timeout(),
            Some(ATTEMPT)
        );
    }
}
