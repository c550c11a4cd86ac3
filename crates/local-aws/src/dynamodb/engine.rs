//! dynoxide's server on a hidden loopback address, in a separate thread and runtime, because its handlers block.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use dynoxide::{Database, DynoxideError};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::{expiry, tokens};
use crate::data_dir::DataDir;
use crate::ledger::Ledger;
use crate::loopback::listen_hidden;
use crate::streams;

pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Threads that serve the database: one runs SQL under a lock, the other reads and writes JSON meanwhile.
const WORKER_THREADS: usize = 2;

/// The stack of such a thread, in bytes: dynoxide's parsers call themselves once for each parenthesis, and [`nesting`](super::nesting) lets
/// some hundred pass, which a build without optimisation gives several kilobytes each. Untouched pages of it cost nothing.
const STACK_BYTES: usize = 32 * 1024 * 1024;

/// A running database server. Dropping it stops the server without waiting.
#[derive(Debug)]
pub(super) struct Engine {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), String>>,
}

/// The database that a started engine serves.
pub(super) struct Opened {
    pub(super) database: Database,
    pub(super) ledger: Ledger,
    pub(super) address: SocketAddr,
}

impl Engine {
    /// Opens the database. The server accepts requests when this returns.
    pub(super) async fn start(data_dir: Arc<DataDir>) -> Result<(Self, Opened), BoxError> {
        let (stop, stopped) = oneshot::channel();
        let (started, start) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("local-dynamodb".into())
            .spawn(move || run(&data_dir, started, stopped))?;
        let opened = start.await.map_err(|_| "the database's thread ended")??;
        Ok((Self { stop, thread }, opened))
    }

    /// Waits for requests in flight, closes the database and waits for its thread.
    pub(super) async fn stop(self) -> Result<(), BoxError> {
        // The receiver is gone only if the server has ended already; joining returns its error.
        let _ = self.stop.send(());
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_| "the database's thread panicked")??;
        Ok(())
    }
}

/// The body of the thread; it holds the data folder until the database is closed.
fn run(
    data_dir: &DataDir,
    started: oneshot::Sender<Result<Opened, BoxError>>,
    stopped: oneshot::Receiver<()>,
) -> Result<(), String> {
    let (runtime, listener, opened) = match open(&data_dir.dynamodb_file()) {
        Ok(parts) => parts,
        Err(error) => {
            // If the starter was dropped, nobody needs the error.
            let _ = started.send(Err(error));
            return Ok(());
        }
    };
    let database = opened.database.clone();
    if started.send(Ok(opened)).is_err() {
        return Ok(());
    }
    let until_stopped = async {
        let _ = stopped.await;
    };
    runtime.block_on(dynoxide::server::serve_with_shutdown(
        listener,
        database,
        until_stopped,
    ))
}

fn open(file: &Path) -> Result<(Runtime, TcpListener, Opened), BoxError> {
    let path = file.to_str().ok_or("the folder's name is not UTF-8")?;
    let database = Database::new(path)?;
    // Despite its name, this sets `synchronous = NORMAL` (see the README); dynoxide's default flushes to
    // the disk at each commit.
    database.disable_bulk_loading()?;
    let ledger = Ledger::open(file, &[streams::SCHEMA, expiry::SCHEMA].concat())?;
    make_token_table(&database)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKER_THREADS)
        .thread_stack_size(STACK_BYTES)
        .thread_name("local-dynamodb")
        .enable_all()
        .build()?;
    let listener = {
        let _inside = runtime.enter();
        listen_hidden()?
    };
    let address = listener.local_addr()?;
    let opened = Opened {
        database,
        ledger,
        address,
    };
    Ok((runtime, listener, opened))
}

fn make_token_table(database: &Database) -> Result<(), BoxError> {
    let request = serde_json::from_value(tokens::table_definition())?;
    match database.create_table(request) {
        Ok(_) | Err(DynoxideError::ResourceInUseException(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
