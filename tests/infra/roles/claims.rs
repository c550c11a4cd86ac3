//! What is claimed of the roles, read from the policies.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{PREFIX, documents, grants, policy, texts};
use crate::template::{self, ACCOUNT, REGION};

/// Actions for which AWS knows no resource narrower than all, and why they are needed.
const WITHOUT_RESOURCE: [(&str, &str); 2] = [
    (
        "ecr:GetAuthorizationToken",
        "the token is the registry's, not a repository's",
    ),
    (
        "dynamodb:ListStreams",
        "the streams of a table are found by it; a grant for a stream's ARN would never apply",
    ),
];

/// These are granted on everything, or the grant never applies; all that are granted on everything are of these.
#[test]
fn actions_without_resource_types_are_granted_on_everything() {
    let mut granted = BTreeSet::new();
    for (place, statement) in statements() {
        let actions = texts(&statement["Action"]);
        for (action, _) in WITHOUT_RESOURCE {
            if statement["Effect"] == "Allow" && actions.contains(action) {
                assert_eq!(statement["Resource"], "*", "{place}: {action}");
                granted.insert(action);
            }
        }
    }
    assert_eq!(granted, WITHOUT_RESOURCE.map(|(action, _)| action).into());
}

/// What may be done to items and streams; all else that DynamoDB offers is done to tables.
const ITEM_ACTIONS: [&str; 13] = [
    "BatchGetItem",
    "ConditionCheckItem",
    "DeleteItem",
    "DescribeStream",
    "DescribeTable",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "ListStreams",
    "PutItem",
    "Query",
    "Scan",
    "UpdateItem",
];

/// Producers are named, so that the statements for them are looked at too.
const PARAMETERS: [(&str, &str); 2] = [
    ("Prefix", PREFIX),
    ("ProducerArns", "arn:aws:iam::111122223333:role/site"),
];

/// Each statement of each policy of each template, with where it stands.
fn statements() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for name in template::ALL {
        for resource in template::resources(name, &PARAMETERS) {
            for document in documents(&resource) {
                let statements = document["Statement"].as_array().expect("statements");
                let place = format!("{name} {}", resource.id);
                found.extend(
                    statements
                        .iter()
                        .map(|statement| (place.clone(), statement.clone())),
                );
            }
        }
    }
    found
}

#[test]
fn nothing_is_allowed_by_a_bare_wildcard() {
    let statements = statements();
    assert!(statements.len() > 30, "{}", statements.len());
    for (place, statement) in statements {
        for inverted in ["NotAction", "NotResource", "NotPrincipal"] {
            assert_eq!(statement.get(inverted), None, "{place}");
        }
        if statement["Effect"] == "Deny" {
            continue;
        }
        assert_eq!(statement["Effect"], "Allow", "{place}");
        let actions = texts(&statement["Action"]);
        for action in &actions {
            assert!(!action.contains('*'), "{place}: {action}");
        }
        for resource in texts(&statement["Resource"]) {
            let excused = actions.iter().all(|action| {
                WITHOUT_RESOURCE
                    .iter()
                    .any(|(without, _)| without == action)
            });
            assert!(
                resource != "*" || excused,
                "{place}: {actions:?} on everything"
            );
            // A resource that is not all is of one service and has a name.
            assert!(
                !resource.starts_with("arn:aws:*") && !resource.ends_with(":*:*"),
                "{place}: {resource}"
            );
        }
        let principal = &statement["Principal"];
        assert!(
            principal != "*" && principal["AWS"] != "*",
            "{place}: anybody"
        );
    }
}

