use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use dynamo_streams::{BoxFuture, GapRecord, Observer, ParkedRecord};
use sqs_consumer::{BatchSender, OutgoingMessage};
use tokio::sync::Notify;
use tracing::error;

use crate::chain;

/// Logs an error and sends a notice to the stream's dead-letter queue when a record is parked or records are lost. The notice has no images,
/// because they have contact details; the record is in the lease table.
#[derive(Debug, Clone)]
pub(crate) struct StreamObserver {
    notices: BatchSender,
    gap_found: Arc<Notify>,
}

impl StreamObserver {
    /// Makes an observer that sends its notices to a queue, and wakes the repair of gaps.
    pub(crate) fn new(notices: BatchSender, gap_found: Arc<Notify>) -> Self {
        Self { notices, gap_found }
    }

    async fn notice(&self, body: serde_json::Value) {
        let message = OutgoingMessage {
            body: body.to_string(),
            group_id: None,
            deduplication_id: None,
            attributes: BTreeMap::new(),
        };
        if let Err(error) = self.notices.send(message).await {
            error!(
                error = chain(&error),
                "a notice was not sent to the stream's dead-letter queue"
            );
        }
    }
}

impl Observer for StreamObserver {
    fn on_parked<'a>(&'a self, parked: &'a ParkedRecord) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let record = &parked.record;
            error!(table = record.table_name, item = %parked.item_id, reason = parked.reason, "a record was parked");
            self.notice(serde_json::json!({
                "kind": "parked",
                "table": record.table_name,
                "item_id": parked.item_id.to_string(),
                "event_id": record.event_id,
                "sequence_number": record.sequence_number,
                "reason": parked.reason,
                "attempts": parked.attempts,
                "behind": parked.behind,
                "parked_at": DateTime::<Utc>::from(parked.parked_at),
            }))
            .await;
        })
    }

    fn on_gap<'a>(&'a self, gap: &'a GapRecord) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            error!(
                table = gap.table_name,
                shard = gap.shard_id,
                "records were lost before they were read"
            );
            self.gap_found.notify_one();
            self.notice(serde_json::json!({
                "kind": "gap",
                "table": gap.table_name,
                "stream_arn": gap.stream_arn,
                "shard_id": gap.shard_id,
                "from": gap.from,
                "to": gap.to,
                "cause": format!("{:?}", gap.cause),
                "detected_at": DateTime::<Utc>::from(gap.detected_at),
            }))
            .await;
        })
    }
}
