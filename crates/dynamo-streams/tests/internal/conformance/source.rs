//! What every stream source does: the fake and the streams of a real service.

use super::service::Local;
use crate::error::ReadFailure;
use crate::internal::samples::TABLE;
use crate::internal::world::item;
use crate::source::ShardKey;
use crate::source::aws::AwsSource;
use crate::source::{OpenAt, StreamSource};
use crate::testing::link::Link;
use crate::testing::streams::Streams;

/// Writes changes to the table that a source shows.
trait Writer {
    async fn write(&self, item: &str, version: u64);
}

impl Writer for Streams {
    async fn write(&self, item: &str, _: u64) {
        Streams::write(self, item);
    }
}

impl Writer for Local {
    async fn write(&self, item: &str, version: u64) {
        Local::write(self, TABLE, item, version).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fake_and_the_service_agree() {
    let streams = Streams::of_one_table();
    check(&streams.source(&Link::sound()), &streams).await;
    let local = Local::serve(&[TABLE]).await;
    check(
        &AwsSource::new(local.streams.clone(), local.dynamo.clone()),
        &local,
    )
    .await;
    local.stop().await;
}

async fn check<S: StreamSource, W: Writer>(source: &S, writer: &W) {
    let streams = source.list_streams(TABLE, None).await.unwrap();
    assert_eq!((streams.arns.len(), &streams.next), (1, &None));
    let stream_arn = streams.arns[0].clone();
    let listing = source.describe(&stream_arn, None, None).await.unwrap();
    assert!(listing.enabled && listing.next.is_none());
    assert_eq!(listing.shards[0].parent, None);
    let shard_id = listing.shards[0].id.clone();
    let children = source
        .describe(&stream_arn, Some(&shard_id), None)
        .await
        .unwrap();
    let is_child = |shard: &crate::source::ListedShard| shard.parent.as_deref() == Some(&shard_id);
    assert!(
        !children.shards.iter().any(is_child),
        "an open shard has no children"
    );
    let shard = ShardKey {
        stream_arn,
        shard_id,
    };

    let empty = source.open(&shard, OpenAt::TrimHorizon).await.unwrap();
    let page = source.read(&shard, &empty, 10).await.unwrap();
    assert!(page.records.is_empty());
    let next = page.next.expect("an empty page is not the end");
    for version in 1..=3 {
        writer.write("a", version).await;
    }
    let page = source.read(&shard, &next, 2).await.unwrap();
    assert_eq!(page.records.len(), 2, "the limit holds");
    let rest = source.read(&shard, &page.next.unwrap(), 10).await.unwrap();
    assert_eq!(rest.records.len(), 1);
    for version in 4..=33 {
        writer.write("b", version).await;
    }
    let many = source.read(&shard, &rest.next.unwrap(), 1_000).await;
    assert_eq!(many.unwrap().records.len(), 30, "and is asked for whole");
    assert!(
        page.records
            .iter()
            .all(|record| item(record) == "a" && record.table_name == TABLE)
    );
    let number = &page.records[0].sequence_number;
    let second = page.records[1].sequence_number.clone();
    let after = source.open(&shard, OpenAt::After(number)).await.unwrap();
    let page = source.read(&shard, &after, 2).await.unwrap();
    assert_eq!(page.records[0].sequence_number, second);
    assert!(
        page.records
            .iter()
            .all(|record| record.sequence_number.len() <= 40)
    );

    let gone = ShardKey {
        shard_id: "shardId-00000001700000000000-deadbeef".to_owned(),
        ..shard
    };
    let error = source.open(&gone, OpenAt::TrimHorizon).await.unwrap_err();
    assert_eq!(error.read_failure(), ReadFailure::Missing);
}
