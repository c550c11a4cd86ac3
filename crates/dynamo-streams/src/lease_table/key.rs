//! The key families of the lease table.
//!
//! | family | PK | SK |
//! |---|---|---|
//! | lease | `LEASE#<application>` | `<stream ARN>#<shard>` |
//! | worker | `WORKER#<application>` | `<worker>` |
//! | stream | `STREAM#<application>` | `<stream ARN>` |
//! | item with parked records | `LANE#<application>` | `<table>#<item id>` |
//! | parked record | `PARKED#<application>#<item id>` | `<sequence number, 40 digits>#<part>` |
//! | skipped record | `SKIPPED#<application>` | `<table>#<item id>#<sequence number, 40 digits>` |
//! | gap | `GAP#<application>` | `<stream ARN>#<shard>#<sequence number before it>` |
//!
//! A large record is parked in several parts.

use crate::error::Error;
use crate::item::ItemId;
use crate::sequence;

pub(crate) const PARTITION_KEY: &str = "PK";
pub(crate) const SORT_KEY: &str = "SK";
pub(crate) const SEPARATOR: char = '#';

/// The key of an item of the lease table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Lease {
        application: String,
        stream_arn: String,
        shard_id: String,
    },
    Worker {
        application: String,
        worker: String,
    },
    Stream {
        application: String,
        stream_arn: String,
    },
    ParkedItem {
        application: String,
        table: String,
        item_id: ItemId,
    },
    ParkedRecord {
        application: String,
        item_id: ItemId,
        sequence_number: String,
        part: u16,
    },
    SkippedRecord {
        application: String,
        table: String,
        item_id: ItemId,
        sequence_number: String,
    },
    Gap {
        application: String,
        stream_arn: String,
        shard_id: String,
        from: Option<String>,
    },
}

impl Key {
    pub(crate) fn partition(&self) -> String {
        match self {
            Key::Lease { application, .. } => format!("LEASE#{application}"),
            Key::Worker { application, .. } => format!("WORKER#{application}"),
            Key::Stream { application, .. } => format!("STREAM#{application}"),
            Key::ParkedItem { application, .. } => format!("LANE#{application}"),
            Key::ParkedRecord {
                application,
                item_id,
                ..
            } => format!("PARKED#{application}#{item_id}"),
            Key::SkippedRecord { application, .. } => format!("SKIPPED#{application}"),
            Key::Gap { application, .. } => format!("GAP#{application}"),
        }
    }

    pub(crate) fn sort(&self) -> String {
        match self {
            Key::Lease {
                stream_arn,
                shard_id,
                ..
            } => format!("{stream_arn}#{shard_id}"),
            Key::Worker { worker, .. } => worker.clone(),
            Key::Stream { stream_arn, .. } => stream_arn.clone(),
            Key::ParkedItem { table, item_id, .. } => format!("{table}#{item_id}"),
            Key::ParkedRecord {
                sequence_number,
                part,
                ..
            } => {
                format!("{}#{part:03}", sequence::padded(sequence_number))
            }
            Key::SkippedRecord {
                table,
                item_id,
                sequence_number,
                ..
            } => format!("{table}#{item_id}#{}", sequence::padded(sequence_number)),
            Key::Gap {
                stream_arn,
                shard_id,
                from,
                ..
            } => {
                format!(
                    "{stream_arn}#{shard_id}#{}",
                    from.as_deref().unwrap_or_default()
                )
            }
        }
    }

