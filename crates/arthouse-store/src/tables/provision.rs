use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    BillingMode, Projection, ProjectionType, SseSpecification, StreamViewType, TableDescription,
    TableStatus, TimeToLiveSpecification, TimeToLiveStatus,
};

use super::{Table, TableNames};
use crate::StoreError;

/// How often and how many times the status of a new table is polled: five minutes in all.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(500);
pub(super) const POLLS: u32 = 600;

/// Creates the absent tables and waits until all are active. Existing tables are checked and never changed or emptied.
///
/// # Errors
/// Returns [`StoreError::TableDiffers`] if a table exists with another key, stream or index, else the failed request.
pub async fn provision(client: &Client, names: &TableNames) -> Result<(), StoreError> {
    for table in Table::ALL {
        let name = names.name(table);
        match describe(client, &name).await? {
            Some(found) => check(table, &name, &found)?,
            None => create(client, table, &name).await?,
        }
    }
    for table in Table::ALL {
        let name = names.name(table);
        wait_until_active(client, &name).await?;
        enable_expiry(client, table, &name).await?;
    }
    Ok(())
}

async fn describe(client: &Client, name: &str) -> Result<Option<TableDescription>, StoreError> {
    match client.describe_table().table_name(name).send().await {
        Ok(output) => Ok(output.table),
        Err(e)
            if e.as_service_error()
                .is_some_and(DescribeTableError::is_resource_not_found_exception) =>
        {
            Ok(None)
        }
        Err(e) => Err(StoreError::request("DescribeTable", e)),
    }
}

/// Encryption with the key `aws/dynamodb` of the account, whose use is logged, instead of a key that DynamoDB owns.
fn encryption() -> SseSpecification {
    SseSpecification::builder().enabled(true).build()
}

async fn create(client: &Client, table: Table, name: &str) -> Result<(), StoreError> {
    let request = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .sse_specification(encryption())
        .set_key_schema(Some(table.key_schema()))
        .set_attribute_definitions(Some(table.attribute_definitions()))
        .set_global_secondary_indexes(table.indexes())
        .set_stream_specification(table.stream());
    match request.send().await {
        Ok(_) => Ok(()),
        // Another process creates it at the same time.
        Err(e)
            if e.as_service_error()
                .is_some_and(|e| e.is_resource_in_use_exception()) =>
        {
            Ok(())
        }
        Err(e) => Err(StoreError::request("CreateTable", e)),
    }
}

fn check(table: Table, name: &str, found: &TableDescription) -> Result<(), StoreError> {
    let differs = |problem| {
        Err(StoreError::TableDiffers {
            table: name.to_owned(),
            problem,
        })
    };
    if found.key_schema() != table.key_schema() || !has_key_types(table, found) {
        return differs("its key is another");
    }
    let view = found
        .stream_specification()
        .and_then(|stream| stream.stream_view_type());
    if table.is_streamed() && view != Some(&StreamViewType::NewAndOldImages) {
        return differs("it has no stream of new and old images");
    }
    if !has_indexes(table, found) {
        return differs("its index is missing");
    }
    Ok(())
}

/// Returns whether the attributes of all keys have the right types.
fn has_key_types(table: Table, found: &TableDescription) -> bool {
    table.attribute_definitions().iter().all(|wanted| {
        let name = wanted.attribute_name();
        let mut defined = found.attribute_definitions().iter();
        // An attribute without a definition belongs to a missing index.
        defined
            .find(|attribute| attribute.attribute_name() == name)
            .is_none_or(|attribute| attribute == wanted)
    })
}

fn has_indexes(table: Table, found: &TableDescription) -> bool {
    table.indexes().unwrap_or_default().iter().all(|wanted| {
        found.global_secondary_indexes().iter().any(|index| {
            let projection = index.projection().and_then(Projection::projection_type);
            index.index_name() == Some(wanted.index_name())
                && index.key_schema() == wanted.key_schema()
                && projection == Some(&ProjectionType::All)
        })
    })
}

pub(super) async fn wait_until_active(
    client: &Client,
    name: &str,
) -> Result<TableDescription, StoreError> {
    for _ in 0..POLLS {
        if let Some(table) = describe(client, name).await?
            && table.table_status() == Some(&TableStatus::Active)
        {
            return Ok(table);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    Err(StoreError::TableDiffers {
        table: name.to_owned(),
        problem: "it does not become active",
    })
}

async fn enable_expiry(client: &Client, table: Table, name: &str) -> Result<(), StoreError> {
    let Some(attribute) = table.expiry_attribute() else {
        return Ok(());
    };
    if expires(client, name).await? {
        return Ok(());
    }
    let expiry = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(attribute)
        .build();
    let request = client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(expiry.expect("enabled and name are set"));
    match request.send().await {
        Ok(_) => Ok(()),
        // Another process enabled it at the same time.
        Err(_) if expires(client, name).await? => Ok(()),
        Err(e) => Err(StoreError::request("UpdateTimeToLive", e)),
    }
}

async fn expires(client: &Client, name: &str) -> Result<bool, StoreError> {
    let described = client.describe_time_to_live().table_name(name).send().await;
    let described = described.map_err(|e| StoreError::request("DescribeTimeToLive", e))?;
    let status = described
        .time_to_live_description()
        .and_then(|ttl| ttl.time_to_live_status());
    Ok(matches!(
        status,
        Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
    ))
}
