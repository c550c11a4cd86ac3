//! Leases, heartbeats and streams in the lease table.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use chrono::{DateTime, Utc};

use super::LeaseTable;
use super::encoding::{
    checkpoint, decode_heartbeat, decode_lease, decode_stream, encode_heartbeat, encode_lease,
    encode_stream, keyed, lease_key, n, s, time,
};
use super::key::{Key, PARTITION_KEY};
use crate::error::Error;
use crate::lease::{Checkpoint, Guard, Heartbeat, Lease, Seen, StreamEntry, View};
use crate::record::Item;
use crate::sdk_error::classify;
use crate::sequence::padded;
use crate::source::ShardKey;
use crate::store::LeaseStore;

const HELD: &str = "#owner = :owner AND #epoch = :epoch";
/// A write of the same hold may be overtaken by a later one, as when a connection was given up and its request arrives
/// all the same: the checkpoint must not go back.
const NOT_LATER: &str = "(attribute_not_exists(#reached) OR #reached <= :reached)";
/// The checkpoint as it is read, and in the form in which it can be compared.
const SAVED: &str = "checkpoint_kind = :kind, #checkpoint = :checkpoint, #reached = :reached";

impl LeaseStore for LeaseTable {
    async fn view(&self) -> Result<View, Error> {
        let family = |name: &str| format!("{name}#{}", self.application);
        let (leases, workers, streams) = futures::try_join!(
            read_all(self.leases()),
            self.query(family("WORKER")),
            self.query(family("STREAM")),
        )?;
        Ok(View {
            leases: leases.iter().map(decode_lease).collect::<Result<_, _>>()?,
            heartbeats: workers
                .iter()
                .map(decode_heartbeat)
                .collect::<Result<_, _>>()?,
            streams: streams
                .iter()
                .map(decode_stream)
                .collect::<Result<_, _>>()?,
        })
    }

    async fn beat(&self, heartbeat: &Heartbeat) -> Result<(), Error> {
        self.put(encode_heartbeat(&self.application, heartbeat))
            .await
    }

    async fn retire(&self, worker: &str, beat: Option<u64>) -> Result<(), Error> {
        let key = Key::Worker {
            application: self.application.clone(),
            worker: worker.to_owned(),
        };
        let request = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&key)));
        let request = match beat {
            Some(beat) => request
                .condition_expression("beat = :beat")
                .expression_attribute_values(":beat", n(beat)),
            None => request,
        };
        request
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("DeleteItem", error))
    }

    async fn enter_stream(&self, stream: &StreamEntry) -> Result<(), Error> {
        self.put_new(encode_stream(&self.application, stream))
            .await
            .map(|_| ())
    }

    async fn mark_seeded(&self, stream_arn: &str) -> Result<(), Error> {
        self.mark(stream_arn, "seeded").await
    }

    async fn mark_drained(&self, stream_arn: &str) -> Result<(), Error> {
        self.mark(stream_arn, "drained").await
    }

    async fn create(&self, lease: &Lease) -> Result<bool, Error> {
        self.put_new(encode_lease(&self.application, lease)).await
    }

    async fn take(&self, seen: Seen<'_>, worker: &str) -> Result<Lease, Error> {
        let request = self.update_seen(
            seen,
            "SET #owner = :worker, #epoch = :next REMOVE handover_to",
            "",
        );
        let next = seen.epoch + 1;
        let answer = request
            .expression_attribute_values(":worker", s(worker))
            .expression_attribute_values(":next", n(next))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match answer {
            Ok(answer) => decode_lease(&answer.attributes.unwrap_or_default()),
            // The answer to an earlier try of the same request may have been lost.
            Err(error) => match refused(&error).map(decode_lease) {
                Some(Ok(now)) if now.owner.as_deref() == Some(worker) && now.epoch == next => {
                    Ok(now)
                }
                Some(_) | None => Err(classify("UpdateItem", error)),
            },
        }
    }

    async fn ask(&self, seen: Seen<'_>, worker: &str) -> Result<(), Error> {
        self.update_seen(
            seen,
            "SET handover_to = :worker",
            " AND (attribute_not_exists(handover_to) OR handover_to IN (:worker, :seen))",
        )
        .expression_attribute_values(":worker", s(worker))
        .expression_attribute_values(":seen", s(seen.handover_to.unwrap_or(worker)))
        .send()
        .await
        .map(|_| ())
        .map_err(|error| classify("UpdateItem", error))
    }

    async fn checkpoint(
        &self,
        guard: &Guard,
        reached: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let set = format!("SET {SAVED}, #load = :load, checkpointed_at = :now");
        self.update_saved(guard, &set, reached)
            .condition_expression(format!("{HELD} AND {NOT_LATER}"))
            .expression_attribute_names("#load", "load")
            .expression_attribute_values(":load", n(load))
            .expression_attribute_values(":now", time(now))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("UpdateItem", error))
    }

    async fn release(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        handover_to: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let ending = match handover_to {
            Some(_) => ("#owner = :to, #epoch = :next", "handover_to"),
            None => ("#epoch = :next", "#owner, handover_to"),
        };
        let request = self.end(guard, reached, ending, read_at);
        let request = match handover_to {
            Some(to) => request.expression_attribute_values(":to", s(to)),
            None => request,
        };
        self.send_end(
            guard,
            request.expression_attribute_values(":next", n(guard.epoch + 1)),
        )
        .await
    }

    async fn finish(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let ending = ("finished_at = :now, #epoch = :next", "#owner, handover_to");
        let request = self
            .end(guard, reached, ending, Some(now))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":next", n(guard.epoch + 1));
        self.send_end(guard, request).await
    }

    async fn forget(&self, shard: &ShardKey) -> Result<(), Error> {
        self.client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&lease_key(&self.application, shard))))
            .condition_expression("attribute_exists(finished_at)")
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("DeleteItem", error))
    }
}

