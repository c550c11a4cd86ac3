use serde_json::Value;

use super::fault::Fault;
use super::iterator::{Iterator, LIFE_MILLIS, find_shard};
use super::record::Record;
use super::{Behaviour, Streams};
use crate::aws::ApiReply;
use crate::aws::adversity::Adversary;

/// The most records in an answer, and the most bytes unless its first record alone is larger.
const MAX_RECORDS: u64 = 1_000;
const MAX_BYTES: usize = 1_000_000;

impl Streams {
    pub(super) fn get_records(
        &self,
        request: &Value,
        adversary: &mut Adversary,
        now: u64,
    ) -> Result<ApiReply, Fault> {
        let iterator = request["ShardIterator"].as_str().and_then(Iterator::decode);
        let iterator = iterator.ok_or_else(|| Fault::invalid("Invalid ShardIterator"))?;
        let stream = self.stream(&iterator.arn)?;
        let shard = find_shard(stream, &iterator.shard)?;
        let too_old =
            iterator.issued + LIFE_MILLIS < now || iterator.issued < stream.iterators_since;
        if too_old || adversary.strikes(Behaviour::IteratorExpired) {
            return Err(Fault::ExpiredIterator);
        }
        if iterator.after < shard.trimmed_to {
            return Err(Fault::Trimmed);
        }
        let begin = shard
            .records
            .partition_point(|record| record.sequence <= iterator.after);
        let rest = shard.records.range(begin..);
        let wished = request["Limit"].as_u64().unwrap_or(MAX_RECORDS);
        let page = cut(
            rest.clone(),
            limit(wished.clamp(1, MAX_RECORDS), rest.len(), adversary),
        );
        let read_all = page.len() == rest.len();
        let late_end = !page.is_empty()
            && read_all
            && shard.closed.is_some()
            && adversary.strikes(Behaviour::LateShardEnd);
        let next = (shard.closed.is_none() || !read_all || late_end).then(|| Iterator {
            after: page.last().map_or(iterator.after, |record| record.sequence),
            issued: now,
            ..iterator
        });
        Ok(answer(&page, next.as_ref()))
    }
}

/// How many of the waiting records to give.
fn limit(limit: u64, waiting: usize, adversary: &mut Adversary) -> u64 {
    if waiting > 0 && adversary.strikes(Behaviour::EmptyPage) {
        0
    } else if waiting > 1 && adversary.strikes(Behaviour::ShortRecordsPage) {
        adversary.between(1, limit.min(waiting as u64))
    } else {
        limit
    }
}

fn cut<'a>(records: impl std::iter::Iterator<Item = &'a Record>, limit: u64) -> Vec<&'a Record> {
    let mut page: Vec<&Record> = Vec::new();
    let mut bytes = 0;
    for record in records {
        bytes += record.text.len();
        let full = page.len() as u64 == limit || (!page.is_empty() && bytes > MAX_BYTES);
        if full {
            break;
        }
        page.push(record);
    }
    page
}

fn answer(page: &[&Record], next: Option<&Iterator>) -> ApiReply {
    let records: Vec<&str> = page.iter().map(|record| record.text.as_str()).collect();
    let next = next.map_or_else(String::new, |next| {
        format!(r#","NextShardIterator":"{}""#, next.encode())
    });
    let body = format!(r#"{{"Records":[{}]{next}}}"#, records.join(","));
    ApiReply {
        status: 200,
        query_error: None,
        body: body.into(),
    }
}
