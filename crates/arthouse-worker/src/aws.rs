//! The AWS clients, for an endpoint on this machine or by the SDK's conventions.

use std::net::IpAddr;
use std::time::Duration;

use aws_config::environment::{
    EnvironmentVariableCredentialsProvider, EnvironmentVariableRegionProvider,
};
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;

/// The default region for an endpoint on this machine. Only signatures and ARNs contain it.
pub const LOCAL_REGION: &str = "eu-west-1";
/// The default access key and secret for an endpoint on this machine, which does not check them.
pub const LOCAL_CREDENTIALS: &str = "local";

/// How long requests may take. Responses take milliseconds; a late one is lost, and the attempt is better made anew. A request to SQS may
/// be a long poll, of 20 s at most, and has so much longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// Of work that must go on through an outage: 5 s an attempt, 15 s a request with its retries.
    Daemon,
    /// Of what a person waits for: 3 s an attempt, 8 s a request with its retries.
    Operator,
}

impl Limits {
    /// The limits of a request whose answer the service may put off for so long.
    fn timeouts(self, put_off: Duration) -> TimeoutConfig {
        let (attempt, request) = match self {
            Self::Daemon => (5, 15),
            Self::Operator => (3, 8),
        };
        TimeoutConfig::builder()
            .operation_attempt_timeout(put_off + Duration::from_secs(attempt))
            .operation_timeout(put_off + Duration::from_secs(request))
            .build()
    }

    /// The longest poll: nobody polls for a person who waits.
    fn longest_poll(self) -> Duration {
        match self {
            Self::Daemon => Duration::from_secs(20),
            Self::Operator => Duration::ZERO,
        }
    }
}

/// Why there are no clients.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientsError {
    /// Neither the environment nor a profile nor the machine's metadata service names a region.
    #[error(
        "no AWS region is set: set AWS_REGION or a profile's region; for a stack on this machine, run `arthouse local` and set \
         AWS_ENDPOINT_URL to the endpoint that it prints"
    )]
    NoRegion,
    /// An endpoint is no URL that can be reached.
    #[error(
        "invalid endpoint {url:?} in {place}: must be http:// or https://, a host and a port if it is not the usual one, such as \
         http://127.0.0.1:4566; for AWS itself, unset it"
    )]
    Endpoint {
        /// The setting that names it.
        place: &'static str,
        /// The endpoint.
        url: String,
    },
}

/// The variables that name an endpoint of a service that is used, as the SDK reads them.
const ENDPOINT_VARIABLES: [&str; 4] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_DYNAMODB_STREAMS",
    "AWS_ENDPOINT_URL_SQS",
];

#[cfg(feature = "aws-lc")]
const CRYPTOGRAPHY: CryptoMode = CryptoMode::AwsLc;
#[cfg(all(feature = "ring", not(feature = "aws-lc")))]
const CRYPTOGRAPHY: CryptoMode = CryptoMode::Ring;
#[cfg(not(any(feature = "ring", feature = "aws-lc")))]
compile_error!("choose the cryptography of HTTPS connections: feature `ring` or `aws-lc`");

/// A client of each service.
#[derive(Debug, Clone)]
pub struct Clients {
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// DynamoDB Streams.
    pub streams: aws_sdk_dynamodbstreams::Client,
    /// SQS.
    pub sqs: aws_sdk_sqs::Client,
}

impl Clients {
    /// Makes clients of a local endpoint, over plain HTTP and independent of the environment.
    pub fn for_endpoint(url: &str) -> Self {
        let config = SdkConfig::builder()
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(url)
            .region(Region::from_static(LOCAL_REGION))
            .credentials_provider(SharedCredentialsProvider::new(local_credentials()))
            .build();
        Self::new(&config)
    }

    /// Makes clients by the SDK's conventions: `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_PROFILE`, and credentials from the places in which
    /// the SDK looks for them. For an endpoint on this machine, region and credentials may be missing.
    ///
    /// # Errors
    /// Says what to set where the region is not known or an endpoint is invalid.
    pub async fn from_env(limits: Limits) -> Result<Self, ClientsError> {
        for place in ENDPOINT_VARIABLES {
            let url = std::env::var(place).unwrap_or_default();
            if !url.is_empty() {
                check_endpoint(place, &url)?;
            }
        }
        let region = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
            .or_else(ProfileFileRegionProvider::new())
            .region()
            .await;
        // Without a region, the loader would ask the machine's metadata service, which takes a while if there is none.
        let given = region.clone().unwrap_or(Region::from_static(LOCAL_REGION));
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https())
            .region(given)
            .load()
            .await;
        if let Some(url) = config.endpoint_url() {
            check_endpoint("the profile's endpoint_url", url)?;
        }
        if config.endpoint_url().is_some_and(is_loopback) {
            return Ok(Self::with_limits(&with_credentials(config), limits));
        }
        if region.is_some() {
            return Ok(Self::with_limits(&config, limits));
        }
        // Last, the metadata service.
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(https())
            .load()
            .await;
        if config.region().is_none() {
            return Err(ClientsError::NoRegion);
        }
        Ok(Self::with_limits(&config, limits))
    }

    /// Makes clients of an SDK configuration, with [`Limits::Daemon`].
    pub fn new(config: &SdkConfig) -> Self {
        Self::with_limits(config, Limits::Daemon)
    }

    fn with_limits(config: &SdkConfig, limits: Limits) -> Self {
        let with = |put_off| {
            let timeouts = limits.timeouts(put_off);
            config.to_builder().timeout_config(timeouts).build()
        };
        let (prompt, polled) = (with(Duration::ZERO), with(limits.longest_poll()));
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&prompt),
            streams: aws_sdk_dynamodbstreams::Client::new(&prompt),
            sqs: aws_sdk_sqs::Client::new(&polled),
        }
    }
}

