//! The command worker: a message becomes a decision, the decision a transaction, the transaction an outcome.

mod decide;
mod handler;
mod send;

pub use handler::CommandHandler;
pub use send::command_message;

use arthouse_store::Store;
use aws_sdk_sqs::Client;
use sqs_consumer::{BatchSender, Consumer};

use crate::{QueueUrls, Settings};

/// Puts the command worker together; it runs with the handler that comes with it.
///
/// # Errors
/// Returns which setting can't be.
pub fn command_worker(
    store: Store,
    sqs: &Client,
    queues: &QueueUrls,
    settings: &Settings,
) -> Result<(Consumer, CommandHandler), sqs_consumer::Error> {
    let consumer = Consumer::builder(sqs.clone(), &queues.commands)
        .dead_letter_queue(&queues.commands_dlq)
        .settings(settings.commands.clone())
        .build()?;
    let outcomes = BatchSender::new(sqs.clone(), &queues.outcomes, settings.sender.clone());
    Ok((consumer, CommandHandler::new(store, outcomes)))
}
