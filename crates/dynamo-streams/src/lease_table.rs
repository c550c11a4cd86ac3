//! The lease table: one DynamoDB table that keeps leases, heartbeats, streams, parked records and gaps.

mod encoding;
mod gaps;
pub(crate) mod key;
mod leases;
mod parked;
mod requests;
mod updates;

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::client::Waiters;
use aws_sdk_dynamodb::operation::create_table::CreateTableInput;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableInputBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    SseSpecification,
};

use crate::error::Error;
use crate::sdk_error::classify;
use crate::settings::require;
use key::{PARTITION_KEY, SORT_KEY};

/// How long to wait for a new table to become active.
const CREATION_TIMEOUT: Duration = Duration::from_secs(120);

/// The lease table of one application, through the AWS SDK.
#[derive(Clone, Debug)]
pub(crate) struct LeaseTable {
    client: Client,
    table: String,
    application: String,
}

impl LeaseTable {
    /// Fails if the application's name is empty or contains the separator of the parts of a key.
    pub(crate) fn new(client: Client, table: &str, application: &str) -> Result<Self, Error> {
        require(
            "application",
            application,
            !application.is_empty() && !application.contains(key::SEPARATOR),
            "must be neither empty nor contain #",
        )?;
        Ok(Self {
            client,
            table: table.to_owned(),
            application: application.to_owned(),
        })
    }
}

/// Defines a lease table: on-demand billing, keys `PK` and `SK` of type string, encryption under the account's own key, since it stores
/// parked records.
pub fn definition(name: &str) -> CreateTableInputBuilder {
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .expect("name and type are set")
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .expect("name and type are set")
    };
    CreateTableInput::builder()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .sse_specification(SseSpecification::builder().enabled(true).build())
        .attribute_definitions(attribute(PARTITION_KEY))
        .attribute_definitions(attribute(SORT_KEY))
        .key_schema(key(PARTITION_KEY, KeyType::Hash))
        .key_schema(key(SORT_KEY, KeyType::Range))
}

/// Creates the lease table unless it exists, and waits up to two minutes until it is active.
pub async fn create_lease_table(client: &Client, name: &str) -> Result<(), Error> {
    let created = definition(name).send_with(client).await;
    if let Err(error) = created
        && !error
            .as_service_error()
            .is_some_and(|error| error.is_resource_in_use_exception())
    {
        return Err(classify("CreateTable", error));
    }
    client
        .wait_until_table_exists()
        .table_name(name)
        .wait(CREATION_TIMEOUT)
        .await
        .map(|_| ())
        .map_err(|error| Error::unavailable("DescribeTable", error))
}
