use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::{bounded, queue, required};
use crate::sqs::fault::Fault;
use crate::sqs::name::QueueName;
use crate::sqs::request::{Page, Permission, Request};

const BAD_NAME: &str =
    "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length";

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    /// The service's model spells this in lower case, unlike all other members.
    #[serde(rename = "tags", alias = "Tags")]
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    queue_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Addressed {
    queue_url: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_name_prefix: Option<String>,
    queue_url: Option<String>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AttributeNames {
    queue_url: Option<String>,
    attribute_names: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    queue_url: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tags {
    queue_url: Option<String>,
    tags: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TagKeys {
    queue_url: Option<String>,
    tag_keys: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AddPermission {
    #[serde(rename = "QueueUrl")]
    queue_url: Option<String>,
    #[serde(rename = "Label")]
    label: Option<String>,
    #[serde(rename = "AWSAccountIds")]
    accounts: Option<Vec<String>>,
    #[serde(rename = "Actions")]
    actions: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RemovePermission {
    queue_url: Option<String>,
    label: Option<String>,
}

pub(super) fn create(create: Create) -> Result<Request, Fault> {
    Ok(Request::CreateQueue {
        name: name(create.queue_name.as_deref())?,
        attributes: create.attributes.unwrap_or_default(),
        tags: create.tags.unwrap_or_default(),
    })
}

pub(super) fn find(find: Named) -> Result<Request, Fault> {
    Ok(Request::FindQueue {
        name: name(find.queue_name.as_deref())?,
    })
}

pub(super) fn list(list: List) -> Result<Request, Fault> {
    Ok(Request::ListQueues {
        page: page(list.max_results, list.next_token)?,
        prefix: list.queue_name_prefix.unwrap_or_default(),
    })
}

pub(super) fn list_dead_letter_sources(list: List) -> Result<Request, Fault> {
    Ok(Request::ListDeadLetterSources {
        queue: queue(list.queue_url.as_deref())?,
        page: page(list.max_results, list.next_token)?,
    })
}

pub(super) fn delete(delete: Addressed) -> Result<Request, Fault> {
    Ok(Request::DeleteQueue {
        queue: queue(delete.queue_url.as_deref())?,
    })
}

pub(super) fn purge(purge: Addressed) -> Result<Request, Fault> {
    Ok(Request::PurgeQueue {
        queue: queue(purge.queue_url.as_deref())?,
    })
}

pub(super) fn get_attributes(get: AttributeNames) -> Result<Request, Fault> {
    Ok(Request::GetAttributes {
        queue: queue(get.queue_url.as_deref())?,
        names: get.attribute_names.unwrap_or_default(),
    })
}

pub(super) fn set_attributes(set: Attributes) -> Result<Request, Fault> {
    Ok(Request::SetAttributes {
        queue: queue(set.queue_url.as_deref())?,
        attributes: required(set.attributes, "Attributes")?,
    })
}

pub(super) fn list_tags(list: Addressed) -> Result<Request, Fault> {
    Ok(Request::ListTags {
        queue: queue(list.queue_url.as_deref())?,
    })
}

pub(super) fn tag(tag: Tags) -> Result<Request, Fault> {
    Ok(Request::Tag {
        queue: queue(tag.queue_url.as_deref())?,
        tags: required(tag.tags, "Tags")?,
    })
}

pub(super) fn untag(untag: TagKeys) -> Result<Request, Fault> {
    Ok(Request::Untag {
        queue: queue(untag.queue_url.as_deref())?,
        keys: required(untag.tag_keys, "TagKeys")?,
    })
}

pub(super) fn add_permission(add: AddPermission) -> Result<Request, Fault> {
    Ok(Request::AddPermission {
        queue: queue(add.queue_url.as_deref())?,
        permission: Permission {
            label: required(add.label, "Label")?,
            accounts: required(add.accounts.filter(|ids| !ids.is_empty()), "AWSAccountIds")?,
            actions: required(add.actions.filter(|names| !names.is_empty()), "Actions")?,
        },
    })
}

pub(super) fn remove_permission(remove: RemovePermission) -> Result<Request, Fault> {
    Ok(Request::RemovePermission {
        queue: queue(remove.queue_url.as_deref())?,
        label: required(remove.label, "Label")?,
    })
}

fn name(name: Option<&str>) -> Result<QueueName, Fault> {
    name.and_then(QueueName::parse)
        .ok_or_else(|| Fault::invalid(BAD_NAME))
}

fn page(limit: Option<i64>, token: Option<String>) -> Result<Page, Fault> {
    let limit = bounded(
        limit,
        "MaxResults",
        1..=1_000,
        "Must be between 1 and 1000, if provided.",
    )?;
    let after = token
        .map(|token| after(&token).ok_or_else(|| Fault::invalid("Invalid or expired NextToken.")))
        .transpose()?;
    Ok(Page {
        limit: limit.map(|limit| limit as usize),
        after,
    })
}

/// Returns the token of the page after a queue.
pub(super) fn token(after: &QueueName) -> String {
    STANDARD.encode(after.as_str())
}

fn after(token: &str) -> Option<QueueName> {
    let text = String::from_utf8(STANDARD.decode(token).ok()?).ok()?;
    QueueName::parse(&text)
}
