//! The services over real connections, through the AWS SDK or a bare socket; each test has a folder and a port of its own.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod dynamodb_answers;
mod dynamodb_durability;
mod dynamodb_items;
mod dynamodb_tokens;
mod endpoint_lifecycle;
mod endpoint_places;
mod fuzz;
mod local;
mod raw;
mod reading;
mod streams_records;
mod streams_shards;
