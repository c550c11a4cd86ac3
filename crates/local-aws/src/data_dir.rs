//! The data folder: created if absent, locked by one instance at a time, with a manifest of the files that it must have.
//!
//! SQLite takes a missing or empty file for a new database. The manifest tells the two apart: a file that it lists and that is missing or empty is
//! told, and nothing is created in its place.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::place::Place;

/// The database file of the tables and their streams.
const DYNAMODB: &str = "dynamodb.sqlite";
/// The database file of the queues.
pub(crate) const SQS: &str = "sqs.db";
const MANIFEST: &str = "manifest.json";
const FORMAT: u32 = 1;

/// A data folder, locked until the last clone is dropped or the process ends, also if it crashes.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    manifest: Mutex<Manifest>,
    lock: Arc<File>,
}

/// What a folder must have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// The files with data in them.
    files: Vec<String>,
    /// The account and region whose data lies in the folder itself; others have a folder in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    home: Option<Place>,
}

impl DataDir {
    /// Creates the folder if needed, locks its lock file and checks that the files of its manifest are there.
    ///
    /// # Errors
    ///
    /// [`Error::DataDirNotWritable`], [`Error::DataDirInUse`], [`Error::DataFileMissing`], [`Error::Manifest`] and [`Error::DiskFull`].
    pub(crate) fn claim(path: &Path) -> Result<Self, Error> {
        let failed = |source| not_writable(path, source);
        fs::create_dir_all(path).map_err(failed)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => Self::open(path.to_path_buf(), Arc::new(lock)),
            Err(TryLockError::WouldBlock) => Err(Error::DataDirInUse {
                path: path.to_path_buf(),
            }),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Opens the folder of another account or region in this one, under the same lock.
    ///
    /// # Errors
    ///
    /// As [`claim`](Self::claim).
    pub(crate) fn of(&self, place: &Place) -> Result<Self, Error> {
        let path = self.path.join(&place.account).join(&place.region);
        fs::create_dir_all(&path).map_err(|source| not_writable(&path, source))?;
        Self::open(path, Arc::clone(&self.lock))
    }

    fn open(path: PathBuf, lock: Arc<File>) -> Result<Self, Error> {
        let manifest = read(&path)?;
        let listed = manifest.files.iter().map(|name| path.join(name));
        if let Some(missing) = listed.into_iter().find(|file| !has_data(file)) {
            return Err(Error::DataFileMissing { path: missing });
        }
        let dir = Self {
            path,
            manifest: Mutex::new(manifest),
            lock,
        };
        dir.change(|manifest| manifest.format = FORMAT)?;
        Ok(dir)
    }

    /// Records that both databases have been made.
    pub(crate) fn record_files(&self) -> Result<(), Error> {
        self.change(|manifest| manifest.files = vec![DYNAMODB.to_owned(), SQS.to_owned()])
    }

    /// The account and region whose data lies in this folder; the first that asks, if it was none's so far.
    pub(crate) fn home_of(&self, place: &Place) -> Result<Place, Error> {
        self.change(|manifest| {
            manifest.home.get_or_insert_with(|| place.clone());
        })?;
        Ok(self.home().unwrap_or_default())
    }

    /// The account and region whose data lies in this folder, if there is one.
    pub(crate) fn home(&self) -> Option<Place> {
        let manifest = self.manifest.lock();
        manifest
            .unwrap_or_else(PoisonError::into_inner)
            .home
            .clone()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn dynamodb_file(&self) -> PathBuf {
        self.path.join(DYNAMODB)
    }

    /// Writes the manifest if `change` changes it.
    fn change(&self, change: impl FnOnce(&mut Manifest)) -> Result<(), Error> {
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        let before = manifest.clone();
        change(&mut manifest);
        if *manifest == before && self.path.join(MANIFEST).exists() {
            return Ok(());
        }
        let written = serde_json::to_vec_pretty(&*manifest).map_err(io::Error::from);
        let written = written.and_then(|bytes| write(&self.path, &bytes));
        written.map_err(|source| not_writable(&self.path, source))
    }
}

/// Replaces the manifest as a whole, so that an end of the process leaves the old one or the new one.
fn write(folder: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = folder.join("manifest.new");
    let mut file = File::create(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(new, folder.join(MANIFEST))
}

/// Reads the manifest. A folder of before there were manifests has both files or none.
fn read(folder: &Path) -> Result<Manifest, Error> {
    let path = folder.join(MANIFEST);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .ok()
            .filter(|manifest: &Manifest| manifest.format <= FORMAT)
            .ok_or(Error::Manifest { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let files = [DYNAMODB, SQS];
            let old = files.iter().any(|name| has_data(&folder.join(name)));
            let files = files.into_iter().filter(|_| old).map(str::to_owned);
            Ok(Manifest {
                files: files.collect(),
                ..Manifest::default()
            })
        }
        Err(source) => Err(not_writable(folder, source)),
    }
}

fn has_data(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() > 0)
}

fn not_writable(path: &Path, source: io::Error) -> Error {
    let path = path.to_path_buf();
    if source.kind() == io::ErrorKind::StorageFull {
        return Error::DiskFull { path };
    }
    Error::DataDirNotWritable { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder whose two files were made, with this file put in its place afterwards (`None` removes it).
    fn reopened(name: &str, content: Option<&str>, manifest: bool) -> Result<DataDir, Error> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = DataDir::claim(folder.path()).expect("a new folder");
        for file in [DYNAMODB, SQS] {
            fs::write(folder.path().join(file), "data").expect("a file");
        }
        dir.record_files().expect("it is recorded");
        drop(dir);
        if !manifest {
            fs::remove_file(folder.path().join(MANIFEST)).expect("it was written");
        }
        match content {
            Some(content) => fs::write(folder.path().join(name), content).expect("a file"),
            None => fs::remove_file(folder.path().join(name)).expect("it was there"),
        }
        DataDir::claim(folder.path())
    }

    #[test]
    fn a_missing_or_empty_file_is_told_with_or_without_a_manifest() {
        for name in [DYNAMODB, SQS] {
            for content in [None, Some("")] {
                for manifest in [true, false] {
                    let told = reopened(name, content, manifest);
                    let told = told.expect_err("it is told").to_string();
                    assert!(told.contains(name), "{name} {content:?} {manifest}: {told}");
                }
            }
            assert!(reopened(name, Some("sound"), true).is_ok());
            assert!(reopened(name, Some("sound"), false).is_ok());
        }
    }

    #[test]
    fn a_first_start_that_was_broken_off_is_repeated() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        drop(DataDir::claim(folder.path()).expect("a new folder"));
        fs::write(folder.path().join(SQS), "data").expect("a file");
        assert!(DataDir::claim(folder.path()).is_ok());
    }

    #[test]
    fn a_manifest_that_cannot_be_read_or_is_newer_is_told() {
        for content in ["", "{}", "{\"format\":2,\"files\":[]}"] {
            let told = reopened(MANIFEST, Some(content), true);
            assert!(matches!(told, Err(Error::Manifest { .. })), "{content}");
        }
    }

    #[test]
    fn the_first_place_is_at_home_for_good() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let place = |region: &str| Place {
            region: region.to_owned(),
            ..Place::default()
        };
        let dir = DataDir::claim(folder.path()).expect("a new folder");
        assert_eq!(dir.home(), None);
        assert_eq!(
            dir.home_of(&place("eu-west-1")).ok(),
            Some(place("eu-west-1"))
        );
        assert_eq!(
            dir.home_of(&place("us-east-1")).ok(),
            Some(place("eu-west-1"))
        );
        drop(dir);
        let again = DataDir::claim(folder.path()).expect("a sound folder");
        assert_eq!(again.home(), Some(place("eu-west-1")));
    }
}
