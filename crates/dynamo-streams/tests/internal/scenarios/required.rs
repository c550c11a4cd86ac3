//! The list of requirements and the tests it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const REQUIREMENTS: &str = include_str!("../../README.md");

/// Adds the names of the tests in a folder of sources: functions under a test attribute, and the checks
/// that the conformance suites list.
fn add_tests(folder: &Path, tests: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_tests(&path, tests);
        } else {
            add_tests_of(&fs::read_to_string(&path).unwrap(), tests);
        }
    }
}

fn add_tests_of(source: &str, tests: &mut BTreeSet<String>) {
    let (mut attributed, mut listed) = (false, false);
    for line in source.lines().map(str::trim) {
        if listed {
            listed = line != "}";
            tests.extend(line.strip_suffix(',').map(str::to_owned));
        } else if line == "both! {" {
            listed = true;
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            attributed = true;
        } else if attributed && let Some((_, name)) = line.split_once("fn ") {
            tests.extend(name.split('(').next().map(str::to_owned));
            attributed = false;
        }
    }
}

#[test]
fn every_test_that_the_requirements_name_exists() {
    let mut tests = BTreeSet::new();
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    add_tests(&package.join("src"), &mut tests);
    add_tests(&package.join("tests"), &mut tests);
    let (_, requirements) = REQUIREMENTS.split_once("# Requirements").unwrap();
    let (requirements, _) = requirements.split_once("# The model").unwrap();
    let rows = requirements
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| ")?
                .strip_suffix(" |")?
                .rsplit_once(" | ")
        })
        .filter(|(required, _)| *required != "requirement");
    let mut lines = 0;
    for (required, named) in rows {
        lines += 1;
        let named: Vec<&str> = named.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "no test checks: {required}");
        for name in named {
            assert!(tests.contains(name), "there is no test {name}: {required}");
        }
    }
    assert!(lines > 40, "{lines} requirements were found");
}
