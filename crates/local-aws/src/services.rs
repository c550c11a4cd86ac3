//! The services of each account and region. The first that asks has the data folder itself; each other one has a folder in it, opened when it is
//! first asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::Mutex;

use crate::data_dir::DataDir;
use crate::dynamodb::DynamoDb;
use crate::place::Place;
use crate::reply::{Reply, fault};
use crate::sqs::{SqsOpenError, SqsService};
use crate::{Error, Pace};

/// The most accounts and regions besides the first. Each has two threads and two files.
const MOST: usize = 16;

/// The services of one account and region.
#[derive(Debug)]
pub(crate) struct Regional {
    pub(crate) dynamodb: DynamoDb,
    pub(crate) sqs: SqsService,
}

/// The services of all accounts and regions.
#[derive(Debug)]
pub(crate) struct Services {
    data_dir: Arc<DataDir>,
    pace: Pace,
    home: Arc<Regional>,
    others: Mutex<BTreeMap<Place, Arc<Regional>>>,
}

impl Regional {
    async fn open(data_dir: Arc<DataDir>, pace: Pace) -> Result<Self, Error> {
        let path = data_dir.path().to_path_buf();
        let sqs = SqsService::open(&path, Some(pace.seed)).map_err(|source| match source {
            SqsOpenError::DiskFull { path } => Error::DiskFull { path },
            SqsOpenError::InUse { .. }
            | SqsOpenError::LaterFormat { .. }
            | SqsOpenError::Unreadable { .. }
            | SqsOpenError::Thread(_) => Error::OpenSqs { path, source },
        })?;
        let dynamodb = DynamoDb::open(Arc::clone(&data_dir), pace).await?;
        data_dir.record_files()?;
        Ok(Self { dynamodb, sqs })
    }

    async fn close(&self) -> Result<(), Error> {
        self.sqs.close().await;
        let closed = self.dynamodb.close().await;
        closed.map_err(|source| Error::Stop { source })
    }
}

impl Services {
    /// Opens the services of the data folder itself.
    pub(crate) async fn open(data_dir: DataDir, pace: Pace) -> Result<Self, Error> {
        let data_dir = Arc::new(data_dir);
        Ok(Self {
            home: Arc::new(Regional::open(Arc::clone(&data_dir), pace.clone()).await?),
            others: Mutex::default(),
            data_dir,
            pace,
        })
    }

    /// Returns the services of an account and region, and which they are: for a request without a signature, those of the data folder itself.
    pub(crate) async fn of(&self, place: Option<Place>) -> Result<(Arc<Regional>, Place), Reply> {
        let Some(place) = place else {
            let home = self.data_dir.home().unwrap_or_default();
            return Ok((Arc::clone(&self.home), home));
        };
        let home = match self.data_dir.home() {
            Some(home) => home,
            None => self.data_dir.home_of(&place).map_err(|e| not_opened(&e))?,
        };
        if place == home {
            return Ok((Arc::clone(&self.home), place));
        }
        let mut others = self.others.lock().await;
        if let Some(open) = others.get(&place) {
            return Ok((Arc::clone(open), place));
        }
        if others.len() >= MOST {
            return Err(fault(
                StatusCode::BAD_REQUEST,
                "com.amazon.coral.service#AccessDeniedException",
                &format!(
                    "local-aws has {MOST} accounts and regions open already besides the first one: restart it, or use one of them"
                ),
            ));
        }
        let dir = self.data_dir.of(&place).map_err(|e| not_opened(&e))?;
        let opened = Regional::open(Arc::new(dir), self.pace.clone()).await;
        let opened = Arc::new(opened.map_err(|e| not_opened(&e))?);
        others.insert(place.clone(), Arc::clone(&opened));
        Ok((opened, place))
    }

    /// Answers waiting receives and closes all files. A second call is a no-op.
    pub(crate) async fn close_queues(&self) {
        self.home.sqs.close().await;
        for other in self.others.lock().await.values() {
            other.sqs.close().await;
        }
    }

    pub(crate) async fn close(&self) -> Result<(), Error> {
        let mut closed = self.home.close().await;
        for other in std::mem::take(&mut *self.others.lock().await).values() {
            closed = closed.and(other.close().await);
        }
        closed
    }
}

fn not_opened(error: &Error) -> Reply {
    tracing::error!(error = ?error, "the services of an account and region were not opened");
    fault(
        StatusCode::INTERNAL_SERVER_ERROR,
        "com.amazon.coral.service#InternalFailure",
        &error.to_string(),
    )
}
