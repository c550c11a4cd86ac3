//! The requests that all families of the lease table share.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::LeaseTable;
use super::encoding::{lease_key, s};
use super::key::{PARTITION_KEY, SORT_KEY};
use crate::error::Error;
use crate::item::Item;
use crate::sdk_error::classify;
use crate::source::ShardKey;

impl LeaseTable {
    /// Reads all items of a partition, consistently.
    pub(super) async fn query(&self, partition: String) -> Result<Vec<Item>, Error> {
        read_all(self.partition(partition)).await
    }

    /// Queries the leases, the youngest shards first. Leases of parents are made before those of their children, and a Query is no snapshot:
    /// in the other order it could miss the lease of a parent and return that of its child, which would then count as ready.
    pub(super) fn leases(&self) -> QueryFluentBuilder {
        self.partition(format!("LEASE#{}", self.application))
            .scan_index_forward(false)
    }

    /// The same for the leases of one stream, from a shard on.
    pub(super) fn leases_from(&self, first: &ShardKey) -> QueryFluentBuilder {
        let last = ShardKey {
            stream_arn: first.stream_arn.clone(),
            // It sorts behind every letter and digit.
            shard_id: "~".to_owned(),
        };
        let sort = |shard: &ShardKey| s(lease_key(&self.application, shard).sort());
        self.leases()
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .expression_attribute_names("#sk", SORT_KEY)
            .expression_attribute_values(":first", sort(first))
            .expression_attribute_values(":last", sort(&last))
    }

    pub(super) fn partition(&self, partition: String) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.table)
            .consistent_read(true)
            .key_condition_expression("#pk = :pk")
            .expression_attribute_names("#pk", PARTITION_KEY)
            .expression_attribute_values(":pk", s(partition))
    }

    pub(super) async fn put(&self, item: Item) -> Result<(), Error> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item));
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("PutItem", error))
    }

    /// Writes an item unless there is one; returns whether it did.
    pub(super) async fn put_new(&self, item: Item) -> Result<bool, Error> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PARTITION_KEY);
        let answer = request.send().await;
        accepted(answer.map_err(|error| classify("PutItem", error)))
    }
}

/// Reads all pages of a query.
pub(super) async fn read_all(query: QueryFluentBuilder) -> Result<Vec<Item>, Error> {
    query
        .into_paginator()
        .items()
        .send()
        .try_collect()
        .await
        .map_err(|error| classify("Query", error))
}

/// Takes a write that its condition refused for a success.
pub(super) fn ignore_refusal<T>(answer: Result<T, Error>) -> Result<(), Error> {
    match answer {
        Err(error) if !error.is_fenced() => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Returns whether the condition of a write held.
pub(super) fn accepted<T>(answer: Result<T, Error>) -> Result<bool, Error> {
    match answer {
        Ok(_) => Ok(true),
        Err(error) if error.is_fenced() => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::config::{BehaviorVersion, Config};

    use super::*;

    #[test]
    fn leases_are_read_children_first_so_that_none_is_seen_without_its_parent() {
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        let client = aws_sdk_dynamodb::Client::from_conf(config);
        let table = LeaseTable::new(client, "Leases", "app").unwrap();
        let query = table.leases();
        let query = query.as_input();
        assert_eq!(query.get_scan_index_forward(), &Some(false));
        assert_eq!(query.get_consistent_read(), &Some(true));
    }
}