/// Makes the HTTP client of all requests that may leave this machine.
fn https() -> SharedHttpClient {
    aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CRYPTOGRAPHY))
        .build_https()
}

/// Why a document could not be read over HTTP.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The address is not a URL.
    #[error("invalid URL")]
    Url(#[source] aws_smithy_runtime_api::http::HttpError),
    /// There was no answer.
    #[error("no answer")]
    Connection(#[source] aws_smithy_runtime_api::client::result::ConnectorError),
    /// The answer was no success.
    #[error("HTTP status {0}")]
    Status(u16),
    /// The answer broke off.
    #[error("the answer broke off")]
    Body(#[source] aws_smithy_types::byte_stream::error::Error),
    /// There was no answer in time.
    #[error("no answer within {} s", FETCH_TIMEOUT.as_secs())]
    TimedOut,
}

/// How long a document may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// Reads a document over HTTPS, or HTTP, with the connections that the AWS clients have.
///
/// # Errors
/// Says why not.
pub async fn fetch(url: &str) -> Result<Vec<u8>, FetchError> {
    let tls =
        aws_smithy_http_client::Connector::builder().tls_provider(Provider::Rustls(CRYPTOGRAPHY));
    let connector = tls.build();
    let request = HttpRequest::get(url).map_err(FetchError::Url)?;
    let reading = async {
        let response = connector
            .call(request)
            .await
            .map_err(FetchError::Connection)?;
        if !response.status().is_success() {
            return Err(FetchError::Status(response.status().as_u16()));
        }
        let body = ByteStream::new(response.into_body()).collect().await;
        Ok(body.map_err(FetchError::Body)?.to_vec())
    };
    let read = tokio::time::timeout(FETCH_TIMEOUT, reading).await;
    read.map_err(|_| FetchError::TimedOut)?
}

/// Adds default credentials for an endpoint on this machine, without asking metadata services or logins.
fn with_credentials(config: SdkConfig) -> SdkConfig {
    let credentials = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Profile", ProfileFileCredentialsProvider::builder().build())
    .or_else("Local", local_credentials());
    let credentials = SharedCredentialsProvider::new(credentials);
    config
        .into_builder()
        .credentials_provider(credentials)
        .build()
}

fn local_credentials() -> Credentials {
    Credentials::new(
        LOCAL_CREDENTIALS,
        LOCAL_CREDENTIALS,
        None,
        None,
        "arthouse local",
    )
}

fn check_endpoint(place: &'static str, url: &str) -> Result<(), ClientsError> {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let is_http = scheme.is_some_and(|scheme| {
        ["http", "https"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
    });
    let can_be = host_and_port(url).is_some_and(|(host, port)| {
        !host.is_empty()
            && !url.contains(char::is_whitespace)
            && port.is_none_or(|port| port.parse::<u16>().is_ok())
    });
    if is_http && can_be {
        return Ok(());
    }
    Err(ClientsError::Endpoint {
        place,
        url: url.to_owned(),
    })
}

/// Returns a URL's host, without the brackets of an IPv6 address, and its port if it names one.
fn host_and_port(url: &str) -> Option<(&str, Option<&str>)> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    if let Some((address, port)) = authority
        .strip_prefix('[')
        .and_then(|it| it.split_once(']'))
    {
        return Some((address, port.strip_prefix(':')));
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

fn is_loopback(url: &str) -> bool {
    let host = host_and_port(url).map_or("", |(host, _)| host);
    host == "localhost"
        || host.ends_with(".localhost")
        || host
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_on_this_machine_or_not() {
        for local in [
            "http://127.0.0.1:4566",
            "http://localhost:4566/",
            "http://[::1]:4566",
            "https://arthouse.localhost/x",
            "http://127.8.8.8",
        ] {
            assert!(is_loopback(local), "{local}");
        }
        for other in [
            "https://dynamodb.eu-west-1.amazonaws.com",
            "http://localstack:4566",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "http://10.0.0.1?localhost",
            "http://example.com/127.0.0.1",
            "localhost:4566",
            "",
        ] {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn an_endpoint_has_a_scheme_a_host_and_a_port_that_can_be() {
        let check = |url| check_endpoint("AWS_ENDPOINT_URL", url).is_ok();
        for good in [
            "http://127.0.0.1:4566",
            "https://dynamodb.eu-west-1.amazonaws.com",
            "http://[::1]:4566/",
            "http://localstack:4566/x?y",
            "HTTPS://name:word@host",
        ] {
            assert!(check(good), "{good}");
        }
        for bad in [
            "localhost:4566",
            "ftp://x",
            "garbage",
            "http://",
            "http://:80",
            "http:///x",
            "http://h:port",
            "http://h:70000",
            "http://a b",
            "://h",
        ] {
            assert!(!check(bad), "{bad}");
        }
    }
}
