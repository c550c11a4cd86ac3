#![doc = include_str!("../README.md")]

mod local_aws;

mod endpoint;

mod dynamodb;
mod sqs;

mod data_dir;
mod error;

pub use error::Error;
pub use local_aws::{Config, LocalAws};
pub use sqs::SqsOpenError;
