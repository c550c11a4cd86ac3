//! An embedded stack of a test's own.

use local_aws::{Config, LocalAws};
use tempfile::TempDir;

/// The services, on a folder that goes with them.
pub(crate) struct Embedded {
    aws: LocalAws,
    _data: TempDir,
}

impl Embedded {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let config = Config {
            data_dir: data.path().to_owned(),
            port: 0,
        };
        let aws = LocalAws::start(config).await;
        Self {
            aws: aws.expect("the embedded stack starts"),
            _data: data,
        }
    }

    pub(crate) fn endpoint(&self) -> &str {
        self.aws.endpoint_url()
    }

    pub(crate) async fn stop(self) {
        self.aws.shutdown().await.expect("a clean end");
    }
}