#[test]
fn nobody_may_make_change_or_delete_a_table() {
    let mut looked_at = 0;
    for (place, statement) in statements() {
        for action in texts(&statement["Action"]) {
            let Some(action) = action.strip_prefix("dynamodb:") else {
                continue;
            };
            assert!(ITEM_ACTIONS.contains(&action), "{place}: {action}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "{looked_at}");
}

#[test]
fn nobody_may_make_change_or_delete_a_queue() {
    for (place, statement) in statements() {
        if statement["Effect"] == "Deny" {
            continue;
        }
        for action in texts(&statement["Action"]) {
            for forbidden in [
                "sqs:CreateQueue",
                "sqs:DeleteQueue",
                "sqs:PurgeQueue",
                "sqs:SetQueueAttributes",
                "sqs:AddPermission",
            ] {
                assert_ne!(action, forbidden, "{place}");
            }
        }
    }
}

/// A service of AWS takes a role for this account only (IAM, "The confused deputy problem").
#[test]
fn services_take_roles_for_this_account_only() {
    let mut roles = 0;
    for name in template::ALL {
        for resource in template::resources(name, &PARAMETERS) {
            if resource.kind == "AWS::IAM::Role" {
                let trust = &resource.properties["AssumeRolePolicyDocument"]["Statement"];
                for statement in trust.as_array().expect("statements") {
                    let account = &statement["Condition"]["StringEquals"]["aws:SourceAccount"];
                    assert_eq!(account, template::ACCOUNT, "{name} {}", resource.id);
                }
                roles += 1;
            }
        }
    }
    assert_eq!(roles, 12);
}

#[test]
fn a_producer_may_only_send() {
    let [grant] = &policy("ProducerPolicy")[..] else {
        panic!("one statement");
    };
    assert_eq!(
        grant.actions,
        BTreeSet::from(["sqs:GetQueueUrl".to_owned(), "sqs:SendMessage".to_owned()])
    );
    let commands = format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{PREFIX}arthouse-commands.fifo");
    assert_eq!(grant.resources, BTreeSet::from([commands]));
}

/// The web server reads the tables and sends commands; it receives from no queue.
#[test]
fn the_web_server_may_only_read_and_send_commands() {
    let allowed: BTreeSet<String> = [
        "dynamodb:GetItem",
        "dynamodb:BatchGetItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "sqs:GetQueueUrl",
        "sqs:GetQueueAttributes",
        "sqs:SendMessage",
    ]
    .map(str::to_owned)
    .into();
    for grant in policy("WebPolicy") {
        assert!(grant.actions.is_subset(&allowed), "{:?}", grant.actions);
        if grant.actions.contains("sqs:SendMessage") {
            let mut queues = grant.resources.iter();
            assert!(queues.all(|queue| queue.ends_with("arthouse-commands.fifo")));
        }
    }
}

#[test]
fn reads_can_not_write() {
    for (name, reading) in [
        ("ReaderPolicy", &["GetItem", "BatchGetItem", "Query"][..]),
        ("AuditPolicy", &["GetItem", "BatchGetItem", "Scan"]),
    ] {
        let reading: BTreeSet<String> = reading
            .iter()
            .map(|action| format!("dynamodb:{action}"))
            .collect();
        for grant in policy(name) {
            assert!(
                grant.actions.is_subset(&reading),
                "{name}: {:?}",
                grant.actions
            );
        }
    }
}

/// What another stack imports can be neither replaced nor removed.
#[test]
fn no_template_locks_another() {
    for name in template::ALL {
        let text = template::text(name);
        for function in ["ImportValue", "Export:"] {
            assert!(!text.contains(function), "{name}: {function}");
        }
    }
}

/// CloudFormation removes what it has replaced before other stacks could take what stands for it, and IAM removes no policy that a role has.
#[test]
fn policies_that_are_replaced_stay_until_nobody_has_them() {
    let policies = template::json("roles");
    let resources = policies["Resources"]
        .as_object()
        .expect("resources")
        .values();
    let managed = resources.filter(|it| it["Type"] == "AWS::IAM::ManagedPolicy");
    let kept = managed.inspect(|it| assert_eq!(it["UpdateReplacePolicy"], "Retain", "{it}"));
    assert!(kept.count() > 8);
}

#[test]
fn every_grant_names_a_table_queue_or_stream_of_this_deployment() {
    for (place, statement) in statements() {
        if statement["Effect"] == "Deny" || !place.starts_with("roles") {
            continue;
        }
        for grant in grants(&serde_json::json!({"Statement": [statement]})) {
            for resource in grant.resources.iter().filter(|resource| *resource != "*") {
                let name = resource.rsplit(':').next().unwrap_or_default();
                let name = name.strip_prefix("table/").unwrap_or(name);
                assert!(name.starts_with(PREFIX), "{place}: {resource}");
            }
        }
    }
}