impl LeaseTable {
    /// Reads all items of a partition, consistently.
    pub(super) async fn query(&self, partition: String) -> Result<Vec<Item>, Error> {
        read_all(self.partition(partition)).await
    }

    /// The leases, the youngest shards first. Parents are made before their children, and a Query shows no single moment:
    /// read the other way round, it could pass a parent's place before the lease is there and find the child's, which
    /// would then count as free to read.
    fn leases(&self) -> QueryFluentBuilder {
        self.partition(format!("LEASE#{}", self.application))
            .scan_index_forward(false)
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

    /// Writes an item unless there is one; tells whether it did.
    async fn put_new(&self, item: Item) -> Result<bool, Error> {
        let request = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", PARTITION_KEY);
        match request
            .send()
            .await
            .map_err(|error| classify("PutItem", error))
        {
            Ok(_) => Ok(true),
            Err(error) if error.is_fenced() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn mark(&self, stream_arn: &str, flag: &str) -> Result<(), Error> {
        let key = Key::Stream {
            application: self.application.clone(),
            stream_arn: stream_arn.to_owned(),
        };
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&key)))
            .update_expression("SET #flag = :yes")
            .condition_expression("attribute_exists(#flag)")
            .expression_attribute_names("#flag", flag)
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("UpdateItem", error))
    }

    /// An update of a lease that is still as it was seen.
    fn update_seen(&self, seen: Seen<'_>, update: &str, more: &str) -> UpdateItemFluentBuilder {
        let owner = match seen.owner {
            Some(_) => "#owner = :owner",
            None => "attribute_not_exists(#owner)",
        };
        let values = HashMap::from([(":epoch".to_owned(), n(seen.epoch))]);
        let values = values
            .into_iter()
            .chain(seen.owner.map(|owner| (":owner".to_owned(), s(owner))))
            .collect();
        let condition =
            format!("{owner} AND #epoch = :epoch AND attribute_not_exists(finished_at){more}");
        self.update(seen.shard, update)
            .condition_expression(condition)
            .set_expression_attribute_values(Some(values))
    }

    /// An update of a lease that its guard still holds.
    fn update_held(&self, guard: &Guard, update: &str) -> UpdateItemFluentBuilder {
        self.update(&guard.shard, update)
            .condition_expression(HELD)
            .expression_attribute_values(":owner", s(&guard.owner))
            .expression_attribute_values(":epoch", n(guard.epoch))
    }

    fn update(&self, shard: &ShardKey, update: &str) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(keyed(&lease_key(&self.application, shard))))
            .update_expression(update)
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_names("#epoch", "epoch")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// The end of a hold, with what it has to save.
    fn end(
        &self,
        guard: &Guard,
        reached: Option<&str>,
        (set, remove): (&str, &str),
        read_at: Option<DateTime<Utc>>,
    ) -> UpdateItemFluentBuilder {
        let set = match read_at {
            Some(_) => format!("checkpointed_at = :read_at, {set}"),
            None => set.to_owned(),
        };
        let request = match reached {
            Some(reached) => {
                let update = format!("SET {SAVED}, {set} REMOVE {remove}");
                self.update_saved(guard, &update, reached)
            }
            None => self.update_held(guard, &format!("SET {set} REMOVE {remove}")),
        };
        match read_at {
            Some(at) => request.expression_attribute_values(":read_at", time(at)),
            None => request,
        }
    }

    /// An update of a lease that its guard still holds, by a checkpoint that is [`SAVED`].
    fn update_saved(&self, guard: &Guard, update: &str, reached: &str) -> UpdateItemFluentBuilder {
        let (kind, value) = checkpoint(&Checkpoint::After(reached.to_owned()));
        self.update_held(guard, update)
            .expression_attribute_names("#checkpoint", "checkpoint")
            .expression_attribute_names("#reached", "reached")
            .expression_attribute_values(":kind", kind)
            .expression_attribute_values(":checkpoint", value)
            .expression_attribute_values(":reached", s(padded(reached)))
    }

    /// Sends the end of a hold. A refusal by a lease that nobody holds, one epoch on, comes from an
    /// earlier try of the same request whose answer was lost.
    async fn send_end(&self, guard: &Guard, request: UpdateItemFluentBuilder) -> Result<(), Error> {
        let Err(error) = request.send().await else {
            return Ok(());
        };
        let ended = refused(&error)
            .map(decode_lease)
            .and_then(Result::ok)
            .is_some_and(|now| now.owner.is_none() && now.epoch == guard.epoch + 1);
        if ended {
            Ok(())
        } else {
            Err(classify("UpdateItem", error))
        }
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

/// The item that made the service refuse an update.
fn refused(
    error: &aws_sdk_dynamodb::error::SdkError<
        aws_sdk_dynamodb::operation::update_item::UpdateItemError,
    >,
) -> Option<&Item> {
    use aws_sdk_dynamodb::operation::update_item::UpdateItemError::ConditionalCheckFailedException;
    let ConditionalCheckFailedException(refusal) = error.as_service_error()? else {
        return None;
    };
    refusal.item()
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
