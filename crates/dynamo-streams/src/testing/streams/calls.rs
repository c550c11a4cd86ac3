//! The calls of a stream source, answered as the service answers them.

use std::time::Duration;

use tokio::time::Instant;

use super::{Shard, State, Streams};
use crate::error::Error;
use crate::record::Record;
use crate::source::ShardKey;
use crate::source::{ListedShard, OpenAt, RecordsPage, ShardsPage, StreamSource, StreamsPage};
use crate::testing::link::Link;

/// Iterators live this long (DynamoDB developer guide: 15 minutes).
const ITERATOR_LIFE: Duration = Duration::from_secs(15 * 60);

/// The streams as one worker reaches them.
#[derive(Clone, Debug)]
pub(crate) struct FakeSource {
    pub(super) streams: Streams,
    pub(super) link: Link,
}

impl StreamSource for FakeSource {
    async fn list_streams(&self, table: &str, after: Option<&str>) -> Result<StreamsPage, Error> {
        let answer = self.link.call("ListStreams", || {
            let state = &mut *self.streams.lock();
            state.count("ListStreams")?;
            let of_table = state
                .streams
                .keys()
                .filter(|arn| crate::arn::table_name(arn) == table);
            let mut rest = of_table.filter(|arn| after.is_none_or(|after| arn.as_str() > after));
            let arns: Vec<String> = rest.next().cloned().into_iter().collect();
            let next = rest.next().and_then(|_| arns.last().cloned());
            Ok(StreamsPage { arns, next })
        });
        answer.await
    }

    async fn describe(
        &self,
        stream_arn: &str,
        parent: Option<&str>,
        after: Option<&str>,
    ) -> Result<ShardsPage, Error> {
        let answer = self.link.call("DescribeStream", || {
            let state = &mut *self.streams.lock();
            state.count("DescribeStream")?;
            let missing = || Error::NotFound {
                operation: "DescribeStream",
            };
            if state.not_found > 0 {
                state.not_found -= 1;
                return Err(missing());
            }
            let stream = state.streams.get(stream_arn).ok_or_else(missing)?;
            let now = Instant::now();
            let mut rest = stream
                .shards
                .iter()
                .filter(|(_, shard)| shard.shown_at <= now)
                .filter(|(_, shard)| parent.is_none() || shard.parent.as_deref() == parent)
                .filter(|(id, _)| after.is_none_or(|after| id.as_str() > after));
            let page: Vec<_> = rest.by_ref().take(2).collect();
            let next = rest
                .next()
                .and_then(|_| page.last().map(|(id, _)| (*id).clone()));
            let shards = page.into_iter().map(|(id, shard)| ListedShard {
                id: id.clone(),
                parent: shard.parent.clone(),
                first_sequence_number: None,
            });
            Ok(ShardsPage {
                enabled: !stream.disabled,
                shards: shards.collect(),
                next,
            })
        });
        answer.await
    }

    async fn open(&self, shard: &ShardKey, at: OpenAt<'_>) -> Result<String, Error> {
        let answer = self.link.call("GetShardIterator", || {
            let state = &mut *self.streams.lock();
            state.count("GetShardIterator")?;
            let found = state.shard(shard, "GetShardIterator")?;
            let index = match at {
                OpenAt::TrimHorizon => found.trimmed,
                OpenAt::After(number) => {
                    let is_it = |record: &Record| record.sequence_number == number;
                    let index = found.records.iter().position(is_it);
                    let index = index.ok_or(Error::Trimmed)?;
                    if index < found.trimmed {
                        return Err(Error::Trimmed);
                    }
                    index + 1
                }
            };
            Ok(state.iterator(index))
        });
        answer.await
    }

    async fn read(
        &self,
        shard: &ShardKey,
        iterator: &str,
        limit: i32,
    ) -> Result<RecordsPage, Error> {
        let answer = self.link.call("GetRecords", || {
            let state = &mut *self.streams.lock();
            state.count("GetRecords")?;
            state.read(shard, iterator, usize::try_from(limit).unwrap_or(0))
        });
        answer.await
    }
}

impl State {
    fn count(&mut self, operation: &'static str) -> Result<(), Error> {
        *self.calls.entry(operation).or_default() += 1;
        if self.throttles > 0 {
            self.throttles -= 1;
            return Err(Error::Throttled {
                operation,
                source: "too many calls".into(),
            });
        }
        Ok(())
    }

    fn shard(&self, shard: &ShardKey, operation: &'static str) -> Result<&Shard, Error> {
        let missing = || Error::NotFound { operation };
        let stream = self.streams.get(&shard.stream_arn).ok_or_else(missing)?;
        stream.shards.get(&shard.shard_id).ok_or_else(missing)
    }

    fn iterator(&self, index: usize) -> String {
        format!(
            "{index}|{}|{}",
            self.generation,
            self.began.elapsed().as_millis()
        )
    }

    fn read(&mut self, key: &ShardKey, iterator: &str, limit: usize) -> Result<RecordsPage, Error> {
        let parts: Vec<u64> = iterator
            .split('|')
            .map(|part| part.parse().expect("an iterator of this fake"))
            .collect();
        let age = self
            .began
            .elapsed()
            .saturating_sub(Duration::from_millis(parts[2]));
        if parts[1] != self.generation || age >= ITERATOR_LIFE {
            return Err(Error::IteratorExpired);
        }
        let index = usize::try_from(parts[0]).expect("it was an index");
        let empty = self.empty_pages > 0;
        self.empty_pages = self.empty_pages.saturating_sub(1);
        let page = self.max_records_per_read.min(limit);
        let shard = self.shard(key, "GetRecords")?;
        if index < shard.trimmed {
            return Err(Error::Trimmed);
        }
        if empty {
            return Ok(RecordsPage {
                records: Vec::new(),
                next: Some(self.iterator(index)),
            });
        }
        let end = (index + page).min(shard.records.len());
        let records = shard.records[index..end].to_vec();
        let ends = shard.closed && end == shard.records.len();
        Ok(RecordsPage {
            records,
            next: (!ends).then(|| self.iterator(end)),
        })
    }
}
