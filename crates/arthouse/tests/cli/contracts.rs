//! The contracts under `infra/contracts` are those that the program writes.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::rig::{arthouse, run};

/// How to bring them up to date.
const COMMAND: &str = "cargo run -- schema --out infra/contracts";

/// Reads all files below a folder by their paths within it.
fn read(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|e| panic!("{}: {e}", next.display())) {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
            files.insert(name.to_owned(), fs::read_to_string(&path).unwrap());
        }
    }
    files
}

#[test]
fn the_contracts_in_the_repository_are_those_of_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    run(&mut arthouse(&["schema", "--out", out])).check(0, &[]);
    let written = read(folder.path());
    let kept = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/contracts"));
    assert_eq!(written.len(), 18);
    for (name, content) in &written {
        assert_eq!(
            kept.get(name),
            Some(content),
            "{name} differs: run `{COMMAND}`"
        );
    }
    let stray: Vec<_> = kept
        .keys()
        .filter(|name| !written.contains_key(*name))
        .collect();
    assert!(stray.is_empty(), "{stray:?} are not written by `{COMMAND}`");
}
