//! Streams and shards: which there are, how they end, where reading starts.

use std::time::Duration;

use crate::local::{Local, create_table, eventually, n, put};
use crate::reading::{describe, id, iterator, only_shard, read_all, read_shard, sequence, told};
use aws_sdk_dynamodb::types::{StreamSpecification, StreamViewType};
use aws_sdk_dynamodbstreams::types::{
    Shard, ShardFilter, ShardFilterType, ShardIteratorType, StreamStatus,
};
use local_aws::Pace;

const BOTH: StreamViewType = StreamViewType::NewAndOldImages;

fn quick() -> Pace {
    Pace {
        upkeep_every: Duration::from_millis(30),
        ..Pace::default()
    }
}

#[tokio::test]
async fn a_table_made_anew_has_a_stream_without_the_old_table_s_records() {
    let local = Local::start().await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let old = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    put(&client, "Things", "old", n(1)).await;
    client
        .delete_table()
        .table_name("Things")
        .send()
        .await
        .unwrap();
    let new = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    put(&client, "Things", "new", n(1)).await;

    assert_ne!(old, new);
    assert_eq!(told(&read_all(&streams, &new).await), ["INSERT new"]);

    let closed = describe(&streams, &old).await;
    assert_eq!(closed.stream_status(), Some(&StreamStatus::Disabled));
    let shard = only_shard(&streams, &old).await;
    assert!(
        shard
            .sequence_number_range()
            .unwrap()
            .ending_sequence_number()
            .is_some()
    );
    let (records, ended) = read_shard(&streams, &old, &shard).await;
    assert_eq!(told(&records), ["INSERT old"]);
    assert!(ended);
}

#[tokio::test]
async fn a_stream_switched_off_ends_and_one_switched_on_again_is_another() {
    let local = Local::start().await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let first = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    put(&client, "Things", "a", n(1)).await;
    let switch = |on: bool| {
        let specification = StreamSpecification::builder().stream_enabled(on);
        let specification = specification.set_stream_view_type(on.then_some(BOTH));
        let update = client.update_table().table_name("Things");
        update
            .stream_specification(specification.build().unwrap())
            .send()
    };

    switch(false).await.unwrap();
    put(&client, "Things", "unseen", n(1)).await;
    let updated = switch(true).await.unwrap();
    put(&client, "Things", "b", n(1)).await;

    let second = updated
        .table_description
        .unwrap()
        .latest_stream_arn
        .unwrap();
    let shard = only_shard(&streams, &first).await;
    let (records, ended) = read_shard(&streams, &first, &shard).await;
    assert_eq!((told(&records), ended), (vec!["INSERT a".to_owned()], true));
    let shard = only_shard(&streams, &second).await;
    let (records, ended) = read_shard(&streams, &second, &shard).await;
    assert_eq!(
        (told(&records), ended),
        (vec!["INSERT b".to_owned()], false)
    );
    let listed = streams
        .list_streams()
        .table_name("Things")
        .send()
        .await
        .unwrap();
    let listed: Vec<_> = listed
        .streams()
        .iter()
        .map(|s| s.stream_arn().unwrap())
        .collect();
    assert_eq!(listed, [first, second]);
}

#[tokio::test]
async fn a_stream_that_is_on_is_not_switched_on_again_and_keeps_its_name() {
    let local = Local::start().await;
    let client = local.dynamodb();
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    let specification = StreamSpecification::builder()
        .stream_enabled(true)
        .stream_view_type(BOTH);
    let update = client.update_table().table_name("Things");
    let refused = update
        .stream_specification(specification.build().unwrap())
        .send()
        .await;

    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
    let described = client
        .describe_table()
        .table_name("Things")
        .send()
        .await
        .unwrap();
    assert_eq!(described.table.unwrap().latest_stream_arn, Some(stream));
}

#[tokio::test]
async fn a_shard_or_stream_that_is_not_there_is_not_found() {
    let local = Local::start().await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    let other = create_table(&client, "Others", Some(BOTH)).await.unwrap();
    let foreign = only_shard(&streams, &other).await;
    let open = |stream: &str, shard: &str| {
        let request = streams
            .get_shard_iterator()
            .stream_arn(stream)
            .shard_id(shard);
        request
            .shard_iterator_type(ShardIteratorType::TrimHorizon)
            .send()
    };

    for (stream, shard) in [
        (stream.as_str(), "shardId-00000001790000000000-00c0ffee"),
        (&stream, "shardId-00000001-Things"),
        (&stream, id(&foreign)),
        ("arn:aws:dynamodb:x:1:table/Things/stream/1.0", id(&foreign)),
    ] {
        let refused = open(stream, shard).await.unwrap_err().into_service_error();
        assert!(
            refused.is_resource_not_found_exception(),
            "{stream} {shard}: {refused:?}"
        );
    }
    let refused = streams
        .describe_stream()
        .stream_arn(format!("{stream}1"))
        .send()
        .await;
    assert!(
        refused
            .unwrap_err()
            .into_service_error()
            .is_resource_not_found_exception()
    );
}