    /// Reads a key back from its two parts.
    pub(crate) fn parse(partition: &str, sort: &str) -> Result<Self, Error> {
        let unknown =
            || Error::Corrupt(format!("the key {partition} {sort} is of no known family"));
        let (family, rest) = partition.split_once(SEPARATOR).ok_or_else(unknown)?;
        let application = rest.to_owned();
        let pair = || sort.split_once(SEPARATOR).ok_or_else(unknown);
        Ok(match family {
            "LEASE" => {
                let (stream_arn, shard_id) = pair()?;
                let (stream_arn, shard_id) = (stream_arn.to_owned(), shard_id.to_owned());
                Key::Lease {
                    application,
                    stream_arn,
                    shard_id,
                }
            }
            "WORKER" => Key::Worker {
                application,
                worker: sort.to_owned(),
            },
            "STREAM" => Key::Stream {
                application,
                stream_arn: sort.to_owned(),
            },
            "LANE" => {
                let (table, item_id) = pair()?;
                Key::ParkedItem {
                    application,
                    table: table.to_owned(),
                    item_id: item_id.parse()?,
                }
            }
            "PARKED" => {
                let (application, item_id) = rest.split_once(SEPARATOR).ok_or_else(unknown)?;
                let (number, part) = pair()?;
                Key::ParkedRecord {
                    application: application.to_owned(),
                    item_id: item_id.parse()?,
                    sequence_number: sequence::unpadded(number).to_owned(),
                    part: part.parse().map_err(|_| unknown())?,
                }
            }
            "SKIPPED" => {
                let (table, rest) = pair()?;
                let (item_id, number) = rest.split_once(SEPARATOR).ok_or_else(unknown)?;
                Key::SkippedRecord {
                    application,
                    table: table.to_owned(),
                    item_id: item_id.parse()?,
                    sequence_number: sequence::unpadded(number).to_owned(),
                }
            }
            "GAP" => {
                let (stream_arn, rest) = pair()?;
                let (shard_id, from) = rest.rsplit_once(SEPARATOR).ok_or_else(unknown)?;
                Key::Gap {
                    application,
                    stream_arn: stream_arn.to_owned(),
                    shard_id: shard_id.to_owned(),
                    from: Some(from)
                        .filter(|from| !from.is_empty())
                        .map(str::to_owned),
                }
            }
            _ => return Err(unknown()),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Key> {
        let application = || "[a-z][a-z-]{0,8}";
        let stream_arn = || "arn:aws:dynamodb:[a-z-]{2,9}:[0-9]{12}:table/[A-Za-z_.-]{3,9}/stream/[0-9T:.-]{3,23}";
        let shard_id = || "shardId-[0-9]{20}-[a-f0-9]{8}";
        let item_id = || "[a-z]{1,5}".prop_map(|item| crate::internal::samples::item_id(&item));
        let number = || "[1-9][0-9]{0,39}";
        prop_oneof![
            (application(), stream_arn(), shard_id()).prop_map(
                |(application, stream_arn, shard_id)| {
                    Key::Lease {
                        application,
                        stream_arn,
                        shard_id,
                    }
                }
            ),
            (application(), "[a-z0-9/#-]{1,20}").prop_map(|(application, worker)| Key::Worker {
                application,
                worker
            }),
            (application(), stream_arn()).prop_map(|(application, stream_arn)| Key::Stream {
                application,
                stream_arn
            }),
            (application(), "[A-Za-z_.-]{3,9}", item_id()).prop_map(
                |(application, table, item_id)| {
                    Key::ParkedItem {
                        application,
                        table,
                        item_id,
                    }
                }
            ),
            (application(), item_id(), number(), 0_u16..1000).prop_map(
                |(application, item_id, sequence_number, part)| {
                    Key::ParkedRecord {
                        application,
                        item_id,
                        sequence_number,
                        part,
                    }
                }
            ),
            (application(), "[A-Za-z_.-]{3,9}", item_id(), number()).prop_map(
                |(application, table, item_id, sequence_number)| {
                    Key::SkippedRecord {
                        application,
                        table,
                        item_id,
                        sequence_number,
                    }
                }
            ),
            (
                application(),
                stream_arn(),
                shard_id(),
                prop::option::of(number())
            )
                .prop_map(|(application, stream_arn, shard_id, from)| {
                    Key::Gap {
                        application,
                        stream_arn,
                        shard_id,
                        from,
                    }
                }),
        ]
    }

    proptest! {
        #[test]
        fn every_key_survives_its_two_parts(key in key()) {
            prop_assert_eq!(Key::parse(&key.partition(), &key.sort()).unwrap(), key);
        }
    }

    #[test]
    fn parked_records_sort_by_their_sequence_numbers() {
        let sort = |sequence_number: &str, part| {
            let (application, item_id) = ("a".to_owned(), crate::internal::samples::item_id("x"));
            let sequence_number = sequence_number.to_owned();
            Key::ParkedRecord {
                application,
                item_id,
                sequence_number,
                part,
            }
            .sort()
        };
        assert!(sort("9", 2) < sort("10", 0));
        assert!(sort("10", 0) < sort("10", 1));
    }

    #[test]
    fn an_unknown_family_is_refused() {
        assert!(Key::parse("ORDER#1", "x").is_err());
        assert!(Key::parse("nothing", "x").is_err());
    }
}
