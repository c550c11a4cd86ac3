use std::io;
use std::path::PathBuf;

use crate::sqs::SqsOpenError;

/// Why [`LocalAws`](crate::LocalAws) did not start or did not stop cleanly. The text of each variant says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another program listens on the port.
    #[error(
        "port {port} is in use: stop the program that listens on it, or choose another port (0 takes any free one)"
    )]
    PortInUse {
        /// The port.
        port: u16,
    },
    /// The endpoint can't listen for another reason, such as a privileged port.
    #[error("can't listen on 127.0.0.1:{port}: choose another port (0 takes any free one)")]
    Listen {
        /// The port.
        port: u16,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// The data folder can't be created or written to.
    #[error("can't write to the data folder {}: check that it is a folder you may write to, or choose another", path.display())]
    DataDirNotWritable {
        /// The data folder.
        path: PathBuf,
        /// The operating system's error.
        #[source]
        source: io::Error,
    },
    /// Another instance, in this process or another, runs on the data folder.
    #[error("the data folder {} is in use by another running instance: stop that one, or choose another folder", path.display())]
    DataDirInUse {
        /// The data folder.
        path: PathBuf,
    },
    /// A database file of the folder's manifest is missing or empty.
    #[error("{} is missing or empty, although this data folder had data in it: put the file back, or move the whole folder away to start afresh", path.display())]
    DataFileMissing {
        /// The database file.
        path: PathBuf,
    },
    /// The folder's manifest can't be read, or is of a newer version.
    #[error("{} can't be read: it may be damaged or written by a newer version; if both database files beside it are sound, remove it", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
    },
    /// The disk has no room left.
    #[error("the disk that holds {} is full: make room; nothing is damaged", path.display())]
    DiskFull {
        /// The data folder or a file in it.
        path: PathBuf,
    },
    /// The database file of DynamoDB and its streams can't be opened.
    #[error("can't open the DynamoDB database {}: it may be damaged or written by a newer version; move it away to start afresh", path.display())]
    OpenDynamoDb {
        /// The database file.
        path: PathBuf,
        /// The database's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database file of the queues can't be opened.
    #[error("can't open the SQS database in {}: it may be damaged or written by a newer version; move it away to start afresh", path.display())]
    OpenSqs {
        /// The data folder.
        path: PathBuf,
        /// The queue service's error.
        #[source]
        source: SqsOpenError,
    },
    /// The endpoint or the database behind it ended with an error.
    #[error("the endpoint did not stop cleanly; everything acknowledged is on disk")]
    Stop {
        /// The failure.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
