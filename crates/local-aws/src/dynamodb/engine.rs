//! dynoxide's server on a private loopback port, in a runtime and a thread of its own: its handlers block.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use dynoxide::Database;
use tokio::sync::oneshot;

use crate::data_dir::DataDir;
use crate::endpoint::listen;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Threads that serve the database: one runs SQL (a lock admits no second), the other reads and writes JSON meanwhile.
const WORKER_THREADS: usize = 2;

/// A running database server; dropping it stops it without waiting.
#[derive(Debug)]
pub(super) struct Engine {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), String>>,
}

impl Engine {
    /// Opens the database and serves it once this returns.
    pub(super) async fn start(data_dir: Arc<DataDir>) -> Result<Self, BoxError> {
        let (stop, stopped) = oneshot::channel();
        let (started, start) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("local-dynamodb".into())
            .spawn(move || run(data_dir, started, stopped))?;
        let address = start.await.map_err(|_| "the database's thread ended")??;
        Ok(Self {
            address,
            stop,
            thread,
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets requests in flight end, closes the database and waits for its thread.
    pub(super) async fn stop(self) -> Result<(), BoxError> {
        // The receiver is gone only if the server has ended already, which joining tells.
        let _ = self.stop.send(());
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| "the database's thread panicked")??;
        Ok(())
    }
}

/// The thread's whole life; the folder's lock is held until the database is closed.
fn run(
    _data_dir: Arc<DataDir>,
    started: oneshot::Sender<Result<SocketAddr, BoxError>>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), String> {
    let file = _data_dir.dynamodb_file();
    let opened = open(&file).and_then(|database| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(WORKER_THREADS)
            .thread_name("local-dynamodb")
            .enable_all()
            .build()?;
        let listener = {
            let _inside = runtime.enter();
            listen(0)?
        };
        Ok((database, runtime, listener.local_addr()?, listener))
    });
    let (database, runtime, address, listener) = match opened {
        Ok((database, runtime, address, listener)) => (database, runtime, address, listener),
        Err(error) => {
            let _ = started.send(Err(error));
            return Ok(());
        }
    };
    if started.send(Ok(address)).is_err() {
        return Ok(());
    }
    runtime.block_on(dynoxide::server::serve_with_shutdown(
        listener,
        database,
        async {
            let _ = stopped.await;
        },
    ))
}

fn open(file: &std::path::Path) -> Result<Database, BoxError> {
    let path = file.to_str().ok_or("the folder's name is not UTF-8")?;
    let database = Database::new(path)?;
    // Its name notwithstanding: sets `synchronous = NORMAL`, which with the write-ahead log keeps every
    // acknowledged write through a crash of the process; dynoxide's default syncs the disk at each commit.
    database.disable_bulk_loading()?;
    Ok(database)
}
