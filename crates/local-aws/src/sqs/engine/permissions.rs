use serde_json::{Value, json};

use super::administration::save;
use super::{Effects, Engine};
use crate::sqs::fault::Fault;
use crate::sqs::moment::Moment;
use crate::sqs::name::QueueName;
use crate::sqs::request::{Permission, Reply};

/// Permissions are statements of the queue's policy. They are stored and returned, but not enforced.
impl Engine {
    pub(super) fn add_permission(
        &mut self,
        name: &QueueName,
        permission: &Permission,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let queue = self.queue_mut(name)?;
        let mut policy = parse(queue.settings.policy.as_deref(), name);
        let statements = statements(&mut policy);
        if statements
            .iter()
            .any(|statement| statement["Sid"] == permission.label.as_str())
        {
            return Err(Fault::invalid_value(
                &permission.label,
                "Label",
                "Already exists.",
            ));
        }
        statements.push(statement(permission, name));
        queue.settings.policy = Some(policy.to_string());
        queue.modified = now;
        save(queue, effects);
        Ok(Reply::Done)
    }

    pub(super) fn remove_permission(
        &mut self,
        name: &QueueName,
        label: &str,
        now: Moment,
        effects: &mut Effects,
    ) -> Result<Reply, Fault> {
        let queue = self.queue_mut(name)?;
        let mut policy = parse(queue.settings.policy.as_deref(), name);
        let statements = statements(&mut policy);
        let before = statements.len();
        statements.retain(|statement| statement["Sid"] != label);
        if statements.len() == before {
            return Err(Fault::invalid_value(label, "Label", "can't find label."));
        }
        let empty = statements.is_empty();
        queue.settings.policy = (!empty).then(|| policy.to_string());
        queue.modified = now;
        save(queue, effects);
        Ok(Reply::Done)
    }
}

fn parse(policy: Option<&str>, queue: &QueueName) -> Value {
    policy.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_else(|| {
        json!({ "Version": "2008-10-17", "Id": format!("{}/SQSDefaultPolicy", queue.arn()), "Statement": [] })
    })
}

/// Returns the statements of a policy as a list; a single statement becomes a list.
fn statements(policy: &mut Value) -> &mut Vec<Value> {
    let statement = &mut policy["Statement"];
    if !statement.is_array() {
        let only = statement.take();
        *statement = if only.is_null() {
            json!([])
        } else {
            json!([only])
        };
    }
    statement.as_array_mut().expect("it was made a list")
}

fn statement(permission: &Permission, queue: &QueueName) -> Value {
    let principals = permission
        .accounts
        .iter()
        .map(|account| format!("arn:aws:iam::{account}:root"));
    let actions = permission
        .actions
        .iter()
        .map(|action| format!("SQS:{action}"));
    json!({
        "Sid": permission.label,
        "Effect": "Allow",
        "Principal": { "AWS": one_or_many(principals.collect()) },
        "Action": one_or_many(actions.collect()),
        "Resource": queue.arn(),
    })
}

fn one_or_many(mut values: Vec<String>) -> Value {
    match values.len() {
        1 => json!(values.remove(0)),
        _ => json!(values),
    }
}
