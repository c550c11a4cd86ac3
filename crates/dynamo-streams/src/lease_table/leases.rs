//! Leases, heartbeats and streams in the lease table.

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use chrono::{DateTime, Utc};
use futures::future::try_join_all;

use super::LeaseTable;
use super::encoding::{
    decode_heartbeat, decode_lease, decode_stream, encode_heartbeat, encode_lease, encode_stream,
    keyed, lease_key, n, s, time,
};
use super::key::Key;
use super::requests::read_all;
use super::updates::{HELD, NOT_LATER, SET_CHECKPOINT, refused};
use crate::error::Error;
use crate::item::Item;
use crate::lease::{Guard, Heartbeat, Lease, Seen, StreamEntry, View};
use crate::sdk_error::classify;
use crate::source::ShardKey;
use crate::store::LeaseStore;

impl LeaseStore for LeaseTable {
    async fn view_from(&self, first: &[ShardKey]) -> Result<View, Error> {
        let family = |name: &str| format!("{name}#{}", self.application);
        let (leases, workers, streams) = futures::try_join!(
            self.read_leases(first),
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

    async fn write_heartbeat(&self, heartbeat: &Heartbeat, joins: bool) -> Result<(), Error> {
        let item = encode_heartbeat(&self.application, heartbeat);
        if joins {
            return self.put(item).await;
        }
        self.client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(item))
            .condition_expression("beat <= :beat")
            .expression_attribute_values(":beat", n(heartbeat.beat))
            .send()
            .await
            .map(|_| ())
            .map_err(|error| classify("PutItem", error))
    }

    async fn remove_heartbeat(&self, worker: &str, beat: Option<u64>) -> Result<(), Error> {
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

    async fn add_stream(&self, stream: &StreamEntry) -> Result<(), Error> {
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
            // An earlier attempt of the same request may have succeeded and its response been lost.
            Err(error) => match refused(&error).map(decode_lease) {
                Some(Ok(now)) if now.owner.as_deref() == Some(worker) && now.epoch == next => {
                    Ok(now)
                }
                Some(_) | None => Err(classify("UpdateItem", error)),
            },
        }
    }

    async fn request_handover(&self, seen: Seen<'_>, worker: &str) -> Result<(), Error> {
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
        checkpoint: &str,
        load: u64,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let set = format!("SET {SET_CHECKPOINT}, #load = :load, checkpointed_at = :now");
        self.update_checkpoint(guard, &set, checkpoint)
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
        checkpoint: Option<&str>,
        handover_to: Option<&str>,
        read_at: Option<DateTime<Utc>>,
    ) -> Result<(), Error> {
        let ending = match handover_to {
            Some(_) => ("#owner = :to, #epoch = :next", "handover_to"),
            None => ("#epoch = :next", "#owner, handover_to"),
        };
        let request = self.end(guard, checkpoint, ending, read_at);
        let request = match handover_to {
            Some(to) => request.expression_attribute_values(":to", s(to)),
            None => request,
        };
        let request = request.expression_attribute_values(":next", n(guard.epoch + 1));
        self.send_end(guard, handover_to, request).await
    }

    async fn finish(
        &self,
        guard: &Guard,
        checkpoint: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<(), Error> {
        let ending = ("finished_at = :now, #epoch = :next", "#owner, handover_to");
        let request = self
            .end(guard, checkpoint, ending, Some(now))
            .expression_attribute_values(":now", time(now))
            .expression_attribute_values(":next", n(guard.epoch + 1));
        self.send_end(guard, None, request).await
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
    async fn read_leases(&self, first: &[ShardKey]) -> Result<Vec<Item>, Error> {
        if first.is_empty() {
            return read_all(self.leases()).await;
        }
        let of_streams = first.iter().map(|first| read_all(self.leases_from(first)));
        Ok(try_join_all(of_streams).await?.concat())
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
}
