//! DynamoDB Streams through the AWS SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_dynamodbstreams::Client;
use aws_sdk_dynamodbstreams::error::ProvideErrorMetadata as _;
use aws_sdk_dynamodbstreams::types::{
    Shard, ShardFilter, ShardFilterType, ShardIteratorType, StreamStatus,
};

use tracing::warn;

use super::{ListedShard, OpenAt, RecordsPage, ShardsPage, StreamSource, StreamsPage};
use crate::clock::WallClock;
use crate::error::Error;
use crate::record::Record;
use crate::sdk_error::classify;
use crate::source::ShardKey;

/// The streams that an SDK client reaches.
#[derive(Clone, Debug)]
pub(crate) struct AwsSource {
    client: Client,
    /// The tables, which name their newest stream.
    tables: aws_sdk_dynamodb::Client,
    /// Whether it has been told that streams can't be listed.
    warned: Arc<AtomicBool>,
}

impl AwsSource {
    pub(crate) fn new(client: Client, tables: aws_sdk_dynamodb::Client) -> Self {
        Self {
            client,
            tables,
            warned: Arc::default(),
        }
    }

    /// Asks the table itself for its stream, where streams may not be listed.
    async fn latest_stream(&self, table: &str) -> Result<StreamsPage, Error> {
        if !self.warned.swap(true, Ordering::Relaxed) {
            warn!(
                table,
                "ListStreams is denied: only the newest stream of a table is seen, and changes that an older one still holds are passed over; \
                 grant dynamodb:ListStreams on all resources, it knows no narrower ones"
            );
        }
        let described = self.tables.describe_table().table_name(table).send().await;
        let described = described.map_err(|error| classify("DescribeTable", error))?;
        let arn = described.table.and_then(|table| table.latest_stream_arn);
        Ok(StreamsPage {
            arns: arn.into_iter().collect(),
            next: None,
        })
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
            .await;
        let answer = match answer {
            Err(error) if after_arn.is_none() && error.code() == Some("AccessDeniedException") => {
                return self.latest_stream(table).await;
            }
            answer => answer.map_err(|error| classify("ListStreams", error))?,
        };
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
        let now = WallClock::default().utc();
        let records = answer
            .records
            .unwrap_or_default()
            .into_iter()
            .map(|record| Record::from_stream(&shard.stream_arn, record, now))
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

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::config::{BehaviorVersion, Credentials, Region};
    use serde_json::{Value, json};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Answers each request with this body.
    async fn service(body: Value) -> AwsSource {
        service_by(move |_| (200, body.clone())).await
    }

    /// Answers each request, as its text is, with a status and a body.
    async fn service_by(answer: impl Fn(&str) -> (u16, Value) + Send + 'static) -> AwsSource {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let head =
                "content-type: application/x-amz-json-1.0\r\nconnection: close\r\ncontent-length";
            while let Ok((mut connection, _)) = listener.accept().await {
                let mut request = [0; 16_384];
                let read = connection.read(&mut request).await.unwrap();
                if read == 0 {
                    continue;
                }
                let (status, body) = answer(&String::from_utf8_lossy(&request[..read]));
                let body = body.to_string();
                let answer = format!(
                    "HTTP/1.1 {status} .\r\n{head}: {}\r\n\r\n{body}",
                    body.len()
                );
                connection.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let http = aws_smithy_http_client::Builder::new().build_http();
        let credentials = Credentials::new("any", "thing", None, None, "test");
        let streams = aws_sdk_dynamodbstreams::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http.clone())
            .endpoint_url(&endpoint)
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(credentials.clone())
            .build();
        let tables = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(http)
            .endpoint_url(endpoint)
            .region(Region::from_static("eu-west-1"))
            .credentials_provider(credentials)
            .build();
        AwsSource::new(
            Client::from_conf(streams),
            aws_sdk_dynamodb::Client::from_conf(tables),
        )
    }

    #[tokio::test]
    async fn where_streams_may_not_be_listed_the_table_names_its_newest() {
        let source = service_by(|request| {
            let denied = json!({"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not authorized"});
            if request.contains("DescribeTable") {
                (200, json!({"Table": {"LatestStreamArn": "arn:stream"}}))
            } else {
                (400, denied)
            }
        });
        let source = source.await;
        let page = source.list_streams("Things", None).await.unwrap();
        assert_eq!(
            (page.arns, page.next),
            (vec!["arn:stream".to_owned()], None)
        );
        let later = source.list_streams("Things", Some("arn:stream")).await;
        assert!(later.is_err(), "a listing that has begun is not cut short");
    }

    fn record(number: &str) -> Value {
        json!({
            "eventID": "e", "eventName": "MODIFY",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_700_000_000, "Keys": {"PK": {"S": "a"}},
                "NewImage": {"PK": {"S": "a"}, "n": {"N": "1"}},
                "SequenceNumber": number, "SizeBytes": 7,
            },
        })
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_decoded_does_not_hold_up_the_others_of_its_page() {
        let mut unknown_type = record("2");
        unknown_type["dynamodb"]["NewImage"]["new"] = json!({"X": "?"});
        let mut unknown_event = record("3");
        unknown_event["eventName"] = json!("UPSERT");
        let mut incomplete = record("4");
        for name in ["Keys", "ApproximateCreationDateTime"] {
            incomplete["dynamodb"].as_object_mut().unwrap().remove(name);
        }
        let records = json!([
            record("1"),
            unknown_type,
            unknown_event,
            incomplete,
            record("5")
        ]);
        let source = service(json!({"Records": records, "NextShardIterator": "next"})).await;
        let shard = crate::internal::samples::shard("s-1");
        let page = source.read(&shard, "iterator", 1_000).await.unwrap();
        let numbers: Vec<_> = page
            .records
            .iter()
            .map(|record| &record.sequence_number)
            .collect();
        assert_eq!(numbers, ["1", "2", "3", "4", "5"]);
        let defect = |record: &Record| record.defect.clone();
        let defects: Vec<_> = page.records.iter().filter_map(defect).collect();
        let expected = [
            "attribute new has an unknown type",
            "it has no known event name",
            "it has no key",
        ];
        assert_eq!(defects, expected);
        let image = page.records[1].new_image.as_ref().unwrap();
        assert_eq!(image.len(), 2, "what can be read stays");
    }
}