/// A stream of three shards, the last one open, with an item of its name put into each.
async fn three_shards() -> (Local, String, Vec<Shard>) {
    let local = Local::start_with(Pace {
        shard_life: Duration::from_millis(300),
        ..quick()
    })
    .await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    let mut written = 0;
    let shards = eventually(async || {
        let shards = describe(&streams, &stream).await.shards.unwrap();
        if shards.len() > written {
            written = shards.len();
            put(&client, "Things", &format!("i{written}"), n(1)).await;
        }
        (shards.len() > 3).then_some(shards)
    })
    .await;
    (local, stream, shards)
}

#[tokio::test]
async fn a_shard_closes_with_its_time_and_its_child_goes_on_without_a_gap() {
    let (local, stream, shards) = three_shards().await;
    let streams = local.streams();

    let mut read = Vec::new();
    for (place, shard) in shards.iter().take(3).enumerate() {
        let parent = place.checked_sub(1).map(|before| id(&shards[before]));
        assert_eq!(shard.parent_shard_id(), parent);
        let (records, ended) = read_shard(&streams, &stream, shard).await;
        assert!(ended, "a closed shard ends with a null iterator");
        let range = shard.sequence_number_range().unwrap();
        let bounds =
            range.starting_sequence_number().unwrap()..=range.ending_sequence_number().unwrap();
        for record in &records {
            assert!(bounds.contains(&sequence(record).as_str()), "{bounds:?}");
        }
        read.extend(records);
    }
    assert_eq!(told(&read), ["INSERT i1", "INSERT i2", "INSERT i3"]);
}

#[tokio::test]
async fn a_description_comes_in_pages_and_children_can_be_asked_for() {
    let (local, stream, shards) = three_shards().await;
    let streams = local.streams();
    let expected: Vec<_> = shards.iter().map(id).collect();

    let (mut seen, mut after) = (Vec::new(), None);
    while seen.len() < expected.len() {
        let request = streams.describe_stream().stream_arn(&stream).limit(2);
        let page = request
            .set_exclusive_start_shard_id(after)
            .send()
            .await
            .unwrap();
        let page = page.stream_description.unwrap();
        assert!(page.shards().len() <= 2);
        seen.extend(page.shards().iter().map(|shard| id(shard).to_owned()));
        after = page.last_evaluated_shard_id;
        assert!(after.is_some() || seen.len() >= expected.len());
    }
    assert_eq!(seen[..expected.len()], expected);

    let filter = ShardFilter::builder().shard_id(expected[0]);
    let filter = filter.r#type(ShardFilterType::ChildShards).build();
    let children = streams
        .describe_stream()
        .stream_arn(&stream)
        .shard_filter(filter);
    let children = children.send().await.unwrap().stream_description.unwrap();
    let children: Vec<_> = children.shards().iter().map(id).collect();
    assert_eq!(children, expected[1..2]);
}

#[tokio::test]
async fn reading_starts_at_or_after_a_number_or_at_the_tip() {
    let local = Local::start().await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    for key in ["a", "b", "c"] {
        put(&client, "Things", key, n(1)).await;
    }
    let shard = only_shard(&streams, &stream).await;
    let records = read_all(&streams, &stream).await;
    let second = sequence(&records[1]);
    let latest = iterator(&streams, &stream, &shard, ShardIteratorType::Latest, None).await;
    put(&client, "Things", "d", n(1)).await;

    for (start, expected) in [
        (
            iterator(
                &streams,
                &stream,
                &shard,
                ShardIteratorType::AtSequenceNumber,
                Some(&second),
            )
            .await,
            vec!["INSERT b", "INSERT c", "INSERT d"],
        ),
        (
            iterator(
                &streams,
                &stream,
                &shard,
                ShardIteratorType::AfterSequenceNumber,
                Some(&second),
            )
            .await,
            vec!["INSERT c", "INSERT d"],
        ),
        (latest, vec!["INSERT d"]),
    ] {
        let page = streams
            .get_records()
            .shard_iterator(start)
            .send()
            .await
            .unwrap();
        assert_eq!(told(page.records()), expected);
    }
}

