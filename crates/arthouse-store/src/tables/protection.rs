use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::ProvideErrorMetadata;
use aws_sdk_dynamodb::types::{
    ContinuousBackupsDescription, PointInTimeRecoverySpecification, PointInTimeRecoveryStatus, Tag,
};

use super::provision::{POLL_INTERVAL, POLLS, wait_until_active};
use crate::StoreError;

/// The error code of an emulator that lacks an operation.
const NOT_OFFERED: &str = "UnknownOperationException";

/// Whether a table has point-in-time recovery (35 days).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backups {
    /// It has.
    Continuous,
    /// The endpoint is an emulator without backups.
    NotOffered,
}

/// Protects a table against loss: enables deletion protection and point-in-time recovery if they are disabled, and adds the tags.
/// It changes nothing else.
///
/// # Errors
/// Returns the failed request; a repetition continues where this one stopped.
pub async fn protect(
    client: &Client,
    name: &str,
    tags: &[(&str, &str)],
) -> Result<Backups, StoreError> {
    let found = wait_until_active(client, name).await?;
    if found.deletion_protection_enabled() != Some(true) {
        let request = client
            .update_table()
            .table_name(name)
            .deletion_protection_enabled(true);
        let updated = request.send().await;
        updated.map_err(|e| StoreError::request("UpdateTable", e))?;
        wait_until_active(client, name).await?;
    }
    let arn = found.table_arn().unwrap_or_default();
    tag(client, arn, tags).await?;
    back_up(client, name).await
}

async fn tag(client: &Client, arn: &str, tags: &[(&str, &str)]) -> Result<(), StoreError> {
    let tag = |(key, value): &(&str, &str)| {
        let tag = Tag::builder().key(*key).value(*value).build();
        tag.expect("key and value are set")
    };
    let request = client
        .tag_resource()
        .resource_arn(arn)
        .set_tags(Some(tags.iter().map(tag).collect()));
    match request.send().await {
        Ok(_) => Ok(()),
        Err(e) => Err(StoreError::request("TagResource", e)),
    }
}

async fn back_up(client: &Client, name: &str) -> Result<Backups, StoreError> {
    let described = match client
        .describe_continuous_backups()
        .table_name(name)
        .send()
        .await
    {
        Ok(output) => output.continuous_backups_description,
        Err(e) if e.code() == Some(NOT_OFFERED) => return Ok(Backups::NotOffered),
        Err(e) => return Err(StoreError::request("DescribeContinuousBackups", e)),
    };
    if described.is_some_and(|backups| is_continuous(&backups)) {
        return Ok(Backups::Continuous);
    }
    let enabled = PointInTimeRecoverySpecification::builder()
        .point_in_time_recovery_enabled(true)
        .build();
    let enabled = enabled.expect("enabled is set");
    for _ in 0..POLLS {
        let request = client
            .update_continuous_backups()
            .table_name(name)
            .point_in_time_recovery_specification(enabled.clone());
        match request.send().await {
            Ok(_) => return Ok(Backups::Continuous),
            // An emulator may describe that a table has no backups.
            Err(e) if e.code() == Some(NOT_OFFERED) => return Ok(Backups::NotOffered),
            // Backups are unavailable for a while after a table was created.
            Err(e)
                if e.as_service_error()
                    .is_some_and(|e| e.is_continuous_backups_unavailable_exception()) =>
            {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            Err(e) => return Err(StoreError::request("UpdateContinuousBackups", e)),
        }
    }
    Err(StoreError::TableDiffers {
        table: name.to_owned(),
        problem: "its backups do not become available",
    })
}

fn is_continuous(backups: &ContinuousBackupsDescription) -> bool {
    let status = backups
        .point_in_time_recovery_description()
        .and_then(|recovery| recovery.point_in_time_recovery_status());
    status == Some(&PointInTimeRecoveryStatus::Enabled)
}
