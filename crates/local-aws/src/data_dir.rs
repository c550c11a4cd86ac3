//! The data folder: created if absent, locked by one instance at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::Error;

/// A data folder, locked until the last clone is dropped or the process ends, also if it crashes.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Creates the folder if needed and locks its lock file.
    ///
    /// # Errors
    ///
    /// [`Error::DataDirNotWritable`] and [`Error::DataDirInUse`].
    pub(crate) fn claim(path: &Path) -> Result<Self, Error> {
        let not_writable = |source: io::Error| Error::DataDirNotWritable {
            path: path.to_path_buf(),
            source,
        };
        std::fs::create_dir_all(path).map_err(not_writable)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(not_writable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_path_buf(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(Error::DataDirInUse {
                path: path.to_path_buf(),
            }),
            Err(TryLockError::Error(source)) => Err(not_writable(source)),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn dynamodb_file(&self) -> PathBuf {
        self.path.join("dynamodb.sqlite")
    }
}
