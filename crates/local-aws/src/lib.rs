#![doc = include_str!("../README.md")]

mod local_aws;

mod endpoint;
mod services;

mod dynamodb;
mod streams;

mod sqs;

mod data_dir;
mod ledger;
mod loopback;
mod place;
mod reply;

mod error;
mod pace;

pub use error::Error;
pub use local_aws::{Config, LocalAws};
pub use pace::Pace;
pub use sqs::{SqsInMemory, SqsOpenError, SqsResponse};
