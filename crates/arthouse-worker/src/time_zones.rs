//! The machine's copy of the IANA time zone database, which its updates keep newer than the program's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use arthouse_core::{TimeZoneData, TimeZoneVersion, time_zone_data, use_time_zone_data};
use tracing::{info, warn};

/// Where a machine has the database, unless `TZDIR` names another directory.
const DIRECTORY: &str = "/usr/share/zoneinfo";
/// A whole database has some 340 zones, and as many other names of them.
const MIN_ZONES: usize = 300;
/// The folders that have every zone once more, `right` with leap seconds, which no timetable counts.
const COPIES: [&str; 2] = ["posix", "right"];

/// Uses the machine's time zone data if it is of a later release than the program's copy, and logs which is in use. It has to be called at
/// the start, before anything reads a schedule.
pub fn use_newest_time_zones() {
    let named = std::env::var_os("TZDIR").filter(|name| !name.is_empty());
    let directory = named
        .clone()
        .map_or_else(|| DIRECTORY.into(), PathBuf::from);
    match offer(&directory) {
        Ok(_) => {}
        // Many machines have no database; one that is asked for has to be there.
        Err(error) if named.is_some() => {
            warn!(directory = %directory.display(), %error, "the time zone data in TZDIR is not used");
        }
        Err(_) => {}
    }
    let TimeZoneData { version, source } = time_zone_data();
    info!(%version, source, "time zone data");
}

fn offer(directory: &Path) -> io::Result<bool> {
    let data = TimeZoneData {
        version: version(directory)?,
        source: directory.display().to_string(),
    };
    use_time_zone_data(data, || zones(directory))
}

/// Reads the release: the first line of `tzdata.zi` is `# version 2026f`; macOS has it in `+VERSION`.
fn version(directory: &Path) -> io::Result<TimeZoneVersion> {
    let source = fs::read_to_string(directory.join("tzdata.zi"));
    let text = source.or_else(|_| fs::read_to_string(directory.join("+VERSION")))?;
    let release = text.strip_prefix("# version ").unwrap_or(&text);
    let unknown = || io::Error::new(io::ErrorKind::InvalidData, "its release is unknown");
    TimeZoneVersion::parse(release).ok_or_else(unknown)
}

/// Reads all zones, also those that only `tzdata.zi` says are another name of one.
fn zones(directory: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut zones = BTreeMap::new();
    read_folder(directory, "", &mut zones)?;
    let source = fs::read_to_string(directory.join("tzdata.zi")).unwrap_or_default();
    for link in source.lines().filter_map(|line| line.strip_prefix("L ")) {
        if let Some((target, name)) = link.split_once(' ')
            && !zones.contains_key(name)
            && let Some(file) = zones.get(target).cloned()
        {
            zones.insert(name.to_owned(), file);
        }
    }
    if zones.len() < MIN_ZONES {
        let few = format!("it has {} zones only", zones.len());
        return Err(io::Error::new(io::ErrorKind::InvalidData, few));
    }
    Ok(zones)
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    zones: &mut BTreeMap<String, Vec<u8>>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        // Links to folders are not followed.
        if entry.file_type()?.is_dir() {
            if !COPIES.contains(&name.as_str()) {
                read_folder(&entry.path(), &format!("{path}/"), zones)?;
            }
        } else if entry.path().is_file() {
            let file = fs::read(entry.path())?;
            if file.starts_with(b"TZif") {
                zones.insert(path, file);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a zone file begins with (RFC 9636).
    const FILE: &[u8] = b"TZif2";

    fn database(version: &str, zones: usize) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for folder in ["Europe", "right", "posix"] {
            fs::create_dir(path(folder)).unwrap();
        }
        for n in 0..zones {
            fs::write(path(&format!("Europe/Town{n}")), FILE).unwrap();
        }
        fs::write(path("right/Europe"), FILE).unwrap();
        fs::write(path("zone.tab"), "no zone").unwrap();
        let source = format!("{version}\nZ Europe/Town0 1 - CET\nL Europe/Town0 Town\n");
        fs::write(path("tzdata.zi"), source).unwrap();
        directory
    }

    #[test]
    fn the_release_is_in_the_first_line_or_in_a_file_of_its_own() {
        let release = |text: &str| {
            let directory = database(text, 0);
            version(directory.path()).map_err(|error| error.to_string())
        };
        let known = TimeZoneVersion::parse("2026f").unwrap();
        assert_eq!(release("# version 2026f"), Ok(known.clone()));
        assert_eq!(release("# version 2026f-3-g12345-dirty"), Ok(known.clone()));
        assert_eq!(
            release("# version unknown"),
            Err("its release is unknown".to_owned())
        );
        let directory = tempfile::tempdir().unwrap();
        assert!(version(directory.path()).is_err());
        fs::write(directory.path().join("+VERSION"), "2026f\n").unwrap();
        assert_eq!(version(directory.path()).ok(), Some(known));
    }

    #[test]
    fn all_zones_and_links_are_read_once() {
        let directory = database("# version 2999a", MIN_ZONES);
        let zones = zones(directory.path()).unwrap();
        assert_eq!(zones.len(), MIN_ZONES + 1);
        assert_eq!(zones["Town"], zones["Europe/Town0"]);
        assert!(!zones.keys().any(|name| name.starts_with("right")));
    }

    #[test]
    fn a_part_of_a_database_is_not_used() {
        let directory = database("# version 2999a", MIN_ZONES - 2);
        let error = offer(directory.path()).unwrap_err();
        assert_eq!(error.to_string(), "it has 299 zones only");
    }

    #[test]
    fn an_older_database_is_not_used_and_not_read() {
        let directory = database("# version 2020a", 0);
        assert!(!offer(directory.path()).unwrap());
    }
}
