//! The services in a folder, and a client without retries.

use std::path::Path;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_sqs::types::QueueAttributeName;
use local_aws::{Config, LocalAws};
use tempfile::TempDir;

pub(crate) struct Local {
    pub(crate) client: Client,
    pub(crate) aws: LocalAws,
    _directory: TempDir,
}

impl Local {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let aws = open(directory.path()).await;
        Self {
            client: client(&aws),
            aws,
            _directory: directory,
        }
    }
}

pub(crate) async fn open(directory: &Path) -> LocalAws {
    LocalAws::start(Config {
        data_dir: directory.to_owned(),
        port: 0,
    })
    .await
    .unwrap()
}

pub(crate) fn client(aws: &LocalAws) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new("any", "thing", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(aws.endpoint_url())
        .build();
    Client::from_conf(config)
}

/// Creates a queue with these attributes and returns its URL.
pub(crate) async fn create(
    client: &Client,
    name: &str,
    attributes: &[(QueueAttributeName, &str)],
) -> String {
    let mut create = client.create_queue().queue_name(name);
    for (attribute, value) in attributes {
        create = create.attributes(attribute.clone(), *value);
    }
    create.send().await.unwrap().queue_url.unwrap()
}
