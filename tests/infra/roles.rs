//! What the policies of all templates allow: no more than a part does, and all that it does.

mod by_aws;
mod calls;
mod claims;
mod containers;
mod functions;
mod part;
mod people;
mod school;
mod web;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::template::{self, Resource};

const PREFIX: &str = "school-";

/// An action on a resource, as IAM names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Access {
    action: String,
    resource: String,
}

/// What a statement allows.
#[derive(Debug, Clone)]
struct Grant {
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
}

impl Grant {
    fn covers(&self, access: &Access) -> bool {
        self.actions.contains(&access.action)
            && self
                .resources
                .iter()
                .any(|pattern| matches(pattern, &access.resource))
    }
}

/// Says whether an ARN is of a pattern: one `*` at most, which stands for anything.
fn matches(pattern: &str, arn: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == arn,
        Some((before, after)) => {
            assert!(!after.contains('*'), "{pattern}");
            arn.len() >= before.len() + after.len()
                && arn.starts_with(before)
                && arn.ends_with(after)
        }
    }
}

/// What a managed policy of the template of roles allows.
fn policy(name: &str) -> Vec<Grant> {
    let resources = template::resources("roles", &[("Prefix", PREFIX)]);
    let policy = resources.into_iter().find(|resource| resource.id == name);
    let policy = policy.unwrap_or_else(|| panic!("there is no {name}"));
    grants(&policy.properties["PolicyDocument"])
}

fn grants(document: &Value) -> Vec<Grant> {
    let statements = document["Statement"].as_array().expect("statements").iter();
    let allowing = statements.filter(|statement| statement["Effect"] == "Allow");
    allowing
        .map(|statement| Grant {
            actions: texts(&statement["Action"]),
            resources: texts(&statement["Resource"]),
        })
        .collect()
}

/// One text or a list of them.
fn texts(value: &Value) -> BTreeSet<String> {
    let list = value
        .as_array()
        .cloned()
        .unwrap_or_else(|| vec![value.clone()]);
    let text = |item: &Value| item.as_str().unwrap_or_else(|| panic!("{item}")).to_owned();
    list.iter().map(text).collect()
}

/// The managed policies of a role, by their names in the template of roles.
fn managed(role: &Resource) -> BTreeSet<String> {
    let arns = role.properties.get("ManagedPolicyArns").map(texts);
    let name = |arn: String| {
        let name = arn.strip_suffix(".Ref");
        name.unwrap_or_else(|| panic!("{arn}")).to_owned()
    };
    arns.unwrap_or_default().into_iter().map(name).collect()
}

/// The policies within a resource: those of a role, a managed one, or a queue's.
fn documents(resource: &Resource) -> Vec<&Value> {
    let properties = &resource.properties;
    match resource.kind.as_str() {
        "AWS::IAM::ManagedPolicy" | "AWS::SQS::QueuePolicy" => vec![&properties["PolicyDocument"]],
        "AWS::IAM::Role" => {
            let inline = properties.get("Policies").and_then(Value::as_array);
            let inline = inline.into_iter().flatten();
            inline.map(|policy| &policy["PolicyDocument"]).collect()
        }
        _ => Vec::new(),
    }
}
