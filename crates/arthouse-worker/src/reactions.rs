//! The stream processor: a record becomes a change, the change becomes reactions.

mod handler;
mod observer;

pub use handler::ReactionHandler;
pub use observer::StreamObserver;

use std::sync::Arc;

use arthouse_store::{Store, Table, TableNames};
use dynamo_streams::Processor;
use sqs_consumer::BatchSender;

use crate::{QueueUrls, Settings};

/// Puts the stream processor together; it runs with the handler that comes with it.
///
/// # Errors
/// Returns which setting can't be.
pub fn stream_processor(
    clients: StreamClients,
    store: Store,
    tables: &TableNames,
    queues: &QueueUrls,
    settings: &Settings,
) -> Result<(Processor, ReactionHandler), dynamo_streams::Error> {
    let sender = |url: &str| BatchSender::new(clients.sqs.clone(), url, settings.sender.clone());
    let builder = Processor::builder(clients.streams.clone(), clients.dynamodb.clone())
        .stream_of_table(tables.name(Table::UsersCourses))
        .stream_of_table(tables.name(Table::Sessions))
        .lease_table(tables.leases())
        .application("arthouse")
        .settings(settings.streams.clone())
        .observer(Arc::new(StreamObserver::new(sender(&queues.stream_dlq))));
    let notifications = sender(&queues.notifications);
    let handler =
        ReactionHandler::new(store, tables.clone(), notifications, settings.clock.clone());
    Ok((builder.build()?, handler))
}

/// The clients that the stream processor needs.
#[derive(Debug, Clone)]
pub struct StreamClients {
    /// For leases, checkpoints and parked records.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// For reading the streams.
    pub streams: aws_sdk_dynamodbstreams::Client,
    /// For notifications and notices.
    pub sqs: aws_sdk_sqs::Client,
}
