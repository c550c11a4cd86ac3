//! DynamoDB Streams through the AWS SDK.

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::types::{
    Shard, ShardFilter, ShardFilterType, ShardIteratorType, StreamStatus,
};

use super::{ListedShard, OpenAt, RecordsPage, ShardsPage, StreamSource, StreamsPage};
use crate::error::Error;
use crate::record::Record;
use crate::sdk_error::classify;
use crate::source::ShardKey;

/// The streams that an SDK client reaches.
#[derive(Clone, Debug)]
pub(crate) struct AwsSource {
    client: Client,
}

impl AwsSource {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }
}

impl StreamSource for AwsSource {
    async fn list_streams(
        &self,
        table: &str,
        after_arn: Option<&str>,
    ) -> Result<StreamsPage, Error> {
        let answer = self
            .client
            .list_streams()
            .table_name(table)
            .set_exclusive_start_stream_arn(after_arn.map(str::to_owned))
            .send()
            .await
            .map_err(|error| classify("ListStreams", error))?;
        let arns = answer
            .streams()
            .iter()
            .filter_map(|stream| stream.stream_arn().map(str::to_owned))
            .collect();
        Ok(StreamsPage {
            arns,
            next: answer.last_evaluated_stream_arn,
        })
    }

    async fn describe(
        &self,
        stream_arn: &str,
        parent: Option<&str>,
        after_shard: Option<&str>,
    ) -> Result<ShardsPage, Error> {
        let filter = parent.map(|parent| {
            ShardFilter::builder()
                .r#type(ShardFilterType::ChildShards)
                .shard_id(parent)
                .build()
        });
        let answer = self
            .client
            .describe_stream()
            .stream_arn(stream_arn)
            .set_shard_filter(filter)
            .set_exclusive_start_shard_id(after_shard.map(str::to_owned))
            .send()
            .await
            .map_err(|error| classify("DescribeStream", error))?;
        let description = answer
            .stream_description
            .ok_or_else(|| Error::unavailable("DescribeStream", "the answer is empty"))?;
        Ok(ShardsPage {
            enabled: !matches!(
                description.stream_status,
                Some(StreamStatus::Disabled | StreamStatus::Disabling)
            ),
            shards: description
                .shards
                .unwrap_or_default()
                .into_iter()
                .filter_map(listed)
                .collect(),
            next: description.last_evaluated_shard_id,
        })
    }

    async fn open(&self, shard: &ShardKey, at: OpenAt<'_>) -> Result<String, Error> {
        let request = self
            .client
            .get_shard_iterator()
            .stream_arn(&shard.stream_arn)
            .shard_id(&shard.shard_id);
        let request = match at {
            OpenAt::TrimHorizon => request.shard_iterator_type(ShardIteratorType::TrimHorizon),
            OpenAt::After(number) => request
                .shard_iterator_type(ShardIteratorType::AfterSequenceNumber)
                .sequence_number(number),
        };
        let answer = request
            .send()
            .await
            .map_err(|error| classify("GetShardIterator", error))?;
        answer
            .shard_iterator
            .ok_or_else(|| Error::unavailable("GetShardIterator", "the answer has no iterator"))
    }

    async fn read(
        &self,
        shard: &ShardKey,
        iterator: &str,
        limit: i32,
    ) -> Result<RecordsPage, Error> {
        let answer = self
            .client
            .get_records()
            .shard_iterator(iterator)
            .limit(limit)
            .send()
            .await
            .map_err(|error| classify("GetRecords", error))?;
        let records = answer
            .records
            .unwrap_or_default()
            .into_iter()
            .map(|record| Record::from_stream(&shard.stream_arn, record))
            .collect::<Result<_, _>>()?;
        Ok(RecordsPage {
            records,
            next: answer.next_shard_iterator,
        })
    }
}

fn listed(shard: Shard) -> Option<ListedShard> {
    Some(ListedShard {
        id: shard.shard_id?,
        parent: shard.parent_shard_id,
        first_sequence_number: shard
            .sequence_number_range
            .and_then(|range| range.starting_sequence_number),
    })
}
