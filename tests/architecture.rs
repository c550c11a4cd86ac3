//! The arrows between the crates, held over what cargo says of the workspace (`README.md`, code map).

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Which crates of the workspace each crate may depend on. A new crate needs a line here and a sentence in the root README that says why a
/// module would not do.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("arthouse-core", &[]),
    ("arthouse-store", &["arthouse-core"]),
    ("sqs-consumer", &[]),
    ("dynamo-streams", &[]),
    (
        "arthouse-worker",
        &[
            "arthouse-core",
            "arthouse-store",
            "dynamo-streams",
            "sqs-consumer",
        ],
    ),
    ("local-aws", &[]),
    (
        "arthouse-lambda",
        &[
            "arthouse-store",
            "arthouse-worker",
            "dynamo-streams",
            "sqs-consumer",
        ],
    ),
    (
        "arthouse-web",
        &[
            "arthouse-core",
            "arthouse-store",
            "arthouse-worker",
            "dynamo-streams",
            "sqs-consumer",
        ],
    ),
    (
        "arthouse",
        &[
            "arthouse-core",
            "arthouse-store",
            "arthouse-web",
            "arthouse-worker",
            "dynamo-streams",
            "local-aws",
            "sqs-consumer",
        ],
    ),
    (
        "arthouse-tests",
        &[
            "arthouse",
            "arthouse-core",
            "arthouse-store",
            "arthouse-web",
            "arthouse-worker",
            "dynamo-streams",
            "local-aws",
            "sqs-consumer",
        ],
    ),
];

/// What the pure core may never meet.
const BANNED_FROM_CORE: [&str; 6] = [
    "tokio",
    "aws-config",
    "aws-sdk-dynamodb",
    "aws-sdk-sqs",
    "rand",
    "fastrand",
];

fn workspace() -> Metadata {
    MetadataCommand::new()
        .other_options(vec!["--locked".to_owned()])
        .exec()
        .expect("cargo tells of the workspace")
}

fn arrows(metadata: &Metadata) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<_> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    let packages = metadata.workspace_packages();
    let of = |package: &cargo_metadata::Package| {
        let normal = package
            .dependencies
            .iter()
            .filter(|d| d.kind == DependencyKind::Normal);
        normal
            .map(|d| d.name.clone())
            .filter(|name| members.contains(name))
            .collect()
    };
    packages
        .iter()
        .map(|package| (package.name.to_string(), of(package)))
        .collect()
}

#[test]
fn crates_depend_only_on_those_they_may() {
    let arrows = arrows(&workspace());
    let allowed: BTreeMap<_, BTreeSet<_>> = ALLOWED
        .iter()
        .map(|(name, may)| (*name, may.iter().copied().collect()))
        .collect();
    assert_eq!(
        arrows.keys().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>()
    );
    for (name, needs) in &arrows {
        for needed in needs {
            assert!(
                allowed[name.as_str()].contains(needed.as_str()),
                "{name} may not depend on {needed}"
            );
        }
    }
}

#[test]
fn generic_crates_use_no_crate_of_ours_but_the_local_stack_in_their_tests() {
    let metadata = workspace();
    for name in ["sqs-consumer", "dynamo-streams", "local-aws"] {
        let package = metadata
            .workspace_packages()
            .into_iter()
            .find(|package| *package.name == name)
            .expect("a crate");
        // Its own tests may switch on features of it.
        let others = package.dependencies.iter().filter(|d| d.name != name);
        let ours = others.filter(|d| d.path.is_some());
        for dependency in ours {
            assert_eq!(
                (dependency.kind, dependency.name.as_str()),
                (DependencyKind::Development, "local-aws"),
                "{name}"
            );
        }
    }
}

#[test]
fn the_core_is_pure() {
    let metadata = workspace();
    let resolve = metadata
        .resolve
        .as_ref()
        .expect("cargo resolves the workspace");
    let name = |id: &cargo_metadata::PackageId| metadata[id].name.to_string();
    let core = resolve
        .nodes
        .iter()
        .find(|node| name(&node.id) == "arthouse-core")
        .expect("the core");
    let normal = core.deps.iter().filter(|d| {
        d.dep_kinds
            .iter()
            .any(|kind| kind.kind == DependencyKind::Normal)
    });
    for dependency in normal {
        let found = name(&dependency.pkg);
        assert!(
            !BANNED_FROM_CORE.contains(&found.as_str()),
            "the core depends on {found}"
        );
    }
}

#[test]
fn the_lambda_function_carries_neither_the_local_stack_nor_the_command_line() {
    let metadata = workspace();
    let resolve = metadata
        .resolve
        .as_ref()
        .expect("cargo resolves the workspace");
    let nodes: BTreeMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let name = |id: &cargo_metadata::PackageId| metadata[id].name.to_string();
    let lambda = nodes.keys().find(|id| name(id) == "arthouse-lambda");
    let mut waiting = vec![*lambda.expect("the function")];
    let mut carried = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if carried.insert(name(id)) {
            let normal = nodes[id].deps.iter().filter(|d| {
                d.dep_kinds
                    .iter()
                    .any(|kind| kind.kind == DependencyKind::Normal)
            });
            waiting.extend(normal.map(|d| &d.pkg));
        }
    }
    assert!(carried.contains("sqs-consumer"), "{carried:?}");
    for banned in ["rusqlite", "dynoxide-rs", "local-aws", "clap", "arthouse"] {
        assert!(
            !carried.contains(banned),
            "the Lambda function carries {banned}"
        );
    }
}

#[test]
fn directories_are_named_as_their_packages() {
    for package in workspace().workspace_packages() {
        let directory = package
            .manifest_path
            .parent()
            .and_then(|path| path.file_name())
            .expect("a directory");
        assert!(
            directory == package.name.as_str() || package.name == "arthouse-tests",
            "{directory}"
        );
    }
}
