//! Which deployment is meant, and how its records are reached.

use anyhow::Result;
use arthouse_store::Store;
use arthouse_worker::Limits;
use clap::Args;

use crate::{Clients, Names, Stack};

/// The heading of the options that every command has.
pub(crate) const GLOBAL: &str = "Global options";

/// Which deployment is meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Deployment {
    /// The prefix of all names of tables and queues; it separates deployments
    #[arg(long, env = "ARTHOUSE_PREFIX", global = true, default_value = "", value_parser = prefix, help_heading = GLOBAL)]
    pub(crate) prefix: String,
}

impl Deployment {
    pub(crate) fn names(&self) -> Names {
        Names::with_prefix(&self.prefix)
    }

    /// Finds its queues and tables, as the environment says.
    pub(crate) async fn stack(&self, limits: Limits) -> Result<Stack> {
        Ok(Stack::find(Clients::from_env(limits).await?, self.names()).await?)
    }

    /// Opens its records, as the environment says.
    pub(crate) async fn store(&self, limits: Limits) -> Result<Store> {
        let dynamodb = Clients::from_env(limits).await?.dynamodb;
        Ok(Store::new(dynamodb, self.names().tables))
    }
}

/// The longest prefix, in bytes: with it, every queue's name keeps to SQS's 80 characters.
const MAX_PREFIX: usize = 50;

fn prefix(text: &str) -> Result<String, String> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if text.len() <= MAX_PREFIX && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be at most {MAX_PREFIX} characters of A-Z a-z 0-9 - _"
        ))
    }
}

#[cfg(test)]
mod tests {
    use arthouse_worker::{Queue, QueueNames};

    use super::*;

    #[test]
    fn the_longest_prefix_leaves_every_queue_a_name_that_sqs_takes() {
        let names = QueueNames::with_prefix(prefix(&"x".repeat(MAX_PREFIX)).unwrap());
        for queue in Queue::ALL {
            assert!(names.name(queue).len() <= 80, "{}", names.name(queue));
        }
        assert!(prefix(&"x".repeat(MAX_PREFIX + 1)).is_err());
        assert!(prefix("a.b").is_err());
    }
}