#[tokio::test]
async fn an_iterator_expires_and_a_broken_one_is_refused() {
    let local = Local::start_with(Pace {
        iterator_life: Duration::from_millis(1),
        ..Pace::default()
    })
    .await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    let shard = only_shard(&streams, &stream).await;
    let start = iterator(&streams, &stream, &shard, ShardIteratorType::Latest, None).await;

    eventually(async || {
        let refused = streams
            .get_records()
            .shard_iterator(&start)
            .send()
            .await
            .err()?;
        refused
            .into_service_error()
            .is_expired_iterator_exception()
            .then_some(())
    })
    .await;

    let refused = streams
        .get_records()
        .shard_iterator("nonsense")
        .send()
        .await;
    let refused = refused.unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("ValidationException"));
}

#[tokio::test]
async fn old_records_go_and_reading_past_them_is_told() {
    let local = Local::start_with(Pace {
        stream_retention: Duration::from_secs(1),
        ..quick()
    })
    .await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    put(&client, "Things", "old", n(1)).await;
    put(&client, "Things", "older too", n(1)).await;
    let shard = only_shard(&streams, &stream).await;
    let horizon = ShardIteratorType::TrimHorizon;
    let behind = iterator(&streams, &stream, &shard, horizon, None).await;
    let first = sequence(&read_all(&streams, &stream).await[0]);

    eventually(async || read_all(&streams, &stream).await.is_empty().then_some(())).await;

    let refused = streams.get_records().shard_iterator(&behind).send().await;
    let refused = refused.unwrap_err().into_service_error();
    assert!(refused.is_trimmed_data_access_exception(), "{refused:?}");
    let refused = streams
        .get_shard_iterator()
        .stream_arn(&stream)
        .shard_id(id(&shard))
        .shard_iterator_type(ShardIteratorType::AtSequenceNumber)
        .sequence_number(&first)
        .send()
        .await;
    let refused = refused.unwrap_err().into_service_error();
    assert!(refused.is_trimmed_data_access_exception(), "{refused:?}");
    put(&client, "Things", "new", n(1)).await;
    let records = read_all(&streams, &stream).await;
    assert_eq!(told(&records), ["INSERT new"]);
    assert!(sequence(&records[0]) > first);
}

#[tokio::test]
async fn a_closed_stream_is_forgotten_with_its_last_record() {
    let local = Local::start_with(Pace {
        stream_retention: Duration::from_secs(1),
        ..quick()
    })
    .await;
    let (client, streams) = (local.dynamodb(), local.streams());
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    put(&client, "Things", "a", n(1)).await;
    client
        .delete_table()
        .table_name("Things")
        .send()
        .await
        .unwrap();

    eventually(async || {
        let gone = streams
            .describe_stream()
            .stream_arn(&stream)
            .send()
            .await
            .err()?;
        gone.into_service_error()
            .is_resource_not_found_exception()
            .then_some(())
    })
    .await;

    let listed = streams.list_streams().send().await.unwrap();
    assert!(listed.streams().is_empty());
}

#[tokio::test]
async fn a_stream_and_its_iterators_live_through_a_restart() {
    let local = Local::start().await;
    let client = local.dynamodb();
    let stream = create_table(&client, "Things", Some(BOTH)).await.unwrap();
    put(&client, "Things", "a", n(1)).await;
    let streams = local.streams();
    let shard = only_shard(&streams, &stream).await;
    let latest = iterator(&streams, &stream, &shard, ShardIteratorType::Latest, None).await;

    let local = local.restart().await;
    put(&local.dynamodb(), "Things", "b", n(1)).await;

    let streams = local.streams();
    let page = streams
        .get_records()
        .shard_iterator(latest)
        .send()
        .await
        .unwrap();
    assert_eq!(told(page.records()), ["INSERT b"]);
    assert_eq!(
        told(&read_all(&streams, &stream).await),
        ["INSERT a", "INSERT b"]
    );
}

#[tokio::test]
async fn the_next_number_and_a_page_are_found_by_index() {
    let local = Local::start().await;
    let file = local.dir.path().join("data").join("dynamodb.sqlite");
    let connection = rusqlite::Connection::open(file).unwrap();
    for query in [
        // The query that dynoxide runs at each write of a streamed table.
        "SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 'T'",
        "SELECT event_id FROM _stream_records WHERE table_name = 'T' AND CAST(sequence_number AS INTEGER) > 5 \
         AND CAST(sequence_number AS INTEGER) <= 9 ORDER BY CAST(sequence_number AS INTEGER)",
    ] {
        let plan: String = connection
            .query_row(&format!("EXPLAIN QUERY PLAN {query}"), [], |row| row.get(3))
            .unwrap();
        assert!(plan.contains("local_records_in_order"), "{plan}");
    }
}
